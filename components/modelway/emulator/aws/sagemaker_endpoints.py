"""CreateEndpoint, UpdateEndpoint, UpdateEndpointWeightsAndCapacities and DeleteEndpoint.

Takes moto's SageMaker backend and parsed parameters, decides whether AWS would accept the call, and
hands what was accepted to `EndpointHosting`. AWS allows no change while another is under way, and
only DeleteEndpoint on an endpoint that failed (DescribeEndpoint, EndpointStatus). Must not wait.
"""

import sys
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.utils import arn_formatter

from modelway.emulator.aws.sagemaker_configs import EndpointConfig, find_endpoint_config
from modelway.emulator.aws.sagemaker_models import find_model, model_data, resolve_image
from modelway.emulator.aws.sagemaker_rollouts import (
    check_alarms,
    check_deployment_config,
    check_variants,
)
from modelway.emulator.hosting import timing
from modelway.emulator.hosting.deployment import (
    DEFAULT_VOLUME_GIB,
    Capacity,
    Container,
    Deployment,
    Variant,
    initial_capacities,
    retained_capacities,
)
from modelway.emulator.hosting.hosting import EndpointHosting
from modelway.emulator.hosting.record import IN_PROGRESS, EndpointRecord
from modelway.emulator.services import Alarms


def create_endpoint(
    hosting: EndpointHosting, backend: SageMakerModelBackend, params: dict[str, Any], at: datetime
) -> EndpointRecord:
    """Accept a new endpoint."""
    name = params["EndpointName"]
    arn = arn_formatter("endpoint", name, backend.account_id, backend.region_name)
    # Case-insensitive here and exact when invoked (CreateEndpoint, EndpointName).
    if name.lower() in {known.lower() for known in backend.endpoints}:
        raise ValidationError(message=f'Cannot create already existing endpoint "{arn}".')
    config = find_endpoint_config(backend, params["EndpointConfigName"])
    deployment = _deployment(backend, config, at)
    capacities = initial_capacities(deployment)
    deployment_config = params.get("DeploymentConfig")
    if deployment_config:
        check_deployment_config(deployment_config, _counts(capacities))
    record = EndpointRecord(
        account_id=backend.account_id,
        region=backend.region_name,
        name=name,
        arn=arn,
        tags=list(params.get("Tags") or []),
    )
    record.last_deployment_config = deployment_config
    backend.endpoints[name] = record  # type: ignore[assignment] - moto reads its names only

    def forget() -> None:
        if backend.endpoints.get(name) is record:  # type: ignore[comparison-overlap]
            del backend.endpoints[name]

    hosting.create(record, deployment, capacities, forget)
    return record


def update_endpoint(
    hosting: EndpointHosting,
    alarms: Alarms,
    backend: SageMakerModelBackend,
    params: dict[str, Any],
    at: datetime,
) -> EndpointRecord:
    """Accept a move to another configuration."""
    record = find_endpoint(backend, params["EndpointName"])
    hosting.catch_up(record)
    _check_changeable(record)
    config = find_endpoint_config(backend, params["EndpointConfigName"])
    # AWS looks the present configuration up as well (terraform-provider-aws issue 40048).
    find_endpoint_config(backend, record.endpoint_config_name)
    deployment = _deployment(backend, config, at)
    _check_scalable_targets(backend, record, deployment)
    capacities = initial_capacities(deployment)
    if params.get("RetainAllVariantProperties"):
        excluded = params.get("ExcludeRetainedVariantProperties") or []
        kinds = frozenset(each["VariantPropertyType"] for each in excluded)
        capacities = retained_capacities(deployment, record.desired, kinds)
    deployment_config = params.get("DeploymentConfig")
    if params.get("RetainDeploymentConfig"):
        if deployment_config:
            raise ValidationError(
                message="DeploymentConfig is not allowed together with RetainDeploymentConfig."
            )
        deployment_config = record.last_deployment_config
    _check_hosting_kind(record, deployment)
    if deployment_config:
        check_deployment_config(deployment_config, _counts(capacities))
        if record.deployment is not None:
            check_variants(deployment_config, record.deployment, deployment)
        check_alarms(deployment_config, alarms, backend.account_id, backend.region_name)
    record.last_deployment_config = deployment_config
    hosting.update(record, deployment, capacities, deployment_config)
    return record


def update_weights_and_capacities(
    hosting: EndpointHosting, backend: SageMakerModelBackend, params: dict[str, Any]
) -> EndpointRecord:
    """Accept other weights and numbers of instances."""
    record = find_endpoint(backend, params["EndpointName"])
    hosting.catch_up(record)
    _check_changeable(record)
    capacities = dict(record.desired)
    seen: set[str] = set()
    for wanted in params["DesiredWeightsAndCapacities"]:
        name = wanted["VariantName"]
        if name in seen:
            raise ValidationError(
                message=f'The variant name "{name}" was non-unique within the request.'
            )
        if name not in capacities:
            raise ValidationError(
                message=f'The variant name(s) "{name}" is/are not present within endpoint '
                f'configuration "{record.endpoint_config_name}".'
            )
        seen.add(name)
        weight, count = wanted.get("DesiredWeight"), wanted.get("DesiredInstanceCount")
        if count == 0:
            raise ValidationError(
                message=f"DesiredInstanceCount of variant {name} is 0; only variants of inference "
                "components can be scaled to zero."
            )
        old = capacities[name]
        capacities[name] = Capacity(
            old.instances if count is None else count, old.weight if weight is None else weight
        )
    hosting.resize(record, capacities)
    return record


def delete_endpoint(
    hosting: EndpointHosting, backend: SageMakerModelBackend, params: dict[str, Any]
) -> None:
    """Accept the end of an endpoint."""
    record = find_endpoint(backend, params["EndpointName"])
    hosting.catch_up(record)
    _check_settled(record)
    hosting.delete(record)


def find_endpoint(backend: SageMakerModelBackend, name: str) -> EndpointRecord:
    """Give the endpoint of that name."""
    record = backend.endpoints.get(name)
    if record is None:
        arn = arn_formatter("endpoint", name, backend.account_id, backend.region_name)
        raise ValidationError(message=f'Could not find endpoint "{arn}".')
    return record  # type: ignore[return-value] - see create_endpoint


def _check_settled(record: EndpointRecord) -> None:
    if record.endpoint_status in IN_PROGRESS:
        raise ValidationError(message=f'Cannot update in-progress endpoint "{record.arn}".')


def _check_changeable(record: EndpointRecord) -> None:
    _check_settled(record)
    if record.endpoint_status == "Failed":
        raise ValidationError(
            message=f'Cannot update failed endpoint "{record.arn}"; it can only be deleted.'
        )


def _check_hosting_kind(record: EndpointRecord, deployment: Deployment) -> None:
    """Refuse the change from instances to serverless (developer guide, serverless inference)."""
    old = record.deployment.variants if record.deployment is not None else ()
    if any("ServerlessConfig" not in each.source for each in old) and any(
        "ServerlessConfig" in each.source for each in deployment.variants
    ):
        raise ValidationError(
            message=f'Cannot update the instance-based endpoint "{record.arn}" to a serverless '
            f'endpoint configuration "{deployment.config_name}".'
        )


def _check_scalable_targets(
    backend: SageMakerModelBackend, record: EndpointRecord, deployment: Deployment
) -> None:
    """Refuse another instance type under a registered scalable target.

    "Update endpoints that use automatic scaling" in the developer guide: deregister it first.
    """
    if record.deployment is None:
        return
    # moto takes a second to import this service: if nobody used it yet, there are no targets.
    scaling = sys.modules.get("moto.applicationautoscaling.models")
    if scaling is None:
        return
    backends = scaling.applicationautoscaling_backends
    targets = backends[backend.account_id][backend.region_name].targets
    registered = {resource for by_resource in targets.values() for resource in by_resource}
    for old in record.deployment.variants:
        new = deployment.variant(old.name)
        resource = f"endpoint/{record.endpoint_name}/variant/{old.name}"
        if resource in registered and (new is None or new.instance_type != old.instance_type):
            raise ValidationError(
                message=f"The instance type of variant {old.name} cannot be changed while a "
                f"scalable target is registered for {resource}. Deregister it and try again."
            )


def _deployment(backend: SageMakerModelBackend, config: EndpointConfig, at: datetime) -> Deployment:
    return Deployment(
        config_name=config.endpoint_config_name,
        variants=(
            *(_variant(backend, each) for each in config.variants),
            *(_variant(backend, each, shadow=True) for each in config.shadow_variants),
        ),
        resolved_at=at,
        config=config.params,
    )


def _variant(
    backend: SageMakerModelBackend, source: Mapping[str, Any], *, shadow: bool = False
) -> Variant:
    if not source.get("ModelName"):
        raise ValidationError(
            message=f"Production variant {source['VariantName']} has no model: this emulator does "
            "not support inference components."
        )
    container = find_model(backend, source["ModelName"]).containers[0]
    image = container.get("Image") or ""
    timeout = source.get("ContainerStartupHealthCheckTimeoutInSeconds")
    weight = source.get("InitialVariantWeight")
    return Variant(
        name=source["VariantName"],
        container=Container(
            image=image,
            resolved_image=resolve_image(image) or image,
            environment=dict(container.get("Environment") or {}),
            model_data=model_data(container),
        ),
        instance_type=source.get("InstanceType"),
        # A serverless variant has no instances; one replica stands for it.
        initial_instance_count=source.get("InitialInstanceCount", 1),
        initial_weight=1.0 if weight is None else float(weight),
        startup_seconds=timing.STARTUP_SECONDS if timeout is None else float(timeout),
        volume_gib=source.get("VolumeSizeInGB", DEFAULT_VOLUME_GIB),
        source=source,
        shadow=shadow,
    )


def _counts(capacities: Mapping[str, Capacity]) -> dict[str, int]:
    return {name: capacity.instances for name, capacity in capacities.items()}
