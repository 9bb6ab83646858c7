"""The alarms that decide one rollout: they watch the new fleet alone, and go when it has ended.

Takes the alarms of the endpoint's inputs (`modelway.plan.model.AlarmPlan` as plain values) and the
new configuration's name, puts them into CloudWatch and removes them again. It must not decide what
is watched, nor whether a rollout may start.

While both fleets run they publish under the same EndpointName and VariantName; only the dimension
EndpointConfigName tells the new one apart (SageMaker developer guide, "Auto-rollback configuration
and monitoring"). It is known only now, so these alarms are made here and not declared.

The evidence lease: missing requests count as a breach, or a bake without traffic would end in
promotion. Before the bake the new fleet has no requests either, so whoever watches the rollout
vouches for it with a metric of its own, at every look, until the traffic begins. When the watcher
dies, the lease runs out within the alarm's periods and SageMaker rolls back by itself.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from modelway.naming import LEASE_NAMESPACE
from modelway.sagemaker.api import as_tag_list
from modelway.sagemaker.calls import Calls

CONFIG_DIMENSION = "EndpointConfigName"

ALARMS_A_CALL = 100
"""DeleteAlarms and DescribeAlarms take as many names (CloudWatch service model)."""


class RollbackAlarms:
    """The alarms on the new fleet of one endpoint.

    Args:
        cloudwatch: calls to CloudWatch.
        endpoint_name: the endpoint's name; the alarms' own begin with it.
        alarms: what they watch, as plain values; their metrics lack the configuration's name.
        config_name: the configuration whose fleet they watch.
        tags: on each alarm.
    """

    def __init__(
        self,
        cloudwatch: Calls,
        endpoint_name: str,
        alarms: Sequence[Mapping[str, Any]],
        config_name: str,
        tags: Mapping[str, str],
    ) -> None:
        self._cloudwatch = cloudwatch
        self._endpoint_name = endpoint_name
        self._alarms = alarms
        self._config_name = config_name
        self._tags = tags
        self._leases = list(_leases(alarms, config_name))

    @property
    def names(self) -> list[str]:
        """Their names."""
        return [str(alarm["name"]) for alarm in self._alarms]

    def put(self) -> None:
        """Make them afresh: an alarm that is put again keeps its state (PutMetricAlarm)."""
        if not self._alarms:
            return
        self.remove()
        self.renew_lease()
        for alarm in self._alarms:
            request = alarm_request(alarm, self._config_name)
            self._cloudwatch.call("put_metric_alarm", **request, Tags=as_tag_list(self._tags))

    def renew_lease(self) -> None:
        """Vouch for the new fleet's requests until the next look."""
        if self._leases:
            self._cloudwatch.call(
                "put_metric_data", Namespace=LEASE_NAMESPACE, MetricData=self._leases
            )

    def found(self) -> list[dict[str, Any]]:
        """Give those that exist, as DescribeAlarms does."""
        return found_alarms(self._cloudwatch, self.names)

    def remove(self) -> None:
        """Delete every rollback alarm of the endpoint, those of an earlier spec too."""
        remove_alarms(self._cloudwatch, self._endpoint_name)


def remove_alarms(cloudwatch: Calls, endpoint_name: str) -> None:
    """Delete every rollback alarm of an endpoint.

    They are found by name and by what they watch, not by the spec: a rollout that was killed may
    have left alarms that the spec of today does not have.
    """
    names = list(_left(cloudwatch, endpoint_name))
    for first in range(0, len(names), ALARMS_A_CALL):
        cloudwatch.call("delete_alarms", AlarmNames=names[first : first + ALARMS_A_CALL])


def _left(cloudwatch: Calls, endpoint_name: str) -> Iterator[str]:
    page: dict[str, str] = {}
    while True:
        answer = cloudwatch.call(
            "describe_alarms",
            AlarmNamePrefix=f"{endpoint_name}-rollout-",
            AlarmTypes=["MetricAlarm"],
            MaxRecords=ALARMS_A_CALL,
            **page,
        )
        for alarm in answer.get("MetricAlarms", []):
            if _watches_a_fleet_of(alarm, endpoint_name):
                yield alarm["AlarmName"]
        if not answer.get("NextToken"):
            return
        page = {"NextToken": answer["NextToken"]}


def _watches_a_fleet_of(alarm: Mapping[str, Any], endpoint_name: str) -> bool:
    """Tell rollback alarms from those that guard an endpoint whose name begins alike."""
    queries = alarm.get("Metrics") or ()
    metrics = [alarm, *(query.get("MetricStat", {}).get("Metric", {}) for query in queries)]
    found = {d["Name"]: d["Value"] for m in metrics for d in m.get("Dimensions") or ()}
    return found.get("EndpointName") == endpoint_name and CONFIG_DIMENSION in found


def found_alarms(cloudwatch: Calls, names: Sequence[str]) -> list[dict[str, Any]]:
    """Give the alarms of these names that exist, metric and composite ones."""
    found: list[dict[str, Any]] = []
    for first in range(0, len(names), ALARMS_A_CALL):
        answer = cloudwatch.call(
            "describe_alarms",
            AlarmNames=list(names[first : first + ALARMS_A_CALL]),
            AlarmTypes=["MetricAlarm", "CompositeAlarm"],
            MaxRecords=ALARMS_A_CALL,
        )
        found += [*answer.get("MetricAlarms", []), *answer.get("CompositeAlarms", [])]
    return found


def alarm_request(alarm: Mapping[str, Any], config_name: str) -> dict[str, Any]:
    """Give PutMetricAlarm's input for one planned alarm on the fleet of one configuration."""
    request: dict[str, Any] = {
        "AlarmName": alarm["name"],
        "AlarmDescription": alarm["description"],
        "ActionsEnabled": False,
        "ComparisonOperator": alarm["comparison_operator"],
        "EvaluationPeriods": int(alarm["evaluation_periods"]),
        "DatapointsToAlarm": int(alarm["datapoints_to_alarm"]),
        "Threshold": float(alarm["threshold"]),
        "TreatMissingData": alarm["treat_missing_data"],
    }
    period_seconds = int(alarm["period_seconds"])
    if alarm.get("expression"):
        request["Metrics"] = [
            {"Id": "result", "Expression": alarm["expression"], "ReturnData": True},
            *(_query(metric, config_name, period_seconds) for metric in alarm["metrics"]),
        ]
        return request
    (metric,) = alarm["metrics"]
    statistic = str(metric["statistic"])
    percentile = statistic.startswith("p")
    request |= {
        "Namespace": metric["namespace"],
        "MetricName": metric["name"],
        "Dimensions": _dimensions(metric, config_name),
        "Period": period_seconds,
        "ExtendedStatistic" if percentile else "Statistic": statistic,
    }
    if metric.get("unit"):
        request["Unit"] = metric["unit"]
    low_samples = alarm.get("evaluate_low_sample_count_percentile")
    if percentile and low_samples is not None:
        request["EvaluateLowSampleCountPercentile"] = low_samples
    return request


def _query(metric: Mapping[str, Any], config_name: str, period_seconds: int) -> dict[str, Any]:
    stat: dict[str, Any] = {
        "Metric": {
            "Namespace": metric["namespace"],
            "MetricName": metric["name"],
            "Dimensions": _dimensions(metric, config_name),
        },
        "Period": period_seconds,
        "Stat": metric["statistic"],
    }
    if metric.get("unit"):
        stat["Unit"] = metric["unit"]
    return {"Id": metric["id"], "MetricStat": stat, "ReturnData": False}


def _dimensions(metric: Mapping[str, Any], config_name: str) -> list[dict[str, str]]:
    dimensions = {**metric["dimensions"], CONFIG_DIMENSION: config_name}
    return [{"Name": name, "Value": value} for name, value in dimensions.items()]


def _leases(alarms: Sequence[Mapping[str, Any]], config_name: str) -> Iterator[dict[str, Any]]:
    for alarm in alarms:
        for metric in alarm["metrics"]:
            if metric["namespace"] == LEASE_NAMESPACE:
                yield {
                    "MetricName": metric["name"],
                    "Dimensions": _dimensions(metric, config_name),
                    "Value": float(alarm["threshold"]),
                    "Unit": metric.get("unit") or "None",
                }
