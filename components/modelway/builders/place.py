"""Where images are built and what became of them.

Plain values, without a decision.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import pulumi

from modelway.iam.statements import Scope


@dataclass(frozen=True)
class BuildPlace:
    """A platform, as a builder needs it."""

    name: str
    """Of the component that the resources belong to; their names begin with it."""
    parent: pulumi.Resource
    bucket_name: pulumi.Input[str]
    repository_url: pulumi.Input[str]
    kms_key_arn: pulumi.Input[str]
    scope: pulumi.Output[Scope]
    tags: Mapping[str, str]


@dataclass(frozen=True)
class BuiltImage:
    """An image that a builder makes."""

    uri: pulumi.Output[str]
    """By digest."""
    resource: pulumi.Resource
    """What must be done before the image is used."""
