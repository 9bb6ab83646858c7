"""What a program's inputs would change of a resource.

Pure: takes the inputs, the last state and the entry of the type, makes no call. It follows the
official provider: what a program leaves out is compared with its default, is kept where AWS fills
it in, and is otherwise to be removed; an absent value equals an empty, zero or false one.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from typing import Any

from modelway.emulator.provider.binding import Binding, text_of
from modelway.emulator.provider.clients import service_model
from modelway.emulator.provider.entry import Entry
from modelway.emulator.provider.policy import canonical_json, canonical_policy
from modelway.emulator.provider.schema import Type
from modelway.emulator.provider.wire import UNKNOWN, Asset, holds_unknown

_INDEX = re.compile(r"\[[^\]]*\]")
_PLAIN = re.compile(r"^[A-Za-z_][A-Za-z0-9_]*$")


@dataclass(frozen=True)
class Difference:
    """One property, or part of one, that would change."""

    path: str
    """As Pulumi writes it, for example `rules[0].status`."""
    kind: str
    """`ADD`, `UPDATE` or `DELETE`."""
    replaces: bool
    """The change needs a new resource."""

    @property
    def property(self) -> str:
        """The top-level property."""
        return _INDEX.sub("", self.path).split(".")[0]

    def below(self, path: str) -> bool:
        """Say whether it is in the part of the resource at a path such as `rules[*].status`."""
        pattern = re.escape(path).replace(r"\[\*\]", r"\[\d+\]")
        return re.match(rf"{pattern}(?![^.\[])", self.path) is not None


class Comparison:
    """Compares values of one resource type."""

    def __init__(self, entry: Entry) -> None:
        self._entry = entry
        self._kinds = dict.fromkeys(entry.policies, "policy")
        self._kinds.update(dict.fromkeys(entry.documents, "json"))
        self._kinds.update(_kinds(entry))

    def differences(self, inputs: Mapping[str, Any], state: Mapping[str, Any]) -> list[Difference]:
        """Find what `inputs` would change of `state`, tags apart."""
        entry = self._entry
        found: list[Difference] = []
        for name, of in entry.shape.inputs.fields.items():
            if name in {"tags", "timeouts"}:
                continue
            if name in {"region", "namePrefix"} and inputs.get(name) is None:
                continue
            found += [
                Difference(path, kind, replaces=self._replaces(path))
                for path, kind in self._compare(inputs.get(name), state.get(name), of, name, name)
            ]
        return found

    def same(self, new: Any, old: Any, name: str) -> bool:
        """Say whether a program's value of a property is what AWS has."""
        of = self._entry.shape.outputs.fields[name]
        return not list(self._compare(new, old, of, name, name))

    def equal(self, one: Any, other: Any, name: str) -> bool:
        """Say whether two values of a property mean exactly the same."""
        of = self._entry.shape.outputs.fields[name]
        return self._canonical(one, of, name) == self._canonical(other, of, name)

    def _replaces(self, path: str) -> bool:
        plain = _INDEX.sub("", path)
        return plain.split(".")[0] == "region" or any(
            plain == prefix or plain.startswith(f"{prefix}.") for prefix in self._entry.replaces
        )

    def _compare(
        self, new: Any, old: Any, of: Type, path: str, shown: str
    ) -> Iterator[tuple[str, str]]:
        if new is None:
            if path in self._entry.computed:
                return
            new = self._entry.defaults.get(path)
        if holds_unknown(new) and not isinstance(new, Mapping | list):
            yield shown, "UPDATE"
            return
        if self._canonical(new, of, path) == self._canonical(old, of, path):
            return
        if (
            of.kind == "object"
            and isinstance(new or {}, Mapping)
            and isinstance(old or {}, Mapping)
        ):
            for name, inner in of.fields.items():
                yield from self._compare(
                    (new or {}).get(name),
                    (old or {}).get(name),
                    inner,
                    f"{path}.{name}",
                    f"{shown}.{name}",
                )
        elif of.kind == "list" and _lists(new, old):
            yield from self._compare_lists(new or [], old or [], of, path, shown)
        elif of.kind == "map" and isinstance(new or {}, Mapping) and isinstance(old or {}, Mapping):
            yield from _compare_maps(new or {}, old or {}, shown)
        else:
            yield shown, _kind(_blank(old), _blank(new))

    def _compare_lists(
        self, new: list[Any], old: list[Any], of: Type, path: str, shown: str
    ) -> Iterator[tuple[str, str]]:
        item = of.item or Type("string")
        if path in self._entry.unordered:
            left = list(old)
            for index, value in enumerate(new):
                match = next(
                    (was for was in left if not list(self._compare(value, was, item, path, ""))),
                    None,
                )
                if match is None:
                    yield f"{shown}[{index}]", "UPDATE" if index < len(old) else "ADD"
                else:
                    left.remove(match)
            if left and len(old) > len(new):
                for index in range(len(new), len(old)):
                    yield f"{shown}[{index}]", "DELETE"
            return
        for index in range(max(len(new), len(old))):
            spot = f"{shown}[{index}]"
            if index >= len(old):
                yield spot, "ADD"
            elif index >= len(new):
                yield spot, "DELETE"
            else:
                yield from self._compare(new[index], old[index], item, path, spot)

    def _canonical(self, value: Any, of: Type, path: str) -> Any:
        if value is UNKNOWN or _blank(value):
            return None if value is not UNKNOWN else UNKNOWN
        if isinstance(value, Asset):
            return value.digest or value.fields
        if of.kind == "object" and isinstance(value, Mapping):
            items = (
                (name, self._canonical(value.get(name), inner, f"{path}.{name}"))
                for name, inner in of.fields.items()
            )
            return {name: item for name, item in items if item is not None} or None
        if of.kind == "list" and isinstance(value, list):
            items = [self._canonical(item, of.item or Type("string"), path) for item in value]
            return sorted(items, key=repr) if path in self._entry.unordered else items
        if of.kind == "map" and isinstance(value, Mapping):
            return {name: text_of(item) for name, item in value.items()}
        return _canonical_scalar(value, of, self._kinds.get(path, ""))


def _canonical_scalar(value: Any, of: Type, kind: str) -> Any:
    text = text_of(value)
    if kind == "policy":
        return canonical_policy(text)
    if kind == "json":
        return canonical_json(text)
    if kind == "time":
        return _instant(text)
    if of.kind in {"integer", "number"} or kind == "number":
        try:
            return float(text)
        except ValueError:
            return text
    return text.lower() if of.kind == "boolean" else text


def _instant(text: str) -> Any:
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        return text
    return at.replace(tzinfo=UTC) if at.tzinfo is None else at.astimezone(UTC)


def _compare_maps(
    new: Mapping[str, Any], old: Mapping[str, Any], shown: str
) -> Iterator[tuple[str, str]]:
    for key in sorted({*new, *old}):
        if key in new and key in old and text_of(new[key]) == text_of(old[key]):
            continue
        spot = f"{shown}.{key}" if _PLAIN.match(key) else f'{shown}["{key}"]'
        yield spot, _kind(key not in old, key not in new)


def _kind(was_blank: bool, is_blank: bool) -> str:
    if was_blank:
        return "ADD"
    return "DELETE" if is_blank else "UPDATE"


def _lists(new: Any, old: Any) -> bool:
    return isinstance(new if new is not None else [], list) and isinstance(
        old if old is not None else [], list
    )


def _blank(value: Any) -> bool:
    if isinstance(value, Mapping):
        return all(_blank(item) for item in value.values())
    return value is None or value is False or value in (0, "", [])


def _kinds(entry: Entry) -> dict[str, str]:
    shape = service_model(entry.service).operation_model(entry.create.operation).input_shape
    for step in filter(None, entry.envelope.split(".")):
        shape = shape.members[step]
    return dict(Binding(entry.names).kinds(entry.shape.inputs, shape))


@cache
def comparison(entry: Entry) -> Comparison:
    """Give the comparison of a type's values, made once."""
    return Comparison(entry)
