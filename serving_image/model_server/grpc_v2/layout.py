"""Where the values of a request lie, remembered by everything else that it says.

A client that sends tensors of one shape sends the same names, datatypes and shapes each time, so
they are read once. Takes an encoded ModelInferRequest and what `reading` made of one like it, gives
the next one's tensors without parsing it, and encodes answers of a shape that was encoded before.
It takes 4 us where the whole way takes 14.

Only requests that are quite plain are remembered: numbers as bytes, and everything else short. All
others, and everything that is wrong, go the whole way. What is remembered must not depend on a
request's id or values.
"""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from model_server.core.inference import Outputs
from model_server.core.tensors import Array, Contract
from model_server.grpc_v2.open_inference_pb2 import ModelInferResponse
from model_server.grpc_v2.reading import Asked
from model_server.rest.oip.datatypes import NAMES
from model_server.rest.oip.plan import plan_of

if TYPE_CHECKING:
    from model_server.core.model import Model

MAX_KEY_BYTES = 1024
"""A longer remainder is not remembered; one of ten tensors fits."""

MAX_LAYOUTS = 64
"""Layouts remembered; then it begins anew."""

MAX_HEADS = 16
"""Shapes of answers remembered for a layout; then it begins anew."""

ID, RAW_INPUT, RAW_OUTPUT = 0x1A, 0x3A, b"\x32"
"""The first bytes of an id (in requests and responses), of bytes in and of bytes out."""

OTHERS = frozenset({0x0A, 0x12, 0x22, 0x2A, 0x32})
"""Those of a request's other fields."""


class Parts(NamedTuple):
    """An encoded request, taken apart but not read."""

    key: bytes
    """Everything but the id and the values."""
    id: bytes
    """The id as it is encoded; empty where there is none."""
    id_text: str
    raws: list[bytes]
    """The values as bytes."""


class Place(NamedTuple):
    """One tensor's place."""

    name: str
    dtype: np.dtype[Any]
    shape: tuple[int, ...]
    size: int
    """Its bytes."""


@dataclass(slots=True)
class Layout:
    """What requests of one kind have in common."""

    name: str
    """Of the model, as the request has it."""
    version: str
    contract: Contract
    """Of the model that was asked for; the layout is no good for another one."""
    places: list[Place]
    outputs: tuple[str, ...]
    heads: dict[Any, bytes] = field(default_factory=dict)
    """Encoded answers without id and values, by the shapes of the outputs."""

    def inputs(self, raws: list[bytes]) -> dict[str, Array] | None:
        """Give a request's tensors, or None where it is not as it was remembered.

        Their datatypes and shapes are what the contract takes; their values are not looked at.
        """
        if len(raws) != len(self.places):
            return None
        arrays: dict[str, Array] = {}
        for (name, dtype, shape, size), data in zip(self.places, raws, strict=True):
            if len(data) != size:
                return None
            arrays[name] = np.frombuffer(data, dtype).reshape(shape)
        return arrays

    def answer(self, outputs: Outputs, model: "Model", request_id: bytes) -> bytes | None:
        """Encode an answer, or give None where an output is no array of numbers."""
        names = self.outputs
        parts = [b"", request_id]
        key: Any = model.version
        for name in names:
            value = outputs[name]
            if type(value) is not np.ndarray or value.dtype.kind == "O":
                return None
            key = (key, value.shape)
            data = value.tobytes()
            parts += (RAW_OUTPUT, varint(len(data)), data)
        head = self.heads.get(key)
        if head is None:
            if len(self.heads) >= MAX_HEADS:
                self.heads.clear()
            head = self.heads[key] = _head(names, outputs, model)
        parts[0] = head
        return b"".join(parts)


class Layouts:
    """The layouts that one process remembers."""

    def __init__(self) -> None:
        self._layouts: dict[bytes, Layout] = {}

    def find(self, parts: Parts) -> Layout | None:
        """Give the layout of a request, if there was one like it."""
        return self._layouts.get(parts.key)

    def remember(self, parts: Parts, request: Any, asked: Asked, contract: Contract) -> None:
        """Remember a request that was read and fits its model's contract."""
        if len(parts.key) > MAX_KEY_BYTES or len(parts.raws) != len(asked.inputs):
            return
        plan = plan_of(contract)
        places = []
        for tensor, data in zip(request.inputs, parts.raws, strict=True):
            own = plan.inputs[tensor.name]
            if own.dtype.kind not in "iuf":
                return
            places.append(Place(tensor.name, own.dtype, tuple(tensor.shape), len(data)))
        if len(self._layouts) >= MAX_LAYOUTS:
            self._layouts.clear()
        self._layouts[parts.key] = Layout(
            request.model_name, request.model_version, contract, places, asked.outputs
        )


def parts_of(message: bytes) -> Parts | None:
    """Take an encoded request apart; None where it is not plain enough."""
    key = request_id = b""
    id_text = ""
    raws: list[bytes] = []
    position, end = 0, len(message)
    try:
        while position < end:
            start = position
            tag = message[position]
            length = message[position + 1]
            position += 2
            if length > 0x7F:
                length, position = _long(message, length & 0x7F, position)
            stop = position + length
            if tag == RAW_INPUT:
                raws.append(message[position:stop])
            elif tag == ID:
                request_id = message[start:stop]
                id_text = message[position:stop].decode()
            elif tag in OTHERS:
                key += message[start:stop]
            else:
                return None
            position = stop
    except (IndexError, UnicodeDecodeError):
        return None
    return Parts(key, request_id, id_text, raws) if position == end and raws else None


def varint(number: int) -> bytes:
    """Give a number in the protocol's encoding."""
    if number < 0x80:
        return bytes((number,))
    found = []
    while number > 0x7F:
        found.append(number & 0x7F | 0x80)
        number >>= 7
    found.append(number)
    return bytes(found)


def _long(message: bytes, number: int, position: int) -> tuple[int, int]:
    """Give a number whose encoding goes on, and the position behind it."""
    shift = 7
    while True:
        byte = message[position]
        position += 1
        number |= (byte & 0x7F) << shift
        if byte < 0x80:
            return number, position
        shift += 7
        if shift > 28:
            raise IndexError  # no length of a message that is here


def _head(names: tuple[str, ...], outputs: Outputs, model: "Model") -> bytes:
    response = ModelInferResponse(model_name=model.name, model_version=model.version)
    for name in names:
        value = np.asarray(outputs[name])
        response.outputs.add(name=name, datatype=NAMES[value.dtype], shape=value.shape)
    return response.SerializeToString()
