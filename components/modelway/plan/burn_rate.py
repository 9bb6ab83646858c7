"""Decide the burn-rate alarms of one service level objective.

Takes a spec of one environment, gives `CompositeAlarmPlan`s and their decisions. The numbers are
those of "The Site Reliability Workbook" (Google, chapter 5, "Multiwindow, Multi-Burn-Rate Alerts",
for a budget of 30 days). A long window says that the budget is really being spent, a short one that
it still is; the alarm is the composite of both.

A window is one period of a metric alarm, which slides each minute (CloudWatch user guide, "Alarm
evaluation window"). Three days fit: periods of an hour or more may span seven days (PutMetricAlarm,
Period, read 2026-11).
"""

from dataclasses import dataclass

from modelway.plan.alarms import ERROR_PERCENT, INVOCATION_NAMESPACE
from modelway.plan.model import AlarmPlan, CompositeAlarmPlan, Decision, MetricPlan
from modelway.spec.model import ModelSpec

BUDGET_DAYS = 30

_MINUTE, _HOUR, _DAY = 60, 3600, 86_400
_SOURCE = "Google, The Site Reliability Workbook, chapter 5"


@dataclass(frozen=True)
class _Window:
    """One row of the workbook's table."""

    key: str
    factor: float
    """How many times faster than allowed the budget is spent."""
    long_seconds: int
    short_seconds: int
    urgency: str

    @property
    def budget_percent(self) -> float:
        """Share of the whole budget that is gone when the long window is full."""
        return 100 * self.factor * self.long_seconds / (BUDGET_DAYS * _DAY)


WINDOWS = (
    _Window("burn-rate-1h", 14.4, _HOUR, 5 * _MINUTE, "look now"),
    _Window("burn-rate-6h", 6.0, 6 * _HOUR, 30 * _MINUTE, "look now"),
    _Window("burn-rate-3d", 1.0, 3 * _DAY, 6 * _HOUR, "look this week"),
)


def plan_burn_rates(
    spec: ModelSpec, endpoint: str, variant: str
) -> tuple[tuple[CompositeAlarmPlan, ...], list[Decision]]:
    """Decide the burn-rate alarms; none without `objectives.availability_percent`."""
    availability = spec.objectives.availability_percent
    if availability is None:
        return (), []
    # Rounded because 100 - 99.9 is 0.0999...94 in binary, which nobody wants to read in an alarm.
    allowed_percent = round(100 - availability, 9)
    dimensions = {"EndpointName": endpoint, "VariantName": variant}
    alarms: list[CompositeAlarmPlan] = []
    decisions: list[Decision] = []
    for window in WINDOWS:
        threshold = round(window.factor * allowed_percent, 9)
        children = tuple(
            _window_alarm(endpoint, f"{window.key}-{side}", seconds, threshold, dimensions)
            for side, seconds in (("long", window.long_seconds), ("short", window.short_seconds))
        )
        alarms.append(
            CompositeAlarmPlan(
                key=window.key,
                name=f"{endpoint}-{window.key}",
                description=(
                    f"Endpoint {endpoint} spends its error budget of {allowed_percent:g} % in "
                    f"{BUDGET_DAYS} days {window.factor:g} times too fast: {window.urgency}."
                ),
                children=children,
            )
        )
        decisions.append(
            Decision(
                f"alarms.{window.key}.threshold",
                threshold,
                f"{window.factor:g} times the {allowed_percent:g} % that "
                f"objectives.availability_percent {availability:g} allows, over "
                f"{_length(window.long_seconds)} and {_length(window.short_seconds)}: "
                f"{window.budget_percent:.3g} % of the budget is gone, {window.urgency}",
                _SOURCE,
            )
        )
    return tuple(alarms), decisions


def _window_alarm(
    endpoint: str, key: str, seconds: int, threshold: float, dimensions: dict[str, str]
) -> AlarmPlan:
    """Watch the share of failed requests over one window."""
    errors = MetricPlan("errors", INVOCATION_NAMESPACE, "Invocation5XXErrors", dimensions, "Sum")
    requests = MetricPlan("requests", INVOCATION_NAMESPACE, "Invocations", dimensions, "Sum")
    return AlarmPlan(
        key=key,
        name=f"{endpoint}-{key}",
        description=(
            f"Endpoint {endpoint}: at most {threshold:g} % of the requests of {_length(seconds)} "
            "end in a 5xx. Part of a burn-rate alarm; tells nobody by itself."
        ),
        metrics=(errors, requests),
        expression=ERROR_PERCENT,
        period_seconds=seconds,
        evaluation_periods=1,
        datapoints_to_alarm=1,
        threshold=threshold,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
    )


def _length(seconds: int) -> str:
    """Write a window's length."""
    for unit, size in (("d", _DAY), ("h", _HOUR)):
        if seconds % size == 0:
            return f"{seconds // size} {unit}"
    return f"{seconds // _MINUTE} min"
