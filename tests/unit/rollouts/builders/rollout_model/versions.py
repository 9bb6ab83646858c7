"""What a user wants, from a spec to the endpoint resource's inputs, by the product's own planner.

Takes a few choices, gives inputs as `pulumi up` would hand them over. Must not call anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

from modelway.plan import Artifact, plan_deployment
from modelway.sagemaker.desired import DesiredEndpoint
from modelway.sagemaker.inputs import EndpointWiring, endpoint_inputs
from modelway.spec import parse_spec
from rollout_model.direct import REGION
from rollout_model.world import ENDPOINT, GUARD, ROLE

OWNER = "organization/modelway/prod"
STRATEGIES = ("plain", "all-at-once", "canary", "linear", "rolling")
IMAGES = "abcdef"

_ROLLOUTS: Mapping[str, dict[str, Any]] = {
    "plain": {},
    "all-at-once": {"termination_wait_seconds": 600},
    "canary": {"strategy": "canary", "step_percent": 30, "wait_seconds": 360},
    "linear": {"strategy": "linear", "step_percent": 50, "wait_seconds": 360},
    "rolling": {"strategy": "rolling", "step_percent": 50, "wait_seconds": 360},
}


@dataclass(frozen=True)
class Wanted:
    """One state of the user's spec."""

    image: str = "a"
    """One letter; tells versions apart."""
    strategy: str = "canary"
    count: int = 2
    instance_type: str = "ml.m5.large"
    autoscaled: bool = False
    evidence: bool = True
    """Whether a bake without requests is to end in a roll-back."""
    repair: bool = False


@lru_cache(maxsize=1000)
def _inputs(wanted: Wanted) -> dict[str, Any]:
    scaling: dict[str, Any] = {"min_instances": wanted.count}
    if wanted.autoscaled:
        scaling |= {"max_instances": 4, "target_invocations_per_instance_per_minute": 1000}
    spec = {
        "name": "fraud",
        "serving": {"instance_type": wanted.instance_type},
        "scaling": scaling,
        "objectives": {"p99_latency_ms": 100, "error_rate_percent": 5},
        "rollout": {
            **_ROLLOUTS[wanted.strategy],
            "minimum_requests_per_minute": 1 if wanted.evidence else None,
            "repair": wanted.repair,
            "history": 2,
        },
    }
    return inputs_from(spec, image_of(wanted.image))


def inputs_from(spec: Mapping[str, Any], image: str) -> dict[str, Any]:
    """Give the endpoint resource's inputs for a spec that lacks its model and its image."""
    artifact = Artifact("sha256:" + "c" * 64, 1000, Path("/models/fraud.onnx"), None)
    full = {**spec, "model": {"path": "/models/fraud.onnx"}, "image": image}
    plan = plan_deployment(parse_spec(full), "prod", artifact)
    assert plan.names.endpoint == ENDPOINT
    wiring = EndpointWiring(
        region=REGION,
        owner=OWNER,
        image=image,
        model_data_urls=dict.fromkeys(plan.containers, "s3://artifacts/fraud/model.tar.gz"),
        execution_role_arn=ROLE,
        kms_key_arn=None,
        data_capture_destination=None,
        extra_tags={},
    )
    return {**endpoint_inputs(plan, wiring), "guard_alarms": [GUARD]}


def inputs_of(wanted: Wanted, rollback: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Give the endpoint resource's inputs."""
    inputs = dict(_inputs(wanted))
    return inputs if rollback is None else {**inputs, "rollback": dict(rollback)}


def image_of(letter: str) -> str:
    """Give the image of a version."""
    return "763104351884.dkr.ecr.us-east-1.amazonaws.com/server@sha256:" + letter * 64


def rollback_to(wanted: Wanted, revision: Mapping[str, Any]) -> dict[str, Any]:
    """Give what `modelway rollback` writes to go back to an entry of the history."""
    instead_of = DesiredEndpoint.from_inputs(inputs_of(wanted)).config_name
    return {"instead_of": instead_of, "content": revision["content"]}
