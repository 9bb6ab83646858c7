"""Model packages, the versions of a group, as AWS answers for them.

Takes moto's SageMaker backend and parsed parameters, keeps packages in moto's own store under their
ARNs. A version of a group waits for approval unless it says otherwise, and only an approved one
makes a model (`deployable`). Image and model data must be there, unless SkipModelValidation is
`All`. A package is usable at once: AWS takes seconds. Must not start anything.
"""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.utils import arn_formatter

from modelway.emulator.aws.sagemaker_models import check_contents, resolve_image
from modelway.emulator.aws.sagemaker_package_groups import (
    ModelPackageGroup,
    find_group,
    is_between,
    page,
)

ENVIRONMENT_LIMIT = 16
"""Entries of a packaged container's environment (ModelPackageContainerDefinition)."""

METADATA_LIMIT = 50
"""Entries of CustomerMetadataProperties."""

SPECIFICATIONS_LIMIT = 15
"""AdditionalInferenceSpecifications of one package."""

_NOT_TOLD = frozenset({"ModelPackageName", "ModelPackageGroupName", "Tags", "ClientToken"})
_LISTED = (
    "ModelPackageName",
    "ModelPackageGroupName",
    "ModelPackageVersion",
    "ModelPackageArn",
    "ModelPackageDescription",
    "CreationTime",
    "ModelPackageStatus",
    "ModelApprovalStatus",
    "ModelLifeCycle",
    "ModelPackageRegistrationType",
)


@dataclass
class ModelPackage:
    """A package as it was created and updated; moto keeps it."""

    params: dict[str, Any]
    arn: str
    creation_time: datetime
    model_package_group_name: str | None
    """None for a package without versions."""
    model_package_version: int | None
    tags: list[dict[str, str]] = field(default_factory=list)
    """Of a package without versions; a version has those of its group."""
    last_modified_time: datetime | None = None

    @property
    def model_package_name(self) -> str:
        """The name that listings look for: the package's own, or its group's."""
        return str(self.model_package_group_name or self.params["ModelPackageName"])

    @property
    def approval_status(self) -> str | None:
        """`Approved`, `Rejected` or `PendingManualApproval`; None without versions."""
        return self.params.get("ModelApprovalStatus")

    @property
    def container(self) -> dict[str, Any]:
        """The first container."""
        containers = (self.params.get("InferenceSpecification") or {}).get("Containers") or [{}]
        return dict(containers[0])

    def gen_response_object(self) -> dict[str, Any]:
        """Give DescribeModelPackage's answer; moto's Search calls this."""
        given = {
            name: value
            for name, value in self.params.items()
            if name not in _NOT_TOLD and value is not None and value not in ([], {})
        }
        name = self.arn.rpartition(":model-package/")[2].partition("/")[0]
        told = given | {
            "ModelPackageArn": self.arn,
            "CreationTime": self.creation_time,
            "CreatedBy": {},
            "ModelPackageStatus": "Completed",
            "ModelPackageStatusDetails": {
                "ValidationStatuses": [],
                "ImageScanStatuses": [{"Name": name, "Status": "Completed"}],
            },
        }
        if self.model_package_group_name is None:
            told["ModelPackageName"] = self.model_package_name
        else:
            told["ModelPackageGroupName"] = self.model_package_group_name
            told["ModelPackageVersion"] = self.model_package_version
        if self.last_modified_time is not None:
            told |= {"LastModifiedTime": self.last_modified_time, "LastModifiedBy": {}}
        return told


def create_package(
    backend: SageMakerModelBackend, params: dict[str, Any], at: datetime
) -> ModelPackage:
    """Check and keep a new package, or give the one that the same client token made."""
    name, group_name = params.get("ModelPackageName"), params.get("ModelPackageGroupName")
    if name and group_name:
        raise ValidationError(
            message="Both ModelPackageName and ModelPackageGroupName are provided in the input. "
            "Cannot determine which one to use."
        )
    if not name and not group_name:
        raise ValidationError(message="Missing ARN.")
    group = find_group(backend, group_name) if group_name else None
    token = params.get("ClientToken")
    if group is not None and token in group.arns_by_token:
        before = backend.model_packages.get(group.arns_by_token[token])
        if before is not None:
            return before  # type: ignore[return-value] - see the end
    kept = _checked(backend, params, group)
    if group is None:
        arn = package_arn(backend, str(name))
        if arn in backend.model_packages:
            raise ValidationError(message=f"Model Package already exists: {arn}")
        package = ModelPackage(kept, arn, at, None, None, list(params.get("Tags") or []))
    else:
        group.newest_version += 1
        arn = package_arn(backend, f"{group.model_package_group_name}/{group.newest_version}")
        owner = group.model_package_group_name
        package = ModelPackage(kept, arn, at, owner, group.newest_version)
        if token:
            group.arns_by_token[token] = arn
    backend.model_packages[arn] = package  # type: ignore[assignment] - duck-typed: see ModelPackage
    return package


def find_package(backend: SageMakerModelBackend, name_or_arn: str) -> ModelPackage:
    """Give a package by ARN, by name, or as GROUP/VERSION."""
    arn = name_or_arn if name_or_arn.startswith("arn:") else package_arn(backend, name_or_arn)
    package = backend.model_packages.get(arn)
    if package is None:
        raise ValidationError(message=f"ModelPackage {arn} does not exist.")
    return package  # type: ignore[return-value] - see create_package


def list_packages(backend: SageMakerModelBackend, params: dict[str, Any]) -> dict[str, Any]:
    """Give one page of summaries; without a group, packages without versions are meant."""
    packages: list[ModelPackage] = list(backend.model_packages.values())  # type: ignore[arg-type]
    group, wanted = params.get("ModelPackageGroupName"), params.get("NameContains")
    kind = "Versioned" if group else params.get("ModelPackageType") or "Unversioned"
    found = [
        each
        for each in packages
        if (group is None or each.model_package_group_name == group.rpartition("/")[2])
        and (kind == "Both" or (kind == "Versioned") == (each.model_package_version is not None))
        and (wanted is None or wanted in each.model_package_name)
        and params.get("ModelApprovalStatus") in (None, each.approval_status)
        and is_between(each.creation_time, params)
    ]
    by_name = params.get("SortBy") == "Name"
    found.sort(
        key=lambda each: (
            each.model_package_name if by_name else each.creation_time,
            each.model_package_version or 0,
        )
    )
    described = [each.gen_response_object() for each in found]
    listed = [{name: each[name] for name in _LISTED if name in each} for each in described]
    return page("ModelPackageSummaryList", listed, params)


def update_package(
    backend: SageMakerModelBackend, params: dict[str, Any], at: datetime
) -> ModelPackage:
    """Change approval, metadata, card or further specifications; the rest of a version stays."""
    package = find_package(backend, params["ModelPackageArn"])
    if params.get("ModelApprovalStatus") and package.model_package_version is None:
        raise ValidationError(
            message="ModelApprovalStatus can be set on a versioned model package only."
        )
    kept = dict(package.params)
    for name in (
        "ModelApprovalStatus",
        "ApprovalDescription",
        "ModelCard",
        "ModelLifeCycle",
        "SourceUri",
        "InferenceSpecification",
        "ModelPackageRegistrationType",
    ):
        if params.get(name) is not None:
            kept[name] = params[name]
    metadata = dict(kept.get("CustomerMetadataProperties") or {})
    metadata |= params.get("CustomerMetadataProperties") or {}
    for name in params.get("CustomerMetadataPropertiesToRemove") or []:
        metadata.pop(name, None)
    _check_size("CustomerMetadataProperties", metadata, METADATA_LIMIT)
    further = [
        *(kept.get("AdditionalInferenceSpecifications") or []),
        *(params.get("AdditionalInferenceSpecificationsToAdd") or []),
    ]
    _check_size("AdditionalInferenceSpecifications", further, SPECIFICATIONS_LIMIT)
    package.params = kept | {
        "CustomerMetadataProperties": metadata,
        "AdditionalInferenceSpecifications": further,
    }
    package.last_modified_time = at
    return package


def delete_package(backend: SageMakerModelBackend, params: dict[str, Any]) -> None:
    """Remove a package; models that were made of it stay, and its number is never used again."""
    del backend.model_packages[find_package(backend, params["ModelPackageName"]).arn]


def deployable(backend: SageMakerModelBackend, name_or_arn: str) -> dict[str, Any]:
    """Give the container of a package that CreateModel may take.

    Raises:
        ValidationError: it is a version that nobody approved. The wording is the emulator's own.
    """
    package = find_package(backend, name_or_arn)
    if package.model_package_version is not None and package.approval_status != "Approved":
        raise ValidationError(
            message=f"Model package {package.arn} cannot be deployed: its ModelApprovalStatus is "
            f"{package.approval_status}, and it must be Approved."
        )
    return package.container


def package_arn(backend: SageMakerModelBackend, name: str) -> str:
    """Give the ARN of NAME or GROUP/VERSION."""
    return arn_formatter("model-package", name, backend.account_id, backend.region_name)


def _checked(
    backend: SageMakerModelBackend, params: dict[str, Any], group: ModelPackageGroup | None
) -> dict[str, Any]:
    """Give the parameters as they are kept, with AWS's defaults."""
    if group is not None and params.get("Tags"):
        raise ValidationError(
            message="Tags cannot be given for a versioned model package; it has those of its group."
        )
    specification = params.get("InferenceSpecification")
    if not any(
        params.get(each)
        for each in ("InferenceSpecification", "SourceAlgorithmSpecification", "SourceUri")
    ):
        raise ValidationError(
            message="Either InferenceSpecification, SourceAlgorithmSpecification or SourceUri is "
            "required."
        )
    kept = dict(params)
    if specification:
        unread = params.get("SkipModelValidation") == "All"
        containers = [
            _container(backend, each, unread=unread) for each in specification["Containers"]
        ]
        kept["InferenceSpecification"] = {**specification, "Containers": containers}
    if group is not None:
        kept["ModelApprovalStatus"] = params.get("ModelApprovalStatus") or "PendingManualApproval"
    return kept


def _container(
    backend: SageMakerModelBackend, container: dict[str, Any], *, unread: bool
) -> dict[str, Any]:
    """Give a container as it is told, with the digest of its image."""
    _check_size("Environment", container.get("Environment") or {}, ENVIRONMENT_LIMIT)
    if not unread:
        check_contents(container, backend)
    image = container.get("Image")
    digest = (resolve_image(image) or image).partition("@")[2] if image else ""
    return {**container, "ImageDigest": digest} if digest else dict(container)


def _check_size(member: str, value: Any, limit: int) -> None:
    if len(value) > limit:
        raise ValidationError(message=f"{member} has {len(value)} entries; {limit} are allowed.")
