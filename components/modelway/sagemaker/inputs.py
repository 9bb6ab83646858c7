"""The endpoint resource's inputs: plain JSON values made from a plan and its wiring.

Takes a `DeploymentPlan` and what other resources give (values in a test, Pulumi outputs in a
program: it only puts them in place), gives one dictionary. Must not import Pulumi and decides
nothing: numbers are the plan's.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from modelway.plan.model import AlarmPlan, DeploymentPlan, VariantPlan

ROLLBACK = ("instead_of", "content")
"""What the endpoint needs of a rollback."""


@dataclass(frozen=True)
class EndpointWiring:
    """What the endpoint takes from other resources; each may be a Pulumi output."""

    region: Any
    """AWS region, such as `us-east-1`."""
    owner: str
    """The stack, as `organization/project/stack`."""
    image: Any
    """Container image by digest, for all variants."""
    model_data_urls: Mapping[str, Any]
    """`s3://` URI of each artifact, by the key of its container in the plan."""
    execution_role_arn: Any
    kms_key_arn: Any
    """Key of the instances' volumes and of the captured data."""
    data_capture_destination: Any
    """`s3://` URI; used when the plan captures data."""
    extra_tags: Mapping[str, str]
    """Tags that the provider puts on its own resources; the plan's go before them."""
    rollback: Mapping[str, Any] | None = None
    """What `modelway.rollback.load_rollback` gives, where an earlier version is wanted."""


def endpoint_inputs(plan: DeploymentPlan, wiring: EndpointWiring) -> dict[str, Any]:
    """Give the inputs of one endpoint resource. Absent values are left out, not None."""
    inputs = {
        "endpoint_name": plan.names.endpoint,
        "region": wiring.region,
        "owner": wiring.owner,
        "models": {key: _model(plan, wiring, key) for key in plan.containers},
        "variants": [_given(asdict(variant)) for variant in plan.variants],
        "shadow_variants": [_given(asdict(each)) for each in _shadows(plan)] or None,
        "data_capture": _data_capture(plan, wiring),
        "kms_key_arn": wiring.kms_key_arn if plan.volume_encryption else None,
        "autoscaled": bool(plan.autoscaled),
        # Left out where all variants are alike, which most endpoints are.
        "autoscaled_variants": list(plan.autoscaled) if _mixed(plan) else None,
        "deployment_config": plan.rollout.deployment_config,
        "rollback_alarms": [_alarm(alarm) for alarm in plan.rollout.rollback_alarms] or None,
        "guard_alarms": list(plan.rollout.guard_alarms) or None,
        "repair": plan.rollout.repair or None,
        "history_limit": plan.rollout.history,
        "tags": {**wiring.extra_tags, **plan.tags},
        "timeout_seconds": plan.rollout.timeout_seconds,
        "rollback": wiring.rollback and _given({key: wiring.rollback[key] for key in ROLLBACK}),
    }
    return _given(inputs)


def _alarm(alarm: AlarmPlan) -> dict[str, Any]:
    return _given({**asdict(alarm), "metrics": [_given(asdict(each)) for each in alarm.metrics]})


def _model(plan: DeploymentPlan, wiring: EndpointWiring, key: str) -> dict[str, Any]:
    network = plan.network
    return _given(
        {
            "image": wiring.image,
            "model_data_url": wiring.model_data_urls[key],
            "environment": dict(plan.containers[key].environment),
            "execution_role_arn": wiring.execution_role_arn,
            "enable_network_isolation": network.isolation,
            "vpc_config": {
                "subnet_ids": list(network.subnet_ids),
                "security_group_ids": list(network.security_group_ids),
            }
            if network.subnet_ids
            else None,
        }
    )


def _mixed(plan: DeploymentPlan) -> bool:
    names = {variant.name for variant in (*plan.variants, *_shadows(plan))}
    return 0 < len(plan.autoscaled) < len(names)


def _shadows(plan: DeploymentPlan) -> tuple[VariantPlan, ...]:
    return () if plan.shadow is None else (plan.shadow,)


def _data_capture(plan: DeploymentPlan, wiring: EndpointWiring) -> dict[str, Any] | None:
    if plan.data_capture is None:
        return None
    return {
        "sampling_percent": plan.data_capture.sampling_percent,
        "capture_modes": list(plan.data_capture.capture_modes),
        "destination": wiring.data_capture_destination,
        "kms_key_arn": wiring.kms_key_arn,
    }


def _given(values: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
