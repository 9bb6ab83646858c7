"""Application Auto Scaling: targets, policies and scheduled actions."""

from collections.abc import Sequence
from typing import Any

from modelway.emulator.provider.entry import AutoName, Call, Entry, Read, Tagging
from modelway.emulator.provider.target import Target
from modelway.errors import EmulatorError

_SERVICE = "application-autoscaling"
_WHERE = {
    "ServiceNamespace": "serviceNamespace",
    "ResourceId": "resourceId",
    "ScalableDimension": "scalableDimension",
}
_WHICH = frozenset({"resourceId", "scalableDimension", "serviceNamespace"})
_GONE = ("ObjectNotFoundException",)


def _imported_target(id_: str) -> dict[str, Any]:
    """An import says `namespace/resource-id/dimension`; the own id is the resource's alone."""
    parts = id_.split("/")
    if len(parts) < 3 or ":" not in parts[-1]:  # noqa: PLR2004 - the three parts
        return {}
    return {
        "serviceNamespace": parts[0],
        "resourceId": "/".join(parts[1:-1]),
        "scalableDimension": parts[-1],
    }


def _target_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    del raws
    target.id = state["resourceId"]


TARGET = Entry(
    type="aws:appautoscaling/target:Target",
    service=_SERVICE,
    create=Call("RegisterScalableTarget"),
    put=True,
    id_property="resourceId",
    parse_id=_imported_target,
    reads=(
        Read(
            Call(
                "DescribeScalableTargets",
                {
                    "ServiceNamespace": "serviceNamespace",
                    "ResourceIds": "resourceId",
                    "ScalableDimension": "scalableDimension",
                },
            ),
            "ScalableTargets[0]",
        ),
    ),
    not_found=_GONE,
    delete=Call("DeregisterScalableTarget", _WHERE),
    names={"arn": "ScalableTargetARN"},
    tagging=Tagging(
        listing=Call("ListTagsForResource", {"ResourceARN": "arn"}),
        tag=Call("TagResource", {"ResourceARN": "arn"}),
        untag=Call("UntagResource", {"ResourceARN": "arn"}),
    ),
    state=_target_state,
    replaces=_WHICH,
    computed=frozenset({"roleArn", "suspendedState"}),
)


def _imported_policy(id_: str) -> dict[str, Any]:
    """An import says `namespace/resource-id/dimension/name`; the own id is the name alone."""
    head, _, name = id_.rpartition("/")
    found = _imported_target(head)
    return {**found, "name": name} if found else {}


def _policy_state(target: Target, state: dict[str, Any], raws: Sequence[Any]) -> None:
    target.id = state["name"]
    state["alarmArns"] = [alarm["AlarmARN"] for alarm in raws[0].get("Alarms") or ()]


POLICY = Entry(
    type="aws:appautoscaling/policy:Policy",
    service=_SERVICE,
    create=Call("PutScalingPolicy"),
    put=True,
    id_property="name",
    parse_id=_imported_policy,
    reads=(
        Read(
            Call("DescribeScalingPolicies", {**_WHERE, "PolicyNames": "name"}),
            "ScalingPolicies[0]",
        ),
    ),
    not_found=_GONE,
    delete=Call("DeleteScalingPolicy", {**_WHERE, "PolicyName": "name"}),
    names={"alarmArns": "", "arn": "PolicyARN", "name": "PolicyName"},
    state=_policy_state,
    auto_name=AutoName(limit=255),
    replaces=_WHICH | {"name"},
    defaults={
        "policyType": "StepScaling",
        "targetTrackingScalingPolicyConfiguration.customizedMetricSpecification.metrics."
        "returnData": True,
    },
    unordered=frozenset(
        {
            "stepScalingPolicyConfiguration.stepAdjustments",
            "targetTrackingScalingPolicyConfiguration.customizedMetricSpecification.dimensions",
            "targetTrackingScalingPolicyConfiguration.customizedMetricSpecification.metrics",
        }
    ),
)


def _action_id(target: Target) -> str:
    return "-".join(target.get(name) for name in ("name", "serviceNamespace", "resourceId"))


def _imported_action(id_: str) -> dict[str, Any]:
    found = _imported_policy(id_)
    if not found and "/" in id_ and id_.count("-") < 2:  # noqa: PLR2004 - the id's own separators
        raise EmulatorError(
            f"importing a scheduled action: the id is {id_!r}; it must be "
            f"<service-namespace>/<resource-id>/<scalable-dimension>/<name>"
        )
    return found


SCHEDULED_ACTION = Entry(
    type="aws:appautoscaling/scheduledAction:ScheduledAction",
    service=_SERVICE,
    create=Call("PutScheduledAction"),
    put=True,
    identify=_action_id,
    parse_id=_imported_action,
    reads=(
        Read(
            Call(
                "DescribeScheduledActions",
                {**_WHERE, "ScheduledActionNames": "name"},
            ),
            "ScheduledActions[0]",
        ),
    ),
    not_found=_GONE,
    delete=Call("DeleteScheduledAction", {**_WHERE, "ScheduledActionName": "name"}),
    names={"arn": "ScheduledActionARN", "name": "ScheduledActionName"},
    auto_name=AutoName(limit=255),
    replaces=_WHICH | {"name"},
    defaults={"timezone": "UTC"},
)

ENTRIES = (TARGET, POLICY, SCHEDULED_ACTION)
