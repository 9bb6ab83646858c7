"""One captured answer as plain values: numbers and labels by their place.

Takes the `endpointOutput` of a captured line, gives values by field. JSON and CSV are read;
anything else, such as a captured image, is one value that is equal or not. Indices of lists tell
values of one field apart, so that field `predictions.label` holds a label for each row. Must not
raise for what an answer holds.
"""

import base64
import binascii
import json
from collections.abc import Iterator
from typing import Any, cast

Field = str
"""A place without its indices, such as `predictions.probabilities`; `column 2` in CSV."""

Value = bool | int | float | str | None

Values = dict[tuple[Field, tuple[int, ...]], Value]
"""A field and the indices on the way to the value."""

WHOLE = "answer"
"""The field of an answer that is one value."""


def values_of(output: dict[str, Any]) -> Values:
    """Give the values of one answer.

    Args:
        output: `captureData.endpointOutput` of a captured line.
    """
    data, encoding = output.get("data"), output.get("encoding")
    text = data if isinstance(data, str) else json.dumps(data)
    content_type = str(output.get("observedContentType", "")).partition(";")[0].strip().lower()
    if encoding == "BASE64":
        try:
            content = base64.b64decode(text, validate=True)
            plain = content.decode()
        except (binascii.Error, ValueError):
            return {(WHOLE, ()): text}
        # Captured as base64 because nobody said that the type is text; it may be all the same.
        encoding = {"application/json": "JSON", "text/csv": "CSV"}.get(content_type, "")
        if not encoding:
            return {(WHOLE, ()): text}
        text = plain
    if encoding == "CSV":
        return dict(_cells(text))
    try:
        return dict(_leaves(json.loads(text), "", ()))
    except (ValueError, RecursionError):
        return {(WHOLE, ()): text}


def _leaves(
    value: object, field: Field, indices: tuple[int, ...]
) -> Iterator[tuple[tuple[Field, tuple[int, ...]], Value]]:
    """Walk through JSON down to its values."""
    if isinstance(value, dict):
        for key, member in cast("dict[str, object]", value).items():
            yield from _leaves(member, f"{field}.{key}" if field else key, indices)
    elif isinstance(value, list):
        for index, member in enumerate(cast("list[object]", value)):
            yield from _leaves(member, field, (*indices, index))
    else:
        yield (field or WHOLE, indices), cast("Value", value)


def _cells(text: str) -> Iterator[tuple[tuple[Field, tuple[int, ...]], Value]]:
    """Walk through CSV; a cell that is no number is a label."""
    for row, line in enumerate(text.splitlines()):
        for column, cell in enumerate(line.split(",")):
            yield (f"column {column}", (row,)), _cell(cell.strip())


def _cell(text: str) -> Value:
    """Give a number where a cell holds one."""
    for kind in (int, float):
        try:
            return kind(text)
        except ValueError:
            continue
    return text
