"""SageMaker's control plane for hosting, put into moto by assigning methods.

Takes the emulator's services, changes moto's SageMakerResponse once. moto keeps its stores, its
routing and its serialisation; what it lacks or loses comes from the modules beside this one: timed
states, UpdateEndpoint, duplicate errors, server-side limits, fields that must survive a round trip.
Must not hold state.
"""

# ruff: noqa: SLF001 - moto is extended from inside

from collections.abc import Callable
from typing import Any, cast

from moto.core.responses import ActionResult, EmptyResult
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.responses import SageMakerResponse

from modelway.emulator.aws import sagemaker_configs as configs
from modelway.emulator.aws import sagemaker_endpoints as endpoints
from modelway.emulator.aws import sagemaker_models as models
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
            "ModelArn": models.create_model(backend, params, now()).arn
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
            "EndpointArn": endpoints.update_endpoint(hosting(), backend, params, now()).arn
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
        "AddTags": _add_tags,
        "DeleteTags": _delete_tags,
    }
    for operation, handler in handlers.items():
        setattr(SageMakerResponse, _snake(operation), _method(operation, handler))


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
    resource = backend._get_resource_from_arn(arn)
    if resource is None:
        raise ValidationError(message=f"Could not find resource {arn}.")
    return resource


def _snake(operation: str) -> str:
    return "".join(f"_{each.lower()}" if each.isupper() else each for each in operation).lstrip("_")
