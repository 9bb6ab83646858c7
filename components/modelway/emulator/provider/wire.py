"""Pulumi's property values, between protobuf structs and plain Python.

Takes structs as the engine sends them, gives dictionaries of plain values. Secrets are taken out of
the values and remembered by the name of the top-level property that held them: whoever marks a
secret deep inside a property keeps the whole property secret. Unknown values become `UNKNOWN`.

The signatures are Pulumi's (pulumi/pulumi: sdk/go/common/resource/sig/sig.go).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from google.protobuf import struct_pb2

_SIGNATURE = "4dabf18193072939515e22adb298388d"
_SECRET = "1b47061264138c4ac30d75fd1eb44270"  # noqa: S105 - the mark of a secret, not one
_OUTPUT = "d0e6a833031e9bbcd3f4e8bde6ca49a4"
_RESOURCE = "5cf8f73096256a8f31e491e813e4eb8e"
_ASSET = "c44067f5952c0a294b673a41bacd8c17"
_ARCHIVE = "0def7320c3a5731c473e5ecbe6d01bc7"
_UNKNOWNS = frozenset(
    {
        "04da6b54-80e4-46f7-96ec-b56ff0331ba9",  # string, and what newer engines always send
        "1c4a061d-8072-4f0a-a4cb-0ff528b18fe7",  # bool
        "3eeb2bf0-c639-47a8-9e75-3b44932eb421",  # number
        "6a19a0b0-7e62-4c92-b797-7f8e31da9cc2",  # array
        "030794c1-ac77-496b-92df-f27374a8bd58",  # asset
        "e48ece36-62e2-4504-bad9-02848725956a",  # archive
        "dd056dcd-154b-4c76-9bd3-c8f88648b5ff",  # object
    }
)


class _Unknown:
    """The type of `UNKNOWN`."""

    def __repr__(self) -> str:
        return "UNKNOWN"


UNKNOWN: Final = _Unknown()
"""A value that only exists once something else has been created."""


@dataclass(frozen=True)
class Asset:
    """A file or archive that a program hands over, as the engine describes it."""

    fields: Mapping[str, Any]
    """`hash` and one of `text`, `path`, `uri` or, for an archive, `assets`."""
    archive: bool = False

    @property
    def digest(self) -> str:
        """The engine's SHA-256 of the content, or empty when it did not say."""
        return str(self.fields.get("hash", ""))


@dataclass(frozen=True)
class Properties:
    """The properties of one resource."""

    values: dict[str, Any]
    secrets: frozenset[str] = frozenset()
    """The names of the top-level properties that are secret."""


def read_struct(struct: struct_pb2.Struct) -> Properties:
    """Give the properties in a struct; null values are left out."""
    values: dict[str, Any] = {}
    secrets: set[str] = set()
    for name, value in struct.fields.items():
        found: list[bool] = []
        plain = _read(value, found)
        if plain is not None:
            values[name] = plain
        if found:
            secrets.add(name)
    return Properties(values, frozenset(secrets))


def write_struct(values: Mapping[str, Any], secrets: Iterable[str] = ()) -> struct_pb2.Struct:
    """Give the struct of properties, with the secret ones marked as such."""
    struct = struct_pb2.Struct()
    marked = frozenset(secrets)
    for name, value in values.items():
        if value is None:
            continue
        if name in marked:
            _write({_SIGNATURE: _SECRET, "value": value}, struct.fields[name])
        else:
            _write(value, struct.fields[name])
    return struct


def _read(value: struct_pb2.Value, secrets: list[bool]) -> Any:
    kind = value.WhichOneof("kind")
    if kind == "string_value":
        return UNKNOWN if value.string_value in _UNKNOWNS else value.string_value
    if kind == "number_value":
        number = value.number_value
        return int(number) if number.is_integer() else number
    if kind == "bool_value":
        return value.bool_value
    if kind == "list_value":
        return [_read(item, secrets) for item in value.list_value.values]
    if kind == "struct_value":
        return _read_object(value.struct_value, secrets)
    return None


def _read_object(struct: struct_pb2.Struct, secrets: list[bool]) -> Any:
    signature = struct.fields[_SIGNATURE].string_value if _SIGNATURE in struct.fields else ""
    if not signature:
        return {
            name: plain
            for name, item in struct.fields.items()
            if (plain := _read(item, secrets)) is not None
        }
    if signature == _SECRET:
        secrets.append(True)
        return _read(struct.fields["value"], secrets)
    if signature == _OUTPUT:
        if struct.fields["secret"].bool_value:
            secrets.append(True)
        return _read(struct.fields["value"], secrets) if "value" in struct.fields else UNKNOWN
    if signature == _RESOURCE:
        return _read(struct.fields["id"], secrets)
    fields = {
        name: _read(item, secrets) for name, item in struct.fields.items() if name != _SIGNATURE
    }
    return Asset(fields, archive=signature == _ARCHIVE)


def _write(value: Any, target: struct_pb2.Value) -> None:  # noqa: C901 - one branch for each kind
    if value is UNKNOWN:
        target.string_value = "04da6b54-80e4-46f7-96ec-b56ff0331ba9"
    elif value is None:
        target.null_value = struct_pb2.NULL_VALUE
    elif isinstance(value, bool):
        target.bool_value = value
    elif isinstance(value, int | float):
        target.number_value = value
    elif isinstance(value, str):
        target.string_value = value
    elif isinstance(value, Asset):
        _write(
            {_SIGNATURE: _ARCHIVE if value.archive else _ASSET, **value.fields},
            target,
        )
    elif isinstance(value, Mapping):
        target.struct_value.SetInParent()
        for name, item in value.items():
            if item is not None:
                _write(item, target.struct_value.fields[name])
    elif isinstance(value, list | tuple):
        target.list_value.SetInParent()
        for item in value:
            _write(item, target.list_value.values.add())
    else:
        message = f"{type(value).__name__} is no type of Pulumi's property values"
        raise TypeError(message)


def holds_unknown(value: Any) -> bool:
    """Say whether anything in a value is not known yet."""
    if value is UNKNOWN:
        return True
    if isinstance(value, Mapping):
        return any(holds_unknown(item) for item in value.values())
    if isinstance(value, list):
        return any(holds_unknown(item) for item in value)
    if isinstance(value, Asset):
        return holds_unknown(value.fields)
    return False
