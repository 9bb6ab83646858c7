"""When a metric alarm changes its state: the rule, the data points, the verdict.

Pure. Rules and tables: CloudWatch user guide, "Configuring how CloudWatch alarms treat missing
data". CloudWatch reads more data points than Evaluation Periods: the evaluation range. Its length
is not published for every period; the guide's examples read 5 points for 3 evaluation periods, so
this reads two more than the evaluation periods.
"""

import operator
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import StrEnum

SPARE_DATAPOINTS = 2
"""How many data points the evaluation range holds above Evaluation Periods."""

COMPARISONS: dict[str, Callable[[float, float], bool]] = {
    "GreaterThanOrEqualToThreshold": operator.ge,
    "GreaterThanThreshold": operator.gt,
    "LessThanThreshold": operator.lt,
    "LessThanOrEqualToThreshold": operator.le,
}
"""The operators for static thresholds (ComparisonOperator shape); the others need anomaly bands."""


class State(StrEnum):
    """The state of an alarm, as CloudWatch spells it."""

    OK = "OK"
    ALARM = "ALARM"
    INSUFFICIENT_DATA = "INSUFFICIENT_DATA"


class MissingData(StrEnum):
    """What a missing data point counts as (TreatMissingData)."""

    MISSING = "missing"
    IGNORE = "ignore"
    BREACHING = "breaching"
    NOT_BREACHING = "notBreaching"


@dataclass(frozen=True)
class Rule:
    """What an alarm compares."""

    comparison: str
    """A key of `COMPARISONS`."""
    threshold: float
    evaluation_periods: int
    """N: how many data points are evaluated, 1 or more."""
    datapoints_to_alarm: int
    """M: how many of them must breach, 1 to N."""
    missing: MissingData = MissingData.MISSING
    low_samples_ignored: bool = False
    """EvaluateLowSampleCountPercentile is `ignore`. Default: evaluate."""

    @property
    def evaluation_range(self) -> int:
        """How many data points to read, the newest last."""
        return self.evaluation_periods + SPARE_DATAPOINTS

    def breaches(self, value: float) -> bool:
        """Tell whether a value is on the wrong side of the threshold."""
        return COMPARISONS[self.comparison](value, self.threshold)


@dataclass(frozen=True)
class Datapoint:
    """One period of the evaluation range."""

    start: float
    """The start of the period in virtual seconds since the epoch."""
    value: float | None
    """None when nothing was measured."""
    sample_count: float = 0.0
    few_samples: bool = False
    """Too few measurements for the percentile to mean something."""


@dataclass(frozen=True)
class Verdict:
    """What an evaluation found."""

    state: State | None
    """The state to be in; None: keep the current one."""
    evaluated: tuple[Datapoint, ...] = ()
    """The real data points that were looked at, the oldest first."""
    filled: int = 0
    """How many missing data points were counted as breaching or not breaching, or were unknown."""


def evaluate(rule: Rule, datapoints: Sequence[Datapoint]) -> Verdict:
    """Judge the evaluation range, oldest first.

    With N or more real data points the newest N decide and the treatment of missing data is not
    used. With fewer, as few points as possible are filled in.
    """
    real = tuple(point for point in datapoints if point.value is not None)
    evaluated = real[-rule.evaluation_periods :]
    filled = rule.evaluation_periods - len(evaluated)
    if rule.low_samples_ignored and any(point.few_samples for point in evaluated):
        return Verdict(None, evaluated, filled)
    breaching = sum(1 for point in evaluated if _breaches(rule, point))
    if filled and rule.missing is MissingData.BREACHING:
        breaching += filled
    if breaching >= rule.datapoints_to_alarm:
        return Verdict(State.ALARM, evaluated, filled)
    if (
        not filled
        or rule.missing in (MissingData.BREACHING, MissingData.NOT_BREACHING)
        or any(not _breaches(rule, point) for point in evaluated)
    ):
        return Verdict(State.OK, evaluated, filled)
    if rule.missing is MissingData.IGNORE:
        return Verdict(None, evaluated, filled)
    if _breached_long_ago(rule, datapoints):
        return Verdict(State.ALARM, evaluated, filled)
    return Verdict(State.INSUFFICIENT_DATA, evaluated, filled)


def _breaches(rule: Rule, point: Datapoint) -> bool:
    return point.value is not None and rule.breaches(point.value)


def _breached_long_ago(rule: Rule, datapoints: Sequence[Datapoint]) -> bool:
    """The rule against premature alarms, for ranges with breaching and missing points only.

    ALARM when the oldest breaching point is at least as old as Datapoints to Alarm: so `- - X - -`
    alarms for 3 of 3, and `- - - - X` waits for the next point (the guide, "Avoiding premature
    transitions to alarm state").
    """
    for index, point in enumerate(datapoints):
        if _breaches(rule, point):
            return len(datapoints) - index >= rule.datapoints_to_alarm
    return False
