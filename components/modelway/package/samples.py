"""Sample rows: read from CSV or JSON lines, turned into a model's tensors, and written again.

Takes a file, gives `Rows`; takes rows and tensors, gives numpy arrays and the lines of
`samples.jsonl`. What the columns of a row mean is the caller's business. Must not know any model.
"""

import csv
import io
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

import numpy as np

from modelway.errors import PackageError
from modelway.spec.model_file import Datatype, Tensor

SAMPLES_LIMIT_BYTES = 512 * 1024 * 1024
"""Greatest file of samples: they are compared in memory."""

DTYPES: Mapping[Datatype, Any] = {
    Datatype.BOOL: np.bool_,
    Datatype.UINT8: np.uint8,
    Datatype.UINT16: np.uint16,
    Datatype.UINT32: np.uint32,
    Datatype.UINT64: np.uint64,
    Datatype.INT8: np.int8,
    Datatype.INT16: np.int16,
    Datatype.INT32: np.int32,
    Datatype.INT64: np.int64,
    Datatype.FP16: np.float16,
    Datatype.FP32: np.float32,
    Datatype.FP64: np.float64,
    Datatype.BYTES: np.object_,
}
"""numpy's types of the protocol's; text is Python's own."""

Arrays = dict[str, "np.ndarray[Any, Any]"]
"""Tensors by name."""


@dataclass(frozen=True)
class Rows:
    """Sample rows as they were written."""

    columns: tuple[str, ...] | None
    """Names of the columns; None when values are known by their position."""
    values: tuple[tuple[Any, ...], ...]
    """One tuple a row. Of JSON lines, values have JSON's types; of CSV, they are text."""
    where: str
    """The file as the user named it."""

    def __len__(self) -> int:
        """Give the number of rows."""
        return len(self.values)

    def column(self, index: int) -> list[Any]:
        """Give all rows' values of one column."""
        return [row[index] for row in self.values]

    def refused(self, why: str) -> PackageError:
        """Make an error about these samples."""
        return PackageError(f"the samples {self.where} {why}")


def read_samples(path: Path | Rows) -> Rows:
    """Read sample rows; rows that were read before are given back.

    JSON lines hold an object a line, or an array: `{"age": 41, "plan": "basic"}`, `[5.1, 3.5]`, or
    as the server takes them, `{"input": [5.1, 3.5]}`. CSV has a first line of names, unless all
    that it holds are numbers.

    Raises:
        PackageError: the file is missing, empty or neither of the two, or its rows differ in form.
    """
    if isinstance(path, Rows):
        return path

    def refused(why: str) -> PackageError:
        return PackageError(f"the samples {path} {why}")

    try:
        if path.stat().st_size > SAMPLES_LIMIT_BYTES:
            raise refused(f"are larger than {SAMPLES_LIMIT_BYTES} bytes; give fewer rows")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text in UTF-8"
        raise refused(f"cannot be read: {reason}") from None
    if text.lstrip()[:1] in ("{", "["):
        columns, values = _json_lines(text, refused)
    else:
        columns, values = _csv(text, refused)
    if not values:
        raise refused("hold no row; give some, as the model gets them")
    return Rows(columns, tuple(values), str(path))


def _json_lines(text: str, refused: Any) -> tuple[tuple[str, ...] | None, list[tuple[Any, ...]]]:
    columns: tuple[str, ...] | None = None
    values: list[tuple[Any, ...]] = []
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        try:
            row: object = json.loads(line)
        except (ValueError, RecursionError):
            raise refused(f"have no JSON in line {number}; write one row a line") from None
        if isinstance(row, dict):
            named = cast("dict[str, Any]", row)
            names = tuple(named)
            if values and (columns is None or set(names) != set(columns)):
                raise refused(f"have other columns in line {number} than in the first line")
            columns = names if columns is None else columns
            values.append(tuple(named[name] for name in columns))
        elif isinstance(row, list):
            listed = tuple(cast("list[Any]", row))
            if values and (columns is not None or len(listed) != len(values[0])):
                raise refused(f"have another number of values in line {number} than in the first")
            values.append(listed)
        else:
            raise refused(f"have neither an object nor an array in line {number}")
    return columns, values


def _csv(text: str, refused: Any) -> tuple[tuple[str, ...] | None, list[tuple[Any, ...]]]:
    rows = [tuple(row) for row in csv.reader(io.StringIO(text)) if row]
    if not rows:
        return None, []
    first = [field for field in rows[0] if not is_missing(field)]
    columns = None if first and all(map(is_number, first)) else rows.pop(0)
    width = len(columns if columns is not None else rows[0])
    for number, row in enumerate(rows, 1):
        if len(row) != width:
            raise refused(f"have {len(row)} fields in row {number} and {width} before")
    return columns, rows


def take_labels(rows: Rows, labels: str | None) -> tuple[Rows, tuple[Any, ...] | None]:
    """Part sample rows from what is true of them.

    Args:
        rows: as they were read.
        labels: the name of a column, which is no input then, or a file with one label a line.

    Raises:
        PackageError: there is neither, or not one label a row.
    """
    if labels is None:
        return rows, None
    if rows.columns is not None and labels in rows.columns:
        at = rows.columns.index(labels)
        left = tuple(row[:at] + row[at + 1 :] for row in rows.values)
        columns = rows.columns[:at] + rows.columns[at + 1 :]
        return Rows(columns, left, rows.where), tuple(rows.column(at))
    try:
        text = Path(labels).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError, ValueError):
        known = "no names of columns" if rows.columns is None else ", ".join(rows.columns)
        raise rows.refused(
            f"have no column `{labels}` (--labels), and no such text file can be read either; they "
            f"have {known}"
        ) from None
    found = tuple(line.strip() for line in text.splitlines() if line.strip())
    if len(found) != len(rows):
        raise rows.refused(
            f"have {len(rows)} rows, and the file {labels} (--labels) {len(found)} labels; write "
            "one a line, without a head"
        )
    return rows, found


def is_number(value: object) -> bool:
    """Tell whether a value is a number, be it written as text."""
    if isinstance(value, str):
        try:
            float(value)
        except ValueError:
            return False
        return True
    return isinstance(value, int | float) and not isinstance(value, bool)


def is_missing(value: object) -> bool:
    """Tell whether a value stands for none: null, an empty field, NaN."""
    return value is None or value == "" or (isinstance(value, float) and math.isnan(value))


def tensor_array(tensor: Tensor, values: Sequence[Any], rows: Rows) -> "np.ndarray[Any, Any]":
    """Make one input of the rows' values.

    Args:
        tensor: the input; its first axis is that of the rows.
        values: one a row, scalars or nested lists.
        rows: where they are from, for messages.

    Raises:
        PackageError: values are not of the input's datatype or shape.
    """
    wanted = tensor.shape[1:]
    kind = DTYPES[tensor.datatype]
    text = tensor.datatype is Datatype.BYTES
    try:
        given = np.array([_filled(value, tensor.datatype) for value in values], dtype=object)
        if text:
            array = _text(given)
        else:
            array = given.astype(np.float64 if np.issubdtype(kind, np.floating) else kind)
            array = array.astype(kind)
    except (TypeError, ValueError, OverflowError) as error:
        raise rows.refused(
            f"do not fit the input `{tensor.name}`, which is {tensor.datatype}: {error}"
        ) from None
    if wanted == (1,) and array.ndim == 1:
        array = array.reshape(-1, 1)
    fits = array.ndim == len(wanted) + 1 and all(
        size in (-1, real) for size, real in zip(wanted, array.shape[1:], strict=True)
    )
    if not fits:
        raise rows.refused(
            f"have values of shape {list(array.shape[1:])} for the input `{tensor.name}`, whose "
            f"rows have {list(wanted)}"
        )
    return array


def _text(given: "np.ndarray[Any, Any]") -> "np.ndarray[Any, Any]":
    if not all(isinstance(each, str) for each in given.ravel()):
        raise TypeError("not all values are text")
    return given


def _filled(value: Any, datatype: Datatype) -> Any:
    """Put NaN where a number is missing, and read numbers that are text."""
    if isinstance(value, list | tuple):
        return [_filled(each, datatype) for each in cast("Sequence[Any]", value)]
    if datatype is Datatype.BYTES:
        return value
    if datatype in (Datatype.FP16, Datatype.FP32, Datatype.FP64):
        return math.nan if is_missing(value) else value
    if datatype is Datatype.BOOL:
        if isinstance(value, bool):
            return value
        raise TypeError(f"{value!r} is neither true nor false")
    number = float(value)
    if not number.is_integer():
        raise ValueError(f"{value!r} is no whole number")
    return int(value) if not isinstance(value, str) else int(number)


def sample_lines(arrays: Arrays, limit: int) -> Iterator[str]:
    """Give `samples.jsonl`: the first rows, one object of inputs by name a line.

    Args:
        arrays: the inputs.
        limit: of rows.
    """
    count = min([limit, *map(len, arrays.values())])
    for index in range(count):
        row = {name: _plain(arrays[name][index]) for name in sorted(arrays)}
        yield json.dumps(row, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def _plain(value: Any) -> Any:
    """Give a value of a tensor as JSON has it; numbers as short as they read back the same."""
    if isinstance(value, np.ndarray):
        return [_plain(each) for each in value]
    if isinstance(value, np.floating):
        return float(str(value)) if np.isfinite(value) else None
    return value.item() if isinstance(value, np.generic) else value
