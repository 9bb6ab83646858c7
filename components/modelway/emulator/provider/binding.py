"""Pulumi's property names to AWS's members, by rules over botocore's service models.

Takes a tree of Pulumi types and a botocore shape, converts values between them in both directions.
The rules, in the order in which they are tried for each property:

 1. a name given in the table, perhaps a path (`Metric.Namespace`) or a choice (`A|B`) of which the
    shape has one; an empty one means: never sent
 2. the same letters, whatever their case (which covers `kmsKeyArn` and `KMSKeyArn`)
 3. plural and singular (`rules` and `Rule`)
 4. the one required member, left by the others, that begins or ends with the property's name
    (`role` and `RoleName`, `name` and `ModelName`)

and for values:

 5. a map is a list of keys and values where AWS wants one
 6. a list of one element is a structure, and the reverse
 7. text is a number or a time where AWS has one
 8. an object where AWS wants text is that object's JSON

Nothing here knows any service.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from modelway.emulator.provider.schema import Type
from modelway.errors import EmulatorError

_PAIR_NAMES = (("key", "value"), ("name", "value"), ("tagkey", "tagvalue"))


class Unmapped(EmulatorError):  # noqa: N818 - what the property is
    """A property has no counterpart in the AWS shape."""


class Binding:
    """Converts the properties of one resource type.

    Args:
        names: AWS's member by the path of the property, where the rules do not find it.
    """

    def __init__(self, names: Mapping[str, str]) -> None:
        self._names = names
        self._members: dict[tuple[int, str, str], dict[str, tuple[str, ...]]] = {}

    def to_aws(  # noqa: PLR0911 - one return for each pair of kinds
        self, value: Any, of: Type, shape: Any, path: str = ""
    ) -> Any:
        """Give the value that boto3 wants for `shape`."""
        if shape.type_name == "structure":
            if of.kind == "list":
                return self.to_aws(value[0], _item(of), shape, path) if value else None
            return self._structure(value, of, shape, path)
        if shape.type_name == "list":
            if of.kind == "map":
                key, held = _pair_members(shape)
                return [{key: name, held: str(item)} for name, item in value.items()]
            if of.kind == "list":
                return [self.to_aws(item, _item(of), shape.member, path) for item in value]
            return [self.to_aws(value, of, shape.member, path)]
        if shape.type_name == "map":
            return {name: _scalar_to_aws(item, shape.value) for name, item in value.items()}
        return _scalar_to_aws(value, shape)

    def from_aws(  # noqa: PLR0911 - one return for each pair of kinds
        self, value: Any, of: Type, shape: Any, path: str = ""
    ) -> Any:
        """Give Pulumi's form of a value of `shape`; None where AWS left it out."""
        if value is None:
            return None
        if shape.type_name == "structure":
            if of.kind == "list":
                return [self.from_aws(value, _item(of), shape, path)]
            return self._object(value, of, shape, path)
        if shape.type_name == "list":
            if of.kind == "map":
                key, held = _pair_members(shape)
                return {item[key]: item.get(held, "") for item in value}
            if of.kind == "list":
                return [self.from_aws(item, _item(of), shape.member, path) for item in value]
            return self.from_aws(value[0], of, shape.member, path) if value else None
        if shape.type_name == "map":
            return dict(value) if of.kind != "string" else json.dumps(value)
        return _scalar_from_aws(value, of)

    def members(self, of: Type, shape: Any, path: str = "") -> Mapping[str, tuple[str, ...]]:
        """Give the path of AWS's members for each property of an object that has one."""
        key = (id(of), shape.name, path)
        if key not in self._members:
            self._members[key] = self._match(of, shape, path)
        return self._members[key]

    def kinds(self, of: Type, shape: Any, path: str = "") -> Iterator[tuple[str, str]]:
        """Find texts that AWS takes as something else: (path, `number` or `time`)."""
        if of.kind == "object" and shape.type_name == "structure":
            for name, member in self.members(of, shape, path).items():
                yield from self.kinds(of.fields[name], _at(shape, member), _join(path, name))
        elif of.kind == "object" and shape.type_name == "list":
            yield from self.kinds(of, shape.member, path)
        elif of.kind == "list":
            inner = shape.member if shape.type_name == "list" else shape
            yield from self.kinds(_item(of), inner, path)
        elif of.kind == "string" and shape.type_name in {"integer", "long", "float", "double"}:
            yield path, "number"
        elif of.kind == "string" and shape.type_name == "timestamp":
            yield path, "time"

    def _structure(self, value: Any, of: Type, shape: Any, path: str) -> dict[str, Any]:
        members = self.members(of, shape, path)
        made: dict[str, Any] = {}
        for name, item in value.items():
            if item is None or self._names.get(_join(path, name)) == "":
                continue
            if name not in members:
                raise Unmapped(f"property {_join(path, name)} has no counterpart in {shape.name}")
            member = members[name]
            sent = self.to_aws(item, of.fields[name], _at(shape, member), _join(path, name))
            if sent is None:
                continue
            inner = made
            for step in member[:-1]:
                inner = inner.setdefault(step, {})
            inner[member[-1]] = sent
        return made

    def _object(self, value: Any, of: Type, shape: Any, path: str) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for name, member in self.members(of, shape, path).items():
            item = value
            for step in member:
                item = item.get(step) if isinstance(item, Mapping) else None
            found = self.from_aws(item, of.fields[name], _at(shape, member), _join(path, name))
            if found is not None:
                made[name] = found
        return made

    def _match(self, of: Type, shape: Any, path: str) -> dict[str, tuple[str, ...]]:
        taken: set[str] = set()
        found: dict[str, tuple[str, ...]] = {}
        by_letters = {member.lower(): member for member in shape.members}
        for name in of.fields:
            given = self._names.get(_join(path, name))
            if given is not None:
                for choice in filter(None, given.split("|")):
                    steps = tuple(choice.split("."))
                    if _has(shape, steps):
                        found[name] = steps
                        taken.add(steps[0])
                        break
                continue
            for spelling in _spellings(name):
                if spelling in by_letters:
                    found[name] = (by_letters[spelling],)
                    taken.add(by_letters[spelling])
                    break
        required = [member for member in shape.required_members if member not in taken]
        for name in of.fields:
            if name in found or _join(path, name) in self._names:
                continue
            likely = [member for member in required if _resembles(name, member)]
            if len(likely) == 1:
                found[name] = (likely[0],)
        return found


def _spellings(name: str) -> Iterator[str]:
    letters = name.lower()
    yield letters
    yield f"{letters}s"
    yield letters.removesuffix("s")
    if letters.endswith("ies"):
        yield f"{letters[:-3]}y"
    if letters.endswith("y"):
        yield f"{letters[:-1]}ies"


def _resembles(name: str, member: str) -> bool:
    letters, other = name.lower(), member.lower()
    return other.startswith(letters) or other.endswith(letters)


def _has(shape: Any, steps: tuple[str, ...]) -> bool:
    for step in steps:
        if shape.type_name != "structure" or step not in shape.members:
            return False
        shape = shape.members[step]
    return True


def _at(shape: Any, steps: tuple[str, ...]) -> Any:
    for step in steps:
        shape = shape.members[step]
    return shape


def _join(path: str, name: str) -> str:
    return f"{path}.{name}" if path else name


def _item(of: Type) -> Type:
    return of.item if of.item is not None else Type("string")


def _pair_members(shape: Any) -> tuple[str, str]:
    letters = {member.lower(): member for member in shape.member.members}
    for key, held in _PAIR_NAMES:
        if key in letters and held in letters:
            return letters[key], letters[held]
    raise Unmapped(f"{shape.name} holds no keys and values")


def _scalar_to_aws(value: Any, shape: Any) -> Any:  # noqa: PLR0911 - one return for each kind
    kind = shape.type_name
    if kind in {"integer", "long"}:
        return int(float(value))
    if kind in {"float", "double"}:
        return float(value)
    if kind == "boolean":
        return value.lower() == "true" if isinstance(value, str) else bool(value)
    if kind == "timestamp" and isinstance(value, str):
        return _time(value)
    if kind == "blob" and isinstance(value, str):
        return value.encode()
    if kind == "string":
        return text_of(value)
    return value


def _time(text: str) -> datetime:
    try:
        return datetime.fromisoformat(text)
    except ValueError as error:
        raise EmulatorError(
            f"reading a time: {text!r} is none; write it as 2030-01-31T08:00:00Z"
        ) from error


def text_of(value: Any) -> str:
    """Spell a value as AWS's texts do: booleans in small letters, objects as JSON."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict | list):
        return json.dumps(value)
    return str(value)


def _scalar_from_aws(value: Any, of: Type) -> Any:
    if isinstance(value, datetime):
        at = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
        return at.isoformat(timespec="seconds").replace("+00:00", "Z")
    if of.kind == "string" and not isinstance(value, str):
        if isinstance(value, float) and value.is_integer():
            return str(int(value))
        return text_of(value)
    if of.kind == "boolean" and isinstance(value, str):
        return value.lower() == "true"
    if of.kind in {"integer", "number"} and isinstance(value, str):
        return float(value) if "." in value else int(value)
    return value
