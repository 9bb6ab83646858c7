"""Removes the values of fields that must not be written.

Takes a body of JSON or JSON lines and the names of fields, gives the body without their values,
or nothing where it cannot be sure. Costs a parse and an encoding, so it must not run on the event
loop.

A field is found wherever the formats of the server put one:

- a member of that name at any depth, as in ``{"instances": [{"age": 41}]}``;
- a tensor of that name, as in ``{"inputs": [{"name": "age", "data": [41]}]}``;
- the values of a model's only input, and a column of it, where rows have no names:
  ``{"instances": [[41, 3.5]]}``.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import orjson

REDACTED = "[redacted]"
"""What is written for a value."""

_BY_POSITION = ("instances", "inputs", "predictions", "outputs")
"""Members whose values need no names of their own."""

Columns = Mapping[str, tuple[str, ...]]
"""Tensors by name, each with the names of the columns of its last axis, or with none."""


class Redactor:
    """Removes certain fields.

    Args:
        names: a tensor, ``tensor.column``, a column, or a member's name; as they are spelt.
    """

    def __init__(self, names: Iterable[str]) -> None:
        self._names = frozenset(names)
        # `tensor.column` is met as a member called `column` where rows are objects.
        self._members = self._names | {
            name.rpartition(".")[2] for name in self._names if "." in name
        }

    def unmatched(self, *tensors: Columns) -> list[str]:
        """Give the names that are no tensor and no column among these, in order.

        They may still be members of a body; or they are spelt wrong, and redact nothing.
        """
        known = {
            name
            for columns in tensors
            for tensor, own in columns.items()
            for name in (tensor, *own, *(f"{tensor}.{column}" for column in own))
        }
        return sorted(self._names - known)

    def redact(self, body: bytes, kind: str, columns: Columns) -> bytes | None:
        """Give a body without the fields, or None where that cannot be done for sure.

        Args:
            body: as it came in or went out.
            kind: ``json``, or ``text`` of which only JSON lines can be redacted.
            columns: the tensors that the body may hold: the model's inputs or its outputs.
        """
        if kind == "base64":
            return None
        try:
            if kind == "json":
                return orjson.dumps(self._document(orjson.loads(body), columns))
            return b"\n".join(
                orjson.dumps(self._line(orjson.loads(line), columns))
                for line in body.splitlines()
                if line.strip()
            )
        except (orjson.JSONDecodeError, orjson.JSONEncodeError, RecursionError):
            return None

    def _line(self, value: Any, columns: Columns) -> Any:
        if not isinstance(value, (dict, list)):
            # A line of CSV may pass as JSON: `41` is both.
            raise orjson.JSONDecodeError("no object and no list", "", 0)
        return self._document(value, columns)

    def _document(self, value: Any, columns: Columns) -> Any:
        if isinstance(value, list):
            return self._rows(value, columns)
        return self._anywhere(value, columns)

    def _member(self, name: str, value: Any, columns: Columns) -> Any:
        if name in self._members:
            return REDACTED
        if name in _BY_POSITION:
            return self._rows(value, columns)
        if name in columns:
            return self._tensor(name, value, None, columns)
        return self._anywhere(value, columns)

    def _rows(self, value: Any, columns: Columns) -> Any:
        """Redact values that may have no names: those of a model's only tensor."""
        if not isinstance(value, list):
            return self._anywhere(value, columns)
        if any(isinstance(row, dict) for row in value):
            return [self._row(row, columns) for row in value]
        return self._row(value, columns)

    def _row(self, value: Any, columns: Columns) -> Any:
        if isinstance(value, dict):
            return self._anywhere(value, columns)
        if len(columns) == 1:
            return self._tensor(next(iter(columns)), value, None, columns)
        # Nobody can say which of several tensors this is, so it is none that may be written.
        return REDACTED

    def _anywhere(self, value: Any, columns: Columns) -> Any:
        if isinstance(value, list):
            return [self._anywhere(item, columns) for item in value]
        if not isinstance(value, dict):
            return value
        name = value.get("name")
        if isinstance(name, str) and "data" in value:
            data = self._tensor(name, value["data"], value.get("shape"), columns)
            others = {key: item for key, item in value.items() if key not in ("name", "data")}
            return {"name": name, **self._anywhere(others, columns), "data": data}
        return {key: self._member(key, item, columns) for key, item in value.items()}

    def _tensor(self, name: str, data: Any, shape: Any, columns: Columns) -> Any:
        """Redact the values of one tensor, given nested, or flat with a shape."""
        if name in self._members:
            return REDACTED
        hidden = {
            number
            for number, column in enumerate(columns.get(name, ()))
            if column in self._names or f"{name}.{column}" in self._names
        }
        if not hidden:
            return self._anywhere(data, columns)
        width = len(columns[name])
        if not isinstance(data, list):
            return REDACTED
        if any(isinstance(item, list) for item in data):
            return [self._tensor(name, item, None, columns) for item in data]
        given = shape[-1] if isinstance(shape, list) and shape else width
        if given != width or len(data) % width:
            return REDACTED
        return [REDACTED if at % width in hidden else item for at, item in enumerate(data)]
