"""``application/octet-stream``: the bytes of one tensor and nothing else.

Takes little-endian numbers, row-major and without padding, for a model with one numeric input;
gives the same for one output. The number of rows follows from the number of bytes. Parameters of
the Content-Type may say more, and have to where the model leaves an inner axis free::

    application/octet-stream
    application/octet-stream; datatype=FP32; shape="2,784"

Answers always have both. Every bit goes through unchanged, NaN and infinity too. Must not convert:
a datatype is named to be checked.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from model_server.core.errors import InvalidInput
from model_server.core.tensors import Contract, TensorSpec, Value
from model_server.rest.codecs.codec import (
    Decoded,
    refuses_all_but_one_input,
    refuses_all_but_one_output,
)
from model_server.rest.media import MediaType
from model_server.rest.oip.datatypes import NAMES, wrong_booleans

if TYPE_CHECKING:
    from model_server.core.model import Model
    from model_server.core.rules import InputRules

MAX_LAYOUTS = 256
"""Contracts whose layouts are kept; far more than models fit in memory."""

MAX_LENGTH_DIGITS = 19
"""Digits of the largest signed 64-bit integer."""


class RawCodec:
    """Reads and writes the bytes of one tensor."""

    media_type = "application/octet-stream"
    charsets: frozenset[str] = frozenset()

    def refuses_inputs(self, contract: Contract) -> str | None:
        """Raw bytes are one tensor, and never text."""
        return refuses_all_but_one_input(contract, "tensor")

    def refuses_outputs(self, outputs: Sequence[TensorSpec]) -> str | None:
        """Raw bytes are one tensor, and never text or maps."""
        return refuses_all_but_one_output(outputs, "tensor", self.media_type)

    def decode(
        self, body: bytes, contract: Contract, media: MediaType, rules: "InputRules | None"
    ) -> Decoded:
        """Take the bytes as the model's one input, in place.

        Raises:
            InvalidInput: they are no whole number of rows, or the parameters do not fit.
        """
        layout = _layouts.get(id(contract))
        if layout is None or layout.contract is not contract:
            layout = _keep(contract)
        if media.parameters or not layout.row_bytes:
            shape = _told_shape(media, layout, len(body))
        else:
            rows, rest = divmod(len(body), layout.row_bytes)
            if rest or not rows:
                raise InvalidInput(
                    f"the body has {len(body)} bytes; a row of input {layout.spec} has "
                    f"{layout.row_bytes}"
                )
            shape = (rows, *layout.inner)
        array = np.frombuffer(body, layout.dtype).reshape(shape)
        if layout.boolean and wrong_booleans(array):
            raise InvalidInput("the body holds booleans other than 0 and 1")
        return Decoded({layout.name: array})

    def encode(self, outputs: Mapping[str, Value], rows: int) -> bytes:
        """Give the bytes of one output."""
        (value,) = outputs.values()
        return np.asarray(value).tobytes()

    def write(
        self, outputs: Mapping[str, Value], decoded: Decoded, model: "Model"
    ) -> tuple[bytes, bytes]:
        """Give the bytes of one output, and its datatype and shape."""
        (value,) = outputs.values()
        array = np.asarray(value)
        return array.tobytes(), _content_type(array.dtype, array.shape)


@dataclass(frozen=True, slots=True)
class _Layout:
    """What a model's bytes mean."""

    contract: Contract
    spec: TensorSpec
    name: str
    dtype: np.dtype[Any]
    boolean: bool
    inner: tuple[int, ...]
    row_bytes: int
    """Bytes of a row; 0 where only the caller can say the shape."""


_layouts: dict[int, _Layout] = {}


def _keep(contract: Contract) -> _Layout:
    # By identity: hashing a contract walks through all of its tensors.
    spec = contract.inputs[0]
    assert spec.dtype is not None  # inputs are always tensors
    inner = tuple(axis for axis in spec.shape[1:] if isinstance(axis, int))
    known = spec.shape and len(inner) == len(spec.shape) - 1
    layout = _Layout(
        contract=contract,
        spec=spec,
        name=spec.name,
        dtype=spec.dtype.newbyteorder("<"),
        boolean=spec.dtype.kind == "b",
        inner=inner,
        row_bytes=math.prod(inner) * spec.dtype.itemsize if known else 0,
    )
    if len(_layouts) >= MAX_LAYOUTS:
        _layouts.clear()
    _layouts[id(contract)] = layout
    return layout


def _told_shape(media: MediaType, layout: _Layout, size: int) -> tuple[int, ...]:
    """Give the shape that the Content-Type says, or the one that follows from the size."""
    problems: list[str] = []
    spec, itemsize = layout.spec, layout.dtype.itemsize
    datatype = media.parameter("datatype")
    if datatype is not None and datatype.upper() != NAMES[layout.dtype]:
        problems.append(
            f"the Content-Type says datatype={datatype}; input {spec} takes {NAMES[layout.dtype]}"
        )
    text = media.parameter("shape")
    shape = _inferred_shape(layout, size) if text is None else _parsed(text)
    if shape is None and text is None:
        problems.append(
            f"the body has {size} bytes; a row of input {spec} has {layout.row_bytes}"
            if layout.row_bytes
            else f"input {spec} leaves inner axes free; say the shape in the Content-Type, as in "
            'application/octet-stream; shape="1,4"'
        )
    elif shape is None:
        problems.append(
            f"the Content-Type says shape={text}; a shape is lengths from 1, separated by commas"
        )
    elif len(shape) != len(spec.shape):
        problems.append(
            f"the Content-Type's shape has {len(shape)} axes where input {spec} has "
            f"{len(spec.shape)}"
        )
    elif math.prod(shape) * itemsize != size:
        problems.append(
            f"shape {shape} {NAMES[layout.dtype]} is {math.prod(shape) * itemsize} bytes, and the "
            f"body has {size}"
        )
    if problems or shape is None:
        raise InvalidInput("the body is no tensor of this model", problems)
    return shape


def _inferred_shape(layout: _Layout, size: int) -> tuple[int, ...] | None:
    if not layout.spec.shape:
        return ()
    if layout.row_bytes and size and size % layout.row_bytes == 0:
        return (size // layout.row_bytes, *layout.inner)
    return None


def _parsed(text: str) -> tuple[int, ...] | None:
    parts = [part.strip() for part in text.split(",")] if text.strip() else []
    for part in parts:
        # int() would take signs, spaces and underscores as well.
        if not part.isascii() or not part.isdigit() or len(part) > MAX_LENGTH_DIGITS:
            return None
    shape = tuple(map(int, parts))
    return shape if all(shape) else None


@lru_cache(maxsize=256)
def _content_type(dtype: np.dtype[Any], shape: tuple[int, ...]) -> bytes:
    lengths = ",".join(map(str, shape))
    return f'application/octet-stream; datatype={NAMES[dtype]}; shape="{lengths}"'.encode()
