"""An update as the planner sees it, from what SageMaker describes or the state remembers.

Takes DescribeEndpoint's answer or the endpoint resource's last outputs, and what is wanted; gives
the planner's two sides and its plan in words. Pure: it must not call AWS, and must not decide what
the planner decides.
"""

from collections.abc import Mapping
from typing import Any

from modelway.errors import DeploymentError
from modelway.plan.live import LiveEndpoint, LiveVariant, VariantConfig, WantedEndpoint
from modelway.plan.model import AlarmPlan, MetricPlan, RolloutPlan
from modelway.plan.stages import Stage
from modelway.plan.update import UpdatePlan
from modelway.sagemaker.desired import DesiredEndpoint
from modelway.spec.model import Strategy

_OWN_FIELDS = ("VariantName", "ModelName", "InstanceType")
_COUNTS = ("InitialInstanceCount", "InitialVariantWeight")

_STRATEGIES = {
    "ALL_AT_ONCE": Strategy.ALL_AT_ONCE,
    "CANARY": Strategy.CANARY,
    "LINEAR": Strategy.LINEAR,
}


def described(found: Mapping[str, Any], config: Mapping[str, Any] | None) -> LiveEndpoint:
    """Give the live side from AWS.

    Args:
        found: DescribeEndpoint's answer.
        config: DescribeEndpointConfig's for what serves; None when it is gone.
    """
    variants = {v["VariantName"]: v for v in (config or {}).get("ProductionVariants", ())}
    return LiveEndpoint(
        name=found["EndpointName"],
        status=found["EndpointStatus"],
        config_name=found["EndpointConfigName"],
        variants=tuple(
            LiveVariant(
                _variant(variants.get(has["VariantName"], has)),
                int(has.get("DesiredInstanceCount") or 0),
                float(has.get("DesiredWeight", 1.0)),
            )
            for has in found.get("ProductionVariants", ())
        ),
        data_capture=(config or {}).get("DataCaptureConfig"),
        deployment_config=found.get("LastDeploymentConfig"),
    )


def remembered(outputs: Mapping[str, Any]) -> LiveEndpoint:
    """Give the live side as the state remembers it: the counts are those of the configuration."""
    desired = DesiredEndpoint.from_inputs(outputs)
    return LiveEndpoint(
        name=desired.name,
        status=str(outputs.get("endpoint_status", "InService")),
        config_name=str(outputs["endpoint_config_name"]),
        variants=tuple(
            LiveVariant(config, config.initial_instance_count, config.initial_weight)
            for config in map(_variant, desired.variants)
        ),
        data_capture=desired.config_request.get("DataCaptureConfig"),
        deployment_config=desired.deployment_config,
    )


def wanted(desired: DesiredEndpoint) -> WantedEndpoint:
    """Give the wanted side."""
    return WantedEndpoint(
        config_name=desired.config_name,
        variants=tuple(map(_variant, desired.variants)),
        rollout=_rollout(desired),
        scaled_variants=desired.autoscaled_variants,
        data_capture=desired.config_request.get("DataCaptureConfig"),
    )


def refuse(plan: UpdatePlan, doing: str) -> None:
    """Raise what AWS would refuse, all of it at once.

    Raises:
        DeploymentError: the plan has refusals.
    """
    if plan.refusals:
        reasons = "".join(f"\n  - {each.reason}: {each.next}" for each in plan.refusals)
        raise DeploymentError(f"{doing}: not started, and nothing was changed:{reasons}")


def in_words(plan: UpdatePlan) -> list[str]:
    """Say what an update will do, in phrases for a preview."""
    kinds = ", ".join(plan.changes) or "nothing"
    if plan.refusals:
        return [f"cannot be updated: {each.reason}; {each.next}" for each in plan.refusals]
    if not plan.stages:
        return [f"{kinds} changes, on the same fleet"]
    shares = ", then ".join(_stage(stage) for stage in plan.stages)
    low, high = plan.duration_seconds
    lines = [
        f"{kinds} changes: a new fleet takes {shares}",
        f"this takes about {low} to {high} s, with at most {plan.peak_instances} instances at once",
    ]
    return [*lines, *(f"note: {warning}" for warning in plan.warnings)]


def _stage(stage: Stage) -> str:
    share = f"{stage.traffic_percent:g} % of the traffic"
    return f"{share} for {stage.wait_seconds} s" if stage.wait_seconds else share


def _variant(variant: Mapping[str, Any]) -> VariantConfig:
    hidden = (*_OWN_FIELDS, *_COUNTS)
    return VariantConfig(
        name=str(variant["VariantName"]),
        model=str(variant.get("ModelName") or ""),
        instance_type=variant.get("InstanceType"),
        initial_instance_count=int(variant.get("InitialInstanceCount") or 0),
        initial_weight=float(variant.get("InitialVariantWeight", 1.0)),
        settings={key: value for key, value in variant.items() if key not in hidden},
    )


def _alarm(alarm: Mapping[str, Any]) -> AlarmPlan:
    metrics = tuple(MetricPlan(**metric) for metric in alarm["metrics"])
    return AlarmPlan(**{"expression": None, **alarm, "metrics": metrics})


def _rollout(desired: DesiredEndpoint) -> RolloutPlan:
    """Read the policy back from UpdateEndpoint's DeploymentConfig."""
    config = desired.deployment_config or {}
    rolling = config.get("RollingUpdatePolicy")
    policy = config.get("BlueGreenUpdatePolicy") or {}
    routing = policy.get("TrafficRoutingConfiguration") or {}
    size = routing.get("CanarySize") or routing.get("LinearStepSize")
    strategy = _STRATEGIES[routing.get("Type", "ALL_AT_ONCE")]
    wait_seconds = int(routing.get("WaitIntervalInSeconds") or 0)
    if rolling:
        strategy, size = Strategy.ROLLING, rolling["MaximumBatchSize"]
        wait_seconds = int(rolling["WaitIntervalInSeconds"])
    return RolloutPlan(
        deployment_config=desired.deployment_config,
        history=desired.history,
        timeout_seconds=int(desired.timeout_seconds),
        rollback_alarms=tuple(map(_alarm, desired.rollback_alarms)),
        guard_alarms=tuple(desired.guard_alarms),
        repair=desired.repair,
        strategy=strategy,
        step_percent=None if size is None else int(size["Value"]),
        wait_seconds=wait_seconds,
        termination_wait_seconds=int(policy.get("TerminationWaitInSeconds") or 0),
    )
