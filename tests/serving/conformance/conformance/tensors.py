"""Tensors of the protocol's thirteen datatypes, and what they look like in JSON and in bytes."""

import struct
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

DATATYPES: dict[str, np.dtype] = {
    "BOOL": np.dtype(np.bool_),
    "UINT8": np.dtype(np.uint8),
    "UINT16": np.dtype(np.uint16),
    "UINT32": np.dtype(np.uint32),
    "UINT64": np.dtype(np.uint64),
    "INT8": np.dtype(np.int8),
    "INT16": np.dtype(np.int16),
    "INT32": np.dtype(np.int32),
    "INT64": np.dtype(np.int64),
    "FP16": np.dtype(np.float16),
    "FP32": np.dtype(np.float32),
    "FP64": np.dtype(np.float64),
    "BYTES": np.dtype(np.object_),
}

FLOATS = ("FP16", "FP32", "FP64")
INTEGERS = tuple(name for name, dtype in DATATYPES.items() if dtype.kind in "iu")


@dataclass(frozen=True)
class Tensor:
    """A named array, and what is said of it, which may be wrong on purpose.

    An element of BYTES is ``bytes``.
    """

    name: str
    array: np.ndarray
    datatype: str
    shape: tuple[int, ...]

    @classmethod
    def of(cls, name: str, datatype: str, values: Any, shape: Any = None) -> "Tensor":
        """Make a tensor that is what it says."""
        array = np.array(values, dtype=DATATYPES[datatype])
        if shape is not None:
            array = array.reshape(shape)
        return cls(name, array, datatype, array.shape)

    def said(self, **changes: Any) -> "Tensor":
        """Give the same array under another name, datatype or shape."""
        return replace(self, **changes)

    def flat(self) -> list[Any]:
        """Give its values as JSON has them, flat."""
        return [_plain(value) for value in self.array.reshape(-1).tolist()]

    def nested(self) -> Any:
        """Give its values as JSON has them, nested."""
        return _nested(self.array.tolist())

    def raw(self) -> bytes:
        """Give its bytes: little-endian, row-major; BYTES as lengths and bytes."""
        if self.array.dtype == np.object_:
            return b"".join(
                struct.pack("<I", len(value)) + value for value in self.array.reshape(-1).tolist()
            )
        little = self.array.dtype.newbyteorder("<")
        return np.ascontiguousarray(self.array).astype(little).tobytes()


def same(one: Tensor, other: Tensor) -> bool:
    """Whether two tensors have the same datatype, shape and bits."""
    return (
        one.datatype == other.datatype
        and tuple(one.shape) == tuple(other.shape)
        and one.raw() == other.raw()
    )


def from_json(name: str, datatype: str, shape: Any, values: Any) -> Tensor:
    """Make a tensor of an answer's JSON; null is NaN."""
    flat = list(_leaves(values))
    if datatype == "BYTES":
        flat = [value.encode() if isinstance(value, str) else value for value in flat]
    elif datatype in FLOATS:
        flat = [float("nan") if value is None else value for value in flat]
    array = np.empty(len(flat), DATATYPES[datatype])
    array[:] = flat
    return Tensor(name, array.reshape(shape), datatype, tuple(shape))


def from_raw(name: str, datatype: str, shape: Any, data: bytes) -> Tensor:
    """Make a tensor of an answer's bytes."""
    if datatype != "BYTES":
        array = np.frombuffer(data, DATATYPES[datatype].newbyteorder("<"))
        return Tensor(name, array.reshape(shape), datatype, tuple(shape))
    values: list[bytes] = []
    position = 0
    while position < len(data):
        (length,) = struct.unpack_from("<I", data, position)
        position += 4
        values.append(data[position : position + length])
        position += length
    array = np.empty(len(values), object)
    array[:] = values
    return Tensor(name, array.reshape(shape), datatype, tuple(shape))


def _plain(value: Any) -> Any:
    return value.decode() if isinstance(value, bytes) else value


def _nested(values: Any) -> Any:
    if isinstance(values, list):
        return [_nested(value) for value in values]
    return _plain(values)


def _leaves(values: Any) -> Any:
    if isinstance(values, list):
        for value in values:
            yield from _leaves(value)
    else:
        yield values
