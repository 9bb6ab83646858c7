"""A parsed request, checked member by member, into an `InferCall`.

Takes what orjson made of the JSON part, and the bytes that follow it. Gives the call, or one error
with every problem of the request. It is the way of binary tensors, and for JSON tensors the way of
everything that `quick` leaves.

Members that the protocol does not have are refused: a misspelt ``outputs`` would otherwise be
taken for none. ``model_name`` and ``model_version`` are let pass, for Triton's and MLServer's
clients send them; null is the same as absent, as their clients write it.
"""

from collections.abc import Callable
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from model_server.core.errors import InvalidInput
from model_server.core.tensors import Array, TensorSpec, array_problems
from model_server.rest.nested import (
    ENOUGH_PROBLEMS,
    brackets,
    describe,
    list_problems,
    to_array,
)
from model_server.rest.oip.call import InferCall
from model_server.rest.oip.datatypes import texts, wrong_booleans
from model_server.rest.oip.plan import InputPlan, Plan, elements
from model_server.rest.oip.wanted import outputs_of, parameters_of, request_path

if TYPE_CHECKING:
    from model_server.core.rules import InputRules

REFUSED = "the request does not fit the model"

MEMBERS = frozenset({"id", "inputs", "outputs", "parameters", "model_name", "model_version"})
INPUT_MEMBERS = frozenset({"name", "shape", "datatype", "parameters", "data"})


def read_document(
    document: Any, body: bytes, end: int, plan: Plan, rules: "InputRules | None" = None
) -> InferCall:
    """Read a request.

    Args:
        document: the JSON part, parsed.
        body: the whole body.
        end: where the JSON part ends and the tensors' bytes begin.
        plan: the plan of the model's contract.
        rules: of the model, which say what a null is; without them there is none.

    Raises:
        InvalidInput: with everything that is wrong with it.
    """
    if type(document) is not dict:
        raise InvalidInput(
            f"the request is {describe(document)}; it must be an object with 'inputs'"
        )
    reading = _Reading(body, end, plan, rules)
    problems = reading.problems
    if not document.keys() <= MEMBERS:
        other = (name for name in document if name not in MEMBERS)
        problems += [
            f"{name!r} is no member of a request" for name in islice(other, ENOUGH_PROBLEMS)
        ]
    identity = document.get("id")
    if identity is not None and type(identity) is not str:
        problems.append(f"id is {describe(identity)}; it must be text")
    parameters = parameters_of(document, request_path, 0, problems)
    reading.inputs(document.get("inputs"))
    outputs, binary = outputs_of(document.get("outputs"), parameters, plan, problems)
    if problems or reading.position != len(body):
        reading.refuse()
    return InferCall(identity, reading.arrays, outputs, binary, parameters)


def _input_path(number: int) -> str:
    return f"inputs[{number}]."


class _Reading:
    """The inputs of one request, as far as they are read."""

    __slots__ = ("arrays", "body", "lost", "plan", "position", "problems", "rules", "seen")

    def __init__(self, body: bytes, position: int, plan: Plan, rules: "InputRules | None") -> None:
        self.body = body
        self.position = position
        """Where the bytes of the next binary tensor begin."""
        self.lost = False
        """Whether that is not known any more."""
        self.plan = plan
        self.rules = rules
        self.problems: list[str] = []
        self.arrays: dict[str, Array] = {}
        self.seen: set[str] = set()

    def inputs(self, items: Any) -> None:
        """Read every input."""
        if type(items) is not list or not items:
            kind = "an empty list" if items == [] else describe(items)
            self.problems.append(f"inputs is {kind}; it must be a list with an object a tensor")
            return
        for number, item in enumerate(items):
            if len(self.problems) >= ENOUGH_PROBLEMS:
                return
            if type(item) is dict:
                self.input(item, number)
            else:
                self.problems.append(
                    f"inputs[{number}] is {describe(item)}; it must be an object with 'name', "
                    "'shape', 'datatype' and 'data'"
                )

    def input(self, item: dict[str, Any], number: int) -> None:
        """Read one input."""
        problems = self.problems
        if not item.keys() <= INPUT_MEMBERS:
            other = (name for name in item if name not in INPUT_MEMBERS)
            problems += [
                f"inputs[{number}].{name} is no member of an input"
                for name in islice(other, ENOUGH_PROBLEMS)
            ]
        plan = self._plan(item, number)
        shape = self._shape(item, number, plan)
        size = None
        if item.get("parameters") is not None:
            own = parameters_of(item, _input_path, number, problems)
            size = own.get("binary_data_size")
        if size is None:
            self._json(item, number, plan, shape)
            return
        if "data" in item:
            problems.append(f"inputs[{number}] has both data and binary_data_size")
        data = self._take(size, number)
        if data is not None and plan is not None and shape is not None:
            self._binary(data, number, plan, shape)

    def _plan(self, item: dict[str, Any], number: int) -> InputPlan | None:
        """Give the plan of the model's input that an item names."""
        name = item.get("name")
        if type(name) is not str:
            self.problems.append(f"inputs[{number}].name is {describe(name)}; it must be text")
            return None
        plan = self.plan.inputs.get(name)
        if plan is None:
            self.problems.append(
                f"inputs[{number}].name is {name!r}, which is no input of this model; it has "
                f"{self.plan.contract.names_of_inputs()}"
            )
            return None
        if name in self.seen:
            self.problems.append(f"inputs[{number}] gives input {name!r} again")
            return None
        self.seen.add(name)
        datatype = item.get("datatype")
        if datatype != plan.datatype:
            given = repr(datatype) if type(datatype) is str else describe(datatype)
            self.problems.append(
                f"inputs[{number}].datatype is {given}; input {name!r} takes {plan.datatype}"
            )
            return None
        return plan

    def _shape(self, item: dict[str, Any], number: int, plan: InputPlan | None) -> list[int] | None:
        """Give the shape of an item, with the number of axes that the model's input has."""
        shape = item.get("shape")
        if type(shape) is not list:
            self.problems.append(
                f"inputs[{number}].shape is {describe(shape)}; it must be a list of lengths"
            )
            return None
        if plan is not None and len(shape) != plan.rank:
            # Also keeps the product of the lengths small enough to be worked out.
            self.problems.append(
                f"inputs[{number}].shape has {len(shape)} axes where input {plan.spec} has "
                f"{plan.rank}"
            )
            return None
        good = True
        for axis, length in enumerate(shape):
            if type(length) is not int or length < 1:
                good = False
                self.problems.append(
                    f"inputs[{number}].shape[{axis}] is "
                    f"{length if type(length) is int else describe(length)}; "
                    "a length is a whole number from 1"
                )
        return shape if good else None

    def _take(self, size: Any, number: int) -> memoryview | None:
        """Take the bytes of the next binary tensor."""
        if type(size) is not int or size < 0:
            self.lost = True
            self.problems.append(
                f"inputs[{number}].parameters.binary_data_size is "
                f"{size if type(size) is int else describe(size)}; it must be a number of bytes"
            )
            return None
        start = self.position
        self.position = start + size
        left = len(self.body) - start
        if size > left:
            self.problems.append(
                f"inputs[{number}].parameters.binary_data_size is {size}, and {max(left, 0)} bytes "
                "follow; the JSON part's length says where they begin"
            )
            return None
        return memoryview(self.body)[start : self.position]

    def _binary(self, data: memoryview, number: int, plan: InputPlan, shape: list[int]) -> None:
        """Read a tensor's bytes, in place."""
        count = elements(shape)
        if not plan.itemsize:
            flat = texts(data, count)
            if isinstance(flat, str):
                self.problems.append(f"inputs[{number}]: {flat}")
                return
        else:
            needed = count * plan.itemsize
            if needed != len(data):
                self.problems.append(
                    f"inputs[{number}].parameters.binary_data_size is {len(data)}; {shape} "
                    f"{plan.datatype} is {needed} bytes"
                )
                return
            flat = np.frombuffer(data, plan.dtype)
            if plan.datatype == "BOOL" and wrong_booleans(flat):
                self.problems.append(f"inputs[{number}] holds booleans other than 0 and 1")
                return
            if not flat.flags.aligned:
                # JSON of odd length leaves them where onnxruntime cannot read them in place.
                flat = flat.copy()
        self.arrays[plan.spec.name] = flat.reshape(shape)

    def _json(
        self,
        item: dict[str, Any],
        number: int,
        plan: InputPlan | None,
        shape: list[int] | None,
    ) -> None:
        """Read a tensor's values, nested as its shape says or flat."""
        if "data" not in item:
            self.problems.append(f"inputs[{number}] has neither data nor binary_data_size")
            return
        if plan is None or shape is None:
            return
        values = item["data"]
        if type(values) is not list:
            self.problems.append(f"inputs[{number}].data is {describe(values)}; it must be a list")
            return
        name, dtype = plan.spec.name, plan.dtype
        rules = None if self.rules is None else self.rules.tensors.get(name)
        at = _data_path(number)
        count = elements(shape)
        if len(shape) > 1 and any(type(value) is list for value in values):
            spec = TensorSpec(name, dtype, tuple(shape))
        elif len(values) != count:
            self.problems.append(
                f"inputs[{number}].data has {len(values)} values where shape {shape} takes {count}"
            )
            if not values:
                return
            spec, rules = TensorSpec(name, dtype, (len(values),)), None
        elif rules is not None and len(shape) > 1:
            # Rules are for columns, so the values have to stand in theirs.
            values, at = _folded(values, shape), _flat_path(number, shape)
            spec = TensorSpec(name, dtype, tuple(shape))
        else:
            spec = TensorSpec(name, dtype, (count,))
        array = to_array(values, spec, rules)
        if array is None or array.shape != spec.shape:
            self.problems += list_problems(values, spec, at, rules)
        elif array.size == count:
            self.arrays[name] = array.reshape(shape)

    def refuse(self) -> None:
        """Raise the error that says everything.

        Raises:
            InvalidInput: always.
        """
        problems = self.problems
        if self.position < len(self.body) and not self.lost:
            problems.append(
                f"{len(self.body) - self.position} bytes follow the JSON and the tensors that it "
                "speaks of"
            )
        problems += [
            f"input {plan.spec} is missing"
            for name, plan in self.plan.inputs.items()
            if name not in self.seen
        ]
        fitting: dict[str, Array] = {}
        for name, array in self.arrays.items():
            own = array_problems(self.plan.inputs[name].spec, array)
            problems += own
            if not own:
                fitting[name] = array
        if self.rules is not None:
            problems += self.rules.problems(fitting)
        raise InvalidInput(REFUSED, problems)


def _data_path(number: int) -> Callable[[tuple[int, ...]], str]:
    def at(index: tuple[int, ...]) -> str:
        return f"inputs[{number}].data{brackets(index)}"

    return at


def _flat_path(number: int, shape: list[int]) -> Callable[[tuple[int, ...]], str]:
    def at(index: tuple[int, ...]) -> str:
        position = 0
        for length, step in zip(shape, index, strict=True):
            position = position * length + step
        return f"inputs[{number}].data[{position}]"

    return at


def _folded(values: list[Any], shape: list[int]) -> list[Any]:
    """Give flat values as the lists that their shape says."""
    for length in reversed(shape[1:]):
        values = [values[start : start + length] for start in range(0, len(values), length)]
    return values
