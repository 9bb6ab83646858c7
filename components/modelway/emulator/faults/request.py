"""From the JSON of `POST /_modelway/faults` to a fault that can be added.

Takes bytes, gives one of `model.KINDS`, or raises `FaultRefused` with every problem found and what
is allowed. Must not look at what exists: a fault may be asked for before its endpoint.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, Field, fields
from typing import Any, cast, get_args, get_type_hints

from modelway.emulator.faults.checks import Check, similar
from modelway.emulator.faults.model import KINDS, FaultRequest
from modelway.errors import EmulatorError

_BY_NAME: dict[str, type[FaultRequest]] = {each.kind: each for each in KINDS}

_EVERYWHERE = (("endpoint", None), ("fleet", "any"))


class FaultRefused(EmulatorError):  # noqa: N818 - an answer, not a fault of the emulator
    """A fault was asked for that cannot be added.

    Args:
        problems: every problem found, each beginning with the field.
    """

    def __init__(self, problems: list[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("adding a fault: " + "; ".join(problems))


def kinds() -> tuple[str, ...]:
    """Give the name of every kind of fault."""
    return tuple(_BY_NAME)


def parse(body: bytes) -> FaultRequest:
    """Read a request.

    Raises:
        FaultRefused: it is no JSON object, or a field is missing, unknown or out of its range.
    """
    try:
        content = json.loads(body)
    except ValueError as error:
        raise FaultRefused([f"the body is no JSON ({error})"]) from error
    if not isinstance(content, dict):
        raise FaultRefused(
            ['the body must be a JSON object, such as {"kind": "slow", "delay_ms": 300}']
        )
    given = cast("dict[str, Any]", content)
    kind = given.get("kind")
    made = _BY_NAME.get(kind) if isinstance(kind, str) else None
    if made is None:
        said = "kind is missing" if kind is None else f"kind is {kind!r}"
        raise FaultRefused([f"{said}; allowed: {', '.join(kinds())}{similar(kind, kinds())}"])
    known = {field.name for field in fields(made)}
    # What every fault can be asked with, and what says nothing about a service's calls.
    given = {
        name: value
        for name, value in given.items()
        if name in known or (name, value) not in _EVERYWHERE
    }
    problems = list(_problems(made, given))
    if problems:
        raise FaultRefused(problems)
    return made(**given)


def _problems(made: type[FaultRequest], given: Mapping[str, Any]) -> Iterator[str]:
    known = {field.name: field for field in fields(made) if field.name != "kind"}
    hints = get_type_hints(made, include_extras=True)
    for name, value in given.items():
        if name == "kind":
            continue
        if name not in known:
            yield (
                f"{name} is nothing that {made.kind} takes; allowed: {', '.join(known)}"
                f"{similar(name, known)}"
            )
        elif value is not None or known[name].default is not None:
            check: Check = get_args(hints[name])[1]
            problem = check.problem(value, given)
            if problem is not None:
                yield f"{name} is {value!r}; {problem}"
    for name, field in known.items():
        if name not in given and _required(field):
            check = get_args(hints[name])[1]
            yield f"{name} is missing; {check.problem(None, given)}"


def _required(field: Field[Any]) -> bool:
    return field.default is MISSING
