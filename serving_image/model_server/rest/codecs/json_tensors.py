"""``application/json``: rows or whole tensors in, predictions out.

Requests have one of two forms::

    {"instances": [[5.1, 3.5], [6.2, 2.9]]}                     rows of a model with one input
    {"instances": [{"age": [41.0], "job": ["cook"]}, ...]}      rows by input name
    {"instances": [{"age": 41.0, "income": 3200.5}, ...]}       records: rows by column name
    {"inputs": [[5.1, 3.5], [6.2, 2.9]]}                        the tensor of a model's one input
    {"inputs": {"age": [[41.0], [29.0]], "job": [["cook"], ["nurse"]]}}    tensors by name

In rows by name, a row of shape (1,) may be given bare: ``{"age": 41.0}``. Records are for models
with one input of two axes whose rules name the columns. A null is a missing value where the rules
let it in.

Answers hold one prediction a row: the value for a model with one output, an object by output name
for several. Where the outputs do not have the request's rows as their first axis, whole tensors
are given instead::

    {"predictions": [0, 2]}
    {"predictions": [{"label": 0, "probabilities": [0.9, 0.1]}, ...]}
    {"outputs": {"centres": [[...]], "count": 3}}

JSON has no NaN and no infinity. Such values are null, and ``warnings`` says where they were.
Floats are written with the fewest digits that read back as the same float of the output's width.
"""

from collections.abc import Mapping, Sequence
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from model_server.core.errors import InvalidInput
from model_server.core.tensors import Array, Contract, TensorSpec, Value, array_problems
from model_server.rest.codecs.codec import REFUSED, UTF8, Decoded
from model_server.rest.codecs.json_fast import QUICK_BODY_BYTES, decode_in_parts
from model_server.rest.json_records import are_records, record_path, rows_of_records
from model_server.rest.json_text import MAX_DEPTH, deeper_than, parse, too_deep
from model_server.rest.media import MediaType
from model_server.rest.nested import (
    ENOUGH_PROBLEMS,
    At,
    brackets,
    describe,
    list_problems,
    to_array,
)

if TYPE_CHECKING:
    from model_server.core.rules import InputRules


class JsonCodec:
    """Reads and writes JSON."""

    media_type = "application/json"
    charsets = UTF8

    def refuses_inputs(self, contract: Contract) -> str | None:
        """JSON carries every input."""
        return None

    def refuses_outputs(self, outputs: Sequence[TensorSpec]) -> str | None:
        """JSON carries every output."""
        return None

    def decode(
        self, body: bytes, contract: Contract, media: MediaType, rules: "InputRules | None"
    ) -> Decoded:
        """Read a request.

        Raises:
            InvalidInput: with everything that is wrong with it.
        """
        if len(body) > QUICK_BODY_BYTES:  # a smaller one has been tried whole
            array = decode_in_parts(body, contract)
            if array is not None:
                return Decoded({contract.inputs[0].name: array})
        document = parse(body)
        try:
            return _Reader(contract, rules).decoded(document)
        except InvalidInput:
            # No contract needs deep lists, so whatever is nested too deeply does not fit either;
            # the depth is only the better explanation.
            if deeper_than(body, MAX_DEPTH):
                raise too_deep() from None
            raise

    def encode(self, outputs: Mapping[str, Value], rows: int) -> bytes:
        """Write an answer."""
        answer: dict[str, object] = {}
        plain = {name: _plain(value) for name, value in outputs.items()}
        if all(_has_rows(value, rows) for value in outputs.values()):
            if len(plain) == 1:
                answer["predictions"] = next(iter(plain.values()))
            else:
                answer["predictions"] = [
                    dict(zip(plain, row, strict=True)) for row in zip(*plain.values(), strict=True)
                ]
        else:
            answer["outputs"] = plain
        warnings = [text for name, value in outputs.items() if (text := _non_finite(name, value))]
        if warnings:
            answer["warnings"] = warnings
        return orjson.dumps(answer, option=orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS)


class _Reader:
    """Reads one document and collects what is wrong with it."""

    def __init__(self, contract: Contract, rules: "InputRules | None") -> None:
        self._contract = contract
        self._tensors = {} if rules is None else rules.tensors
        self._rules = rules
        self._problems: list[str] = []

    def decoded(self, document: Any) -> Decoded:
        if not isinstance(document, dict):
            kind = describe(document)
            raise InvalidInput(
                f"the body is {kind}; it must be an object with 'instances' or 'inputs'"
            )
        problems = self._problems
        unknown = (name for name in document if name not in ("instances", "inputs"))
        problems += [
            f"{name!r} is no member of a request; it has 'instances' or 'inputs'"
            for name in islice(unknown, ENOUGH_PROBLEMS)
        ]
        given = [name for name in ("instances", "inputs") if name in document]
        if len(given) != 1:
            problems.append(
                "a request has exactly one of 'instances' (rows) and 'inputs' (tensors); "
                f"this one has {'both' if given else 'neither'}"
            )
        arrays: dict[str, Array] = {}
        if "instances" in document:
            arrays = self._from_instances(document["instances"])
        if "inputs" in document:
            arrays = self._from_inputs(document["inputs"])
        if not problems:
            problems += self._contract.problems(arrays)
        if problems:
            raise InvalidInput(REFUSED, problems + self._values_problems(arrays))
        return Decoded(arrays)

    def _values_problems(self, arrays: dict[str, Array]) -> list[str]:
        """List what rules say of the tensors that could be read, beside what could not be."""
        if self._rules is None:
            return []
        fitting = {
            spec.name: arrays[spec.name]
            for spec in self._contract.inputs
            if spec.name in arrays and not array_problems(spec, arrays[spec.name])
        }
        return self._rules.problems(fitting)

    def _from_instances(self, rows: Any) -> dict[str, Array]:
        inputs, problems = self._contract.inputs, self._problems
        if type(rows) is not list or not rows:
            kind = "an empty list" if rows == [] else describe(rows)
            problems.append(f"instances is {kind}; it must be a list with one entry a row")
            return {}
        scalars = [spec for spec in inputs if not spec.shape]
        if scalars:
            problems.append(f"input {scalars[0]} has no rows; send 'inputs' instead of 'instances'")
            return {}
        if self._tensors and are_records(rows, self._contract, self._tensors):
            spec = inputs[0]
            rules = self._tensors[spec.name]
            before = len(problems)
            values = rows_of_records(rows, rules, problems)
            if len(problems) == before:
                return self._one(values, spec, record_path(rules))
            problems += list_problems(values, spec, record_path(rules), rules)
            return {}
        by_name = any(type(row) is dict for row in rows)
        if not by_name and len(inputs) == 1:
            return self._one(rows, inputs[0], lambda index: "instances" + brackets(index))
        return self._from_named_rows(rows)

    def _from_named_rows(self, rows: list[Any]) -> dict[str, Array]:
        inputs, problems = self._contract.inputs, self._problems
        names = {spec.name for spec in inputs}
        before = len(problems)
        for number, row in enumerate(rows):
            if len(problems) >= ENOUGH_PROBLEMS:
                break
            if type(row) is not dict:
                problems.append(
                    f"instances[{number}] is {describe(row)}; it must be an object with "
                    f"{self._contract.names_of_inputs()}"
                )
            elif row.keys() != names:
                problems += [
                    f"instances[{number}] lacks {spec.name!r}"
                    for spec in inputs
                    if spec.name not in row
                ]
                other = (name for name in row if name not in names)
                problems += [
                    f"instances[{number}] has {name!r}, which is no input of this model"
                    for name in islice(other, ENOUGH_PROBLEMS)
                ]
        if len(problems) > before:
            return {}
        arrays: dict[str, Array] = {}
        for spec in inputs:
            values = [row[spec.name] for row in rows]
            if spec.shape[1:] == (1,):
                values = [value if type(value) is list else [value] for value in values]
            arrays |= self._one(values, spec, _named_row_path(spec.name))
        return arrays

    def _from_inputs(self, tensors: Any) -> dict[str, Array]:
        inputs, problems = self._contract.inputs, self._problems
        if type(tensors) is not dict:
            if len(inputs) != 1:
                problems.append(
                    f"inputs is {describe(tensors)}; this model has several inputs, so it must "
                    f"be an object with {self._contract.names_of_inputs()}"
                )
                return {}
            return self._one(tensors, inputs[0], lambda index: "inputs" + brackets(index))
        arrays: dict[str, Array] = {}
        for name, values in tensors.items():
            if len(problems) >= ENOUGH_PROBLEMS:
                break
            spec = self._contract.input(name)
            if spec is None:
                problems.append(
                    f"inputs has {name!r}, which is no input of this model; it has "
                    f"{self._contract.names_of_inputs()}"
                )
                continue
            arrays |= self._one(values, spec, _tensor_path(name))
        problems += [f"inputs lacks {spec.name!r}" for spec in inputs if spec.name not in tensors]
        return arrays

    def _one(self, values: Any, spec: TensorSpec, at: At) -> dict[str, Array]:
        """Give one tensor by its name, or nothing and add what is wrong with it."""
        rules = self._tensors.get(spec.name)
        array = to_array(values, spec, rules)
        if array is None:
            self._problems += list_problems(values, spec, at, rules)
            return {}
        return {spec.name: array}


def _named_row_path(name: str) -> At:
    def at(index: tuple[int, ...]) -> str:
        row, rest = index[:1], index[1:]
        return f"instances{brackets(row)}.{name}{brackets(rest)}" if row else "instances"

    return at


def _tensor_path(name: str) -> At:
    def at(index: tuple[int, ...]) -> str:
        return f"inputs.{name}{brackets(index)}"

    return at


def _plain(value: Value) -> Any:
    """Give a value in a form that orjson writes exactly.

    Floats stay numpy's, for orjson then writes the digits of their own width. Everything else
    becomes Python's: text, and integers that onnxruntime gives as ``longlong``, which orjson
    does not know as a scalar.
    """
    if not isinstance(value, np.ndarray):
        return value
    if value.dtype.kind != "f":
        return value.tolist()
    return np.ascontiguousarray(value) if value.ndim else value[()]


def _has_rows(value: Value, rows: int) -> bool:
    if isinstance(value, np.ndarray):
        return value.ndim > 0 and value.shape[0] == rows
    return len(value) == rows


def _non_finite(name: str, value: Value) -> str | None:
    if not isinstance(value, np.ndarray) or value.dtype.kind != "f":
        return None
    finite = np.isfinite(value)
    if finite.all():
        return None
    first = tuple(int(number) for number in np.argwhere(~finite)[0])
    count = int(value.size - np.count_nonzero(finite))
    return (
        f"output {name!r} has {count} values that are NaN or infinite, the first at "
        f"{brackets(first)}; they are null here and whole in application/x-npy"
    )
