"""SageMaker's API with its moods: eventual consistency, and errors told by their text.

Takes a boto3 `sagemaker` client (or anything with the same methods), gives calls that wait out what
passes by itself, within bounds, and answer None for what does not exist. It must not decide what
to create, update or delete.

SageMaker answers almost every refusal as `ValidationException`; only the message tells them apart.
The texts are those of the service, seen in its forums and in the code of terraform-provider-aws
(internal/service/sagemaker) and moto (moto/sagemaker/models.py).
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from botocore.exceptions import ClientError

from modelway.sagemaker.calls import Calls, error_code, is_throttled

MISSING_CODES = frozenset({"ResourceNotFound", "ResourceNotFoundException"})

NOT_YET = (
    "could not assume role",
    "could not access model data",
    "does not grant",
    "could not find model",
    "could not find endpoint config",
    "trust relationship",
)
"""What SageMaker says while something that was just created is not known to it yet."""


@dataclass
class SageMakerApi(Calls):
    """The few operations that an endpoint needs."""

    def endpoint(self, name: str) -> dict[str, Any] | None:
        """Describe an endpoint; None when there is none."""
        return self._described("describe_endpoint", EndpointName=name)

    def config(self, name: str) -> dict[str, Any] | None:
        """Describe an endpoint configuration; None when there is none, or no name is given."""
        if not name:
            return None
        return self._described("describe_endpoint_config", EndpointConfigName=name)

    def model(self, name: str) -> dict[str, Any] | None:
        """Describe a model; None when there is none."""
        return self._described("describe_model", ModelName=name)

    def tags(self, arn: str) -> dict[str, str]:
        """Give a resource's tags without AWS's own; none for a resource that is gone."""
        found: dict[str, str] = {}
        token: str | None = None
        while True:
            page = {"NextToken": token} if token else {}
            try:
                answer = self.call("list_tags", ResourceArn=arn, **page)
            except ClientError as error:
                if is_missing(error):
                    return {}
                raise
            found.update({tag["Key"]: tag["Value"] for tag in answer.get("Tags", [])})
            token = answer.get("NextToken")
            if not token:
                return {key: value for key, value in found.items() if not key.startswith("aws:")}

    def set_tags(self, arn: str, wanted: Mapping[str, str]) -> None:
        """Make a resource's tags the wanted ones."""
        found = self.tags(arn)
        if stale := sorted(found.keys() - wanted.keys()):
            self.call("delete_tags", ResourceArn=arn, TagKeys=stale)
        changed = {key: value for key, value in wanted.items() if found.get(key) != value}
        if changed:
            self.call("add_tags", ResourceArn=arn, Tags=as_tag_list(changed))

    def config_names(self, contains: str) -> Iterator[str]:
        """Give the names of endpoint configurations that contain a text, oldest first."""
        yield from self._names(
            "list_endpoint_configs", "EndpointConfigs", "EndpointConfigName", contains
        )

    def model_names(self, contains: str) -> Iterator[str]:
        """Give the names of models that contain a text, oldest first."""
        yield from self._names("list_models", "Models", "ModelName", contains)

    def delete(self, operation: str, **names: str) -> bool:
        """Delete something; False when it was gone already."""
        try:
            self.call(operation, **names)
        except ClientError as error:
            if is_missing(error):
                return False
            raise
        return True

    def call_when_visible(self, operation: str, **parameters: Any) -> Any:
        """Call an operation that may not see yet what was created a moment ago."""
        return self.tried(operation, parameters, may_retry=_is_passing)

    def _described(self, operation: str, **names: str) -> dict[str, Any] | None:
        try:
            found: dict[str, Any] = self.call(operation, **names)
        except ClientError as error:
            if is_missing(error):
                return None
            raise
        return found

    def _names(self, operation: str, member: str, name: str, contains: str) -> Iterator[str]:
        token: str | None = None
        while True:
            page = {"NextToken": token} if token else {}
            answer = self.call(
                operation,
                NameContains=contains,
                SortBy="CreationTime",
                SortOrder="Ascending",
                **page,
            )
            for item in answer.get(member, []):
                yield item[name]
            token = answer.get("NextToken")
            if not token:
                return


def as_tag_list(tags: Mapping[str, str]) -> list[dict[str, str]]:
    """Give tags in AWS's list form, sorted by key."""
    return [{"Key": key, "Value": value} for key, value in sorted(tags.items())]


def is_missing(error: Exception) -> bool:
    """Tell whether AWS says that the thing does not exist."""
    code = error_code(error)
    says_so = "could not find" in str(error).lower() or "does not exist" in str(error).lower()
    return code in MISSING_CODES or (code == "ValidationException" and says_so)


def is_duplicate(error: Exception) -> bool:
    """Tell whether AWS says that the name is taken."""
    text = str(error).lower()
    return error_code(error) in {"ValidationException", "ResourceInUse", "ConflictException"} and (
        "already exist" in text
    )


def _is_passing(error: Exception) -> bool:
    if is_throttled(error):
        return True
    text = str(error).lower()
    return error_code(error) == "ValidationException" and any(part in text for part in NOT_YET)
