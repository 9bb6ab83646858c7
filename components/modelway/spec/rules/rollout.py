"""Rules of roll-outs: steps and the sum of the waits.

Takes the spec of one environment, gives `Problem`s. What a bake needs is in
`modelway.spec.rules.bake`. Limits are those of SageMaker's
DeploymentConfig (botocore service model) and of the developer guide's pages on deployment
guardrails.
"""

import math
from collections.abc import Iterator

from modelway.errors import Problem
from modelway.spec.instances import instance_type
from modelway.spec.model import ModelSpec, Rollout, Strategy
from modelway.spec.rules.bake import bake_problems

STEP_PERCENT = {
    Strategy.CANARY: (1, 50),
    Strategy.LINEAR: (10, 50),
    Strategy.ROLLING: (5, 50),
}
"""Least and greatest step (TrafficRoutingConfig.CanarySize, .LinearStepSize,
RollingUpdatePolicy.MaximumBatchSize)."""

DEFAULT_STEP_PERCENT = {Strategy.CANARY: 10, Strategy.LINEAR: 25, Strategy.ROLLING: 25}
"""Steps when the spec gives none."""

LEAST_INSTANCES = 2
"""A step of at most 50 % of one instance is no instance (derived from the limits of steps)."""


def rollout_step_percent(rollout: Rollout) -> int | None:
    """Give the size of a step; None for all-at-once, which has none."""
    if rollout.step_percent is not None and rollout.strategy is not Strategy.ALL_AT_ONCE:
        return rollout.step_percent
    return DEFAULT_STEP_PERCENT.get(rollout.strategy)


def waits_seconds(rollout: Rollout) -> int:
    """Give the sum of all waits: a bake after every step, and the time until the old fleet ends.

    The last step is followed by a bake too (developer guide, canary and linear traffic shifting).
    """
    step = rollout_step_percent(rollout)
    if step is None:
        return rollout.termination_wait_seconds
    bakes = 2 if rollout.strategy is Strategy.CANARY else math.ceil(100 / step)
    return bakes * rollout.wait_seconds + rollout.termination_wait_seconds


def rollout_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Check the strategy and its numbers."""
    rollout = spec.rollout
    if rollout.strategy is Strategy.ALL_AT_ONCE:
        if rollout.step_percent is not None:
            yield Problem(
                path="rollout.step_percent",
                message="has no meaning: all-at-once has one step",
                value=rollout.step_percent,
                allowed="leave it out, or set `rollout.strategy` to canary, linear or rolling",
                source="SageMaker TrafficRoutingConfig",
            )
    else:
        yield from _step_problems(rollout)
        yield from _fleet_problems(spec)
    yield from bake_problems(spec)
    total = waits_seconds(rollout)
    if total >= rollout.timeout_seconds:
        yield Problem(
            path="rollout.timeout_seconds",
            message=f"is not above the sum of the waits, which is {total} s",
            value=rollout.timeout_seconds,
            allowed=f"above {total}, with room for starting instances",
            source="SageMaker BlueGreenUpdatePolicy.MaximumExecutionTimeoutInSeconds",
        )


def _step_problems(rollout: Rollout) -> Iterator[Problem]:
    """Check the size of a step."""
    low, high = STEP_PERCENT[rollout.strategy]
    step = rollout.step_percent
    if step is not None and not low <= step <= high:
        yield Problem(
            path="rollout.step_percent",
            message=f"is no step of a {rollout.strategy.value} roll-out",
            value=step,
            allowed=f"{low} to {high}",
            source="SageMaker DeploymentConfig",
        )
    if rollout.strategy is Strategy.ROLLING and rollout.termination_wait_seconds > 0:
        yield Problem(
            path="rollout.termination_wait_seconds",
            message="has no meaning: a rolling update ends the old instances batch by batch",
            value=rollout.termination_wait_seconds,
            allowed="0",
            source="SageMaker RollingUpdatePolicy",
        )


def _fleet_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Check that the fleet can be moved in steps."""
    counts = [spec.scaling.min_instances]
    counts += [item.min_instances for item in spec.scaling.schedules if item.min_instances]
    if min(counts) < LEAST_INSTANCES:
        yield Problem(
            path="rollout.strategy",
            message=f"cannot be done with {min(counts)} instance: a step is at most half the fleet",
            value=spec.rollout.strategy.value,
            allowed=f"`scaling.min_instances` of {LEAST_INSTANCES} or more, or all-at-once",
            source="SageMaker TrafficRoutingConfig, RollingUpdatePolicy",
        )
    machine = instance_type(spec.serving.instance_type)
    if machine is not None and machine.inf1:
        yield Problem(
            path="rollout.strategy",
            message=f"is ignored by SageMaker on {machine.name}, which updates all at once",
            value=spec.rollout.strategy.value,
            allowed="all-at-once, or another instance type such as ml.inf2",
            source="SageMaker developer guide, deployment guardrails, exclusions",
        )
