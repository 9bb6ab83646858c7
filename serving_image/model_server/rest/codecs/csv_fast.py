"""The quick way through CSV that is good: numbers without a Python object for each.

Takes lines, gives the array that `csv_rows` would give, or None where that one has to look: for
anything that is wrong, and for numbers that JSON writes otherwise (`+1`, `.5`). Must not refuse
anything.

Rows of one width are a list of JSON once their line ends are commas.
"""

import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from model_server.core.tensors import Array
from model_server.rest.codecs.json_fast import PART_BYTES
from model_server.rest.json_numbers import FAULTS, numbers, parse

_NEGATIVE_ZERO = re.compile(rb"(?<![eE])-0[ \t,\]]")

_NO_SEPARATORS = bytes(code for code in range(256) if code not in b",\n")


def parts_of(body: bytes) -> Iterator[bytes]:
    """Cut a body at line ends into parts that are read quickly; see `json_fast.PART_BYTES`."""
    at = 0
    while at < len(body):
        cut = body.find(b"\n", at + PART_BYTES)
        end = len(body) if cut < 0 else cut + 1
        yield body[at:end]
        at = end


def lines_of_numbers(text: bytes, dtype: np.dtype[Any], width: int | None) -> Array | None:
    """Read lines of numbers.

    Args:
        text: one line or more, ended by LF or CRLF; the last one may have no end.
        dtype: of integers or floats.
        width: values a line; None: as many as the first one has.

    Returns:
        An array of two axes, or None.
    """
    text = text.removesuffix(b"\n")
    if b"\r" in text:
        text = text.removesuffix(b"\r").replace(b"\r\n", b"\n")
    separators = text.translate(None, _NO_SEPARATORS) + b"\n"
    if width is None:
        width = separators.index(b"\n") + 1
    rows = len(separators) // width
    if separators != (b"," * (width - 1) + b"\n") * rows:
        return None
    flat = b"[" + text.replace(b"\n", b",") + b"]"
    # A carriage return alone ends a line; in JSON it is a space. A list within is flattened. And
    # JSON's -0 is a whole number, which has no sign.
    if b"\r" in flat or flat.count(b"[") != 1 or _NEGATIVE_ZERO.search(flat):
        return None
    try:
        array = numbers(parse(flat), dtype)
    except FAULTS:
        return None
    return None if array is None or array.size != rows * width else array.reshape(rows, width)
