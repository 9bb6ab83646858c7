"""The stages of a roll-out: which share of the traffic, for how long, on how many instances.

Takes a `RolloutPlan` and the sizes of both fleets, gives `Stage`s in their order. Pure arithmetic
on what AWS documents: the developer guide's pages "Use canary traffic shifting", "Use linear
traffic shifting", "Use rolling deployments" and "Use all at once traffic shifting", and botocore's
texts of TrafficRoutingConfig and RollingUpdatePolicy (read 2026-11). Decides nothing.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from modelway.plan.model import RolloutPlan
from modelway.spec.model import Strategy

PROVISIONING_SECONDS = (120, 600)
"""From the call until new instances serve, at best and as a rule at worst. An assumption: AWS
promises nothing; the notebooks of amazon-sagemaker-examples speak of 5 to 10 minutes, and small
images are up in 2. A large model adds its download and its start-up."""


@dataclass(frozen=True)
class Stage:
    """One stretch of a roll-out in which the share of the traffic stays the same."""

    name: str
    """Such as `canary` or `batch 2 of 4`."""
    traffic_percent: float
    """Share of the requests that the new fleet answers, above 0, up to 100."""
    step_percent: float
    """By how much more than in the stage before; all of them are together 100."""
    wait_seconds: int
    """How long it lasts. Exact: SageMaker waits for no evidence."""
    new_instances: int
    """Instances of the new fleet."""
    old_instances: int
    """Instances of the old fleet, those included that end after this stage."""
    provisioned_instances: int
    """Instances that must start before this stage."""


def rollout_stages(rollout: RolloutPlan, new: int, old: int) -> tuple[Stage, ...]:
    """Give the stages of an update.

    Args:
        rollout: strategy and waits.
        new: instances of the new fleet, 0 for serverless.
        old: instances of the old fleet when the update begins.
    """
    if rollout.strategy is Strategy.ROLLING:
        return tuple(_batches(rollout, new, old))
    names_and_shares = _shares(rollout)
    stages: list[Stage] = []
    before = Fraction(0)
    for name, share in names_and_shares:
        provisioned = 0 if stages else new
        stages.append(_stage(name, share, before, rollout.wait_seconds, (new, old), provisioned))
        before = share
    if rollout.termination_wait_seconds > 0:
        # Both fleets stay whole until the end; that is what makes the way back short.
        stages.append(
            _stage("old fleet kept", before, before, rollout.termination_wait_seconds, (new, old))
        )
    return tuple(stages)


def peak_instances(stages: Sequence[Stage]) -> int:
    """Give the most instances that run, and are paid for, at one time."""
    return max(stage.new_instances + stage.old_instances for stage in stages)


def waits_seconds(stages: Sequence[Stage]) -> int:
    """Give the sum of the waits."""
    return sum(stage.wait_seconds for stage in stages)


def duration_seconds(stages: Sequence[Stage]) -> tuple[int, int]:
    """Give the least and the usual greatest time from the call until the old fleet has ended."""
    starts = sum(1 for stage in stages if stage.provisioned_instances > 0)
    waits = waits_seconds(stages)
    return waits + starts * PROVISIONING_SECONDS[0], waits + starts * PROVISIONING_SECONDS[1]


def _shares(rollout: RolloutPlan) -> list[tuple[str, Fraction]]:
    """Give names and shares of a blue/green deployment's steps."""
    everything = Fraction(1)
    if rollout.strategy is Strategy.ALL_AT_ONCE or rollout.step_percent is None:
        return [("all at once", everything)]
    step = Fraction(rollout.step_percent, 100)
    if rollout.strategy is Strategy.CANARY:
        return [("canary", step), ("the rest", everything)]
    count = math.ceil(everything / step)
    return [(f"step {i} of {count}", min(everything, step * i)) for i in range(1, count + 1)]


def _batches(rollout: RolloutPlan, new: int, old: int) -> list[Stage]:
    """Give a rolling update's batches: a batch starts, takes its share, and one of the old ends."""
    percent = 100 if rollout.step_percent is None else rollout.step_percent
    # A batch is whole instances; the most that AWS may start beside the old fleet is the next one.
    size = max(1, math.ceil(new * Fraction(percent, 100)))
    ends = [*range(size, new, size), new]
    stages: list[Stage] = []
    up, before = 0, Fraction(0)
    for index, end in enumerate(ends, start=1):
        share = Fraction(end, new) if new else Fraction(1)
        left = math.ceil(old * (1 - before))
        name = f"batch {index} of {len(ends)}"
        stages.append(_stage(name, share, before, rollout.wait_seconds, (end, left), end - up))
        up, before = end, share
    return stages


def _stage(
    name: str,
    share: Fraction,
    before: Fraction,
    wait_seconds: int,
    fleets: tuple[int, int],
    provisioned: int = 0,
) -> Stage:
    new, old = fleets
    return Stage(
        name=name,
        traffic_percent=float(100 * share),
        step_percent=float(100 * (share - before)),
        wait_seconds=wait_seconds,
        new_instances=new,
        old_instances=old,
        provisioned_instances=provisioned,
    )
