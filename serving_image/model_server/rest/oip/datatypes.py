"""The protocol's thirteen datatypes, and its bytes for each.

Takes arrays and bytes, gives the other. Binary tensors are little-endian, row-major and without
padding; an element of BYTES is its length as an unsigned 32-bit integer and then its bytes:
https://github.com/triton-inference-server/server/blob/main/docs/protocol/extension_binary_data.md
Must not know requests.
"""

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np

from model_server.core.tensors import Array

NAMES: dict[np.dtype[Any], str] = {
    np.dtype(np.bool_): "BOOL",
    np.dtype(np.uint8): "UINT8",
    np.dtype(np.uint16): "UINT16",
    np.dtype(np.uint32): "UINT32",
    np.dtype(np.uint64): "UINT64",
    np.dtype(np.int8): "INT8",
    np.dtype(np.int16): "INT16",
    np.dtype(np.int32): "INT32",
    np.dtype(np.int64): "INT64",
    np.dtype(np.float16): "FP16",
    np.dtype(np.float32): "FP32",
    np.dtype(np.float64): "FP64",
    np.dtype(np.object_): "BYTES",
}
"""The protocol's name of each datatype. BF16, which its prose mentions, is not in its table."""

LENGTH = struct.Struct("<I")
"""What stands before each element of BYTES."""


def texts(data: memoryview, count: int) -> Array | str:
    """Give the texts that the bytes of a BYTES tensor are, flat, or what is wrong with them.

    Models take text, so every element must be UTF-8. NUL characters are text like any other.
    """
    # Each element takes four bytes at least, so nothing is allocated for what a shape claims.
    if count * LENGTH.size > len(data):
        return f"{count} elements of BYTES take {count * LENGTH.size} bytes or more"
    found: list[str] = []
    position, end = 0, len(data)
    for number in range(count):
        start = position + LENGTH.size
        if start > end:
            return f"the length of element {number} is cut off"
        position = start + LENGTH.unpack_from(data, position)[0]
        if position > end:
            said = position - start
            return f"element {number} is said to have {said} bytes, and {end - start} follow"
        try:
            found.append(str(data[start:position], "utf-8"))
        except UnicodeDecodeError:
            return f"element {number} is not UTF-8"
    if position != end:
        return f"{end - position} bytes are left over after {count} elements"
    array = np.empty(count, dtype=object)
    array[:] = found
    return array


def text_bytes(values: Iterable[str]) -> bytes:
    """Give the bytes of a BYTES tensor."""
    parts: list[bytes] = []
    for value in values:
        encoded = value.encode()
        parts.append(LENGTH.pack(len(encoded)))
        parts.append(encoded)
    return b"".join(parts)


def wrong_booleans(array: Array) -> bool:
    """Whether an array of booleans holds bytes other than 0 and 1, which numpy takes unseen."""
    return bool((array.view(np.uint8) > 1).any())
