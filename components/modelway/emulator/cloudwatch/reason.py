"""The words of an alarm's state change, as CloudWatch writes them.

Pure: takes a rule and a verdict, gives StateReason and StateReasonData.
"""

import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from modelway.emulator.cloudwatch.alarms import Datapoint, MissingData, Rule, State, Verdict

_COMPARED = {
    "GreaterThanOrEqualToThreshold": "greater than or equal to",
    "GreaterThanThreshold": "greater than",
    "LessThanThreshold": "less than",
    "LessThanOrEqualToThreshold": "less than or equal to",
}


def iso_time(at: float) -> str:
    """Give a time as CloudWatch writes it in JSON: 2026-11-23T10:00:00.000+0000."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "+0000"


def state_reason(rule: Rule, verdict: Verdict, old_state: str) -> str:
    """Give StateReason for a verdict that names a state."""
    if verdict.state is State.INSUFFICIENT_DATA:
        return f"Insufficient Data: {_datapoints(rule.evaluation_periods)} {_were(rule)} unknown."
    points = verdict.evaluated
    crossing = [p for p in points if rule.breaches(_value(p)) == (verdict.state is State.ALARM)]
    if not crossing:
        how = "Breaching" if rule.missing is MissingData.BREACHING else "NonBreaching"
        filled = verdict.filled
        return (
            f"Threshold Crossed: no datapoints were received for {_plural(filled, 'period')} and "
            f"{_plural(filled, 'missing datapoint')} {'was' if filled == 1 else 'were'} "
            f"treated as [{how}]."
        )
    compared = f"{_COMPARED[rule.comparison]} the threshold ({rule.threshold})"
    shown = ", ".join(f"{_value(p)} ({_short_time(p.start)})" for p in reversed(crossing))
    verb = "was" if len(crossing) == 1 else "were"
    if verdict.state is State.OK:
        verb += " not"
    needed = rule.datapoints_to_alarm
    if verdict.state is State.OK:
        needed = rule.evaluation_periods - rule.datapoints_to_alarm + 1
    return (
        f"Threshold Crossed: {len(crossing)} out of the last {len(points)} datapoints "
        f"[{shown}] {verb} {compared} (minimum {_datapoints(needed)} for "
        f"{_transition(verdict.state, old_state)} transition)."
    )


def state_reason_data(
    rule: Rule, verdict: Verdict, *, at: float, period_seconds: int, statistic: str | None
) -> str:
    """Give StateReasonData, the JSON that goes with StateReason."""
    points = verdict.evaluated
    data: dict[str, Any] = {
        "version": "1.0",
        "queryDate": iso_time(at),
        "period": period_seconds,
        "recentDatapoints": [_value(point) for point in points],
        "threshold": rule.threshold,
        "evaluatedDatapoints": _evaluated(points),
    }
    if points:
        data["startDate"] = iso_time(points[0].start)
    if statistic is not None:
        data["statistic"] = statistic
    return json.dumps(data)


def _evaluated(points: Sequence[Datapoint]) -> list[dict[str, Any]]:
    return [
        {
            "timestamp": iso_time(point.start),
            "sampleCount": point.sample_count,
            "value": _value(point),
        }
        for point in reversed(points)
    ]


def _value(point: Datapoint) -> float:
    return 0.0 if point.value is None else point.value


def _transition(state: State | None, old_state: str) -> str:
    """CloudWatch names only the transitions between OK and ALARM, whatever the old state was."""
    if old_state in (State.OK, State.ALARM) and old_state != state:
        return f"{old_state} -> {state}"
    return "OK -> ALARM" if state is State.ALARM else "ALARM -> OK"


def _short_time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%d/%m/%y %H:%M:%S")


def _plural(count: int, noun: str) -> str:
    return f"{count} {noun}{'' if count == 1 else 's'}"


def _datapoints(count: int) -> str:
    return _plural(count, "datapoint")


def _were(rule: Rule) -> str:
    return "was" if rule.evaluation_periods == 1 else "were"
