"""What a target tracking policy wants the capacity to be.

Pure. Rules: Application Auto Scaling user guide, "How target tracking scaling works" and "Define
cooldown periods". AWS acts on two alarms that it makes for a policy: AlarmHigh (3 one-minute data
points of 3 above the target) and AlarmLow (15 of 15 below 90 % of it). The new capacity is
proportional to the metric; AWS's exact arithmetic is not published.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from modelway.emulator.cloudwatch.alarms import Datapoint, Rule, State, evaluate

DEFAULT_COOLDOWN_SECONDS = 300
"""For SageMaker endpoint variants, both ways (user guide, "Define cooldown periods")."""
HIGH_DATAPOINTS = 3
LOW_DATAPOINTS = 15
LOW_SHARE = 0.9
"""AlarmLow's threshold over the target."""
_ROUNDING = 1e-9
"""Keeps 3 * (100 / 3) / 50 from becoming 7 instances instead of 6."""


@dataclass(frozen=True)
class Policy:
    """The numbers of a TargetTrackingScalingPolicyConfiguration."""

    target_value: float
    """Above 0, in the metric's own unit."""
    scale_out_cooldown_seconds: float = DEFAULT_COOLDOWN_SECONDS
    scale_in_cooldown_seconds: float = DEFAULT_COOLDOWN_SECONDS
    scale_in_disabled: bool = False


@dataclass(frozen=True)
class Limits:
    """MinCapacity and MaxCapacity of the scalable target."""

    minimum: int
    maximum: int

    def clamp(self, capacity: int) -> int:
        """Give the nearest capacity within the limits."""
        return max(self.minimum, min(capacity, self.maximum))


@dataclass(frozen=True)
class Activity:
    """A scaling activity that has ended."""

    ended_at: float
    """Virtual seconds since the epoch."""
    change: int
    """How many instances it added (above 0) or took away."""


@dataclass(frozen=True)
class Past:
    """The latest activities of a scalable target."""

    last_out: Activity | None = None
    last_in: Activity | None = None

    @property
    def settled_at(self) -> float:
        """Since when the capacity has been what it is."""
        ends = [each.ended_at for each in (self.last_out, self.last_in) if each is not None]
        return max(ends, default=-math.inf)


@dataclass(frozen=True)
class Decision:
    """What a policy wants."""

    capacity: int
    high: bool
    """True: AlarmHigh wants more; False: AlarmLow allows less."""


def high_rule(target_value: float) -> Rule:
    """Give the rule of AlarmHigh."""
    return Rule("GreaterThanThreshold", target_value, HIGH_DATAPOINTS, HIGH_DATAPOINTS)


def low_rule(target_value: float) -> Rule:
    """Give the rule of AlarmLow."""
    return Rule("LessThanThreshold", target_value * LOW_SHARE, LOW_DATAPOINTS, LOW_DATAPOINTS)


def datapoints_needed() -> int:
    """Give how many one-minute data points `decide` looks at."""
    return low_rule(1.0).evaluation_range


def decide(
    policy: Policy,
    datapoints: Sequence[Datapoint],
    *,
    capacity: int,
    limits: Limits,
    past: Past,
    now: float,
) -> Decision | None:
    """Give the capacity that the policy wants; None when it wants no change.

    Only data points that began after the latest activity show the load on the present capacity, so
    no decision is taken before there is one.

    Args:
        policy: the policy.
        datapoints: one-minute data points, oldest first, `datapoints_needed()` of them.
        capacity: the present number of instances.
        limits: the scalable target's.
        past: the target's latest activities.
        now: virtual seconds since the epoch.
    """
    high, low = high_rule(policy.target_value), low_rule(policy.target_value)
    fresh = [
        point.value
        for point in datapoints[-LOW_DATAPOINTS:]
        if point.value is not None and point.start >= past.settled_at
    ]
    if not fresh:
        return None
    if evaluate(high, datapoints[-high.evaluation_range :]).state is State.ALARM:
        return _out(policy, fresh[-1], capacity, limits, past, now)
    if policy.scale_in_disabled or evaluate(low, datapoints).state is not State.ALARM:
        return None
    last = past.last_in
    if last is not None and now < last.ended_at + policy.scale_in_cooldown_seconds:
        return None
    # The busiest of the fresh minutes, so that scaling in never starves the next busy one.
    wanted = limits.clamp(_proportional(capacity, max(fresh), policy.target_value))
    return Decision(wanted, high=False) if wanted < capacity else None


def _out(
    policy: Policy, value: float, capacity: int, limits: Limits, past: Past, now: float
) -> Decision | None:
    wanted = limits.clamp(_proportional(capacity, value, policy.target_value))
    if wanted <= capacity:
        return None
    last = past.last_out
    if (
        last is not None
        and now < last.ended_at + policy.scale_out_cooldown_seconds
        # "... unless a larger scale out is triggered" (the guide, scale-out cooldown).
        and wanted - capacity <= last.change
    ):
        return None
    return Decision(wanted, high=True)


def _proportional(capacity: int, value: float, target_value: float) -> int:
    return math.ceil(capacity * value / target_value - _ROUNDING)


def combine(decisions: Sequence[Decision | None]) -> int | None:
    """Give which of several policies decides, as an index; None for no change.

    The largest capacity wins, for scaling in too, and scaling in needs the consent of every policy
    (user guide, "Multiple target tracking policies"). A policy with scale-in disabled has no say in
    that: leave it out unless it decided for more.
    """
    sizes = {i: d.capacity for i, d in enumerate(decisions) if d is not None and d.high}
    if not sizes and all(decision is not None for decision in decisions):
        sizes = {i: d.capacity for i, d in enumerate(decisions) if d is not None}
    return max(sizes, key=lambda index: sizes[index], default=None)
