"""The operations of Application Auto Scaling, where moto's differ from AWS's.

Takes moto's requests; moto keeps targets, policies and scheduled actions, this checks them, makes
the alarms of target tracking, and adds scaling activities and tags. Nothing scales here.
"""

import json
from collections.abc import Mapping
from typing import Any, cast

from botocore.session import get_session
from moto.applicationautoscaling import models, responses
from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.applicationautoscaling.models import ApplicationAutoscalingBackend
from moto.applicationautoscaling.responses import ApplicationAutoScalingResponse

from modelway.emulator.autoscaling import activity, checks, policy_metric
from modelway.emulator.autoscaling.resource import INSTANCE_COUNT, variant_of
from modelway.emulator.cloudwatch.metrics import MetricStore
from modelway.emulator.services import Services

PAGE = 50
"""DescribeScalingActivities and DescribeScalingPolicies give at most so many at once."""

_SUSPENDED = (
    "DynamicScalingInSuspended",
    "DynamicScalingOutSuspended",
    "ScheduledScalingSuspended",
)
_register = ApplicationAutoscalingBackend.register_scalable_target
_put_policy = ApplicationAutoscalingBackend.put_scaling_policy
_OPERATIONS = (
    "delete_scaling_policy",
    "delete_scheduled_action",
    "deregister_scalable_target",
    "describe_scaling_activities",
    "describe_scaling_policies",
    "list_tags_for_resource",
    "put_scaling_policy",
    "put_scheduled_action",
    "register_scalable_target",
    "tag_resource",
    "untag_resource",
)
_put_scheduled_action = ApplicationAutoScalingResponse.put_scheduled_action
_put_scaling_policy = ApplicationAutoScalingResponse.put_scaling_policy


class _Choice:
    """Stands for a member of moto's enumeration of dimensions, which is older than SageMaker's."""

    def __init__(self, value: str) -> None:
        self.value = value


class ScalingApi:
    """The operations, bound to one emulator's services."""

    def __init__(self, services: Services) -> None:
        self._services = services
        self._store = cast("MetricStore", services.metrics)

    def install(self) -> None:
        """Replace moto's methods and add those it lacks."""
        model = get_session().get_service_model("application-autoscaling")
        known = [_Choice(name) for name in model.shape_for("ScalableDimension").enum]  # type: ignore[attr-defined]
        models.ScalableDimensionValueSet = known  # type: ignore[assignment,misc]
        responses.ScalableDimensionValueSet = known  # type: ignore[assignment,misc]
        # moto makes alarms for DynamoDB and ECS only; all are made here instead.
        models.FakeApplicationAutoscalingPolicy.create_alarms = lambda _policy: None  # type: ignore[method-assign]

        def bound(method: Any) -> Any:
            return lambda response: method(self, response)

        for name in _OPERATIONS:
            setattr(ApplicationAutoScalingResponse, name, bound(getattr(ScalingApi, name)))

    def register_scalable_target(self, response: Any) -> str:
        """RegisterScalableTarget: a new target, or other limits for one."""
        response._validate_params()  # noqa: SLF001 - moto's own check of the enumerations
        params = _params(response)
        backend: Any = response.applicationautoscaling_backend
        where = (params["ResourceId"], params["ScalableDimension"])
        old = backend.targets.get(where[1], {}).get(where[0])
        limits = [params.get("MinCapacity"), params.get("MaxCapacity")]
        if old is None and None in limits:
            raise AWSValidationException(
                "MinCapacity and MaxCapacity are required to register a new scalable target"
            )
        if old is not None:
            limits = [
                kept if new is None else new
                for new, kept in zip(limits, (old.min_capacity, old.max_capacity), strict=True)
            ]
        checks.check_capacities(*limits)
        if params["ServiceNamespace"] == "sagemaker":
            checks.check_resource(backend.account_id, backend.region_name, *where)
        target: Any = _register(
            backend,
            params["ServiceNamespace"],
            *where,
            *limits,
            params.get("RoleARN") or _service_role(backend.account_id, params["ServiceNamespace"]),
            params.get("SuspendedState"),  # type: ignore[arg-type] - a dict, whatever moto says
        )
        state = dict.fromkeys(_SUSPENDED, False)
        target.suspended_state = state | (target.suspended_state or {})
        # The scaler brings the capacity within the new limits (RegisterScalableTarget).
        target.limits_changed = not self._services.replaying
        if params.get("Tags"):
            _tags(backend).setdefault(target.arn, {}).update(params["Tags"])
        return json.dumps({"ScalableTargetARN": target.arn})

    def deregister_scalable_target(self, response: Any) -> str:
        """DeregisterScalableTarget: its policies and scheduled actions go with it."""
        params = _params(response)
        backend: Any = response.applicationautoscaling_backend
        target = _target(backend, params)
        for key, policy in list(backend.policies.items()):
            if _same(policy, params):
                self._forget(backend, policy)
                del backend.policies[key]
        backend.scheduled_actions = [a for a in backend.scheduled_actions if not _same(a, params)]
        _tags(backend).pop(target.arn, None)
        del backend.targets[params["ScalableDimension"]][params["ResourceId"]]
        return json.dumps({})

    def put_scaling_policy(self, response: Any) -> str:
        """PutScalingPolicy: an update keeps the ARN and gets new alarms."""
        params = _params(response)
        backend: Any = response.applicationautoscaling_backend
        _target(backend, params)
        old = _policy(backend, params)
        configuration = params.get("TargetTrackingScalingPolicyConfiguration")
        if configuration is None:
            configuration = params.get("StepScalingPolicyConfiguration")
        kind = params.get("PolicyType") or (old.policy_type if old else "StepScaling")
        if old is None or configuration is not None:
            checks.check_policy(
                kind, configuration, params["ResourceId"], params["ScalableDimension"]
            )
        policy: Any = _put_policy(
            backend,
            params["PolicyName"],
            params["ServiceNamespace"],
            params["ResourceId"],
            params["ScalableDimension"],
            configuration,  # type: ignore[arg-type] - None keeps the old one
            kind,
        )
        if old is not None:
            self._forget(backend, old)
            policy.policy_arn, policy.creation_time = old.policy_arn, old.creation_time
        if kind == "TargetTrackingScaling":
            policy.alarms = policy_metric.create_alarms(backend, policy)
            self._report_zeros(policy)
        alarms = [{"AlarmName": a.name, "AlarmARN": a.alarm_arn} for a in policy.alarms]
        return json.dumps({"PolicyARN": policy.policy_arn, "Alarms": alarms})

    def delete_scaling_policy(self, response: Any) -> str:
        """DeleteScalingPolicy: its alarms go with it."""
        params = _params(response)
        backend: Any = response.applicationautoscaling_backend
        policy = _policy(backend, params)
        if policy is None:
            raise checks.ObjectNotFound(
                f"No scaling policy found for {_named(params)}, policy name: {params['PolicyName']}"
            )
        self._forget(backend, policy)
        backend.policies = {k: each for k, each in backend.policies.items() if each is not policy}
        return json.dumps({})

    def describe_scaling_policies(self, response: Any) -> str:
        """DescribeScalingPolicies, with its filter on names."""
        params = _params(response)
        names = params.get("PolicyNames") or []
        found = [
            responses._build_policy(policy)  # noqa: SLF001 - moto's own shape
            for policy in response.applicationautoscaling_backend.policies.values()
            if _same(policy, params) and (not names or policy.policy_name in names)
        ]
        return json.dumps(_page("ScalingPolicies", found, params))

    def put_scheduled_action(self, response: Any) -> str:
        """PutScheduledAction, checked."""
        params = _params(response)
        backend: Any = response.applicationautoscaling_backend
        _target(backend, params)
        checks.check_schedule(params)
        return _put_scheduled_action(response)

    def delete_scheduled_action(self, response: Any) -> str:
        """DeleteScheduledAction."""
        params = _params(response)
        backend: Any = response.applicationautoscaling_backend
        name = params["ScheduledActionName"]
        kept = [
            action
            for action in backend.scheduled_actions
            if action.scheduled_action_name != name or not _same(action, params)
        ]
        if len(kept) == len(backend.scheduled_actions):
            raise checks.ObjectNotFound(
                f"No scheduled action found for {_named(params)}, scheduled action name: {name}"
            )
        backend.scheduled_actions = kept
        return json.dumps({})

    def describe_scaling_activities(self, response: Any) -> str:
        """DescribeScalingActivities, the newest first."""
        params = _params(response)
        found = [
            item
            for item in reversed(activity.items_of(response.applicationautoscaling_backend))
            if all(
                params.get(name) in (None, item[name])
                for name in ("ServiceNamespace", "ResourceId", "ScalableDimension")
            )
        ]
        return json.dumps(_page("ScalingActivities", found, params))

    def list_tags_for_resource(self, response: Any) -> str:
        """ListTagsForResource."""
        backend: Any = response.applicationautoscaling_backend
        arn = _known_arn(backend, _params(response)["ResourceARN"])
        return json.dumps({"Tags": _tags(backend).get(arn, {})})

    def tag_resource(self, response: Any) -> str:
        """TagResource."""
        backend: Any = response.applicationautoscaling_backend
        params = _params(response)
        arn = _known_arn(backend, params["ResourceARN"])
        _tags(backend).setdefault(arn, {}).update(params["Tags"])
        return json.dumps({})

    def untag_resource(self, response: Any) -> str:
        """UntagResource."""
        backend: Any = response.applicationautoscaling_backend
        params = _params(response)
        tags = _tags(backend).get(_known_arn(backend, params["ResourceARN"]), {})
        for key in params["TagKeys"]:
            tags.pop(key, None)
        return json.dumps({})

    def _report_zeros(self, policy: Any) -> None:
        """SageMaker emits zeros for a variant that a policy watches, so that it can scale in."""
        variant = variant_of(policy.resource_id)
        if policy.scalable_dimension == INSTANCE_COUNT and variant is not None:
            self._store.report_zero(
                "AWS/SageMaker",
                "InvocationsPerInstance",
                variant.dimensions,
                self._services.clock.now(),
            )

    def _forget(self, backend: Any, policy: Any) -> None:
        policy_metric.delete_alarms(backend, policy)
        variant = variant_of(policy.resource_id)
        if variant is not None:
            self._store.stop_reporting_zero(
                "AWS/SageMaker", "InvocationsPerInstance", variant.dimensions
            )


def _params(response: Any) -> dict[str, Any]:
    return dict(json.loads(response.body))


def _same(held: Any, params: Mapping[str, Any]) -> bool:
    return (
        params.get("ServiceNamespace") in (None, held.service_namespace)
        and params.get("ResourceId") in (None, held.resource_id)
        and params.get("ScalableDimension") in (None, held.scalable_dimension)
    )


def _named(params: Mapping[str, Any]) -> str:
    return (
        f"service namespace: {params['ServiceNamespace']}, resource ID: {params['ResourceId']}, "
        f"scalable dimension: {params['ScalableDimension']}"
    )


def _target(backend: Any, params: Mapping[str, Any]) -> Any:
    target = backend.targets.get(params["ScalableDimension"], {}).get(params["ResourceId"])
    if target is None:
        raise checks.ObjectNotFound(f"No scalable target registered for {_named(params)}")
    return target


def _policy(backend: Any, params: Mapping[str, Any]) -> Any:
    return next(
        (
            policy
            for policy in backend.policies.values()
            if policy.policy_name == params["PolicyName"] and _same(policy, params)
        ),
        None,
    )


def _page(name: str, items: list[Any], params: Mapping[str, Any]) -> dict[str, Any]:
    size = params.get("MaxResults") or PAGE
    first = int(params.get("NextToken") or 0)
    page: dict[str, Any] = {name: items[first : first + size]}
    if first + size < len(items):
        page["NextToken"] = str(first + size)
    return page


def _tags(backend: Any) -> dict[str, dict[str, str]]:
    held: dict[str, dict[str, str]] = backend.__dict__.setdefault("target_tags", {})
    return held


def _known_arn(backend: Any, arn: str) -> str:
    if not any(t.arn == arn for by_id in backend.targets.values() for t in by_id.values()):
        raise checks.ObjectNotFound(f"The scalable target {arn} does not exist")
    return arn


def _service_role(account: str, namespace: str) -> str:
    """The service-linked role that AWS uses whatever RoleARN says (RegisterScalableTarget)."""
    return (
        f"arn:aws:iam::{account}:role/aws-service-role/{namespace}.application-autoscaling."
        "amazonaws.com/AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
    )
