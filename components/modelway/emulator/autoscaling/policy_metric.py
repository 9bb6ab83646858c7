"""Which metric a target tracking policy watches, and the two alarms that AWS makes for it.

Takes a TargetTrackingScalingPolicyConfiguration and a resource id; gives MetricDataQueries, and
puts AlarmHigh and AlarmLow into moto's CloudWatch, named and described as AWS does.
"""

from collections.abc import Mapping
from typing import Any

from moto.cloudwatch.models import Metric, MetricDataQuery, MetricStat, cloudwatch_backends
from moto.moto_api._internal import mock_random

from modelway.emulator.autoscaling.resource import (
    COPY_COUNT,
    INSTANCE_COUNT,
    PROVISIONED_CONCURRENCY,
    variant_of,
)
from modelway.emulator.autoscaling.target_tracking import high_rule, low_rule

PERIOD_SECONDS = 60

PREDEFINED: dict[str, tuple[str, str]] = {
    "SageMakerInferenceComponentInvocationsPerCopy": ("InvocationsPerCopy", "Sum"),
    "SageMakerVariantInvocationsPerInstance": ("InvocationsPerInstance", "Sum"),
    "SageMakerVariantProvisionedConcurrencyUtilization": (
        "ServerlessProvisionedConcurrencyUtilization",
        "Maximum",
    ),
}
"""MetricType -> metric of the namespace AWS/SageMaker and its statistic."""

ALLOWED: dict[str, tuple[str, ...]] = {
    INSTANCE_COUNT: ("SageMakerVariantInvocationsPerInstance",),
    PROVISIONED_CONCURRENCY: ("SageMakerVariantProvisionedConcurrencyUtilization",),
    COPY_COUNT: ("SageMakerInferenceComponentInvocationsPerCopy",),
}
"""Predefined metrics by dimension; nothing here publishes the high-resolution ones."""


def predefined_type(configuration: Mapping[str, Any]) -> str | None:
    """Give the predefined metric's type; None for a customized one."""
    specification = configuration.get("PredefinedMetricSpecification")
    return None if specification is None else str(specification["PredefinedMetricType"])


def queries_of(configuration: Mapping[str, Any], resource_id: str) -> list[dict[str, Any]]:
    """Give the MetricDataQueries of a policy; one of them returns its data."""
    kind = predefined_type(configuration)
    if kind is not None:
        name, statistic = PREDEFINED[kind]
        return [_metric_query("AWS/SageMaker", name, _dimensions(resource_id), statistic, None)]
    custom = configuration["CustomizedMetricSpecification"]
    if custom.get("Metrics"):
        return [_with_period(query) for query in custom["Metrics"]]
    dimensions = {each["Name"]: each["Value"] for each in custom.get("Dimensions") or ()}
    return [
        _metric_query(
            custom["Namespace"],
            custom["MetricName"],
            dimensions,
            custom["Statistic"],
            custom.get("Unit"),
        )
    ]


def create_alarms(backend: Any, policy: Any) -> list[Any]:
    """Make AlarmHigh and AlarmLow for one of moto's target tracking policies."""
    configuration = policy.target_tracking_scaling_policy_configuration
    cloudwatch: Any = cloudwatch_backends[backend.account_id][backend.region_name]
    queries = queries_of(configuration, policy.resource_id)
    target = float(configuration["TargetValue"])
    rules = [("AlarmHigh", high_rule(target))]
    if not configuration.get("DisableScaleIn"):
        rules.append(("AlarmLow", low_rule(target)))
    return [
        cloudwatch.put_metric_alarm(
            name=f"TargetTracking-{policy.resource_id}-{kind}-{mock_random.uuid4()}",
            comparison_operator=rule.comparison,
            evaluation_periods=rule.evaluation_periods,
            threshold=rule.threshold,
            description=f"DO NOT EDIT OR DELETE. For TargetTrackingScaling policy "
            f"{policy.policy_arn}:createdBy/{mock_random.uuid4()}.",
            alarm_actions=[policy.policy_arn],
            **_alarm_metric(queries),
        )
        for kind, rule in rules
    ]


def delete_alarms(backend: Any, policy: Any) -> None:
    """Delete a policy's alarms, those that somebody has not deleted yet."""
    cloudwatch: Any = cloudwatch_backends[backend.account_id][backend.region_name]
    cloudwatch.delete_alarms([a.name for a in policy.alarms if a.name in cloudwatch.alarms])
    policy.alarms = []


def _dimensions(resource_id: str) -> dict[str, str]:
    variant = variant_of(resource_id)
    if variant is not None:
        return variant.dimensions
    return {"InferenceComponentName": resource_id.rpartition("/")[2]}


def _metric_query(
    namespace: str, name: str, dimensions: Mapping[str, str], statistic: str, unit: str | None
) -> dict[str, Any]:
    metric = {
        "Namespace": namespace,
        "MetricName": name,
        "Dimensions": [{"Name": key, "Value": value} for key, value in dimensions.items()],
    }
    stat = {"Metric": metric, "Period": PERIOD_SECONDS, "Stat": statistic, "Unit": unit}
    return {"Id": "m1", "MetricStat": stat, "ReturnData": True}


def _with_period(query: Mapping[str, Any]) -> dict[str, Any]:
    """A TargetTrackingMetricDataQuery, whose MetricStat has no Period, as a MetricDataQuery."""
    stat = query.get("MetricStat")
    return dict(query) | ({"MetricStat": {"Period": PERIOD_SECONDS} | stat} if stat else {})


def _alarm_metric(queries: list[dict[str, Any]]) -> dict[str, Any]:
    """The part of moto's alarm arguments that says what to watch."""
    if len(queries) == 1 and "MetricStat" in queries[0]:
        stat = queries[0]["MetricStat"]
        return {
            "namespace": stat["Metric"]["Namespace"],
            "metric_name": stat["Metric"]["MetricName"],
            "dimensions": stat["Metric"]["Dimensions"],
            "statistic": stat["Stat"],
            "period": stat["Period"],
            "unit": stat["Unit"],
        }
    return {
        "namespace": None,
        "metric_name": None,
        "dimensions": [],
        "statistic": None,
        "period": None,
        "metric_data_queries": [_moto_query(query) for query in queries],
    }


def _moto_query(query: Mapping[str, Any]) -> MetricDataQuery:
    from moto.cloudwatch.models import Dimension

    stat = query.get("MetricStat")
    metric_stat = None
    if stat is not None:
        dimensions = [
            Dimension(each["Name"], each["Value"])
            for each in stat["Metric"].get("Dimensions") or ()
        ]
        metric = Metric(stat["Metric"]["MetricName"], stat["Metric"]["Namespace"], dimensions)
        metric_stat = MetricStat(metric, stat["Period"], stat["Stat"], stat.get("Unit") or "")
        metric_stat.unit = stat.get("Unit")  # type: ignore[assignment] - no unit is None in moto
    return MetricDataQuery(
        query["Id"],
        query.get("Label"),  # type: ignore[arg-type] - moto passes None for what is absent
        query.get("Period"),  # type: ignore[arg-type]
        query.get("ReturnData"),  # type: ignore[arg-type]
        query.get("Expression"),
        metric_stat,
    )
