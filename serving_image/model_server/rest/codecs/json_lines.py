"""``application/jsonlines``: one row a line, in the forms that an entry of ``instances`` has.

Also under the names ``application/x-ndjson`` and ``application/x-jsonlines``. A line is the row
itself for a model with one input, or an object by input name::

    [5.1, 3.5]
    {"age": 41.0, "job": ["cook"]}

The answer has one line a row, in the order of the request: the value for a model with one output,
an object by output name for several. So SageMaker's batch transform can split files into lines,
send any number of them at once, and join the answers. Values that are NaN or infinite are null;
lines have no place for a warning.

Every line must be JSON by itself: lines that only together make a list are refused, or the count
of records would be off. Lines may end in CR LF, and the last one may end in nothing.
"""

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson

from model_server.core.errors import InferenceFailed, InvalidInput
from model_server.core.tensors import Array, Contract, TensorSpec, Value
from model_server.rest.codecs.codec import UTF8, Decoded
from model_server.rest.codecs.json_fast import decode_quickly
from model_server.rest.codecs.json_tensors import JsonCodec
from model_server.rest.json_numbers import FAULTS, holds_lists, parse
from model_server.rest.media import MediaType
from model_server.rest.nested import ENOUGH_PROBLEMS

if TYPE_CHECKING:
    from model_server.core.rules import InputRules

OPTIONS = orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS

ROW = re.compile(r"instances\[(\d+)\](\S*)")
"""How the JSON codec names a place in its rows."""


class JsonLinesCodec:
    """Reads and writes JSON lines."""

    charsets = UTF8

    def __init__(self, media_type: str = "application/jsonlines") -> None:
        self.media_type = media_type
        self._rows = JsonCodec()

    def refuses_inputs(self, contract: Contract) -> str | None:
        """Lines are rows."""
        scalars = [spec for spec in contract.inputs if not spec.shape]
        return f"it carries rows, and input {scalars[0]} has none" if scalars else None

    def refuses_outputs(self, outputs: Sequence[TensorSpec]) -> str | None:
        """Lines are rows."""
        for spec in outputs:
            if spec.dtype is not None and not spec.shape:
                return f"it carries rows, and output {spec} has none"
        return None

    def decode(
        self, body: bytes, contract: Contract, media: MediaType, rules: "InputRules | None"
    ) -> Decoded:
        """Read one row a line.

        Raises:
            InvalidInput: with every line that is no JSON, or else everything that does not fit.
        """
        lines = _lines(body)
        rows = b'{"instances":[%s]}' % b",".join(lines)
        if _are_flat(body, lines):
            array = decode_quickly(rows, contract)
            if array is not None:
                return Decoded({contract.inputs[0].name: array})
        problems = _not_json(lines)
        if problems:
            raise InvalidInput("the body is not JSON lines", problems)
        try:
            return self._rows.decode(rows, contract, media, rules)
        except InvalidInput as error:
            raise InvalidInput(
                ROW.sub(_line, error.message), [ROW.sub(_line, text) for text in error.problems]
            ) from None

    def encode(self, outputs: Mapping[str, Value], rows: int) -> bytes:
        """Write one line a row.

        Raises:
            InferenceFailed: an output does not have the request's rows.
        """
        for name, value in outputs.items():
            if (isinstance(value, np.ndarray) and not value.ndim) or len(value) != rows:
                raise InferenceFailed(
                    f"output {name!r} does not have the request's {rows} rows as its first axis, "
                    "so it cannot be written as lines; ask for application/json"
                )
        if len(outputs) == 1:
            (value,) = outputs.values()
            return _lines_of(value)
        columns = [_column(value) for value in outputs.values()]
        lines = [
            orjson.dumps(dict(zip(outputs, row, strict=True)), option=OPTIONS)
            for row in zip(*columns, strict=True)
        ]
        return b"\n".join(lines) + b"\n"


def _lines(body: bytes) -> list[bytes]:
    lines = body.split(b"\n")
    while lines and not lines[-1].strip():
        lines.pop()
    if not lines:
        raise InvalidInput("the body is empty; it must hold one row a line")
    return [line.strip() for line in lines] if b"\r" in body or b" " in body else lines


def _are_flat(body: bytes, lines: list[bytes]) -> bool:
    """Whether every line is one list without another in it, or one bare value.

    Then the JSON of all of them together is proof enough for each. Without a quotation mark there
    is no text, so every bracket and comma is what it looks like.
    """
    if b'"' in body or b"{" in body:
        return False
    if b"[" not in body:
        return b"," not in body and b"]" not in body and all(lines)
    # Every line ends in a closing bracket; one more anywhere would make the whole no JSON.
    return holds_lists(body, len(lines)) and all(
        line.startswith(b"[") and line.endswith(b"]") for line in lines
    )


def _not_json(lines: list[bytes]) -> list[str]:
    """List the lines that are no JSON by themselves."""
    found: list[str] = []
    for number, line in enumerate(lines, start=1):
        try:
            parse(line)
        except FAULTS:
            why = _why_not(line)
            if why:
                found.append(f"line {number} {why}")
            if len(found) >= ENOUGH_PROBLEMS:
                break
    return found


def _why_not(line: bytes) -> str:
    if not line:
        return "is empty"
    try:
        orjson.loads(line)
    except orjson.JSONDecodeError as error:
        return f"is not JSON: {error}"
    return ""  # only simdjson does not read it


def _line(match: re.Match[str]) -> str:
    """Give a place in the rows as a place in the lines."""
    number, inside = int(match[1]) + 1, match[2].removeprefix(".")
    return f"line {number} at {inside}" if inside else f"line {number}"


def _lines_of(value: Value) -> bytes:
    """Give one line for each entry of the first axis."""
    if isinstance(value, np.ndarray) and value.dtype.kind != "O":
        array: Array = np.ascontiguousarray(value)
        if array.size and array.ndim <= 2:
            # No text, so every comma and bracket is what it looks like.
            text = orjson.dumps(array, option=OPTIONS)[1:-1]
            if array.ndim == 1:
                return text.replace(b",", b"\n") + b"\n"
            return text.replace(b"],[", b"]\n[") + b"\n"
    return b"\n".join([orjson.dumps(row, option=OPTIONS) for row in _column(value)]) + b"\n"


def _column(value: Value) -> Any:
    """Give something to walk through row by row that orjson writes exactly.

    Floats stay numpy's, for orjson then writes the digits of their own width; integers become
    Python's, since orjson does not know every integer of numpy as a scalar.
    """
    if isinstance(value, np.ndarray):
        return np.ascontiguousarray(value) if value.dtype.kind == "f" else value.tolist()
    return value
