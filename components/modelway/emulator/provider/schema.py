"""The property names and types of the resource types that the provider covers.

Takes `schema.json` (written by `modelway.emulator.provider.sdk` from pulumi_aws), gives a tree of
types per resource. It must not import pulumi_aws: that would take longer than the emulator's start.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from typing import Any

PROVIDER_LEVEL = frozenset({"namePrefix", "region", "tagsAll", "timeouts"})
"""Properties which the provider itself means; no AWS call has them."""


@dataclass(frozen=True, eq=False)
class Type:
    """The type of one property, as a tree."""

    kind: str
    """`string`, `integer`, `number`, `boolean`, `asset`, `list`, `map` or `object`."""
    item: "Type | None" = None
    """What a list or map holds."""
    fields: Mapping[str, "Type"] = field(default_factory=dict)
    """The properties of an object."""


@dataclass(frozen=True)
class Shape:
    """What one resource type takes and gives."""

    inputs: Type
    outputs: Type
    required: frozenset[str]


@cache
def schema_text() -> str:
    """Give the package schema as JSON text."""
    return files(__package__).joinpath("schema.json").read_text(encoding="utf-8")


@cache
def package_schema() -> dict[str, Any]:
    """Give the package schema: `resources` and `types` by token."""
    loaded: dict[str, Any] = json.loads(schema_text())
    return loaded


@cache
def resource_shape(token: str) -> Shape:
    """Give the properties of a resource type, for example `aws:s3/bucket:Bucket`.

    Raises:
        KeyError: the provider does not cover the type.
    """
    resource = package_schema()["resources"][token]
    return Shape(
        inputs=_object(resource["inputProperties"]),
        outputs=_object(resource["properties"]),
        required=frozenset(resource["requiredInputs"]),
    )


def _object(properties: Mapping[str, Any]) -> Type:
    return Type("object", fields={name: _type(of) for name, of in properties.items()})


def _type(of: Mapping[str, Any]) -> Type:
    reference = of.get("$ref", "")
    if reference.startswith("#/types/"):
        return _named(reference.removeprefix("#/types/"))
    if reference:
        return Type("asset")
    if of["type"] == "array":
        return Type("list", item=_type(of["items"]))
    if of["type"] == "object":
        return Type("map", item=_type(of["additionalProperties"]))
    return Type(of["type"])


@cache
def _named(token: str) -> Type:
    return _object(package_schema()["types"][token]["properties"])
