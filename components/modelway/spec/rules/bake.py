"""Rules of bakes: the alarms that may roll back, and waits that are long enough for each of them.

Takes the spec of one environment, gives `Problem`s and the figures that `modelway.plan` uses for
the same alarms. Sources: the developer guide's pages on deployment guardrails and auto-rollback
configuration, and CloudWatch's "Using Amazon CloudWatch alarms". Must not decide thresholds.
"""

from collections.abc import Iterator

from modelway.errors import Problem
from modelway.spec.model import ModelSpec, Strategy

METRIC_PERIOD_SECONDS = 60
"""How often SageMaker publishes an endpoint's metrics (developer guide, CloudWatch metrics)."""

NEW_P99_LATENCY = "new-p99-latency"
NEW_ERROR_RATE = "new-error-rate"
TOO_FEW_REQUESTS = "too-few-requests"

REGRESSION_DATAPOINTS = 2
"""Bad minutes after which the alarms on latency and errors of the new fleet fire. The first minute
after a start is often slow because of cold caches, so one is not enough."""

REGRESSION_PERIODS = 3
"""Minutes among which those are looked for: a good minute between two bad ones hides nothing."""

EVIDENCE_PERIODS = 3
"""Minutes in a row with too few requests after which the new fleet counts as not tried. With two,
an endpoint whose canary gets one request a minute would be rolled back in two of five bakes."""

MOST_ROLLBACK_ALARMS = 10
"""AutoRollbackConfig.Alarms (botocore sagemaker)."""

UNSEEN_PERIODS = 2
"""Minutes of a bake that an alarm may not see: a bake begins within a minute, whose data also tells
of what was before, and CloudWatch looks at an alarm once a minute."""


def needed_seconds(spec: ModelSpec) -> dict[str, int]:
    """Give the roll-back alarms of a spec that is watched, and the wait that each one needs.

    In that time an alarm fires for certain, if every minute of the bake is bad.

    Returns:
        Seconds by the alarm's key, in the order of the plan.
    """
    regression = (REGRESSION_DATAPOINTS + UNSEEN_PERIODS) * METRIC_PERIOD_SECONDS
    evidence = (EVIDENCE_PERIODS + UNSEEN_PERIODS) * METRIC_PERIOD_SECONDS
    needed: dict[str, int] = {}
    if spec.objectives.p99_latency_ms is not None:
        needed[NEW_P99_LATENCY] = regression
    if spec.objectives.error_rate_percent is not None:
        needed[NEW_ERROR_RATE] = regression
    if spec.rollout.minimum_requests_per_minute is not None:
        needed[TOO_FEW_REQUESTS] = evidence
    return needed


def watched(spec: ModelSpec) -> bool:
    """Tell whether a roll-out of this spec has a wait in which alarms can be watched.

    All at once bakes too, for as long as the old fleet is kept (developer guide, all-at-once
    traffic shifting).
    """
    rollout = spec.rollout
    return rollout.strategy is not Strategy.ALL_AT_ONCE or rollout.termination_wait_seconds > 0


def _objective_count(spec: ModelSpec) -> int:
    objectives = (spec.objectives.p99_latency_ms, spec.objectives.error_rate_percent)
    return sum(1 for objective in objectives if objective is not None)


def bake_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Check that a bake can end in a roll-back."""
    if not watched(spec):
        return
    rollout, objectives = spec.rollout, spec.objectives
    steps = rollout.strategy is not Strategy.ALL_AT_ONCE
    if steps and objectives.p99_latency_ms is None and objectives.error_rate_percent is None:
        yield Problem(
            path="objectives",
            message=(
                f"is missing: without it a {rollout.strategy.value} roll-out has no alarm "
                "that could roll back a bad model, and baking proves nothing"
            ),
            allowed="`p99_latency_ms`, `error_rate_percent` or both",
            source="SageMaker AutoRollbackConfig: 1 to 10 alarms",
        )
    count = len(needed_seconds(spec)) + len(spec.challengers) * _objective_count(spec)
    if count > MOST_ROLLBACK_ALARMS:
        yield Problem(
            path="challengers",
            message=f"and their objectives come to {count} roll-back alarms",
            value=len(spec.challengers),
            allowed=(
                f"fewer challengers or one objective less, so that there are at most "
                f"{MOST_ROLLBACK_ALARMS}"
            ),
            source="SageMaker AutoRollbackConfig: 1 to 10 alarms",
        )
    field = "wait_seconds" if steps else "termination_wait_seconds"
    wait = rollout.wait_seconds if steps else rollout.termination_wait_seconds
    late = {key: seconds for key, seconds in needed_seconds(spec).items() if seconds > wait}
    if late:
        each = ", ".join(f"{key} needs {seconds} s" for key, seconds in late.items())
        least = f"at least {max(late.values())}"
        yield Problem(
            path=f"rollout.{field}",
            message=f"ends before its alarms can fire, so a bad model would be promoted: {each}",
            value=wait,
            allowed=least if steps else f"0, or {least}",
            source=(
                f"modelway: periods of {METRIC_PERIOD_SECONDS} s that an alarm needs, and "
                f"{UNSEEN_PERIODS} that it may not see"
            ),
        )
