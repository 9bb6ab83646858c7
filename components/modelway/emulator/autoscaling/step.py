"""What a step scaling policy wants the capacity to be.

Pure. Rules: Application Auto Scaling user guide, "Step scaling policies": step adjustments,
adjustment types, rounding of percentages.
"""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from modelway.emulator.autoscaling.target_tracking import Limits


def step_capacity(
    configuration: Mapping[str, Any], *, capacity: int, limits: Limits, above_threshold: float
) -> int | None:
    """Give the new capacity; None when no step covers the breach or nothing changes.

    Args:
        configuration: a StepScalingPolicyConfiguration.
        capacity: the present number of instances.
        limits: the scalable target's.
        above_threshold: the metric less the alarm's threshold; below 0 for a metric beneath it.
    """
    step = _step(configuration.get("StepAdjustments") or (), above_threshold)
    if step is None:
        return None
    adjustment = float(step["ScalingAdjustment"])
    kind = configuration.get("AdjustmentType")
    if kind == "ExactCapacity":
        wanted = int(adjustment)
    elif kind == "PercentChangeInCapacity":
        smallest = int(configuration.get("MinAdjustmentMagnitude") or 1)
        wanted = capacity + _percent(capacity, adjustment, smallest)
    else:
        wanted = capacity + int(adjustment)
    wanted = limits.clamp(wanted)
    return None if wanted == capacity else wanted


def _step(steps: Sequence[Mapping[str, Any]], above: float) -> Mapping[str, Any] | None:
    for step in steps:
        lower = step.get("MetricIntervalLowerBound")
        upper = step.get("MetricIntervalUpperBound")
        low = -math.inf if lower is None else float(lower)
        high = math.inf if upper is None else float(upper)
        # Above the threshold the lower bound belongs to the step, below it the upper one.
        if (low <= above < high) if above >= 0 else (low < above <= high):
            return step
    return None


def _percent(capacity: int, percent: float, smallest: int) -> int:
    """Rounded towards zero, but by at least `smallest` (1 by default)."""
    change = math.trunc(capacity * percent / 100)
    return int(math.copysign(max(abs(change), smallest), percent)) if percent else 0
