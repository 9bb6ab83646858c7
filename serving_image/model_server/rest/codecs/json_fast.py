"""The quick way through JSON that is good: numbers without a Python object for each.

Takes a body and a contract, gives tensors, and back; or None where the codec has to look: that one
knows every form and every problem, this one only the form that nearly all requests have. Both give
the same arrays and the same bytes. Must not refuse anything.
"""

from typing import Any

import numpy as np
import orjson
import simdjson

from model_server.core.tensors import Array, Contract, Value
from model_server.rest.json_numbers import FAULTS, holds_lists, lists_of, numbers, parse


def decode_quickly(body: bytes, contract: Contract) -> Array | None:
    """Read ``{"instances": rows}`` or ``{"inputs": rows}`` of a model with one numeric input.

    The array fits that input: `Contract.problems` would find nothing.
    """
    if len(contract.inputs) != 1:
        return None
    spec = contract.inputs[0]
    dtype = spec.dtype
    if dtype is None or dtype.kind not in "fiu" or not spec.shape:
        return None
    return _rows(body, spec.shape, dtype)


def _rows(body: bytes, axes: tuple[int | str | None, ...], dtype: np.dtype[Any]) -> Array | None:
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
