"""``text/csv``: one row a line, numbers separated by commas, no header.

Takes lines for a model with one numeric input of two axes. Gives one line a row; several outputs
stand side by side as columns, in the model's order. Non-finite values are written ``nan``,
``inf`` and ``-inf``; in requests they are refused, for they are far more often a fault than meant.
An empty field is a missing value where the model has rules, which say what becomes of it.
"""

import csv
import io
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from model_server.core.errors import InferenceFailed, InvalidInput
from model_server.core.tensors import Array, Contract, TensorSpec, Value
from model_server.rest.codecs.codec import REFUSED, UTF8, Decoded
from model_server.rest.codecs.csv_fast import lines_of_numbers, parts_of
from model_server.rest.media import MediaType
from model_server.rest.nested import ENOUGH_PROBLEMS

if TYPE_CHECKING:
    from model_server.core.field_rule import Scalar
    from model_server.core.rules import InputRules, TensorRules


class CsvCodec:
    """Reads and writes CSV."""

    media_type = "text/csv"
    charsets = UTF8

    def refuses_inputs(self, contract: Contract) -> str | None:
        """CSV carries one numeric input of two axes."""
        if len(contract.inputs) != 1:
            return f"it carries one input, and this model has {contract.names_of_inputs()}"
        spec = contract.inputs[0]
        if spec.dtype is None or spec.dtype.kind not in "fiu" or len(spec.shape) != 2:
            return f"it carries a numeric input of two axes, and this model has {spec}"
        return None

    def refuses_outputs(self, outputs: Sequence[TensorSpec]) -> str | None:
        """CSV carries outputs of one or two axes."""
        for spec in outputs:
            if spec.dtype is None or not 1 <= len(spec.shape) <= 2:
                return f"it carries outputs of one or two axes, and {spec} is not one"
        return None

    def decode(
        self, body: bytes, contract: Contract, media: MediaType, rules: "InputRules | None"
    ) -> Decoded:
        """Read lines of numbers.

        Raises:
            InvalidInput: with every line and column that is wrong.
        """
        spec = contract.inputs[0]
        assert spec.dtype is not None  # refuses_inputs was asked before
        if not body.isascii():
            raise InvalidInput("the body holds characters that belong to no number")
        width = spec.shape[1] if isinstance(spec.shape[1], int) else None
        missing = None if rules is None else rules.tensors.get(spec.name)
        arrays: list[Array] = []
        problems: list[str] = []
        lines_before = 0
        for part in parts_of(body):
            array = lines_of_numbers(part, spec.dtype, width)
            if array is not None:
                width = array.shape[1]
                lines_before += len(array)
                arrays.append(array)
                continue
            fields = [line.split(",") for line in part.decode("ascii").splitlines()]
            width = width or len(fields[0])
            array = _numbers(fields, spec.dtype, width, missing) if b"_" not in part else None
            if array is not None:
                arrays.append(array)
            else:
                problems += _problems(fields, spec.dtype, width, lines_before + 1, missing)
                if len(problems) >= ENOUGH_PROBLEMS:
                    break
            lines_before += len(fields)
        if problems:
            raise InvalidInput(REFUSED, problems)
        if not arrays:
            raise InvalidInput("the body is empty; it must hold one row a line")
        return Decoded({spec.name: arrays[0] if len(arrays) == 1 else np.concatenate(arrays)})

    def encode(self, outputs: Mapping[str, Value], rows: int) -> bytes:
        """Write one line a row.

        Raises:
            InferenceFailed: the outputs have different numbers of rows.
        """
        columns = [_columns(value) for value in outputs.values()]
        if len(set(map(len, columns))) != 1:
            raise InferenceFailed(
                "the outputs have different numbers of rows, so they cannot stand side by side; "
                "ask for application/json"
            )
        if len(columns) == 1 and columns[0].dtype.kind == "f" and np.isfinite(columns[0]).all():
            # orjson's digits are the shortest that read back as the same float.
            text = orjson.dumps(columns[0], option=orjson.OPT_SERIALIZE_NUMPY)
            return text[2:-2].replace(b"],[", b"\n") + b"\n"
        out = io.StringIO()
        writer = csv.writer(out, lineterminator="\n")
        for row in zip(*columns, strict=True):
            writer.writerow([_text(value) for part in row for value in part])
        return out.getvalue().encode()


def _numbers(
    fields: list[list[str]], dtype: np.dtype[Any], width: int, missing: "TensorRules | None"
) -> Array | None:
    """Give the array, or None when anything is wrong."""
    if set(map(len, fields)) != {width}:
        return None
    filled = _stand_ins(fields, missing)
    if filled is None:
        return None
    if filled:  # with a number for a moment, since not every datatype has a NaN
        fields = [[text or "0" for text in row] for row in fields]
    kind = float if dtype.kind == "f" else int
    try:
        with np.errstate(over="ignore"):
            array = np.array([list(map(kind, row)) for row in fields], dtype=dtype)
    except (ValueError, OverflowError):
        return None
    if dtype.kind == "f" and not np.isfinite(array).all():
        return None
    for place, stand_in in filled.items():
        array[place] = stand_in
    if missing is not None:
        missing.count_filled(column for _, column in filled)
    return array


def _stand_ins(
    fields: list[list[str]], missing: "TensorRules | None"
) -> "dict[tuple[int, int], Scalar] | None":
    """Give what stands in for empty fields, by row and column; None where one must not be."""
    found: dict[tuple[int, int], Scalar] = {}
    if missing is None:
        return found
    for at, row in enumerate(fields):
        for column in [column for column, text in enumerate(row) if not text] if "" in row else ():
            stand_in = missing.fill(column)
            if stand_in is None:
                return None
            found[at, column] = stand_in
    return found


def _problems(
    fields: list[list[str]],
    dtype: np.dtype[Any],
    width: int,
    first_line: int,
    missing: "TensorRules | None",
) -> list[str]:
    found: list[str] = []
    for number, row in enumerate(fields, start=first_line):
        if len(found) >= ENOUGH_PROBLEMS:
            break
        if row == [""] and width != 1:
            found.append(f"line {number} is empty")
            continue
        if len(row) != width:
            found.append(f"line {number} has {len(row)} values where {width} are needed")
        for column, text in enumerate(row, start=1):
            if missing is not None and not text:
                if missing.fill(column - 1) is None:
                    missing.count_missing(column - 1)
                    found.append(f"line {number}, column {column} is empty, and must not be")
                continue
            why = _why_not(text, dtype)
            if why is None:
                continue
            hint = "; a header line is not allowed" if number == 1 and _is_word(text) else ""
            found.append(f"line {number}, column {column}: {text[:40]!r} {why}{hint}")
    return found


def _why_not(text: str, dtype: np.dtype[Any]) -> str | None:
    whole = dtype.kind in "iu"
    try:
        if "_" in text:
            raise ValueError
        value = int(text) if whole else float(text)
    except ValueError:
        return "is no whole number" if whole else "is no number"
    if whole:
        limits = np.iinfo(dtype)
        if not limits.min <= value <= limits.max:
            return f"is out of range; {dtype.name} goes from {limits.min} to {limits.max}"
        return None
    with np.errstate(over="ignore"):
        fits = np.isfinite(np.array(value, dtype=dtype))
    return None if fits else f"is not a finite {dtype.name}"


def _is_word(text: str) -> bool:
    return text.strip(' "').replace("_", "a").isidentifier()


def _columns(value: Value) -> Array:
    assert isinstance(value, np.ndarray)  # refuses_outputs was asked before
    return value.reshape(len(value), -1)


def _text(value: np.generic | str | float) -> str:
    return str(value)
