"""Autoscaling set aside while an instance type changes, and put back exactly as it was.

Takes an endpoint's name and variants, deregisters their scalable targets and registers them again
with their policies and scheduled actions. It must not decide bounds or targets.

SageMaker refuses another instance type for a variant that is a scalable target ("Update endpoints
that use automatic scaling", SageMaker developer guide; hashicorp/terraform-provider-aws issue
14337). Deregistering deletes the target's policies and scheduled actions with it
(DeregisterScalableTarget), so they are read before.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from modelway.sagemaker.calls import Calls, error_code

NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"

_TARGET = ("MinCapacity", "MaxCapacity", "SuspendedState")
_POLICY = (
    "PolicyName",
    "PolicyType",
    "StepScalingPolicyConfiguration",
    "TargetTrackingScalingPolicyConfiguration",
    "PredictiveScalingPolicyConfiguration",
)
_ACTION = (
    "ScheduledActionName",
    "Schedule",
    "Timezone",
    "StartTime",
    "EndTime",
    "ScalableTargetAction",
)


@dataclass(frozen=True)
class Registration:
    """One scalable target with all that hangs on it, in the shapes of the service's requests."""

    resource_id: str
    target: Mapping[str, Any]
    tags: Mapping[str, str]
    policies: Sequence[Mapping[str, Any]]
    actions: Sequence[Mapping[str, Any]]


def resource_id(endpoint: str, variant: str) -> str:
    """Give a variant's name in Application Auto Scaling."""
    return f"endpoint/{endpoint}/variant/{variant}"


def registered(scaling: Calls, endpoint: str, variants: Sequence[str]) -> list[Registration]:
    """Give what is registered for these variants now."""
    wanted = [resource_id(endpoint, variant) for variant in variants]
    if not wanted:
        return []
    answer = scaling.call(
        "describe_scalable_targets",
        ServiceNamespace=NAMESPACE,
        ResourceIds=wanted,
        ScalableDimension=DIMENSION,
    )
    return [_registration(scaling, target) for target in answer["ScalableTargets"]]


def deregister(scaling: Calls, registrations: Sequence[Registration]) -> None:
    """Take the targets away, and with them policies and scheduled actions."""
    for registration in registrations:
        try:
            scaling.call("deregister_scalable_target", **_at(registration.resource_id))
        except ClientError as error:
            if error_code(error) != "ObjectNotFoundException":
                raise


def register_again(scaling: Calls, registrations: Sequence[Registration]) -> None:
    """Bring targets, policies and scheduled actions back."""
    for registration in registrations:
        at = _at(registration.resource_id)
        tags = {"Tags": dict(registration.tags)} if registration.tags else {}
        scaling.call("register_scalable_target", **at, **registration.target, **tags)
        for policy in registration.policies:
            scaling.call("put_scaling_policy", **at, **policy)
        for action in registration.actions:
            scaling.call("put_scheduled_action", **at, **action)


def _registration(scaling: Calls, target: Mapping[str, Any]) -> Registration:
    name = str(target["ResourceId"])
    policies = scaling.call("describe_scaling_policies", **_at(name))["ScalingPolicies"]
    actions = scaling.call("describe_scheduled_actions", **_at(name))["ScheduledActions"]
    return Registration(
        resource_id=name,
        target=_some(target, _TARGET),
        tags=_tags(scaling, target),
        policies=[_some(policy, _POLICY) for policy in policies],
        actions=[_some(action, _ACTION) for action in actions],
    )


def _tags(scaling: Calls, target: Mapping[str, Any]) -> Mapping[str, str]:
    arn = target.get("ScalableTargetARN")
    if not arn:
        return {}
    answer: dict[str, str] = scaling.call("list_tags_for_resource", ResourceARN=arn)["Tags"]
    return answer


def _at(name: str) -> dict[str, str]:
    return {
        "ServiceNamespace": NAMESPACE,
        "ResourceId": name,
        "ScalableDimension": DIMENSION,
    }


def _some(found: Mapping[str, Any], fields: Sequence[str]) -> dict[str, Any]:
    return {field: found[field] for field in fields if found.get(field) is not None}
