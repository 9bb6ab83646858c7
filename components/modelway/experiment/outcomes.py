"""Outcomes of predictions, read from lines of JSON or CSV.

Takes lines, gives a number for each inference id. Three forms are read:

- JSON lines with an id (`inferenceId`, `inference_id`, `eventId` or `id`) and a value (`outcome` or
  `value`, or the field that the user names);
- CSV with a header of the same names, in files that end with `.csv` or `.csv.gz`;
- SageMaker Model Monitor's ground truth (`groundTruthData.data`, `eventMetadata.eventId`; developer
  guide, Ingest Ground Truth labels, read 2026-11-28).

Numbers count as they are, true as 1 and false as 0. Must not open files.
"""

import csv
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from modelway.errors import ExperimentError
from modelway.experiment.line import Line, Unreadable, json_object, name, nested, number

ID_FIELDS = ("inferenceId", "inference_id", "eventId", "id")
"""Tried in this order."""

VALUE_FIELDS = ("outcome", "value")
"""Likewise."""


@dataclass
class Outcomes:
    """What became of predictions."""

    values: dict[str, float] = field(default_factory=dict)
    """By inference id; finite."""
    contradicting: set[str] = field(default_factory=set)
    """Ids with two different values; they have none in `values`."""
    not_finite: int = 0
    """Lines whose value is NaN or infinite."""
    unreadable: Unreadable = field(default_factory=Unreadable)
    """Lines without an id or a value."""

    def add(self, inference_id: str, value: float) -> None:
        """Take one in; the same value again changes nothing."""
        if not math.isfinite(value):
            self.not_finite += 1
        elif inference_id in self.contradicting:
            return
        elif self.values.setdefault(inference_id, value) != value:
            del self.values[inference_id]
            self.contradicting.add(inference_id)


def read_outcomes(lines: Iterable[Line], value_field: str | None = None) -> Outcomes:
    """Read outcomes.

    Args:
        lines: of one or more files, the lines of a file together.
        value_field: name of the field or column with the value. Default: `outcome` or `value`.

    Raises:
        ExperimentError: a CSV file has no column for the id or for the value.
    """
    outcomes = Outcomes()
    fields = VALUE_FIELDS if value_field is None else (value_field,)
    for path, of_file in groupby(lines, key=lambda line: line.path):
        if path.lower().removesuffix(".gz").endswith(".csv"):
            rows = _csv_rows(path, of_file, fields)
        else:
            rows = ((line, json_object(line.text)) for line in of_file if line.text.strip())
        for line, row in rows:
            read = None if row is None else _read(row, fields)
            if read is None:
                outcomes.unreadable.add(line)
            else:
                outcomes.add(*read)
    return outcomes


def _read(row: dict[str, Any], fields: tuple[str, ...]) -> tuple[str, float] | None:
    event, truth = nested(row, "eventMetadata"), nested(row, "groundTruthData")
    if truth is not None and event is not None:
        row = {**event, fields[0]: truth.get("data")}
    inference_id = next(filter(None, (name(row.get(key)) for key in ID_FIELDS)), "")
    values = (number(row.get(key)) for key in fields)
    value = next((found for found in values if found is not None), None)
    return None if not inference_id or value is None else (inference_id, value)


def _csv_rows(
    path: str, lines: Iterable[Line], fields: tuple[str, ...]
) -> Iterator[tuple[Line, dict[str, Any] | None]]:
    """Give the rows, each with the line that it ends in."""
    last = Line(path, 0, "")

    def texts() -> Iterator[str]:
        nonlocal last
        for line in lines:
            last = line
            yield line.text + "\n"

    reader = csv.DictReader(texts())
    try:
        columns = [column.strip().removeprefix("\ufeff") for column in reader.fieldnames or ()]
        if columns:
            reader.fieldnames = columns
            for what, wanted in (("inference id", ID_FIELDS), ("outcome", fields)):
                if not set(wanted) & set(columns):
                    raise ExperimentError(
                        f"reading outcomes from {path}: no column holds the {what}; the columns "
                        f"are {', '.join(columns)}; allowed: {', '.join(wanted)}. Name them so, or "
                        "name the one with the value with --outcome-field"
                    )
        for row in reader:
            yield last, row
    except csv.Error:
        # A field of more than 128 KiB, most often after a quote that never ends.
        yield last, None
