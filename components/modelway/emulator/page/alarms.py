"""The alarms that the page shows, read from moto's store.

Takes the emulator's lock, gives plain values. It changes nothing and evaluates nothing (that is
`cloudwatch.evaluator`).
"""

from datetime import UTC
from typing import Any

from modelway.emulator.cloudwatch.definition import definition_of
from modelway.emulator.page.view import ShownAlarm
from modelway.emulator.services import Services

_SYMBOLS = {
    "GreaterThanOrEqualToThreshold": "≥",
    "GreaterThanThreshold": ">",
    "LessThanThreshold": "<",
    "LessThanOrEqualToThreshold": "≤",
}


def read_alarms(services: Services) -> list[ShownAlarm]:
    """Give every alarm of every account and region."""
    from moto.cloudwatch.models import cloudwatch_backends

    with services.lock:
        return [
            _shown(alarm, backend.region_name)
            for account in list(cloudwatch_backends.values())
            for backend in list(account.values())
            for alarm in backend.alarms.values()
        ]


def _shown(alarm: Any, region: str) -> ShownAlarm:
    composite = alarm.rule is not None
    dimensions = {} if composite else _dimensions(alarm)
    changed = alarm.state_transitioned_timestamp or alarm.state_updated_timestamp
    return ShownAlarm(
        name=alarm.name,
        region=region,
        state=alarm.state_value,
        condition=str(alarm.rule) if composite else _condition(alarm),
        reason=alarm.state_reason or "",
        since=changed.replace(tzinfo=UTC).timestamp(),
        endpoint=dimensions.get("EndpointName"),
        config=dimensions.get("EndpointConfigName"),
    )


def _dimensions(alarm: Any) -> dict[str, str]:
    definition = definition_of(alarm)
    metrics = [] if definition.metric is None else [definition.metric["Metric"]]
    metrics += [
        query["MetricStat"]["Metric"] for query in definition.queries if "MetricStat" in query
    ]
    return {
        each["Name"]: each["Value"] for metric in metrics for each in metric.get("Dimensions") or ()
    }


def _condition(alarm: Any) -> str:
    definition = definition_of(alarm)
    rule = definition.rule
    if definition.metric is None:
        returned = next((each for each in definition.queries if each["ReturnData"]), {})
        measured = str(returned.get("Label") or returned.get("Expression") or "metric math")
    else:
        measured = f"{definition.metric['Metric']['MetricName']} {definition.statistic}"
    symbol = _SYMBOLS.get(rule.comparison, rule.comparison)
    return (
        f"{measured} {symbol} {rule.threshold:g} in {rule.datapoints_to_alarm} of "
        f"{rule.evaluation_periods} periods of {definition.period_seconds} s"
    )
