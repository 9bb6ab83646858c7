"""Creates, changes and deletes a resource as its entry in the table says.

Takes a `Target`, makes AWS calls through it, gives the new state. It knows no AWS service; what is
special about a type is in its entry.
"""

from collections.abc import Mapping
from typing import Any

import jmespath

from modelway.emulator.provider.check import DEFAULTS
from modelway.emulator.provider.difference import comparison
from modelway.emulator.provider.entry import Change
from modelway.emulator.provider.reading import read
from modelway.emulator.provider.request import create_parameters, tags_member
from modelway.emulator.provider.tags import wanted_tags, write_tags
from modelway.emulator.provider.target import AwsError, Target
from modelway.emulator.provider.wire import UNKNOWN
from modelway.errors import EmulatorError


class PartlyDone(EmulatorError):  # noqa: N818 - what became of the resource
    """A resource exists, but something that belongs to it failed.

    Args:
        reason: what failed, in AWS's words.
        state: what is known of the resource.
    """

    def __init__(self, reason: str, state: Mapping[str, Any]) -> None:
        self.state = dict(state)
        super().__init__(reason)


def create(target: Target) -> dict[str, Any]:
    """Create the resource; sets the target's id and gives its state.

    Raises:
        AwsError: AWS refused; nothing was made.
        PartlyDone: it was made, but not all of it.
    """
    entry = target.entry
    target.declared = True
    if entry.before_create is not None:
        entry.before_create(target)
    with target.files:
        answer = target.aws(entry.create.operation, **create_parameters(target, tags=True))
    target.id = _identity(target, answer)
    try:
        for change in entry.changes:
            given = any(target.inputs.get(name) is not None for name in change.properties)
            if change.on_create and given:
                _apply(target, change)
        shape = target.setup.clients.input_shape(entry.service, entry.create.operation)
        if not tags_member(entry, shape):
            write_tags(target, {}, wanted_tags(target.setup, target.inputs))
        if entry.settle is not None:
            entry.settle(target)
        return _reread(target)
    except EmulatorError as error:
        raise PartlyDone(str(error), {**target.state, **target.inputs}) from error


def update(target: Target) -> dict[str, Any]:
    """Change the resource to the target's inputs and give its new state.

    Raises:
        AwsError: AWS refused the first call.
        PartlyDone: some calls were made, a later one was refused.
    """
    entry = target.entry
    target.declared = True
    before = target.state
    changed = {
        difference.property for difference in comparison(entry).differences(target.inputs, before)
    }
    apart = {name for change in entry.changes for name in change.properties}
    done = False
    try:
        if entry.put and changed - apart - entry.local:
            with target.files:
                target.aws(entry.create.operation, **create_parameters(target, tags=False))
            done = True
        for change in entry.changes:
            if changed & set(change.properties):
                _apply(target, change)
                done = True
        write_tags(target, before.get("tagsAll") or {}, wanted_tags(target.setup, target.inputs))
        if entry.settle is not None:
            entry.settle(target)
        return _reread(target)
    except EmulatorError as error:
        if not done:
            raise
        raise PartlyDone(str(error), before) from error


def delete(target: Target) -> None:
    """Delete the resource; one that is gone already is no error."""
    entry = target.entry
    if target.state.get("skipDestroy"):
        return
    try:
        if entry.before_delete is not None:
            entry.before_delete(target)
        if entry.delete is not None:
            target.make(entry.delete)
        if entry.after_delete is not None:
            entry.after_delete(target)
    except AwsError as error:
        if error.code not in entry.not_found:
            raise


def planned(target: Target) -> dict[str, Any]:
    """Give the state that creating or updating would lead to, with what is unknown marked so."""
    entry = target.entry
    given = {name: value for name, value in target.inputs.items() if name != DEFAULTS}
    inputs, outputs = entry.shape.inputs.fields, entry.shape.outputs.fields
    state = {name: value for name, value in entry.defaults.items() if name in inputs}
    if target.id:
        kept = entry.computed | given.keys() | (outputs.keys() - inputs.keys())
        state |= {name: value for name, value in target.state.items() if name in kept}
        for difference in comparison(entry).differences(given, target.state):
            state |= dict.fromkeys(entry.fresh.get(difference.property, ()), UNKNOWN)
    else:
        later = entry.computed | (outputs.keys() - inputs.keys())
        state |= {name: UNKNOWN for name in outputs if name in later}
    state |= given
    if "tagsAll" in outputs:
        state["tagsAll"] = wanted_tags(target.setup, target.inputs)
    if "region" in outputs:
        state["region"] = target.region
    return state


def _identity(target: Target, answer: Mapping[str, Any]) -> str:
    entry = target.entry
    if entry.identify is not None:
        return entry.identify(target)
    if entry.id_answer:
        return str(jmespath.search(entry.id_answer, answer))
    return str(target.get(entry.id_property))


def _apply(target: Target, change: Change) -> None:
    if change.clear is not None and all(target.get(name) is None for name in change.properties):
        target.make(change.clear)
    elif callable(change.call):
        change.call(target)
    else:
        target.make(change.call)


def _reread(target: Target) -> dict[str, Any]:
    state = read(target)
    if state is None:
        raise AwsError(
            target.entry.reads[0].call.operation,
            "NotFound",
            f"{target.entry.type} {target.id} is not there right after it was written",
        )
    target.state = state
    return state
