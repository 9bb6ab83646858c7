"""What a roll-out's alarms can detect: the smallest regression at the spec's traffic.

Takes a `RolloutPlan` and its stages, gives a `DetectionLimit` for each alarm in the first bake,
where the new fleet has the smallest share. Pure. Requests fail independently and come evenly, so
real traffic, which comes in bursts, is detected a little later than told here.

A minute breaches when more requests are bad than the threshold allows: binomial. The alarm fires
when enough minutes of a window do. The same sum is done for an alarm on both fleets, to show how
much the old fleet's good answers would dilute the new one's bad ones.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from modelway.plan.chances import at_least, fewer_than, fires
from modelway.plan.model import AlarmPlan, RolloutPlan
from modelway.plan.stages import Stage
from modelway.spec.rules.bake import (
    METRIC_PERIOD_SECONDS,
    NEW_ERROR_RATE,
    NEW_P99_LATENCY,
    TOO_FEW_REQUESTS,
    UNSEEN_PERIODS,
)

CERTAINTY = 0.95
"""A regression counts as detected when the alarm fires with this probability within the bake."""

_P99_SLOW = 0.01
"""Share of answers that are slower than their p99."""

HEALTHY_PART = 0.1
"""Part of its error budget that a healthy fleet uses. One that uses all of it is rolled back, of
course, so that would say nothing."""

_HALVINGS = 40
"""Of the interval from 0 to 1 in which the smallest share is searched."""


@dataclass(frozen=True)
class DetectionLimit:
    """What one alarm can detect in one bake."""

    alarm: str
    """Its key."""
    stage: str
    periods: int
    """Minutes of the bake that the alarm surely sees."""
    requests_per_minute: float
    """On the new fleet."""
    smallest_percent: float | None
    """Smallest share of bad requests on the new fleet (failed, or slower than the objective) with
    which the alarm fires with 95 % probability. None: even a fleet that fails always may pass; for
    too-few-requests: not about bad requests."""
    fleet_wide_percent: float | None
    """The same for an alarm on both fleets; None: it could not tell."""
    false_alarm_percent: float
    """Chance that the first bake of a healthy fleet is rolled back by this alarm; healthy is a
    tenth of the bad requests that the objective allows."""
    note: str


def detection_limits(rollout: RolloutPlan, stages: Sequence[Stage]) -> tuple[DetectionLimit, ...]:
    """Give the limits of each roll-back alarm; none without traffic figure, alarm or bake."""
    traffic = rollout.expected_requests_per_minute
    stage = next((stage for stage in stages if stage.wait_seconds > 0), None)
    if traffic is None or stage is None:
        return ()
    return tuple(_limit(alarm, stage, traffic) for alarm in rollout.rollback_alarms)


def _limit(alarm: AlarmPlan, stage: Stage, traffic: float) -> DetectionLimit:
    share = stage.traffic_percent / 100
    requests = traffic * share
    periods = max(0, stage.wait_seconds // METRIC_PERIOD_SECONDS - UNSEEN_PERIODS)
    smallest = fleet_wide = None
    if alarm.key == TOO_FEW_REQUESTS:
        breach = fewer_than(math.ceil(alarm.threshold), requests)
        false_alarm = _fires(alarm, breach, periods)
        note = f"chance that healthy traffic has {alarm.datapoints_to_alarm} such minutes in a row"
    else:
        allowed = _P99_SLOW if alarm.key == NEW_P99_LATENCY else alarm.threshold / 100
        smallest = _smallest(alarm, requests, periods, 1.0)
        fleet_wide = _smallest(alarm, traffic, periods, share)
        false_alarm = _fires(alarm, _breach(alarm, requests, HEALTHY_PART * allowed), periods)
        note = _note(alarm, requests)
    return DetectionLimit(
        alarm=alarm.key,
        stage=stage.name,
        periods=periods,
        requests_per_minute=requests,
        smallest_percent=smallest,
        fleet_wide_percent=fleet_wide,
        false_alarm_percent=100 * false_alarm,
        note=note,
    )


def _smallest(alarm: AlarmPlan, requests: float, periods: int, dilution: float) -> float | None:
    """Search the smallest share of bad requests that fires the alarm; in percent.

    Args:
        alarm: the alarm.
        requests: a minute, those that the alarm sees.
        periods: how many it sees.
        dilution: share of those requests that the new fleet answers.
    """

    def detected(share: float) -> bool:
        return _fires(alarm, _breach(alarm, requests, share * dilution), periods) >= CERTAINTY

    if not detected(1.0):
        return None
    low, high = 0.0, 1.0
    for _halving in range(_HALVINGS):
        middle = (low + high) / 2
        low, high = (low, middle) if detected(middle) else (middle, high)
    return 100 * high


def _fires(alarm: AlarmPlan, breach: float, periods: int) -> float:
    return fires(breach, periods, alarm.datapoints_to_alarm, alarm.evaluation_periods)


def _breach(alarm: AlarmPlan, requests: float, bad: float) -> float:
    """Give the chance that a minute breaches, when a share of its requests is bad.

    Where the requests a minute are no whole number, some minutes have one more than others.
    """
    fewest = math.floor(requests)
    more = requests - fewest
    chance = (1 - more) * _breach_of(alarm, fewest, bad) if fewest > 0 else 0.0
    return chance + (more * _breach_of(alarm, fewest + 1, bad) if more > 0 else 0.0)


def _breach_of(alarm: AlarmPlan, requests: int, bad: float) -> float:
    if alarm.key == NEW_ERROR_RATE:
        # A hundredth is not exact in binary, so 1 % of 100 must not become 1.0000000000000002.
        needed = math.floor(round(requests * alarm.threshold / 100, 9)) + 1
    else:
        # The p99 of n answers is the one of rank ceil(0.99 n) by their time.
        needed = requests - math.ceil(round(requests * (1 - _P99_SLOW), 9)) + 1
    return at_least(needed, requests, bad)


def _note(alarm: AlarmPlan, requests: float) -> str:
    """Say what the number of requests means for the statistic."""
    if alarm.key == NEW_ERROR_RATE:
        lone = 100 / alarm.threshold
        if requests < lone:
            return f"of fewer than {lone:g} requests a minute, one failure is above the threshold"
        return "enough requests for a rate"
    if requests < 1 / _P99_SLOW:
        return "too few answers for a p99: it is the slowest one"
    if requests < 10 / _P99_SLOW:
        return "CloudWatch calls a p99 of fewer than 1000 answers insignificant; it is evaluated"
    return "enough answers for a p99"
