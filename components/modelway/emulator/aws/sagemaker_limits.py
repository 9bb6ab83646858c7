"""The limits that SageMaker checks on the server, from botocore's own service model.

Takes an operation's name and its parsed parameters, raises AWS's ValidationException with every
violation. botocore's client checks types, required members and minimal lengths only; patterns,
maximal lengths, ranges and enumerations are refused by AWS, and so they are here. Must not know
what an operation does (that is `sagemaker_models`, `sagemaker_configs`, `sagemaker_endpoints`).
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from botocore.model import ListShape, MapShape, Shape, StructureShape
from moto.core.utils import get_service_model
from moto.sagemaker.exceptions import ValidationError


def check_limits(operation: str, params: dict[str, Any]) -> None:
    """Refuse parameters that break the service model.

    Raises:
        ValidationError: AWS's ValidationException, in AWS's wording, naming every violation.
    """
    found = list(_violations(_input_shape(operation), params, ""))
    if found:
        plural = "s" if len(found) > 1 else ""
        raise ValidationError(
            message=f"{len(found)} validation error{plural} detected: {'; '.join(found)}"
        )


@cache
def _input_shape(operation: str) -> Shape:
    shape = get_service_model("sagemaker").operation_model(operation).input_shape
    if shape is None:  # no operation of SageMaker's that takes nothing is checked here
        message = f"{operation} takes no parameters"
        raise LookupError(message)
    return shape


def _violations(shape: Shape, value: Any, path: str) -> Iterator[str]:
    for text in _own(shape, value):
        shown = _shown(value)
        yield f"Value {shown} at '{path}' failed to satisfy constraint: {text}"
    if isinstance(shape, StructureShape) and isinstance(value, dict):
        for name in shape.required_members:
            if value.get(name) is None:
                yield (
                    f"Value null at '{_join(path, name)}' failed to satisfy constraint: "
                    "Member must not be null"
                )
        for name, member in shape.members.items():
            if value.get(name) is not None:
                yield from _violations(member, value[name], _join(path, name))
    elif isinstance(shape, ListShape) and isinstance(value, list):
        for number, member in enumerate(value, start=1):
            yield from _violations(shape.member, member, f"{path}.{number}.member")
    elif isinstance(shape, MapShape) and isinstance(value, dict):
        yield from _map_violations(shape, value, path)


def _map_violations(shape: MapShape, value: dict[str, Any], path: str) -> Iterator[str]:
    for side, member, items in (
        ("keys", shape.key, list(value)),
        ("value", shape.value, list(value.values())),
    ):
        texts = sorted({text for item in items for text in _own(member, item)})
        if texts:
            yield (
                f"Value {_shown(value)} at '{path}' failed to satisfy constraint: "
                f"Map {side} must satisfy constraint: [{', '.join(texts)}]"
            )


def _own(shape: Shape, value: Any) -> Iterator[str]:
    """Check a value against its own shape, not its members against theirs."""
    limits = shape.metadata
    if "enum" in limits and value not in limits["enum"]:
        yield f"Member must satisfy enum value set: [{', '.join(limits['enum'])}]"
    if shape.type_name in {"integer", "long", "float", "double"}:
        size, what = value, "have value"
    elif shape.type_name in {"string", "list", "map"}:
        size, what = len(value), "have length"
    else:
        return
    if "min" in limits and size < limits["min"]:
        yield f"Member must {what} greater than or equal to {limits['min']}"
    if "max" in limits and size > limits["max"]:
        yield f"Member must {what} less than or equal to {limits['max']}"
    pattern = _pattern(limits.get("pattern"))
    if pattern is not None and isinstance(value, str) and not pattern.fullmatch(value):
        yield f"Member must satisfy regular expression pattern: {pattern.pattern}"


@cache
def _pattern(text: str | None) -> re.Pattern[str] | None:
    """Compile a pattern; None for the few in Java's own dialect, such as `[:alpha:]` classes."""
    if text is None:
        return None
    try:
        return re.compile(text)
    except re.error:
        return None


def _join(path: str, member: str) -> str:
    name = member[0].lower() + member[1:]
    return f"{path}.{name}" if path else name


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "'{" + ", ".join(f"{key}={item}" for key, item in value.items()) + "}'"
    return f"'{value}'"
