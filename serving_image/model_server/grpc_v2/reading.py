"""A ModelInfer request into checked tensors.

Takes the message and the model's contract, gives the tensors and what the answer has to know again,
or one error with every problem. Values come as bytes (``raw_input_contents``) or in typed lists
(``contents``), never both; bytes are read in place. Whether lengths and values fit the model is for
`Model.problems`.
"""

import math
from collections.abc import Iterable
from typing import Any, NamedTuple

import numpy as np

from model_server.core.errors import InvalidInput
from model_server.core.repository import shown
from model_server.core.tensors import Array, Contract, array_problems
from model_server.rest.oip.datatypes import texts, wrong_booleans
from model_server.rest.oip.plan import InputPlan, Plan, plan_of

REFUSED = "the request does not fit the model"

HALF = "FP16"
"""The datatype that has no typed list."""


class Listed(NamedTuple):
    """The typed list of a datatype."""

    field: str
    tag: int
    """The first byte of the list in the protocol's encoding."""


LISTS: dict[str, Listed] = {
    "BOOL": Listed("bool_contents", 0x0A),
    "INT8": Listed("int_contents", 0x12),
    "INT16": Listed("int_contents", 0x12),
    "INT32": Listed("int_contents", 0x12),
    "INT64": Listed("int64_contents", 0x1A),
    "UINT8": Listed("uint_contents", 0x22),
    "UINT16": Listed("uint_contents", 0x22),
    "UINT32": Listed("uint_contents", 0x22),
    "UINT64": Listed("uint64_contents", 0x2A),
    "FP32": Listed("fp32_contents", 0x32),
    "FP64": Listed("fp64_contents", 0x3A),
    "BYTES": Listed("bytes_contents", 0x42),
}

AS_BYTES = frozenset({"BOOL", "FP32", "FP64"})
"""Datatypes whose typed list is encoded as the very bytes of the array."""


class Asked(NamedTuple):
    """What a request asks for."""

    inputs: dict[str, Array]
    outputs: tuple[str, ...]
    """Names of the outputs wanted, in the order of the request, or else of the model."""
    raw: bool
    """Whether the answer's values go as bytes."""


def read_infer(request: Any, contract: Contract) -> Asked:
    """Read a request.

    Args:
        request: a ModelInferRequest.
        contract: of the model that is to answer.

    Raises:
        InvalidInput: with everything that is wrong with it.
    """
    plan = plan_of(contract)
    reading = _Reading(plan)
    raws = request.raw_input_contents
    if raws:
        reading.raw(request.inputs, raws)
    else:
        reading.typed(request.inputs)
    wanted = request.outputs
    outputs = reading.wanted(wanted) if wanted else plan.names
    if reading.problems or not outputs:
        reading.refuse(outputs)
    raw = bool(raws) or HALF in [plan.outputs[name] for name in outputs]
    return Asked(reading.arrays, outputs, raw)


class _Reading:
    """The tensors of one request, as far as they are read."""

    __slots__ = ("arrays", "plan", "problems", "seen")

    def __init__(self, plan: Plan) -> None:
        self.plan = plan
        self.arrays: dict[str, Array] = {}
        self.problems: list[str] = []
        self.seen: set[str] = set()

    def raw(self, tensors: Any, raws: Any) -> None:
        """Read inputs whose values are bytes."""
        if len(raws) != len(tensors):
            self.problems.append(
                f"raw_input_contents has {len(raws)} entries where inputs has {len(tensors)}"
            )
        for number, tensor in enumerate(tensors):
            plan, shape = self._head(tensor, number)
            if tensor.HasField("contents") and tensor.contents.ByteSize():
                self.problems.append(
                    f"inputs[{number}] has contents, and raw_input_contents holds its values"
                )
            elif plan is not None and shape is not None and number < len(raws):
                self._bytes(raws[number], number, plan, shape)

    def typed(self, tensors: Any) -> None:
        """Read inputs whose values are in typed lists."""
        for number, tensor in enumerate(tensors):
            plan, shape = self._head(tensor, number)
            if plan is not None and shape is not None:
                self._list(tensor.contents, number, plan, shape)

    def wanted(self, items: Any) -> tuple[str, ...]:
        """Give the names of the outputs that a request asks for."""
        known = self.plan.outputs
        names: dict[str, None] = {}
        for number, item in enumerate(items):
            name = item.name
            if name not in known:
                listed = ", ".join(map(repr, self.plan.names)) or "none"
                self.problems.append(
                    f"outputs[{number}].name is {shown(name)}; this model's tensors are {listed}"
                )
            elif name in names:
                self.problems.append(f"outputs[{number}] asks for {name!r} again")
            names[name] = None
        return tuple(names)

    def refuse(self, outputs: tuple[str, ...]) -> None:
        """Raise the error that says everything.

        Raises:
            InvalidInput: always.
        """
        problems = self.problems
        if not outputs:
            problems.append("none of this model's outputs is a tensor")
        problems += [
            f"input {plan.spec} is missing"
            for name, plan in self.plan.inputs.items()
            if name not in self.seen
        ]
        for name, array in self.arrays.items():
            problems += array_problems(self.plan.inputs[name].spec, array)
        raise InvalidInput(REFUSED, problems)

    def _head(self, tensor: Any, number: int) -> tuple[InputPlan | None, list[int] | None]:
        """Give the model's input that a tensor is, and its shape."""
        problems = self.problems
        name = tensor.name
        plan = self.plan.inputs.get(name)
        if plan is None:
            problems.append(
                f"inputs[{number}].name is {shown(name)}, which is no input of this model; it has "
                f"{self.plan.contract.names_of_inputs()}"
            )
            return None, None
        if name in self.seen:
            problems.append(f"inputs[{number}] gives input {name!r} again")
            return None, None
        self.seen.add(name)
        if tensor.datatype != plan.datatype:
            problems.append(
                f"inputs[{number}].datatype is {shown(tensor.datatype)}; "
                f"input {name!r} takes {plan.datatype}"
            )
            plan = None
        shape = [*tensor.shape]
        rank = len(self.plan.inputs[name].spec.shape)
        if len(shape) != rank:
            # Also keeps the product of the lengths small enough to be worked out.
            problems.append(
                f"inputs[{number}].shape has {len(shape)} axes where input "
                f"{self.plan.inputs[name].spec} has {rank}"
            )
            return plan, None
        if shape and min(shape) < 1:
            problems += [
                f"inputs[{number}].shape[{axis}] is {length}; a length is a whole number from 1"
                for axis, length in enumerate(shape)
                if length < 1
            ]
            return plan, None
        return plan, shape

    def _bytes(self, data: bytes, number: int, plan: InputPlan, shape: list[int]) -> None:
        count = math.prod(shape)
        if not plan.itemsize:
            flat = texts(memoryview(data), count)
            if isinstance(flat, str):
                self.problems.append(f"raw_input_contents[{number}]: {flat}")
                return
        else:
            if count * plan.itemsize != len(data):
                self.problems.append(
                    f"raw_input_contents[{number}] has {len(data)} bytes; {shape} {plan.datatype} "
                    f"is {count * plan.itemsize}"
                )
                return
            flat = np.frombuffer(data, plan.dtype)
            if plan.dtype.kind == "b" and wrong_booleans(flat):
                self.problems.append(
                    f"raw_input_contents[{number}] holds booleans other than 0 and 1"
                )
                return
        self.arrays[plan.spec.name] = flat.reshape(shape)

    def _list(self, contents: Any, number: int, plan: InputPlan, shape: list[int]) -> None:
        problems = self.problems
        if plan.datatype == HALF:
            problems.append(
                f"inputs[{number}] is FP16, which has no typed contents; "
                "send it in raw_input_contents"
            )
            return
        field = LISTS[plan.datatype].field
        values = getattr(contents, field)
        count = math.prod(shape)
        others = [other.name for other, _ in contents.ListFields() if other.name != field]
        if others:
            problems.append(
                f"inputs[{number}].contents has {', '.join(others)}; {plan.datatype} goes into "
                f"{field}"
            )
        if len(values) != count:
            problems.append(
                f"inputs[{number}].contents.{field} has {len(values)} values where shape {shape} "
                f"takes {count}"
            )
        elif not others:
            flat = _array(contents, values, plan, count)
            if isinstance(flat, str):
                problems.append(f"inputs[{number}].contents.{field}: {flat}")
            else:
                self.arrays[plan.spec.name] = flat.reshape(shape)


def _array(contents: Any, values: Any, plan: InputPlan, count: int) -> Array | str:
    """Give a typed list as an array, flat, or what is wrong with it."""
    if plan.datatype in AS_BYTES:
        # The list's encoding is a tag, its size, and then the array: no number of it becomes a
        # Python object, and every bit of a NaN stays.
        size = count * plan.itemsize
        data = contents.SerializeToString()
        if len(data) == 1 + _varint_bytes(size) + size:
            return np.frombuffer(data[-size:], plan.dtype)
        return np.fromiter(values, plan.dtype, count)  # members that this protocol does not know
    if not plan.itemsize:
        return _texts(values, count)
    if plan.itemsize >= 4:
        return np.fromiter(values, plan.dtype, count)
    wide = np.fromiter(values, np.int64, count)
    limits = np.iinfo(plan.dtype)
    wrong = np.flatnonzero((wide < limits.min) | (wide > limits.max))
    if wrong.size:
        first = int(wrong[0])
        return f"value {first} is {wide[first]}; {plan.datatype} takes {limits.min} to {limits.max}"
    return wide.astype(plan.dtype)


def _texts(values: Iterable[bytes], count: int) -> Array | str:
    found = np.empty(count, dtype=object)
    for number, value in enumerate(values):
        try:
            found[number] = value.decode()
        except UnicodeDecodeError:
            return f"element {number} is not UTF-8"
    return found


def _varint_bytes(number: int) -> int:
    """Give how many bytes a number takes in the protocol's encoding."""
    return max(1, (number.bit_length() + 6) // 7)
