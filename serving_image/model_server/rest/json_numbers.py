"""Numbers of a JSON document as one array, without a Python object for each.

Takes documents that simdjson parsed, gives arrays, or None where the slow way has to look: that
way knows every problem, this one only that there is none. Must not convert silently: what `nested`
refuses, this refuses too.

simdjson's ``as_buffer`` flattens whatever is nested and says nothing of lengths, so ``[[[1, 2],
[]]]`` looks like two numbers of any shape. Two facts together prove a shape: every list that the
shape needs is there with its length (`lists_of`), and the body holds no list besides
(`holds_lists`).
"""

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
import simdjson
from numpy.typing import NDArray

from model_server.core.tensors import Array
from model_server.rest.json_text import MAX_DEPTH, deeper_than

FAULTS = (ValueError, TypeError, LookupError, AttributeError, RuntimeError)
"""What pysimdjson and a document of another form raise; each leads to the slow way. RuntimeError is
a whole number beyond 64 bits, for example, which orjson reads."""

KEPT_PARSER_BYTES = 256 * 1024
"""A larger body gets a parser of its own: a parser keeps several times its largest body. New
memory costs an eighth of what reading 200 kB takes."""

LOOKED_AT_BYTES = 64 * 1024
"""How much of a larger body is looked at for its depth."""

MANY_LISTS = 512
"""More lists than this are counted in one go; fewer are found faster one by one."""

DOT_VALUES = 8192
"""Up to so many values their sum of squares is taken on this thread; OpenBLAS uses several for
more than 10 000."""

LARGEST = {2: float(np.finfo(np.float16).max), 4: float(np.finfo(np.float32).max)}
"""Largest finite float, by its width in bytes."""

_parsers = threading.local()


def parse(body: bytes) -> Any:
    """Parse a body with this thread's parser.

    The document and everything taken from it should be gone before the thread parses again, or
    the parser is replaced.

    Raises:
        ValueError: it is no JSON.
        RuntimeError: it holds something that simdjson does not read.
    """
    if len(body) > KEPT_PARSER_BYTES:
        # simdjson goes through all of it, with five times its memory, before it looks at depth.
        if deeper_than(body[:LOOKED_AT_BYTES], MAX_DEPTH):
            raise ValueError("nested too deeply")
        return simdjson.Parser().parse(body)
    try:
        parser = _parsers.parser
    except AttributeError:
        parser = _parsers.parser = simdjson.Parser()
    try:
        return parser.parse(body)
    except RuntimeError:
        # The document before is still held, by a traceback for example.
        parser = _parsers.parser = simdjson.Parser()
        return parser.parse(body)


def numbers(values: Any, dtype: np.dtype[Any]) -> Array | None:
    """Give the numbers of a simdjson array, flat; None when one is beyond the datatype's range.

    Raises:
        TypeError: there is something else than numbers, or a fraction where whole ones belong.
    """
    if dtype.kind == "f":
        return _floats(np.frombuffer(values.as_buffer(of_type="d"), np.float64), dtype)
    if dtype.kind == "u" and dtype.itemsize == 8:
        return np.frombuffer(values.as_buffer(of_type="u"), np.uint64)
    whole = np.frombuffer(values.as_buffer(of_type="i"), np.int64)
    if dtype.itemsize == 8:
        return whole
    narrow = whole.astype(dtype)
    return narrow if (narrow == whole).all() else None


def _floats(wide: NDArray[np.float64], dtype: np.dtype[Any]) -> Array | None:
    if dtype.itemsize == 8:
        return wide  # JSON has no NaN, and simdjson refuses what overflows
    limit = LARGEST[dtype.itemsize]
    if wide.size <= DOT_VALUES:
        # One pass in place of two: no value is larger than the root of the sum of squares. It may
        # overflow, of which `vdot` does not warn, as `dot` does.
        if np.vdot(wide, wide) <= limit * limit:
            return wide.astype(dtype)
    elif wide.max() <= limit and wide.min() >= -limit:
        return wide.astype(dtype)
    with np.errstate(over="ignore"):
        narrow = wide.astype(dtype)
    return narrow if np.isfinite(narrow).all() else None


def lists_of(values: Any, shape: Sequence[int]) -> int:
    """Count the lists that nested values of this shape are made of; 0 when a length differs."""
    if type(values) is not simdjson.Array or len(values) != shape[0]:
        return 0
    if len(shape) == 1:
        return 1
    total = 1
    inner = shape[1:]
    for child in values:
        count = lists_of(child, inner)
        if count == 0:
            return 0
        total += count
    return total


def holds_lists(body: bytes, count: int) -> bool:
    """Whether a body has exactly so many opening brackets, those inside text included.

    Where that many lists were seen, no other list is hidden anywhere.
    """
    if count > MANY_LISTS:
        return body.count(b"[") == count
    find = body.find
    at = -1
    for _ in range(count):
        at = find(b"[", at + 1)
        if at < 0:
            return False
    return find(b"[", at + 1) < 0
