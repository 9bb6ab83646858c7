"""Decide how an update moves traffic, in the shape of UpdateEndpoint's `DeploymentConfig`.

Takes a spec of one environment and its alarms, gives a `RolloutPlan` and its decisions. The alarms
that decide a roll-out are those of `modelway.plan.rollback_alarms`.
"""

from collections.abc import Sequence

from modelway.plan.alarms import OBJECTIVE_KEYS
from modelway.plan.decide import SPEC_SOURCE, chosen
from modelway.plan.model import AlarmPlan, Decision, RolloutPlan
from modelway.plan.rollback_alarms import plan_rollback_alarms
from modelway.spec.model import ModelSpec, Rollout, Strategy
from modelway.spec.rules.rollout import rollout_step_percent


def plan_rollout(
    spec: ModelSpec, endpoint: str, variant: str, alarms: Sequence[AlarmPlan]
) -> tuple[RolloutPlan, list[Decision]]:
    """Decide the deployment configuration, what rolls it back, and what keeps it from starting.

    Args:
        spec: of one environment.
        endpoint: the endpoint's name.
        variant: the variant's name.
        alarms: those on the variant, as `modelway.plan.alarms` gives them.
    """
    rollout = spec.rollout
    rollback, lease, reasons = plan_rollback_alarms(spec, endpoint, variant)
    traffic = _traffic(spec)
    guards = tuple(alarm.name for alarm in alarms if alarm.key in OBJECTIVE_KEYS)
    plan = RolloutPlan(
        deployment_config=_deployment_config(rollout, rollback),
        history=rollout.history,
        timeout_seconds=rollout.timeout_seconds,
        rollback_alarms=rollback,
        evidence_lease=lease,
        guard_alarms=guards,
        repair=rollout.repair,
        strategy=rollout.strategy,
        step_percent=rollout_step_percent(rollout),
        wait_seconds=0 if rollout.strategy is Strategy.ALL_AT_ONCE else rollout.wait_seconds,
        termination_wait_seconds=rollout.termination_wait_seconds,
        expected_requests_per_minute=_number(traffic.value),
    )
    guard = _guard(guards, repair=rollout.repair)
    return plan, [*_decisions(rollout), *reasons, guard, traffic]


def _deployment_config(rollout: Rollout, alarms: Sequence[AlarmPlan]) -> dict[str, object] | None:
    """Give the configuration in AWS's own words; None for SageMaker's default without a wait."""
    if rollout.strategy is Strategy.ALL_AT_ONCE and rollout.termination_wait_seconds == 0:
        return None
    config = _policy(rollout)
    if alarms:
        names = [{"AlarmName": alarm.name} for alarm in alarms]
        config["AutoRollbackConfiguration"] = {"Alarms": names}
    return config


def _policy(rollout: Rollout) -> dict[str, object]:
    """Give the part that says how traffic moves."""
    if rollout.strategy is Strategy.ALL_AT_ONCE:
        return {"BlueGreenUpdatePolicy": _blue_green(rollout, "ALL_AT_ONCE", 0)}
    size = {"Type": "CAPACITY_PERCENT", "Value": rollout_step_percent(rollout)}
    if rollout.strategy is Strategy.ROLLING:
        policy: dict[str, object] = {
            "MaximumBatchSize": size,
            "WaitIntervalInSeconds": rollout.wait_seconds,
            "MaximumExecutionTimeoutInSeconds": rollout.timeout_seconds,
        }
        return {"RollingUpdatePolicy": policy}
    if rollout.strategy is Strategy.CANARY:
        policy = _blue_green(rollout, "CANARY", rollout.wait_seconds, CanarySize=size)
    else:
        policy = _blue_green(rollout, "LINEAR", rollout.wait_seconds, LinearStepSize=size)
    return {"BlueGreenUpdatePolicy": policy}


def _blue_green(
    rollout: Rollout, kind: str, wait_seconds: int, **size: object
) -> dict[str, object]:
    """Give a blue/green policy."""
    return {
        "TrafficRoutingConfiguration": {
            "Type": kind,
            "WaitIntervalInSeconds": wait_seconds,
            **size,
        },
        "TerminationWaitInSeconds": rollout.termination_wait_seconds,
        "MaximumExecutionTimeoutInSeconds": rollout.timeout_seconds,
    }


def _traffic(spec: ModelSpec) -> Decision:
    """Decide which traffic the detection limits are worked out for."""
    path = "rollout.expected_requests_per_minute"
    given = spec.rollout.expected_requests_per_minute
    if given is not None:
        return Decision(path, given, "as the spec says", SPEC_SOURCE)
    target = spec.scaling.target_invocations_per_instance_per_minute
    if target is not None:
        least = spec.scaling.min_instances
        reason = (
            f"{least} instance(s), the least that serve, at the {target:g} requests a minute that "
            "autoscaling keeps each one at; rollout.expected_requests_per_minute says it better"
        )
        return Decision(path, target * least, reason, "modelway")
    reason = "unknown, so nothing can be said about what a bake detects; say it in the spec"
    return Decision(path, None, reason, "modelway")


def _number(value: object) -> float | None:
    return float(value) if isinstance(value, (int, float)) else None


def _guard(names: Sequence[str], *, repair: bool) -> Decision:
    """Explain what keeps a roll-out from starting."""
    path = "rollout.guard_alarms"
    listed = ", ".join(names) or None
    if not names:
        reason = "without objectives nothing tells that the endpoint is already in trouble"
        return Decision(path, listed, reason, "modelway")
    if repair:
        reason = "STARTS EVEN WHILE THESE FIRE: rollout.repair says that this roll-out repairs it"
        return Decision(path, listed, reason, SPEC_SOURCE)
    reason = "no roll-out starts while one of these fires, unless rollout.repair is true"
    return Decision(path, listed, reason, "modelway")


def _decisions(rollout: Rollout) -> list[Decision]:
    """Explain the strategy and its numbers."""
    default = Rollout()
    decisions = [
        chosen(
            "rollout.strategy",
            rollout.strategy.value,
            default.strategy.value,
            "a new fleet takes all traffic at once; needs no second instance and no alarms",
        )
    ]
    step = rollout_step_percent(rollout)
    if step is not None:
        decisions.append(
            chosen(
                "rollout.step_percent",
                step,
                step if rollout.step_percent is None else None,
                "small enough that few requests meet a bad model",
            )
        )
        decisions.append(
            chosen(
                "rollout.wait_seconds",
                rollout.wait_seconds,
                default.wait_seconds,
                "long enough for every roll-back alarm to fire on a bad fleet",
            )
        )
    decisions += [
        chosen(
            "rollout.termination_wait_seconds",
            rollout.termination_wait_seconds,
            default.termination_wait_seconds,
            "the old fleet ends as soon as the new one has all traffic",
        ),
        chosen(
            "rollout.timeout_seconds",
            rollout.timeout_seconds,
            default.timeout_seconds,
            "an hour is room for starting instances and for the waits",
        ),
        chosen(
            "rollout.history",
            rollout.history,
            default.history,
            "previous models and configurations are kept as roll-back targets",
        ),
    ]
    return decisions
