"""A deployment's alarms and whom they tell.

Takes `AlarmPlan`s, `CompositeAlarmPlan`s and topics, declares `aws.cloudwatch.MetricAlarm`s and
`CompositeAlarm`s. Decides no number.

Alarms name the endpoint by its fixed name and exist before it: roll-outs are watched by them from
the first second, and an endpoint that depended on its alarms while they read its outputs would be
a cycle.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import pulumi
from pulumi_aws import cloudwatch

from modelway.monitoring.metric import Metric
from modelway.plan.model import AlarmPlan, CompositeAlarmPlan, MetricPlan

RESULT_ID = "result"
"""Id of an alarm's expression among its metrics."""


def declare_alarms(
    name: str,
    plans: Sequence[AlarmPlan],
    topic_arns: Sequence[pulumi.Input[str]],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> list[cloudwatch.MetricAlarm]:
    """Declare one alarm for each plan; each tells all topics when it fires and when it is over.

    Args:
        name: prefix of the resources' names.
        plans: what to watch.
        topic_arns: 0 to 5 topics (PutMetricAlarm's limit of actions).
        tags: on each alarm.
        opts: the parent, in particular.
    """
    return [
        cloudwatch.MetricAlarm(
            f"{name}-{plan.key}",
            name=plan.name,
            alarm_description=plan.description,
            comparison_operator=plan.comparison_operator,
            evaluation_periods=plan.evaluation_periods,
            datapoints_to_alarm=plan.datapoints_to_alarm,
            threshold=plan.threshold,
            treat_missing_data=plan.treat_missing_data,
            alarm_actions=list(topic_arns),
            ok_actions=list(topic_arns),
            tags=dict(tags),
            opts=opts,
            **watched(plan),
        )
        for plan in plans
    ]


def declare_composite_alarms(
    name: str,
    plans: Sequence[CompositeAlarmPlan],
    topic_arns: Sequence[pulumi.Input[str]],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> list[cloudwatch.CompositeAlarm]:
    """Declare each composite alarm with the metric alarms that it is made of.

    Only the composite tells the topics, 0 to 5 of them. PutCompositeAlarm refuses a rule with an
    alarm that does not exist, so it depends on those.
    """
    declared: list[cloudwatch.CompositeAlarm] = []
    for plan in plans:
        children = declare_alarms(name, plan.children, [], tags, opts)
        after = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=children))
        declared.append(
            cloudwatch.CompositeAlarm(
                f"{name}-{plan.key}",
                alarm_name=plan.name,
                alarm_description=plan.description,
                alarm_rule=plan.rule,
                alarm_actions=list(topic_arns),
                ok_actions=list(topic_arns),
                tags=dict(tags),
                opts=after,
            )
        )
    return declared


def watched(plan: AlarmPlan) -> dict[str, Any]:
    """Give the part of an alarm's arguments that says what is measured."""
    if plan.expression is None:
        (metric,) = plan.metrics
        return as_metric(metric, plan.period_seconds).alarm_args()
    result = cloudwatch.MetricAlarmMetricQueryArgs(
        id=RESULT_ID, expression=plan.expression, label=plan.key, return_data=True
    )
    return {"metric_queries": [result, *(_query(m, plan.period_seconds) for m in plan.metrics)]}


def as_metric(plan: MetricPlan, period_seconds: int) -> Metric:
    """Give a planned metric in the form that users get."""
    return Metric(
        namespace=plan.namespace,
        name=plan.name,
        dimensions=plan.dimensions,
        statistic=plan.statistic,
        period_seconds=period_seconds,
        unit=plan.unit,
    )


def _query(plan: MetricPlan, period_seconds: int) -> cloudwatch.MetricAlarmMetricQueryArgs:
    return cloudwatch.MetricAlarmMetricQueryArgs(
        id=plan.id,
        return_data=False,
        metric=cloudwatch.MetricAlarmMetricQueryMetricArgs(
            namespace=plan.namespace,
            metric_name=plan.name,
            dimensions=dict(plan.dimensions),
            period=period_seconds,
            stat=plan.statistic,
            unit=plan.unit,
        ),
    )
