"""``application/x-npy``: one array, bit for bit.

Takes the file format of ``numpy.save`` (versions 1.0 to 3.0), gives the same. NaN and infinity go
through unchanged in both directions. Pickled objects are never read: the header is looked at
first, an object datatype is refused, and the bytes behind it are only ever numbers.
"""

import io
import math
import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.lib import format as npy_format

from model_server.core.errors import InvalidInput
from model_server.core.tensors import Array, Contract, TensorSpec, Value
from model_server.rest.codecs.codec import (
    Decoded,
    refuses_all_but_one_input,
    refuses_all_but_one_output,
)
from model_server.rest.media import MediaType
from model_server.rest.oip.datatypes import wrong_booleans

if TYPE_CHECKING:
    from model_server.core.rules import InputRules

USUAL = re.compile(
    rb"\x93NUMPY\x01\x00..\{'descr': '([<|][fiub][1248])', 'fortran_order': (True|False), "
    rb"'shape': \(([0-9, ]{0,200})\), \} *\n",
    re.DOTALL,
)
"""The header that ``numpy.save`` writes for numbers. numpy's own reader, which takes others too,
evaluates it as a literal of Python and takes ten times as long."""

MAX_HEADER_BYTES = 16 * 1024
"""Of any header that is read; numpy refuses those over 10 000 characters."""

ALIGNMENT = 64
"""Headers are filled up with spaces to a multiple of this, so that the numbers lie well."""


DTYPES = {
    np.dtype(code).str.encode(): np.dtype(code)
    for code in ("f2", "f4", "f8", "i1", "i2", "i4", "i8", "u1", "u2", "u4", "u8", "b1")
}
"""Datatypes by numpy's description of them; this machine's order of bytes."""


class NpyCodec:
    """Reads and writes NumPy's array format."""

    media_type = "application/x-npy"
    charsets: frozenset[str] = frozenset()

    def refuses_inputs(self, contract: Contract) -> str | None:
        """An npy body is one array, and never text."""
        return refuses_all_but_one_input(contract, "array")

    def refuses_outputs(self, outputs: Sequence[TensorSpec]) -> str | None:
        """An npy body is one array, and never text or maps."""
        return refuses_all_but_one_output(outputs, "array", self.media_type)

    def decode(
        self, body: bytes, contract: Contract, media: MediaType, rules: "InputRules | None"
    ) -> Decoded:
        """Read one array.

        Raises:
            InvalidInput: it is no array of numbers.
        """
        return Decoded({contract.inputs[0].name: read_array(body)})

    def encode(self, outputs: Mapping[str, Value], rows: int) -> bytes:
        """Write one array."""
        (value,) = outputs.values()
        return write_array(np.asarray(value))


def read_array(data: bytes | memoryview) -> Array:
    """Read an array of numbers, in place where it lies well.

    Raises:
        InvalidInput: it is no array of numbers, or not all of one.
    """
    shape, fortran, dtype, offset = _header(data)
    if dtype.hasobject:
        raise InvalidInput(
            "the npy body holds Python objects; only arrays of numbers are read, never pickles"
        )
    if dtype.kind not in "fiub":
        raise InvalidInput(f"the npy body holds {dtype}; only numbers and booleans are read")
    if shape and min(shape) < 1:
        raise InvalidInput(f"the npy array's shape is {shape}; every axis must be 1 or longer")
    needed = math.prod(shape) * dtype.itemsize
    present = len(data) - offset
    if needed != present:
        raise InvalidInput(
            f"the npy header speaks of {needed} bytes of data (shape {shape}, {dtype.name}), "
            f"and {present} follow it"
        )
    # A view on the body: nothing is allocated for what a header merely claims.
    array = np.frombuffer(data, dtype=dtype, offset=offset)
    if dtype.kind == "b" and wrong_booleans(array):
        raise InvalidInput("the npy body holds booleans other than 0 and 1")
    if fortran:
        array = np.ascontiguousarray(array.reshape(shape, order="F"))
    else:
        array = array.reshape(shape)
    if dtype.byteorder == ">":
        # The same values in this machine's order of bytes.
        return array.astype(dtype.newbyteorder("="))
    # A header of odd length leaves the numbers where onnxruntime cannot read them in place.
    return array if array.flags.aligned else array.copy()


def write_array(array: Array) -> bytes:
    """Write an array of numbers, as ``numpy.save`` does."""
    lengths = ", ".join(map(str, array.shape)) + ("," if array.ndim == 1 else "")
    header = (
        f"{{'descr': '{array.dtype.str}', 'fortran_order': False, 'shape': ({lengths}), }}"
    ).encode()
    # Magic and version are 8 bytes, the length 2, and the line ends the header.
    filled = len(header) + 1 + -(10 + len(header) + 1) % ALIGNMENT
    return b"".join(
        (
            b"\x93NUMPY\x01\x00",
            filled.to_bytes(2, "little"),
            header.ljust(filled - 1),
            b"\n",
            array.tobytes(),
        )
    )


def _header(data: bytes | memoryview) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    """Give shape, order, datatype and where the numbers begin."""
    usual = USUAL.match(data)
    # The length that the header says of itself must be where it ends.
    if usual is not None and usual.end() == 10 + int.from_bytes(data[8:10], "little"):
        descr, fortran, lengths = usual.groups()
        shape = _shape(lengths)
        dtype = DTYPES.get(descr)
        if shape is not None and dtype is not None:
            return shape, fortran == b"True", dtype, usual.end()
    return _unusual_header(data)


def _shape(text: bytes) -> tuple[int, ...] | None:
    parts = text.split(b",")
    if not parts[-1].strip():
        parts.pop()
    try:
        return tuple(map(int, parts))
    except ValueError:
        return None


def _unusual_header(
    data: bytes | memoryview,
) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    # Headers are short; numpy reads no longer ones than 10 000 characters either.
    stream = io.BytesIO(data[:MAX_HEADER_BYTES])
    try:
        version = npy_format.read_magic(stream)
        if version == (1, 0):
            return *npy_format.read_array_header_1_0(stream), stream.tell()
        if version in ((2, 0), (3, 0)):
            # 3.0 differs from 2.0 in the header's charset alone, for names of fields that no
            # accepted datatype has.
            return *npy_format.read_array_header_2_0(stream), stream.tell()
    except Exception as error:
        # The header is a literal of Python, which can be malformed in many ways.
        raise InvalidInput("the body is not in NumPy's npy format") from error
    raise InvalidInput(f"the npy format's version {version[0]}.{version[1]} is not known")
