"""Model package groups and their resource policies as AWS answers them.

Takes moto's SageMaker backend and parsed parameters, keeps groups in moto's own store. A group that
still has versions is not deleted. Wordings are AWS's own where its CloudFormation and Terraform
providers match on them. A policy is kept and told; like every other policy it is not enforced.
"""

import json
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from moto.core.exceptions import ServiceException
from moto.sagemaker.exceptions import ValidationError
from moto.sagemaker.models import SageMakerModelBackend
from moto.sagemaker.utils import arn_formatter


class Conflict(ServiceException):
    """A change that the state of a registry does not allow."""

    code = "ConflictException"


@dataclass
class ModelPackageGroup:
    """A group as it was created; moto keeps it and reads `tags` and `arn`."""

    params: dict[str, Any]
    arn: str
    creation_time: datetime
    tags: list[dict[str, str]]
    policy: str | None = None
    newest_version: int = 0
    """The last number given out; a number is never given again."""
    arns_by_token: dict[str, str] = field(default_factory=dict)
    """What was made with each client token."""

    @property
    def model_package_group_name(self) -> str:
        """Its name."""
        return str(self.params["ModelPackageGroupName"])

    def gen_response_object(self) -> dict[str, Any]:
        """Give DescribeModelPackageGroup's answer; moto's Search calls this."""
        given = {
            name: value
            for name in ("ModelPackageGroupDescription", "ManagedConfiguration")
            if (value := self.params.get(name)) is not None
        }
        return given | {
            "ModelPackageGroupName": self.model_package_group_name,
            "ModelPackageGroupArn": self.arn,
            "CreationTime": self.creation_time,
            "CreatedBy": {},
            "ModelPackageGroupStatus": "Completed",
        }

    def summary(self) -> dict[str, Any]:
        """Give ListModelPackageGroups' entry."""
        described = self.gen_response_object()
        return {name: value for name, value in described.items() if name != "CreatedBy"}


def create_group(
    backend: SageMakerModelBackend, params: dict[str, Any], at: datetime
) -> ModelPackageGroup:
    """Keep a new group."""
    name = params["ModelPackageGroupName"]
    arn = group_arn(backend, name)
    if name in backend.model_package_groups:
        raise ValidationError(message=f"Model Package Group already exists: {arn}")
    group = ModelPackageGroup(dict(params), arn, at, list(params.get("Tags") or []))
    backend.model_package_groups[name] = group  # type: ignore[assignment] - duck-typed
    return group


def find_group(backend: SageMakerModelBackend, name_or_arn: str) -> ModelPackageGroup:
    """Give a group by name or ARN."""
    name = name_or_arn.rpartition("/")[2]
    group = backend.model_package_groups.get(name)
    if group is None:
        raise ValidationError(
            message=f"ModelPackageGroup {group_arn(backend, name)} does not exist."
        )
    return group  # type: ignore[return-value] - see create_group


def list_groups(backend: SageMakerModelBackend, params: dict[str, Any]) -> dict[str, Any]:
    """Give one page of summaries."""
    groups: list[ModelPackageGroup] = list(backend.model_package_groups.values())  # type: ignore[arg-type]
    wanted = params.get("NameContains")
    found = [
        group
        for group in groups
        if (wanted is None or wanted in group.model_package_group_name)
        and is_between(group.creation_time, params)
    ]
    if params.get("CrossAccountFilterOption") == "CrossAccount":
        found = []
    by_name = params.get("SortBy") == "Name"
    found.sort(key=lambda each: each.model_package_group_name if by_name else each.creation_time)
    return page("ModelPackageGroupSummaryList", [each.summary() for each in found], params)


def delete_group(backend: SageMakerModelBackend, params: dict[str, Any]) -> None:
    """Remove a group that has no versions."""
    group = find_group(backend, params["ModelPackageGroupName"])
    name = group.model_package_group_name
    if any(each.model_package_group_name == name for each in backend.model_packages.values()):
        raise Conflict(
            f"Model Package Group {group.arn} cannot be deleted because it still contains Model "
            "Packages."
        )
    del backend.model_package_groups[name]


def put_policy(backend: SageMakerModelBackend, params: dict[str, Any]) -> dict[str, Any]:
    """Keep a group's policy in place of the one before."""
    group = _group_of_policy(backend, params)
    if not _is_policy(params["ResourcePolicy"]):
        raise ValidationError(message="Invalid resource policy: it is no IAM policy document.")
    group.policy = params["ResourcePolicy"]
    return {"ModelPackageGroupArn": group.arn}


def get_policy(backend: SageMakerModelBackend, params: dict[str, Any]) -> dict[str, Any]:
    """Give a group's policy."""
    group = _group_of_policy(backend, params)
    if group.policy is None:
        raise ValidationError(message=f"Cannot find resource policy for: {group.arn}")
    return {"ResourcePolicy": group.policy}


def delete_policy(backend: SageMakerModelBackend, params: dict[str, Any]) -> None:
    """Remove a group's policy."""
    get_policy(backend, params)
    _group_of_policy(backend, params).policy = None


def group_arn(backend: SageMakerModelBackend, name: str) -> str:
    """Give a group's ARN."""
    return arn_formatter("model-package-group", name, backend.account_id, backend.region_name)


def is_between(at: datetime, params: dict[str, Any]) -> bool:
    """Tell whether a time is between the two that a listing asks for."""
    after, before = params.get("CreationTimeAfter"), params.get("CreationTimeBefore")
    return (after is None or at > after.replace(tzinfo=None)) and (
        before is None or at < before.replace(tzinfo=None)
    )


def page(member: str, found: list[dict[str, Any]], params: dict[str, Any]) -> dict[str, Any]:
    """Give one page of what was found in ascending order, the API's default."""
    if params.get("SortOrder") == "Descending":
        found.reverse()
    start, size = int(params.get("NextToken") or 0), int(params.get("MaxResults") or 10)
    rest = len(found) > start + size
    return {member: found[start : start + size], "NextToken": str(start + size) if rest else None}


def _group_of_policy(backend: SageMakerModelBackend, params: dict[str, Any]) -> ModelPackageGroup:
    name = params["ModelPackageGroupName"]
    if name not in backend.model_package_groups:
        raise ValidationError(
            message=f"Cannot find Model Package Group: {group_arn(backend, name)}"
        )
    return find_group(backend, name)


def _is_policy(text: str) -> bool:
    try:
        document = json.loads(text)
    except ValueError:
        return False
    return isinstance(document, dict) and bool(document.get("Statement"))
