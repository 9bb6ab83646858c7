"""Decide how an update moves traffic, in the shape of UpdateEndpoint's `DeploymentConfig`.

Takes a spec of one environment and its alarms, gives a `RolloutPlan` and its decisions.
"""

from collections.abc import Sequence

from modelway.plan.alarms import OBJECTIVE_KEYS
from modelway.plan.decide import chosen
from modelway.plan.model import AlarmPlan, Decision, RolloutPlan
from modelway.spec.model import ModelSpec, Rollout, Strategy
from modelway.spec.rules.rollout import rollout_step_percent


def plan_rollout(
    spec: ModelSpec, alarms: Sequence[AlarmPlan]
) -> tuple[RolloutPlan, list[Decision]]:
    """Decide the deployment configuration.

    All at once has none: it moves everything in one step and watches nothing. The other strategies
    are rolled back by the alarms of the objectives.
    """
    rollout = spec.rollout
    plan = RolloutPlan(
        deployment_config=_deployment_config(rollout, alarms),
        history=rollout.history,
        timeout_seconds=rollout.timeout_seconds,
    )
    return plan, _decisions(rollout, alarms)


def _deployment_config(rollout: Rollout, alarms: Sequence[AlarmPlan]) -> dict[str, object] | None:
    """Give the configuration in AWS's own words."""
    if rollout.strategy is Strategy.ALL_AT_ONCE:
        if rollout.termination_wait_seconds == 0:
            return None
        return {"BlueGreenUpdatePolicy": _blue_green(rollout, "ALL_AT_ONCE", 0)}
    rollback = {
        "Alarms": [{"AlarmName": alarm.name} for alarm in alarms if alarm.key in OBJECTIVE_KEYS]
    }
    size = {"Type": "CAPACITY_PERCENT", "Value": rollout_step_percent(rollout)}
    if rollout.strategy is Strategy.ROLLING:
        policy: dict[str, object] = {
            "MaximumBatchSize": size,
            "WaitIntervalInSeconds": rollout.wait_seconds,
            "MaximumExecutionTimeoutInSeconds": rollout.timeout_seconds,
        }
        return {"RollingUpdatePolicy": policy, "AutoRollbackConfiguration": rollback}
    if rollout.strategy is Strategy.CANARY:
        policy = _blue_green(rollout, "CANARY", rollout.wait_seconds, CanarySize=size)
    else:
        policy = _blue_green(rollout, "LINEAR", rollout.wait_seconds, LinearStepSize=size)
    return {"BlueGreenUpdatePolicy": policy, "AutoRollbackConfiguration": rollback}


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


def _decisions(rollout: Rollout, alarms: Sequence[AlarmPlan]) -> list[Decision]:
    """Explain the plan."""
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
                "five minutes give the alarms several chances to fire",
            )
        )
        names = [alarm.name for alarm in alarms if alarm.key in OBJECTIVE_KEYS]
        decisions.append(
            Decision(
                "rollout.rollback_alarms",
                ", ".join(names),
                "a bake ends in promotion unless one of the objectives' alarms fires",
                "SageMaker DeploymentConfig.AutoRollbackConfiguration",
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
