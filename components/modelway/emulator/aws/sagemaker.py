"""SageMaker's control plane for hosting and the model registry, put into moto by assigning methods.

Takes the emulator's services, changes moto's SageMakerResponse once. moto keeps its stores, its
routing and its serialisation; what it lacks or loses comes from the modules beside this one: timed
states, UpdateEndpoint, duplicate errors, server-side limits, fields that must survive a round trip.
Must not hold state.
"""

# ruff: noqa: SLF001 - moto is extended from inside

from collections.abc import Callable
from datetime import datetime
from typing import Any, cast

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from modelway.emulator.aws import sagemaker_configs as configs
from modelway.emulator.aws import sagemaker_endpoints as endpoints
from modelway.emulator.aws import sagemaker_models as models
from modelway.emulator.aws import sagemaker_package_groups as groups
from modelway.emulator.aws import sagemaker_packages as packages
from modelway.emulator.aws.sagemaker_limits import check_limits
from modelway.emulator.hosting.hosting import EndpointHosting
from modelway.emulator.services import Services

MAX_TAGS = 50
"""Tags on one resource (AddTags)."""

Handler = Callable[[SageMakerModelBackend, dict[str, Any]], dict[str, Any] | None]


def install(services: Services) -> None:
    """Replace moto's hosting operations; `services.hosting` may be set later."""

    def hosting() -> EndpointHosting:
        return cast("EndpointHosting", services.hosting)

    now = services.clock.utcnow
    handlers: dict[str, Handler] = {
        "CreateModel": lambda backend, params: {
            "ModelArn": models.create_model(backend, params, now(), packages.deployable).arn
        },
        "DescribeModel": lambda backend, params: (
            models.find_model(backend, params["ModelName"]).response_object
        ),
        "DeleteModel": lambda backend, params: models.delete_model(backend, params["ModelName"]),
        "ListModels": _list_models,
        "CreateEndpointConfig": lambda backend, params: {
            "EndpointConfigArn": configs.create_endpoint_config(
                backend, params, now()
            ).endpoint_config_arn
        },
        "DescribeEndpointConfig": lambda backend, params: (
            configs.find_endpoint_config(backend, params["EndpointConfigName"]).response_object
        ),
        "DeleteEndpointConfig": lambda backend, params: configs.delete_endpoint_config(
            backend, params["EndpointConfigName"]
        ),
        "CreateEndpoint": lambda backend, params: {
            "EndpointArn": endpoints.create_endpoint(hosting(), backend, params, now()).arn
        },
        "UpdateEndpoint": lambda backend, params: {
            "EndpointArn": endpoints.update_endpoint(
                hosting(), services.alarms, backend, params, now()
            ).arn
        },
        "UpdateEndpointWeightsAndCapacities": lambda backend, params: {
            "EndpointArn": endpoints.update_weights_and_capacities(hosting(), backend, params).arn
        },
        "DescribeEndpoint": lambda backend, params: endpoints.find_endpoint(
            backend, params["EndpointName"]
        ).describe(),
        "DeleteEndpoint": lambda backend, params: endpoints.delete_endpoint(
            hosting(), backend, params
        ),
        # moto fails where the resource is gone.
        "ListTags": lambda backend, params: {
            "Tags": list(_tagged(backend, params["ResourceArn"]).tags)
        },
        "AddTags": _add_tags,
        "DeleteTags": _delete_tags,
    }
    handlers |= _registry(now)
    for operation, handler in handlers.items():
        setattr(SageMakerResponse, _snake(operation), _method(operation, handler))


def _registry(now: Callable[[], datetime]) -> dict[str, Handler]:
    """Give the operations of the model registry."""
    return {
        "CreateModelPackageGroup": lambda backend, params: {
            "ModelPackageGroupArn": groups.create_group(backend, params, now()).arn
        },
        "DescribeModelPackageGroup": lambda backend, params: groups.find_group(
            backend, params["ModelPackageGroupName"]
        ).gen_response_object(),
        "ListModelPackageGroups": groups.list_groups,
        "DeleteModelPackageGroup": groups.delete_group,
        "PutModelPackageGroupPolicy": groups.put_policy,
        "GetModelPackageGroupPolicy": groups.get_policy,
        "DeleteModelPackageGroupPolicy": groups.delete_policy,
        "CreateModelPackage": lambda backend, params: {
            "ModelPackageArn": packages.create_package(backend, params, now()).arn
        },
        "DescribeModelPackage": lambda backend, params: packages.find_package(
            backend, params["ModelPackageName"]
        ).gen_response_object(),
        "ListModelPackages": packages.list_packages,
        "UpdateModelPackage": lambda backend, params: {
            "ModelPackageArn": packages.update_package(backend, params, now()).arn
        },
        "DeleteModelPackage": packages.delete_package,
    }


def _method(operation: str, handler: Handler) -> Callable[[SageMakerResponse], ActionResult]:
    def method(response: SageMakerResponse) -> ActionResult:
        params = dict(response._get_params())
        check_limits(operation, params)
        answer = handler(response.sagemaker_backend, params)
        return EmptyResult() if answer is None else ActionResult(answer)

    method.__name__ = _snake(operation)
    return method


def _list_models(backend: SageMakerModelBackend, params: dict[str, Any]) -> dict[str, Any]:
    page, token = models.list_models(backend, params)
    return {"Models": page, "NextToken": token}


def _add_tags(backend: SageMakerModelBackend, params: dict[str, Any]) -> dict[str, Any]:
    resource = _tagged(backend, params["ResourceArn"])
    tags = {tag["Key"]: tag for tag in resource.tags}
    # A key that is there gets the new value; moto would keep both.
    tags |= {tag["Key"]: tag for tag in params["Tags"]}
    if len(tags) > MAX_TAGS:
        raise ValidationError(
            message=f"{params['ResourceArn']} would have {len(tags)} tags; {MAX_TAGS} are allowed."
        )
    resource.tags = list(tags.values())
    return {"Tags": resource.tags}


def _delete_tags(backend: SageMakerModelBackend, params: dict[str, Any]) -> dict[str, Any]:
    resource = _tagged(backend, params["ResourceArn"])
    resource.tags = [tag for tag in resource.tags if tag["Key"] not in params["TagKeys"]]
    return {}


def _tagged(backend: SageMakerModelBackend, arn: str) -> Any:
    if ":model-package/" in arn:
        package = packages.find_package(backend, arn)
        # A version has the tags of its group (CreateModelPackage, Tags).
        owner = package.model_package_group_name
        resource = package if owner is None else groups.find_group(backend, owner)
    else:
        resource = backend._get_resource_from_arn(arn)
    if resource is None:
        raise ValidationError(message=f"Could not find resource {arn}.")
    return resource


def _snake(operation: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in operation).lstrip("_")
