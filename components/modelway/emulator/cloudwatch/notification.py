"""The message that an alarm publishes to SNS.

Pure: takes an alarm and its change of state, gives subject and JSON text in the shape that
CloudWatch sends (Amazon SNS documentation, CloudWatch alarm notification).
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from botocore.loaders import Loader

from modelway.emulator.cloudwatch.definition import query_of
from modelway.emulator.cloudwatch.reason import iso_time

_SIMPLE_NAMES = {"SampleCount": "SAMPLE_COUNT"}


@dataclass(frozen=True)
class Change:
    """An alarm's change of state."""

    old_state: str
    new_state: str
    reason: str
    at: float
    """Virtual seconds since the epoch."""


@cache
def region_title(region: str) -> str:
    """Give a region's name for people, "US East (N. Virginia)"; the code itself when unknown."""
    data: Any = Loader().load_data("endpoints")
    for partition in data["partitions"]:
        if region in partition["regions"]:
            return str(partition["regions"][region]["description"])
    return region


def subject(alarm: Any, change: Change) -> str:
    """Give the subject of the notice, at most 100 characters (Publish, Subject)."""
    return f'{change.new_state}: "{alarm.name}" in {region_title(alarm.region_name)}'[:100]


def message(alarm: Any, change: Change) -> str:
    """Give the notice itself, JSON."""
    updated = alarm.configuration_updated_timestamp.replace(tzinfo=UTC)
    content: dict[str, Any] = {
        "AlarmName": alarm.name,
        "AlarmDescription": alarm.description,
        "AWSAccountId": alarm.alarm_arn.split(":")[4],
        "AlarmConfigurationUpdatedTimestamp": iso_time(updated.timestamp()),
        "NewStateValue": change.new_state,
        "NewStateReason": change.reason,
        "StateChangeTime": iso_time(change.at),
        "Region": region_title(alarm.region_name),
        "AlarmArn": alarm.alarm_arn,
        "OldStateValue": change.old_state,
        "OKActions": alarm.ok_actions,
        "AlarmActions": alarm.alarm_actions,
        "InsufficientDataActions": alarm.insufficient_data_actions,
    }
    if alarm.rule is None:
        content["Trigger"] = _trigger(alarm)
    else:
        content["AlarmRule"] = alarm.rule
    return json.dumps(content)


def _trigger(alarm: Any) -> dict[str, Any]:
    trigger: dict[str, Any] = {
        "Period": alarm.period,
        "EvaluationPeriods": alarm.evaluation_periods,
        "DatapointsToAlarm": alarm.datapoints_to_alarm,
        "ComparisonOperator": alarm.comparison_operator,
        "Threshold": alarm.threshold,
        "TreatMissingData": alarm.treat_missing_data or "missing",
        "EvaluateLowSampleCountPercentile": alarm.evaluate_low_sample_count_percentile or "",
    }
    if alarm.metric_data_queries:
        trigger["Metrics"] = [query_of(query) for query in alarm.metric_data_queries]
        return trigger
    trigger |= {
        "MetricName": alarm.metric_name,
        "Namespace": alarm.namespace,
        "Unit": alarm.unit,
        "Dimensions": [{"value": d.value, "name": d.name} for d in alarm.dimensions],
    }
    if alarm.extended_statistic:
        trigger |= {
            "StatisticType": "ExtendedStatistic",
            "ExtendedStatistic": alarm.extended_statistic,
        }
    else:
        name = _SIMPLE_NAMES.get(alarm.statistic, alarm.statistic.upper())
        trigger |= {"StatisticType": "Statistic", "Statistic": name}
    return trigger


def long_time(at: float) -> str:
    """Give a time as composite alarms name it: Friday 16 October, 2020 08:04:32 UTC."""
    return datetime.fromtimestamp(at, UTC).strftime("%A %d %B, %Y %H:%M:%S UTC")
