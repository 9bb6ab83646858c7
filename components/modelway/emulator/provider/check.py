"""Checks a program's inputs before anything else sees them.

Pure. Takes the inputs as written, gives them with names filled in and values in the types that the
schema says, or every reason why they cannot be used.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modelway.emulator.provider.binding import text_of
from modelway.emulator.provider.entry import Entry
from modelway.emulator.provider.naming import automatic_name, prefixed_name, proposed_name
from modelway.emulator.provider.schema import PROVIDER_LEVEL, Type
from modelway.emulator.provider.wire import UNKNOWN

DEFAULTS = "__defaults"
"""The input in which the names of the properties that the provider filled in are kept."""


@dataclass(frozen=True)
class Naming:
    """What the engine says about automatic names."""

    logical: str
    seed: bytes
    proposed: str = ""
    mode: str = ""
    """`PROPOSE`, `ENFORCE`, `DISABLE`, or empty for the provider's own rule."""


@dataclass(frozen=True)
class Failure:
    """One input that cannot be used."""

    property: str
    reason: str


def check(
    entry: Entry, news: Mapping[str, Any], olds: Mapping[str, Any], naming: Naming
) -> tuple[dict[str, Any], list[Failure]]:
    """Give the checked inputs and what is wrong with them."""
    fields = entry.shape.inputs.fields
    failures: list[Failure] = []
    inputs: dict[str, Any] = {}
    for name, value in news.items():
        if name == DEFAULTS:
            continue
        if name not in fields:
            failures.append(Failure(name, f"{entry.type} has no property {name!r}"))
        elif name in entry.refused:
            failures.append(Failure(name, f"the emulator does not cover it: {entry.refused[name]}"))
        else:
            inputs[name] = _coerced(value, fields[name], name, failures)
    filled = _named(entry, inputs, olds, naming)
    failures += [
        Failure(name, f"missing required property {name!r} of {entry.type}")
        for name in sorted(entry.shape.required)
        if name not in inputs and name not in PROVIDER_LEVEL
    ]
    inputs[DEFAULTS] = filled
    return inputs, failures


def _named(
    entry: Entry, inputs: dict[str, Any], olds: Mapping[str, Any], naming: Naming
) -> list[str]:
    rule = entry.auto_name
    if rule is None or rule.property in inputs:
        return []
    prefix_property = "bucketPrefix" if rule.property == "bucket" else "namePrefix"
    prefix = inputs.get(prefix_property)
    kept = olds.get(rule.property) if rule.property in olds.get(DEFAULTS, ()) else None
    if prefix is UNKNOWN:
        inputs[rule.property] = UNKNOWN
    elif kept is not None and prefix == olds.get(prefix_property):
        inputs[rule.property] = kept
    elif prefix is not None:
        inputs[rule.property] = prefixed_name(str(prefix), naming.seed)
    elif naming.mode:
        name = proposed_name(rule, naming.proposed, naming.mode)
        if name is None:
            return []
        inputs[rule.property] = name
    else:
        inputs[rule.property] = automatic_name(rule, naming.logical, naming.seed)
    return [rule.property]


def _coerced(value: Any, of: Type, path: str, failures: list[Failure]) -> Any:
    if value is UNKNOWN:
        return value
    if of.kind == "string":
        # Policies may be written as objects; AWS wants their text.
        return json.dumps(value) if isinstance(value, dict | list) else text_of(value)
    if of.kind == "object" and isinstance(value, Mapping):
        return _coerced_object(value, of, path, failures)
    if of.kind == "map" and isinstance(value, Mapping):
        return {
            key: _coerced(item, of.item or Type("string"), f"{path}.{key}", failures)
            for key, item in value.items()
        }
    if of.kind == "list" and isinstance(value, list):
        return [
            _coerced(item, of.item or Type("string"), f"{path}[{index}]", failures)
            for index, item in enumerate(value)
        ]
    if of.kind in {"object", "map", "list"}:
        failures.append(Failure(path, f"must be {_NOUNS[of.kind]}, not {value!r}"))
    if of.kind in {"integer", "number"} and not _number(value):
        failures.append(Failure(path, f"must be a number, not {value!r}"))
    if of.kind == "boolean" and text_of(value) not in {"true", "false"}:
        failures.append(Failure(path, f"must be true or false, not {value!r}"))
    return value


_NOUNS = {"object": "an object", "map": "a map", "list": "a list"}


def _coerced_object(
    value: Mapping[str, Any], of: Type, path: str, failures: list[Failure]
) -> dict[str, Any]:
    made: dict[str, Any] = {}
    for name, item in value.items():
        if name == DEFAULTS:
            continue
        if name not in of.fields:
            failures.append(Failure(f"{path}.{name}", f"{path} has no property {name!r}"))
        else:
            made[name] = _coerced(item, of.fields[name], f"{path}.{name}", failures)
    return made


def _number(value: Any) -> bool:
    try:
        float(value)
    except (TypeError, ValueError):
        return False
    return True
