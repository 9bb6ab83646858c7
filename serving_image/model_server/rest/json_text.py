"""JSON text into Python's values, within bounds.

Takes bytes, gives what orjson makes of them, or `InvalidInput`. Must not look at what the values
mean.
"""

import re
from typing import Any

import numpy as np
import orjson

from model_server.core.errors import InvalidInput

MAX_DEPTH = 100
"""Nesting of lists and objects at most: Triton's bound (its HTTP server's JSON depth limit)."""


MAX_CONTAINERS = 500_000
"""Lists and objects in one document at most, where each becomes a value of Python's: about 80 bytes
each, so 40 MB. Six MiB of ``[[[[]]]],`` would be 2.8 million. Plain numbers take the quick way,
which has no such bound."""

SMALL_BYTES = 64 * 1024
"""A smaller body cannot become much, whatever it holds."""


def parse(body: bytes) -> Any:
    """Parse a body.

    Raises:
        InvalidInput: it is no JSON, of too many lists and objects, or nested so deeply that it
            cannot be read. Up to 1 024 levels that is left to whoever finds that it does not fit.
    """
    if len(body) > SMALL_BYTES:
        _refuse_costly(body)
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError as error:
        # orjson stops at 1 024 levels, whatever the body's size.
        if "depth limit" in str(error):
            raise too_deep() from None
        raise InvalidInput(f"the body is not JSON: {error}") from None


def _refuse_costly(body: bytes) -> None:
    """Refuse what would become far more than it is, before it does."""
    if deeper_than(body[:SMALL_BYTES], MAX_DEPTH):
        raise too_deep()
    if _containers(body) <= MAX_CONTAINERS:  # those in texts included
        return
    count = _containers(_TEXTS.sub(b"", body))
    if count > MAX_CONTAINERS:
        raise InvalidInput(
            f"the JSON has {count:,} lists and objects; {MAX_CONTAINERS:,} are read at most where "
            "they are not plain numbers: send fewer rows a request, or arrays in a binary format"
        )


def _containers(text: bytes) -> int:
    return text.count(b"[") + text.count(b"{")


def too_deep() -> InvalidInput:
    """Give the error for a document that is nested too deeply."""
    return InvalidInput(f"the JSON is nested deeper than {MAX_DEPTH} levels")


def deeper_than(text: bytes, limit: int) -> bool:
    """Whether the lists and objects of JSON are nested deeper than so many levels.

    Counts brackets instead of walking through what they became: 20 ms for 6 MiB of small lists,
    where the walk took seconds and as much memory again; 20 us for 64 KiB of long ones.

    Args:
        text: valid JSON, or the beginning of it.
        limit: levels.
    """
    if len(text.translate(None, _NO_BRACKETS)) <= limit:  # those in texts included
        return False
    if b'"' in text:
        text = _TEXTS.sub(b"", text)  # brackets in texts are no nesting
        text = text.partition(b'"')[0]  # nor those in a text that is cut off
    codes = np.frombuffer(text.translate(None, _NO_BRACKETS), np.uint8)
    depth = 0
    for start in range(0, len(codes), _PART_BYTES):
        levels = np.cumsum(_STEPS[codes[start : start + _PART_BYTES]], dtype=np.int32)
        if depth + int(levels.max()) > limit:
            return True
        depth += int(levels[-1])
    return False


_TEXTS = re.compile(rb'"(?:[^"\\]|\\.)*+"', re.DOTALL)

_NO_BRACKETS = bytes(code for code in range(256) if code not in b"[]{}")

_PART_BYTES = 65536
"""Counted at once, so that the counts take no more memory than that."""

_STEPS = np.zeros(256, np.int8)
_STEPS[[ord("["), ord("{")]] = 1
_STEPS[[ord("]"), ord("}")]] = -1
