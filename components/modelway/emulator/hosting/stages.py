"""The course of one update: which stages a DeploymentConfig means, with their numbers.

Pure. Takes UpdateEndpoint's DeploymentConfig and the capacities before and after, gives the stages
in their order, and the way back from each. Sources: botocore's documentation of DeploymentConfig,
BlueGreenUpdatePolicy, TrafficRoutingConfig and RollingUpdatePolicy, and the developer guide's pages
on deployment guardrails (read 2026-11). Must not start, wait for or check anything (that is
`rollout` and `aws.sagemaker_rollouts`).
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

from modelway.emulator.hosting.deployment import Capacity

Counts = Mapping[str, int]
"""Instances by variant."""


@dataclass(frozen=True)
class Stage:
    """One step forward: capacity, then traffic, then a bake."""

    new: Counts
    """Instances that the new fleet is to have before traffic moves."""
    share: float
    """The new fleet's share of the traffic from then on, above 0, up to 1."""
    bake_seconds: float
    """Virtual time in which the alarms are watched."""
    old: Counts
    """Instances of the old fleet that stay when the bake has passed."""


@dataclass(frozen=True)
class Return:
    """One step back: capacity of the old fleet, then traffic, then the new fleet's end."""

    old: Counts
    """Instances that the old fleet is to have before traffic moves."""
    share: float
    """The new fleet's share of the traffic from then on, 0 to below 1."""
    new: Counts
    """Instances of the new fleet that stay."""


@dataclass(frozen=True)
class Course:
    """All that is decided about an update before it begins."""

    stages: tuple[Stage, ...]
    """In their order; the last one gives the new fleet all traffic."""
    before: Counts
    """What the old fleet has when the update begins."""
    termination_seconds: float = 0.0
    """Virtual time with both fleets up after the last bake; alarms are watched."""
    limit_seconds: float | None = None
    """Virtual time for everything; None: no limit."""
    alarms: tuple[str, ...] = ()
    """Names of the alarms that roll the update back."""
    rollback_part: Fraction = Fraction(1)
    """Part of the old fleet that one step back brings up again, above 0, up to 1."""

    @property
    def waits_seconds(self) -> float:
        """The sum of all waits, without the time that instances take to start."""
        return sum(stage.bake_seconds for stage in self.stages) + self.termination_seconds

    def way_back(self, reached: int) -> tuple[Return, ...]:
        """Give the steps that undo the update.

        The first needs no instance that is not there, so traffic leaves the new fleet at once as
        far as the old one can take it; in blue/green that is all of it.

        Args:
            reached: index of the stage that was begun last.
        """
        total = sum(self.before.values())
        everything = dict(self.stages[-1].new)
        old = self.before if reached == 0 else self.stages[reached - 1].old
        steps = [self._return(old, total, everything)]
        while sum(old.values()) < total:
            old = {
                name: min(self.before[name], old[name] + math.ceil(count * self.rollback_part))
                for name, count in self.before.items()
            }
            steps.append(self._return(old, total, everything))
        return tuple(steps)

    @staticmethod
    def _return(old: Counts, total: int, everything: Counts) -> Return:
        share = 1 - Fraction(sum(old.values()), total) if total else Fraction(0)
        return Return(
            dict(old),
            float(share),
            {name: math.ceil(count * share) for name, count in everything.items()},
        )


def course_of(
    config: Mapping[str, Any] | None,
    new: Mapping[str, Capacity],
    old: Mapping[str, Capacity],
    *,
    guarded: bool = True,
) -> Course:
    """Give the course of an update.

    Args:
        config: UpdateEndpoint's DeploymentConfig, already checked; None: all at once.
        new: what each variant is to have.
        old: what each variant has.
        guarded: False where SageMaker ignores the policy and updates all at once with no bake
            (developer guide, deployment guardrails, exclusions).
    """
    config = config if config and guarded else {}
    alarms = (config.get("AutoRollbackConfiguration") or {}).get("Alarms") or ()
    names = tuple(dict.fromkeys(each["AlarmName"] for each in alarms if each.get("AlarmName")))
    before = _counts(old)
    rolling = config.get("RollingUpdatePolicy")
    if rolling:
        back = rolling.get("RollbackMaximumBatchSize")
        return Course(
            stages=tuple(_batches(rolling, new, before)),
            before=before,
            limit_seconds=rolling.get("MaximumExecutionTimeoutInSeconds"),
            alarms=names,
            rollback_part=_part(back, old) if back else Fraction(1),
        )
    policy = config.get("BlueGreenUpdatePolicy") or {}
    routing = policy.get("TrafficRoutingConfiguration") or {}
    bake = float(routing.get("WaitIntervalInSeconds") or 0)
    return Course(
        # Both fleets stay whole until the end: that is what makes the way back short.
        stages=tuple(Stage(_counts(new), share, bake, before) for share in _shares(routing, new)),
        before=before,
        termination_seconds=float(policy.get("TerminationWaitInSeconds") or 0),
        limit_seconds=policy.get("MaximumExecutionTimeoutInSeconds"),
        alarms=names,
    )


def _shares(routing: Mapping[str, Any], new: Mapping[str, Capacity]) -> Iterator[float]:
    """Give the new fleet's share of the traffic, stage by stage."""
    if routing.get("Type") == "CANARY":
        yield float(_part(routing["CanarySize"], new))
    elif routing.get("Type") == "LINEAR":
        step = _part(routing["LinearStepSize"], new)
        share = step
        while share < 1:
            yield float(share)
            share += step
    yield 1.0


def _batches(
    policy: Mapping[str, Any], new: Mapping[str, Capacity], before: Counts
) -> Iterator[Stage]:
    """Give a rolling update's stages: beside the old fleet there is never more than one batch."""
    total = sum(each.instances for each in new.values())
    batch = max(1, math.ceil(total * _part(policy["MaximumBatchSize"], new)))
    for up in [*range(batch, total, batch), total]:
        share = Fraction(up, total)
        yield Stage(
            new={name: math.ceil(each.instances * share) for name, each in new.items()},
            share=float(share),
            bake_seconds=float(policy["WaitIntervalInSeconds"]),
            # Fleets of different sizes: the old one shrinks in the same proportion.
            old={name: math.ceil(count * (1 - share)) for name, count in before.items()},
        )


def _part(size: Mapping[str, Any], capacities: Mapping[str, Capacity]) -> Fraction:
    """Give what part of the fleet a CapacitySize means, above 0, up to 1.

    A number of instances is another part of each variant; traffic is shifted by fleet, so the
    parts are averaged by the traffic that each variant has.
    """
    value = size["Value"]
    if size["Type"] == "CAPACITY_PERCENT":
        return min(Fraction(1), Fraction(value, 100))
    parts = [
        (Fraction(each.weight), min(Fraction(1), Fraction(value, max(1, each.instances))))
        for each in capacities.values()
    ]
    weight = sum(each for each, _ in parts)
    if weight == 0:
        return sum((part for _, part in parts), Fraction(0)) / len(parts)
    return sum((each * part for each, part in parts), Fraction(0)) / weight


def _counts(capacities: Mapping[str, Capacity]) -> dict[str, int]:
    return {name: each.instances for name, each in capacities.items()}
