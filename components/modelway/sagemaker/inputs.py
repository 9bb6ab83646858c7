"""The endpoint resource's inputs: plain JSON values made from a plan and its wiring.

Takes a `DeploymentPlan` and what other resources give (values in a test, Pulumi outputs in a
program: it only puts them in place), gives one dictionary. Must not import Pulumi and decides
nothing: numbers are the plan's.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from modelway.plan.model import DeploymentPlan, VariantPlan

PRIMARY = "primary"
"""The key of a deployment's own model among `models`."""


@dataclass(frozen=True)
class EndpointWiring:
    """What the endpoint takes from other resources; each may be a Pulumi output."""

    region: Any
    """AWS region, such as `us-east-1`."""
    owner: str
    """The stack, as `organization/project/stack`."""
    image: Any
    """Container image by digest."""
    model_data_url: Any
    """`s3://` URI of the artifact."""
    execution_role_arn: Any
    kms_key_arn: Any
    """Key of the instances' volumes and of the captured data."""
    data_capture_destination: Any
    """`s3://` URI; used when the plan captures data."""
    extra_tags: Mapping[str, str]
    """Tags that the provider puts on its own resources; the plan's go before them."""


def endpoint_inputs(plan: DeploymentPlan, wiring: EndpointWiring) -> dict[str, Any]:
    """Give the inputs of one endpoint resource. Absent values are left out, not None."""
    network = plan.network
    model = {
        "image": wiring.image,
        "model_data_url": wiring.model_data_url,
        "environment": dict(plan.container.environment),
        "execution_role_arn": wiring.execution_role_arn,
        "enable_network_isolation": network.isolation,
        "vpc_config": {
            "subnet_ids": list(network.subnet_ids),
            "security_group_ids": list(network.security_group_ids),
        }
        if network.subnet_ids
        else None,
    }
    inputs = {
        "endpoint_name": plan.names.endpoint,
        "region": wiring.region,
        "owner": wiring.owner,
        "models": {PRIMARY: _given(model)},
        "variants": [_variant(plan.variant)],
        "data_capture": _data_capture(plan, wiring),
        "kms_key_arn": wiring.kms_key_arn if plan.volume_encryption else None,
        "autoscaled": plan.scaling is not None,
        "deployment_config": plan.rollout.deployment_config,
        "history_limit": plan.rollout.history,
        "tags": {**wiring.extra_tags, **plan.tags},
        "timeout_seconds": plan.rollout.timeout_seconds,
    }
    return _given(inputs)


def _variant(variant: VariantPlan) -> dict[str, Any]:
    return _given({**asdict(variant), "model": PRIMARY})


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
