"""The quick way through JSON that is good: numbers without a Python object for each.

Takes a body and a contract, gives tensors, and back; or None where the codec has to look: that one
knows every form and every problem, this one only the form that nearly all requests have. Both give
the same arrays and the same bytes. Must not refuse anything.
"""

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import orjson
import simdjson

from model_server.core.tensors import Array, Contract, Value
from model_server.rest.json_numbers import FAULTS, holds_lists, lists_of, numbers, parse

QUICK_BODY_BYTES = 1024 * 1024
"""A larger body is read in parts and in a thread: `decode_quickly` takes about 1 ms for 1 MiB."""

PART_BYTES = 128 * 1024
"""Read at once by `decode_in_parts`: less than a millisecond, in which no other thread of Python's
runs. Read whole, four bodies of 4 MB kept pings waiting for 0.3 s on a quiet machine, and for over
SageMaker's 2 s on a busy one."""

_OPENING = re.compile(rb'[ \t\r\n]*\{[ \t\r\n]*"(?:instances|inputs)"[ \t\r\n]*:[ \t\r\n]*\[')
_CLOSING = re.compile(rb"\][ \t\r\n]*\}[ \t\r\n]*\Z")

Axes = Sequence[int | str | None]


def decode_quickly(body: bytes, contract: Contract) -> Array | None:
    """Read ``{"instances": rows}`` or ``{"inputs": rows}`` of a model with one numeric input.

    The array fits that input: `Contract.problems` would find nothing.
    """
    numeric = _numeric_input(contract)
    return None if numeric is None else _rows(body, *numeric)


def decode_in_parts(body: bytes, contract: Contract) -> Array | None:
    """Read what `decode_quickly` reads, part by part: for large bodies, in a thread."""
    numeric = _numeric_input(contract)
    opening = _OPENING.match(body)
    closing = _CLOSING.search(body, max(0, body.rfind(b"]")))
    if numeric is None or opening is None or closing is None:
        return None
    axes, dtype = numeric
    # Nothing but numbers and lists gets through `_rows`, so this is where a row ends: all of its
    # lists are closed, and a comma follows.
    row_end = re.compile(rb"\][ \t\r\n]*" * (len(axes) - 1) + b",")
    parts: list[Array] = []
    at, end = opening.end(), closing.start()
    while True:
        found = row_end.search(body, at + PART_BYTES, end)
        cut = end if found is None else found.end() - 1
        part = _rows(b'{"inputs":[' + body[at:cut] + b"]}", (None, *axes[1:]), dtype)
        if part is None or part.shape[1:] != (parts or [part])[0].shape[1:]:
            return None
        parts.append(part)
        if found is None:
            break
        at = cut + 1
    array = np.concatenate(parts)
    return None if isinstance(axes[0], int) and axes[0] != len(array) else array


def _numeric_input(contract: Contract) -> tuple[Axes, np.dtype[Any]] | None:
    """Give the axes and the datatype of a model's one input, when it is of numbers in rows."""
    if len(contract.inputs) != 1:
        return None
    spec = contract.inputs[0]
    dtype = spec.dtype
    if dtype is None or dtype.kind not in "fiu" or not spec.shape:
        return None
    return spec.shape, dtype


def _rows(body: bytes, axes: Axes, dtype: np.dtype[Any]) -> Array | None:
    document = values = level = None
    try:
        document = parse(body)
        if type(document) is not simdjson.Object or len(document) != 1:
            return None
        # One member, so the one that is not there raises.
        try:
            values = document["instances"]
        except KeyError:
            values = document["inputs"]
        shape: list[int] = []
        level = values
        for axis in axes:
            length = len(level)
            if length == 0 or (isinstance(axis, int) and axis != length):
                return None
            shape.append(length)
            level = level[0]
        count = lists_of(values, shape)
        if count == 0 or not holds_lists(body, count):
            return None
        flat = numbers(values, dtype)
        return None if flat is None else flat.reshape(shape)
    except FAULTS:
        return None
    finally:
        # The thread's parser is free again only when nothing of the document is left.
        del document, values, level


def encode_quickly(outputs: dict[str, Value], rows: int) -> bytes | None:
    """Write the answer of a model with one output of floats."""
    if len(outputs) != 1:
        return None
    (value,) = outputs.values()
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f" or not value.ndim:
        return None
    if value.shape[0] != rows or not value.flags.c_contiguous:
        return None
    body = orjson.dumps({"predictions": value}, option=orjson.OPT_SERIALIZE_NUMPY)
    # JSON's only word for a value that is not finite; the codec says where they are.
    return None if b"null" in body else body
