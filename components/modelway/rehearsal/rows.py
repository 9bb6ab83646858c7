"""The rows that a rehearsal sends: generated for the model's inputs, or read from a file.

Takes a model's inputs, gives rows and the bodies of requests, one row each. A file is JSON lines
(`.jsonl`: a value a line for a model with one input, or an object by input name) or CSV (`.csv`:
numbers, no header, for a model with one input of two axes). Must not read models.
"""

import csv
import json
import random
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from modelway.errors import RehearsalError
from modelway.spec import Datatype, Tensor

CONTENT_TYPE = "application/json"
"""Of every body made here."""

GENERATED = 16
"""Rows that are made where the scenario gives none."""

Row = Mapping[str, Any]
"""By input name, the nested list of one row: without the first axis."""

_INTEGERS = {
    *(Datatype.UINT8, Datatype.UINT16, Datatype.UINT32, Datatype.UINT64),
    *(Datatype.INT8, Datatype.INT16, Datatype.INT32, Datatype.INT64),
}


def generated_rows(inputs: Sequence[Tensor], seed: int, count: int = GENERATED) -> list[Row]:
    """Make rows of the right form: fractions of 0 to 1, integers of 0 to 9, short texts.

    Args:
        inputs: the model's.
        seed: the same seed gives the same rows.
        count: how many. Default: 16.
    """
    chance = random.Random(seed)  # noqa: S311 - values of a rehearsal are no secrets
    return [{tensor.name: _value(tensor, chance) for tensor in inputs} for _ in range(count)]


def read_rows(path: Path, inputs: Sequence[Tensor]) -> list[Row]:
    """Read rows from a file.

    Raises:
        RehearsalError: the file cannot be read, or has no row of the right form.
    """
    doing = f"reading the rows of {path}"
    try:
        text = path.read_text(encoding="utf-8-sig")
        if path.suffix == ".csv":
            values: list[Any] = [
                [float(cell) for cell in line] for line in csv.reader([*_lines(text)])
            ]
        else:
            values = [json.loads(line) for line in _lines(text)]
    except OSError as error:
        raise RehearsalError(f"{doing}: {error.strerror}; correct `traffic.rows`") from None
    except ValueError as error:
        raise RehearsalError(
            f"{doing}: {error}; allowed: JSON lines (.jsonl), or numbers without a header (.csv)"
        ) from None
    if not values:
        raise RehearsalError(f"{doing}: there is no row; give one or more")
    names = [tensor.name for tensor in inputs]
    return [_row(doing, number, value, names) for number, value in enumerate(values, start=1)]


def body(row: Row) -> bytes:
    """Give the request for one row, in the server's JSON form."""
    one = next(iter(row.values())) if len(row) == 1 else dict(row)
    return json.dumps({"instances": [one]}).encode()


def _lines(text: str) -> list[str]:
    return [line for line in text.splitlines() if line.strip()]


def _row(doing: str, number: int, value: Any, names: Sequence[str]) -> Row:
    if isinstance(value, dict) and set(value) == set(names):
        return value
    if len(names) == 1 and not isinstance(value, dict):
        return {names[0]: value}
    raise RehearsalError(
        f"{doing}: row {number} is no row of this model; allowed: an object with "
        + ", ".join(f"`{name}`" for name in names)
    )


def _value(tensor: Tensor, chance: random.Random) -> Any:
    return _nested([axis if axis > 0 else 1 for axis in tensor.shape[1:]], tensor, chance)


def _nested(shape: Sequence[int], tensor: Tensor, chance: random.Random) -> Any:
    if shape:
        return [_nested(shape[1:], tensor, chance) for _ in range(shape[0])]
    if tensor.datatype is Datatype.BOOL:
        return chance.random() < 0.5  # noqa: PLR2004 - a coin
    if tensor.datatype in _INTEGERS:
        return chance.randrange(10)
    if tensor.datatype is Datatype.BYTES:
        return f"text {chance.randrange(10)}"
    return round(chance.random(), 3)
