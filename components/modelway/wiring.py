"""What a deployment is wired to, read from a component's arguments.

Takes the arguments of `ModelDeployment` in any of their forms, gives a `ModelSpec` and a platform,
or one `SpecError` with all that does not fit together. Declares nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pulumi
from pydantic import ValidationError

from modelway.errors import Problem, SpecError
from modelway.iam.statements import Scope
from modelway.spec import ModelSpec
from modelway.spec.problems import field_problems

NAMES = ("bucket_name", "repository_url", "kms_key_arn", "alarm_topic_arn")
"""The arguments that name a platform; all of them or none."""


@dataclass(frozen=True)
class PlatformWiring:
    """A platform that is declared elsewhere, by the names that a deployment needs."""

    bucket_name: pulumi.Input[str]
    repository_url: pulumi.Input[str]
    kms_key_arn: pulumi.Input[str]
    alarm_topic_arn: pulumi.Input[str]

    @property
    def scope(self) -> pulumi.Output[Scope]:
        """Account, region and partition, as the key's ARN says them."""
        return pulumi.Output.from_input(self.kms_key_arn).apply(scope_of)


def scope_of(arn: str) -> Scope:
    """Give account, region and partition of an ARN."""
    _arn, partition, _service, region, account, *_ = arn.split(":")
    return Scope(account=account, region=region, partition=partition)


def given_spec(name: str, given: Mapping[str, Any], spec: ModelSpec | None) -> ModelSpec:
    """Give the one spec that was handed over, validated.

    Raises:
        SpecError: there is none, or more than one, or it breaks rules of its fields.
    """
    plain = given.get("spec")
    if spec is not None and plain is not None:
        raise SpecError([Problem("spec", f"ModelDeployment {name} has two; give one of them")])
    if spec is not None:
        return spec
    if plain is None:
        problem = f"ModelDeployment {name} has none; give `spec=load_spec(FILE)`"
        raise SpecError([Problem("spec", problem)])
    try:
        return ModelSpec.model_validate(plain)
    except ValidationError as error:
        raise SpecError(field_problems(ModelSpec, error)) from None


def given_platform(
    name: str, given: Mapping[str, Any], has_platform: bool
) -> PlatformWiring | None:
    """Give the platform that the arguments name, if they do.

    Raises:
        SpecError: some of the names are missing, or there is a platform as well.
    """
    present = [key for key in NAMES if given.get(key) is not None]
    if not present:
        return None
    if has_platform:
        problem = f"ModelDeployment {name} has a platform and a name of another one; give one"
        raise SpecError([Problem(key, problem) for key in present])
    if missing := [key for key in NAMES if key not in present]:
        problem = f"ModelDeployment {name} has {', '.join(present)} of a platform; give this too"
        raise SpecError([Problem(key, problem) for key in missing])
    return PlatformWiring(*(given[key] for key in NAMES))
