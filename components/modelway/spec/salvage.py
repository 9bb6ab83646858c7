"""Read what can be read of a spec with wrong fields, so that rules over the others still speak.

Takes data and the problems of its fields, gives a spec without those fields, or None. For telling
problems only: such a spec must never be planned or deployed.
"""

import copy
import re
from collections.abc import Mapping, Sequence
from typing import Any, cast

from modelway.errors import Problem
from modelway.spec.load import parse_data
from modelway.spec.model import ModelSpec
from modelway.spec.paths import Loc, path_parts

ROUNDS = 3
"""Taking a field away may uncover another, such as the one that replaced it in an environment."""

STAND_INS: dict[Loc, Any] = {("name",): "unnamed", ("model", "path"): "unknown.onnx"}
"""Required fields, for a spec that lacks them; what rules say of them is not told."""


def salvage(data: Mapping[Any, Any], problems: Sequence[Problem]) -> ModelSpec | None:
    """Give the spec without the fields that have problems; None when nothing is left of it."""
    rest = copy.deepcopy(dict(data))
    for _ in range(ROUNDS):
        for problem in reversed(problems):  # from the end, so that indices of lists stay right
            parts = path_parts(problem.path)
            _remove(rest, parts)
            for required, value in STAND_INS.items():
                if parts == required[: len(parts)]:
                    _put(rest, required, value)
        spec, problems = parse_data(rest)
        if spec is not None:
            return spec
    return None


def unaffected(found: Sequence[Problem], wrong: Sequence[Problem]) -> list[Problem]:
    """Give the problems that do not speak of a field that was taken away: its default misleads."""
    names = {_field(problem.path) for problem in wrong if problem.path}
    if not names:
        return list(found)
    mentioned = re.compile(rf"\b({'|'.join(re.escape(name) for name in names)})\b")
    return [
        problem
        for problem in found
        if not mentioned.search(f"{problem.path} {problem.message} {problem.allowed}")
    ]


def _field(path: str) -> str:
    """Give the name of the field that a path ends in, without indices."""
    return [part for part in path_parts(path) if isinstance(part, str)][-1]


def _remove(data: Any, parts: Loc) -> None:
    """Take one value away, where it is."""
    for part in parts[:-1]:
        data = _member(data, part)
    last = parts[-1] if parts else None
    if isinstance(data, dict):
        cast("dict[Any, Any]", data).pop(last, None)
    elif isinstance(data, list) and isinstance(last, int):
        del data[last : last + 1]


def _put(data: dict[Any, Any], parts: Loc, value: Any) -> None:
    """Set one value, replacing whatever is no mapping on the way."""
    for part in parts[:-1]:
        if not isinstance(data.get(part), dict):
            data[part] = {}
        data = data[part]
    data[parts[-1]] = value


def _member(data: Any, part: str | int) -> Any:
    """Give a member, or None where there is none."""
    if isinstance(data, dict):
        return cast("dict[Any, Any]", data).get(part)
    if isinstance(data, list) and isinstance(part, int):
        items = cast("list[Any]", data)
        return items[part] if part < len(items) else None
    return None
