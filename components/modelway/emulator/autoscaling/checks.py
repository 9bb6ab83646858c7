"""What Application Auto Scaling refuses.

Takes requests' parameters and moto's SageMaker store; raises the API's own errors. The text on
burstable instances is AWS's own; where AWS's text is not known it is worded alike.
"""

from collections.abc import Mapping
from typing import Any

from moto.applicationautoscaling.exceptions import AWSValidationException
from moto.core.exceptions import JsonRESTError
from moto.sagemaker.models import sagemaker_backends

from modelway.emulator.autoscaling.policy_metric import ALLOWED, predefined_type, queries_of
from modelway.emulator.autoscaling.resource import COPY_COUNT, VariantResource, variant_of
from modelway.emulator.autoscaling.schedule import ScheduleError, parse
from modelway.emulator.cloudwatch.expression import MathError
from modelway.emulator.cloudwatch.query import check as check_queries


class ObjectNotFound(JsonRESTError):  # noqa: N818 - named as AWS names it
    """ObjectNotFoundException."""

    def __init__(self, message: str) -> None:
        super().__init__("ObjectNotFoundException", message)


def check_capacities(minimum: int | None, maximum: int | None) -> None:
    """Refuse limits that are negative or the wrong way round."""
    for name, value in (("minimum", minimum), ("maximum", maximum)):
        if value is not None and value < 0:
            raise AWSValidationException(f"The {name} capacity must be 0 or more; got {value}")
    if minimum is not None and maximum is not None and minimum > maximum:
        raise AWSValidationException(
            f"Maximum capacity cannot be less than minimum capacity; "
            f"got a minimum of {minimum} and a maximum of {maximum}"
        )


def check_resource(account: str, region: str, resource_id: str, dimension: str) -> None:
    """Refuse what does not exist, and variants that cannot be scaled."""
    if dimension == COPY_COUNT:
        name = resource_id.rpartition("/")[2]
        components = getattr(sagemaker_backends[account][region], "inference_components", {})
        if name not in components:
            raise AWSValidationException(f'Could not find inference component "{name}".')
        return
    resource = variant_of(resource_id)
    if resource is None:
        raise AWSValidationException(
            "Unsupported service namespace, resource type or scalable dimension"
        )
    variant = configured_variant(account, region, resource)
    if variant is None:
        raise AWSValidationException(
            f'The variant "{resource.variant}" of the endpoint "{resource.endpoint}" '
            f"does not exist: {resource_id}"
        )
    kind = variant.get("InstanceType") or ""
    if kind.startswith("ml.t"):
        raise AWSValidationException(
            f"You cannot register a variant with {kind} instance type as a scalable target. This "
            "is because the burstable performance of these instances can lead to unpredictable "
            "behavior with Auto Scaling."
        )


def configured_variant(
    account: str, region: str, resource: VariantResource
) -> Mapping[str, Any] | None:
    """Give a variant as its endpoint's configuration has it; None when there is none."""
    backend: Any = sagemaker_backends[account][region]
    endpoint = backend.endpoints.get(resource.endpoint)
    if endpoint is None:
        arn = f"arn:aws:sagemaker:{region}:{account}:endpoint/{resource.endpoint}"
        raise AWSValidationException(f'Could not find endpoint "{arn}".')
    deployment = endpoint.deployment
    if deployment is None and endpoint.operation is not None:
        deployment = endpoint.operation.deployment
    variants = () if deployment is None else deployment.variants
    return next((v.source for v in variants if v.name == resource.variant), None)


def check_policy(
    policy_type: str | None, configuration: Mapping[str, Any] | None, resource_id: str, dim: str
) -> None:
    """Refuse a scaling policy that could not act."""
    if configuration is None:
        raise AWSValidationException(
            f"A configuration is required for the policy type {policy_type}"
        )
    if policy_type != "TargetTrackingScaling":
        if policy_type == "StepScaling" and not configuration.get("StepAdjustments"):
            raise AWSValidationException("At least one step adjustment must be specified")
        return
    kind = predefined_type(configuration)
    if (kind is None) == (configuration.get("CustomizedMetricSpecification") is None):
        raise AWSValidationException(
            "Exactly one of PredefinedMetricSpecification and CustomizedMetricSpecification must "
            "be specified"
        )
    allowed = ALLOWED.get(dim, ())
    if kind is not None and kind not in allowed:
        raise AWSValidationException(
            f"Scalable dimension {dim} only supports the following predefined metric types: "
            f"{', '.join(allowed)}"
        )
    if float(configuration["TargetValue"]) <= 0:
        raise AWSValidationException(
            f"TargetValue must be above 0; got {configuration['TargetValue']}"
        )
    try:
        check_queries(queries_of(configuration, resource_id))
    except (MathError, KeyError) as error:
        raise AWSValidationException(f"CustomizedMetricSpecification: {error}") from error


def check_schedule(params: Mapping[str, Any]) -> None:
    """Refuse a scheduled action that would never do anything."""
    try:
        if params.get("Schedule") is not None:
            parse(params["Schedule"], params.get("Timezone"), 0.0)
    except ScheduleError as error:
        raise AWSValidationException(str(error)) from error
    action = params.get("ScalableTargetAction")
    if action is None:
        return
    minimum, maximum = action.get("MinCapacity"), action.get("MaxCapacity")
    if minimum is None and maximum is None:
        raise AWSValidationException(
            "A ScalableTargetAction needs MinCapacity, MaxCapacity or both"
        )
    check_capacities(minimum, maximum)
