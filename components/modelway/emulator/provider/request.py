"""The parameters of the call that creates a resource, or puts it anew.

Takes a target, gives what boto3 wants. Makes no call.
"""

from collections.abc import Mapping
from functools import cache
from typing import Any

from modelway.emulator.provider.entry import Entry
from modelway.emulator.provider.schema import PROVIDER_LEVEL, Type
from modelway.emulator.provider.tags import TAGS, wanted_tags
from modelway.emulator.provider.target import Target, binding_of


@cache
def bound_inputs(entry: Entry) -> Type:
    """Give the inputs that the create call takes by the rules."""
    elsewhere = {
        source for source in entry.create.parameters.values() if isinstance(source, str)
    }.union(*(change.properties for change in entry.changes if change.on_create))
    return Type(
        "object",
        fields={
            name: of
            for name, of in entry.shape.inputs.fields.items()
            if name not in PROVIDER_LEVEL | entry.local | entry.refused.keys() | elsewhere
            and name != "tags"
        },
    )


def tags_member(entry: Entry, shape: Any) -> str:
    """Give the member of the create call that takes tags, or nothing."""
    if entry.tagging is None:
        return ""
    return next((name for name in ("Tags", "tags") if name in shape.members), "")


def create_parameters(target: Target, *, tags: bool) -> dict[str, Any]:
    """Give the parameters of the create call.

    Args:
        target: the resource.
        tags: also give those that say its tags, where the call takes any.
    """
    entry = target.entry
    shape = target.setup.clients.input_shape(entry.service, entry.create.operation)
    steps = [step for step in entry.envelope.split(".") if step]
    inner = shape
    for step in steps:
        inner = inner.members[step]
    fields = bound_inputs(entry)
    given = {
        name: _with_defaults(value, of, name, entry.defaults)
        for name, of in fields.fields.items()
        if (value := target.get(name)) is not None
    }
    sent = binding_of(entry).to_aws(given, fields, inner) if entry.bound else {}
    for step in reversed(steps):
        sent = {step: sent}
    parameters = {**sent, **target.parameters(entry.create)}
    member = tags_member(entry, shape)
    wanted = wanted_tags(target.setup, target.inputs)
    if tags and member and wanted:
        parameters[member] = binding_of(entry).to_aws(wanted, TAGS, shape.members[member])
    if entry.request is not None:
        entry.request(target, parameters)
    return parameters


def _with_defaults(value: Any, of: Type, path: str, defaults: Mapping[str, Any]) -> Any:
    """Fill in what the official provider sends for the parts that a program left out."""
    if of.kind == "list" and of.item is not None and isinstance(value, list):
        return [_with_defaults(item, of.item, path, defaults) for item in value]
    if of.kind != "object" or not isinstance(value, Mapping):
        return value
    filled = dict(value)
    for name, inner in of.fields.items():
        item = value.get(name, defaults.get(f"{path}.{name}"))
        if item is not None:
            filled[name] = _with_defaults(item, inner, f"{path}.{name}", defaults)
    return filled
