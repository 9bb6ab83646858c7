"""CreateModel, DescribeModel, ListModels and DeleteModel as AWS answers them.

Takes moto's SageMaker backend and parsed parameters. Checks what AWS checks when a model is
created: the role can be assumed, the image is in the registry, the model data is in the bucket.
Wordings are AWS's own where public error reports show them. Deleting a model that an endpoint uses
is allowed, as on AWS (DeleteModel only removes the entry). Must not start anything.
"""

# ruff: noqa: SLF001 - moto has no other name for its store of models

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from moto.ecr.models import ecr_backends
from moto.iam.models import iam_backends
from moto.s3.models import s3_backends
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.utils import arn_formatter
from moto.utilities.utils import get_partition

from modelway.emulator.hosting.deployment import ModelData

_ECR_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(?:\.cn)?/"
    r"(?P<repository>[a-z0-9]+(?:[._/-][a-z0-9]+)*)"
    r"(?::(?P<tag>[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}))?(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)

Packaged = Callable[[SageMakerModelBackend, str], dict[str, Any]]
"""Gives the container of a model package that may be deployed."""


@dataclass
class Model:
    """A model as it was created; moto keeps it and reads `tags` and `arn`."""

    params: dict[str, Any]
    arn: str
    creation_time: datetime
    tags: list[dict[str, str]]

    @property
    def model_name(self) -> str:
        """Its name."""
        return str(self.params["ModelName"])

    packaged: list[dict[str, Any]] | None = None
    """Its containers with what their model packages say; None where it has no such package."""

    @property
    def containers(self) -> list[dict[str, Any]]:
        """Its containers, one or more."""
        return _given_containers(self.params) if self.packaged is None else self.packaged

    @property
    def response_object(self) -> dict[str, Any]:
        """DescribeModel's answer."""
        given = {
            name: value
            for name, value in self.params.items()
            if name != "Tags" and value is not None and value != []
        }
        return {"EnableNetworkIsolation": False} | given | self.summary()

    def summary(self) -> dict[str, Any]:
        """Give ListModels' entry."""
        return {
            "ModelName": self.model_name,
            "ModelArn": self.arn,
            "CreationTime": self.creation_time,
        }


def create_model(
    backend: SageMakerModelBackend, params: dict[str, Any], at: datetime, packaged: Packaged
) -> Model:
    """Check and keep a new model.

    Args:
        backend: of the account and region.
        params: of CreateModel.
        at: now.
        packaged: gives the container of a model package, or refuses it.
    """
    name = params["ModelName"]
    arn = arn_formatter("model", name, backend.account_id, backend.region_name)
    if name in backend._models:
        raise ValidationError(message=f'Cannot create already existing model "{arn}".')
    primary, containers = params.get("PrimaryContainer"), params.get("Containers")
    if bool(primary) == bool(containers):
        raise ValidationError(
            message="Either PrimaryContainer or Containers must be given, and not both."
        )
    role = params.get("ExecutionRoleArn")
    if role is None:
        raise ValidationError(message="ExecutionRoleArn is required to create a model.")
    check_role(role, backend.region_name)
    given = _given_containers(params)
    started = [_started(container, backend, packaged) for container in given]
    for container in started:
        check_contents(container, backend)
    model = Model(dict(params), arn, at, list(params.get("Tags") or []))
    model.packaged = None if started == given else started
    backend._models[name] = model  # type: ignore[assignment] - duck-typed: see Model
    return model


def find_model(backend: SageMakerModelBackend, name: str) -> Model:
    """Give the model of that name."""
    model = backend._models.get(name)
    if model is None:
        arn = arn_formatter("model", name, backend.account_id, backend.region_name)
        raise ValidationError(message=f'Could not find model "{arn}".')
    return model  # type: ignore[return-value] - see create_model


def delete_model(backend: SageMakerModelBackend, name: str) -> None:
    """Remove a model; what uses it goes on."""
    find_model(backend, name)
    del backend._models[name]


def list_models(
    backend: SageMakerModelBackend, params: dict[str, Any]
) -> tuple[list[dict[str, Any]], str | None]:
    """Give one page of summaries and the token of the next."""
    models: list[Model] = list(backend._models.values())  # type: ignore[arg-type] - see create_model
    wanted = params.get("NameContains")
    after, before = params.get("CreationTimeAfter"), params.get("CreationTimeBefore")
    models = [
        model
        for model in models
        if (wanted is None or wanted in model.model_name)
        and (after is None or model.creation_time >= _naive(after))
        and (before is None or model.creation_time <= _naive(before))
    ]
    # The API's own defaults: newest first.
    descending = params.get("SortOrder", "Descending") == "Descending"
    if params.get("SortBy") == "Name":
        models.sort(key=lambda model: model.model_name, reverse=descending)
    else:
        models.sort(key=lambda model: (model.creation_time, model.model_name), reverse=descending)
    start, size = int(params.get("NextToken") or 0), int(params.get("MaxResults") or 10)
    rest = len(models) > start + size
    page = [model.summary() for model in models[start : start + size]]
    return page, str(start + size) if rest else None


def check_role(arn: str, region: str) -> None:
    """Refuse a role that does not exist or that SageMaker may not assume."""
    account = arn.split(":")[4]
    roles = iam_backends[account][get_partition(region)].roles.values()
    role = next((each for each in roles if each.arn == arn), None)
    if role is None or not _trusts_sagemaker(role.assume_role_policy_document):
        raise ValidationError(
            message=f"Could not assume role {arn}. Please ensure that the role exists and allows "
            "principal 'sagemaker.amazonaws.com' to assume the role."
        )


def model_data(container: dict[str, Any]) -> ModelData | None:
    """Give where a container's model is, or None when it has none."""
    source = (container.get("ModelDataSource") or {}).get("S3DataSource")
    if source:
        return ModelData(
            source["S3Uri"],
            prefix=source.get("S3DataType") == "S3Prefix",
            compressed=source.get("CompressionType") == "Gzip",
        )
    url = container.get("ModelDataUrl")
    return ModelData(url) if url else None


def resolve_image(image: str) -> str | None:
    """Give the image by digest; None when it is named in an emulated registry that lacks it.

    An image of another registry (such as AWS's own images) cannot be looked up and is given back as
    it is.
    """
    parsed = _ECR_IMAGE.fullmatch(image)
    if parsed is None:
        return image
    backend = ecr_backends[parsed["account"]][parsed["region"]]
    repository = backend.repositories.get(parsed["repository"])
    if repository is None:
        # An account that nobody has used here, as that of AWS's own images, is not emulated.
        return None if backend.repositories or _is_used(parsed["account"]) else image
    for found in repository.images:
        digest = found.get_image_digest()
        wanted = parsed["digest"]
        if wanted == digest or (wanted is None and (parsed["tag"] or "latest") in found.image_tags):
            return f"{repository.uri}@{digest}"
    return None


def check_contents(container: dict[str, Any], backend: SageMakerModelBackend) -> None:
    """Refuse a container whose image or model data is not there."""
    image = container.get("Image")
    if image is None:
        raise ValidationError(
            message="A container needs an Image or a ModelPackageName, but neither is given."
        )
    _check_image(image, container)
    data = model_data(container)
    if data is not None and not _exists(data, backend):
        raise ValidationError(message=f"Could not find model data at {data.uri}.")


def _given_containers(params: dict[str, Any]) -> list[dict[str, Any]]:
    primary = params.get("PrimaryContainer")
    return [primary] if primary else list(params.get("Containers") or [])


def _started(
    container: dict[str, Any], backend: SageMakerModelBackend, packaged: Packaged
) -> dict[str, Any]:
    """Give what is started: the container itself, or that of its model package."""
    package = container.get("ModelPackageName")
    if not package:
        return container
    own = sorted({"Image", "ModelDataUrl", "ModelDataSource"} & container.keys())
    if own:
        raise ValidationError(
            message=f"A container with a ModelPackageName cannot have {' and '.join(own)}."
        )
    made = packaged(backend, package)
    environment = {**(made.get("Environment") or {}), **(container.get("Environment") or {})}
    return {**made, **container, "Environment": environment}


def _check_image(image: str, container: dict[str, Any]) -> None:
    if _ECR_IMAGE.fullmatch(image) is None:
        access = (container.get("ImageConfig") or {}).get("RepositoryAccessMode")
        if access == "Vpc":
            return
        if ".dkr.ecr." in image:
            raise ValidationError(message=f'ECR image "{image}" is invalid.')
        raise ValidationError(
            message=f'Using non-ECR image "{image}" without Vpc repository access mode is not '
            "supported."
        )
    if resolve_image(image) is None:
        raise ValidationError(message=f"Requested image {image} not found.")


def _is_used(account: str) -> bool:
    return any(backend.repositories for backend in ecr_backends[account].values())


def _exists(data: ModelData, backend: SageMakerModelBackend) -> bool:
    bucket_name, _, key = data.uri.split("://", 1)[1].partition("/")
    stores = s3_backends[backend.account_id][backend.partition]
    bucket = stores.buckets.get(bucket_name)
    if bucket is None:
        return False
    if data.prefix:
        return any(name.startswith(key) for name in bucket.keys)
    return bucket.keys.get(key) is not None and stores.get_object(bucket_name, key) is not None


def _trusts_sagemaker(document: str) -> bool:
    try:
        statements = json.loads(document)["Statement"]
    except (ValueError, KeyError, TypeError):
        return False
    for statement in statements if isinstance(statements, list) else [statements]:
        principal = statement.get("Principal") or {}
        services = principal.get("Service", []) if isinstance(principal, dict) else principal
        names = services if isinstance(services, list) else [services]
        if statement.get("Effect") == "Allow" and {"sagemaker.amazonaws.com", "*"} & set(names):
            return True
    return False


def _naive(at: datetime) -> datetime:
    return at.replace(tzinfo=None)
