"""What AWS says of a resource: its state, and the inputs that go with it.

Takes a target with an id, makes the reads that its entry lists. It changes nothing on AWS.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from modelway.emulator.provider.check import DEFAULTS
from modelway.emulator.provider.difference import comparison
from modelway.emulator.provider.entry import Entry, Read
from modelway.emulator.provider.schema import PROVIDER_LEVEL, Type
from modelway.emulator.provider.tags import own_tags, read_tags
from modelway.emulator.provider.target import AwsError, Gone, Target, binding_of

State = dict[str, Any]


@cache
def read_outputs(entry: Entry, read: Read) -> Type:
    """Give the properties that a read may tell."""
    return Type(
        "object",
        fields={
            name: of
            for name, of in entry.shape.outputs.fields.items()
            if name not in PROVIDER_LEVEL | entry.local | entry.untold | {"tags"}
            and (read.properties is None or name in read.properties)
        },
    )


def read(target: Target) -> State | None:
    """Ask AWS for the resource; None when it does not exist.

    What AWS spells otherwise than the program, or than the last state, keeps its old spelling as
    long as it means the same.
    """
    entry = target.entry
    before, given = target.state, target.inputs
    state = _told(target, before)
    if state is None:
        return None
    if "region" in entry.shape.outputs.fields:
        state["region"] = target.region
    for name in entry.local | entry.untold:
        value = given.get(name, before.get(name) if not target.declared else None)
        value = entry.defaults.get(name) if value is None else value
        if value is not None:
            state[name] = value
    target.state = {**before, **state}
    tags = read_tags(target)
    if tags is not None:
        known = given.get("tags") or before.get("tags") or {}
        state |= {"tagsAll": tags, "tags": own_tags(target.setup, tags, known)}
    compared = comparison(entry)
    for name, value in list(state.items()):
        spelled = given.get(name, before.get(name))
        known = name in entry.shape.outputs.fields
        if spelled is not None and known and compared.equal(spelled, value, name):
            state[name] = spelled
    return state


def inputs_of(target: Target, old: Mapping[str, Any], state: State) -> State:
    """Give the inputs that go with a state just read.

    Args:
        target: the resource.
        old: its inputs so far; empty for an import, which takes over all that means something.
        state: what was read.
    """
    entry = target.entry
    compared = comparison(entry)
    silent = PROVIDER_LEVEL | entry.local | entry.untold
    if not old:
        return {
            name: state[name]
            for name in entry.shape.inputs.fields
            if name not in silent
            and state.get(name) not in (None, "", [], {})
            and (compared.differences({}, {name: state[name]}) or name in entry.computed | {"tags"})
        }
    kept: State = {}
    for name, value in old.items():
        if name == DEFAULTS or name in silent:
            kept[name] = value
        elif name == "tags":
            kept[name] = state.get("tags", {})
        elif compared.same(value, state.get(name), name):
            kept[name] = value
        elif name in state:
            kept[name] = state[name]
    return kept


def _told(target: Target, before: State) -> State | None:
    entry = target.entry
    state: State = {}
    raws: list[Any] = []
    for index, part in enumerate(entry.reads):
        target.state = {**before, **state}
        try:
            raw = target.read(part)
        except AwsError as error:
            if index == 0 and error.code in entry.not_found:
                return None
            raise
        if index == 0 and raw is None:
            return None
        raws.append(raw)
        fields = read_outputs(entry, part)
        if raw is not None and fields.fields:
            state.update(binding_of(entry).from_aws(raw, fields, _answer_shape(target, part)))
    target.state = {**before, **state}
    if entry.state is not None:
        try:
            entry.state(target, state, raws)
        except Gone:
            return None
    return state


def _answer_shape(target: Target, part: Read) -> Any:
    service = part.call.service or target.entry.service
    shape = target.setup.clients.output_shape(service, part.call.operation)
    for step in part.result.replace("[0]", ".[0]").split("."):
        if step == "[0]":
            shape = shape.member
        elif step:
            shape = shape.members[step]
    return shape
