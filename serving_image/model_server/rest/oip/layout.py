"""Where the tensors of a binary request lie, remembered by the text of its JSON part.

A client that sends tensors of one shape sends the same JSON part each time, so it is read once.
Takes a JSON part and the call that `document` made of it, gives the next call without parsing.
Must not remember what differs from request to request: an id is cut off first, and a JSON part
with an id elsewhere than at its beginning, or with values in it, is read each time.
"""

import re
from dataclasses import dataclass
from typing import Any

import numpy as np

from model_server.core.tensors import Array
from model_server.rest.oip.call import InferCall, Parameters
from model_server.rest.oip.datatypes import wrong_booleans
from model_server.rest.oip.plan import Plan

MAX_HEADER_BYTES = 1024
"""A longer JSON part is not remembered; one of ten tensors fits."""

MAX_LAYOUTS = 64
"""JSON parts remembered for a model; then it begins anew. 64 KiB of text at most."""


ID_FIRST = re.compile(rb'\{"id": ?"([^"\\\x00-\x1f]*)", ?')
"""An id at the beginning, without escapes: where clients that write one put it."""


@dataclass(frozen=True, slots=True)
class Layout:
    """What one JSON part says."""

    size: int
    """Bytes of all tensors together."""

    tensors: tuple[tuple[str, np.dtype[Any], int, int, tuple[int, ...]], ...]
    """Name, datatype, first byte after the JSON part, number of elements and shape of each."""

    outputs: tuple[str, ...]
    binary: frozenset[str]
    parameters: Parameters


def recall(header: bytes, body: bytes, plan: Plan) -> InferCall | None:
    """Give the call of a body whose JSON part is known, or None where it has to be read."""
    end = len(header)
    identity, header = _without_id(header)
    layout = plan.layouts.get(header)
    if layout is None or len(body) - end != layout.size:
        return None
    arrays: dict[str, Array] = {}
    for name, dtype, offset, count, shape in layout.tensors:
        flat = np.frombuffer(body, dtype, count, end + offset)
        if not flat.flags.aligned:
            flat = flat.copy()
        if dtype.kind == "b" and wrong_booleans(flat):
            return None
        arrays[name] = flat.reshape(shape)
    return InferCall(identity, arrays, layout.outputs, layout.binary, layout.parameters)


def remember(header: bytes, body: bytes, call: InferCall, plan: Plan) -> None:
    """Remember a JSON part that was read, if it is one that comes again."""
    end = len(header)
    identity, header = _without_id(header)
    if identity != call.id or b'"id"' in header:
        return
    if len(header) > MAX_HEADER_BYTES:
        return
    tensors: list[tuple[str, np.dtype[Any], int, int, tuple[int, ...]]] = []
    offset = 0
    for name, array in call.inputs.items():
        if array.dtype.kind == "O":
            return
        tensors.append((name, array.dtype, offset, array.size, array.shape))
        offset += array.nbytes
    if end + offset != len(body):
        return  # some tensor is in the JSON part itself
    if len(plan.layouts) >= MAX_LAYOUTS:
        plan.layouts.clear()
    plan.layouts[header] = Layout(
        size=offset,
        tensors=tuple(tensors),
        outputs=call.outputs,
        binary=call.binary,
        parameters=call.parameters,
    )


def _without_id(header: bytes) -> tuple[str | None, bytes]:
    """Give the id that a JSON part begins with, and the JSON part as it would be without one."""
    found = ID_FIRST.match(header)
    if found is None:
        return None, header
    try:
        return found[1].decode(), b"{" + header[found.end() :]
    except UnicodeDecodeError:
        return None, header
