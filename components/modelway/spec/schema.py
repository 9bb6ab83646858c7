"""The JSON Schema of a spec file, for editors.

Takes nothing, gives the schema (draft 2020-12) that pydantic derives from the model, with two
things that the types cannot say: the names of instance types, and that overrides of an environment
are the same fields, all optional. Must not read specs.
"""

from collections.abc import Mapping
from copy import deepcopy
from typing import Any, cast

from modelway.spec.instances import instance_types
from modelway.spec.model import ModelSpec
from modelway.spec.problems import NOT_OVERRIDABLE
from modelway.spec.rules.serving import GPU_AMI_VERSIONS, NEURON_AMI_VERSIONS

DIALECT = "https://json-schema.org/draft/2020-12/schema"
"""The version of JSON Schema."""

_SUFFIX = "Override"
_REFERENCE = "#/$defs/"


def json_schema() -> dict[str, Any]:
    """Give the schema as plain data."""
    schema = ModelSpec.model_json_schema()
    definitions: dict[str, Any] = schema["$defs"]
    serving: dict[str, Any] = definitions["Serving"]["properties"]
    serving["instance_type"]["enum"] = list(instance_types())
    serving["inference_ami_version"]["enum"] = [*GPU_AMI_VERSIONS, *NEURON_AMI_VERSIONS, None]
    parts = {name: body for name, body in definitions.items() if "properties" in body}
    for name, body in parts.items():
        definitions[f"{name}{_SUFFIX}"] = _optional(body, parts)
    override = _optional({key: value for key, value in schema.items() if key != "$defs"}, parts)
    for field in NOT_OVERRIDABLE:
        del override["properties"][field]
    override["title"] = f"ModelSpec{_SUFFIX}"
    override["description"] = "What differs in one environment."
    definitions[f"ModelSpec{_SUFFIX}"] = override
    environments: dict[str, Any] = schema["properties"]["environments"]
    reference = {"$ref": f"{_REFERENCE}ModelSpec{_SUFFIX}"}
    nothing = {"type": "null"}
    environments["patternProperties"] = {
        pattern: {"anyOf": [reference, nothing]} for pattern in environments["patternProperties"]
    }
    environments["additionalProperties"] = False
    used = _reachable(schema, definitions)
    schema["$defs"] = {name: definitions[name] for name in sorted(used)}
    return {"$schema": DIALECT, **schema, "title": "modelway spec"}


def _optional(definition: dict[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """Give a definition whose fields are all optional, and those of its parts too."""
    copy = deepcopy(definition)
    copy.pop("required", None)
    for name, field in copy.get("properties", {}).items():
        # Lists replace as a whole, so their items stay complete.
        field.pop("default", None)
        copy["properties"][name] = _to_override(field, parts)
    return copy


def _to_override(field: dict[str, Any], parts: Mapping[str, Any]) -> dict[str, Any]:
    """Point a reference to a part at the part's optional form."""
    reference = str(field.get("$ref", ""))
    if reference.removeprefix(_REFERENCE) in parts:
        return {**field, "$ref": f"{reference}{_SUFFIX}"}
    if "anyOf" in field:
        return {**field, "anyOf": [_to_override(choice, parts) for choice in field["anyOf"]]}
    return field


def _reachable(schema: dict[str, Any], definitions: dict[str, Any]) -> set[str]:
    """Find the definitions that something refers to."""
    found: set[str] = set()
    stack: list[Any] = [{key: value for key, value in schema.items() if key != "$defs"}]
    while stack:
        node = stack.pop()
        if isinstance(node, dict):
            members = cast("dict[str, Any]", node)
            name = str(members.get("$ref", "")).removeprefix(_REFERENCE)
            if name and name not in found:
                found.add(name)
                stack.append(definitions[name])
            stack += members.values()
        elif isinstance(node, list):
            stack += cast("list[Any]", node)
    return found
