"""Input rules: what values may go into a model, beyond names, datatypes and shapes.

Takes arrays that fit the model's contract, gives everything that is wrong with their values, and
counts what was seen by field. `rule_file` makes rules from a file; `field_rule` says what one value
must be. Must not know formats or transports.

Good input is the normal case, so it is looked at as a whole: two or three operations of numpy a
tensor. Only when one of them fails is it looked at value by value.
"""

import math
import threading
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from model_server.core.errors import MAX_PROBLEMS
from model_server.core.field_rule import FieldRule, Kind, Missing, Scalar
from model_server.core.quick_checks import bounds, quick_check
from model_server.core.tensors import Array, TensorSpec, rows_of

LISTED_COLUMNS = 10
"""Columns named in one message at most."""


class TensorRules:
    """The rules of one input: one field for all its values, or one a column of its last axis."""

    def __init__(
        self, spec: TensorSpec, fields: Sequence[FieldRule], columns: Sequence[str] = ()
    ) -> None:
        """Prepare the checks.

        Args:
            spec: the input.
            fields: one rule, or one for each column.
            columns: names of the columns; none, or one for each rule.
        """
        assert spec.dtype is not None  # inputs are always tensors
        self.spec = spec
        self.name = spec.name
        self.dtype = spec.dtype
        self.fields = tuple(fields)
        self.columns = tuple(columns)
        self.values_seen = 0
        """Values of arrays that were looked at. Written where nothing else can run between the
        read and the write: CPython switches threads at calls and jumps back only."""
        self.fits = quick_check(spec, self.fields)
        """Whether every value of an array fits, and none is missing."""
        self._low = bounds(self.dtype, [rule.low for rule in fields], high=False)
        self._high = bounds(self.dtype, [rule.high for rule in fields], high=True)
        self._judging = [number for number, rule in enumerate(fields) if rule.judges_each]
        self._refused = _columns_with(Missing.REFUSE, fields)
        self._replaced = _columns_with(Missing.REPLACE, fields)
        self._replacements = _replacements(self.dtype, fields)
        self._counts = {kind: np.zeros(len(self.fields), dtype=np.int64) for kind in Kind}
        self._lock = threading.Lock()

    def field_at(self, last: int) -> FieldRule:
        """Give the rule of a position on the last axis; one beyond the columns has the last."""
        return self.fields[min(last, len(self.fields) - 1)]

    def fill(self, last: int) -> Scalar | None:
        """Give what stands in for a missing value at a position on the last axis.

        Returns:
            None where it must not be missing; NaN where the model takes NaN.
        """
        rule = self.field_at(last)
        return math.nan if rule.missing is Missing.ALLOW else rule.replacement

    def count_filled(self, positions: Iterable[int]) -> None:
        """Count the values that `fill` stood in for, by their positions on the last axis.

        NaN is left to `InputRules.problems`, which sees it in the array.
        """
        for last in positions:
            if self.field_at(last).missing is Missing.REPLACE:
                self.count(Kind.MISSING, last)
                self.count(Kind.REPLACED, last)

    def count(self, kind: Kind, last: int) -> None:
        """Count one value at a position on the last axis."""
        with self._lock:
            self._counts[kind][min(last, len(self.fields) - 1)] += 1

    def count_missing(self, last: int) -> None:
        """Count one missing value of a request of which no array will be made."""
        self.count(Kind.MISSING, last)

    def counts(self) -> dict[tuple[str, str], int]:
        """Give what was counted, without what never came."""
        with self._lock:
            numbers = {kind: counted.tolist() for kind, counted in self._counts.items()}
        each = self.values_seen // len(self.fields)
        numbers[Kind.SEEN] = [number + each for number in numbers[Kind.SEEN]]
        return {
            (rule.name, kind.value): number
            for kind, counted in numbers.items()
            for rule, number in zip(self.fields, counted, strict=True)
            if number
        }

    def look_closely(self, array: Array) -> tuple[Array, list[str]]:
        """Find everything that is wrong with an array, value by value, and count it.

        Returns:
            The array with replacements for missing values, a copy where there were any; and the
            problems, of which the last says how many more there are.
        """
        if self.columns and array.shape[-1] != len(self.columns):
            named, given = self._named_columns(), array.shape[-1]
            text = f"input {self.name!r} has {len(self.columns)} columns ({named}), not {given}"
            return array, [text]
        table = array.reshape(-1, len(self.fields))
        bad: list[Array] = []
        if self.dtype.kind == "f":
            table = self._without_missing(table, bad)
        # Comparisons with NaN are false, so what is missing breaks none of these limits.
        if self._low is not None:
            self._note(Kind.BELOW_MIN, table < self._low, bad)
        if self._high is not None:
            self._note(Kind.ABOVE_MAX, table > self._high, bad)
        if self._judging:
            self._judge_each(table, bad)
        problems = self._told(table, np.logical_or.reduce(bad), array.shape) if bad else []
        return table.reshape(array.shape), problems

    def _without_missing(self, table: Array, bad: list[Array]) -> Array:
        absent = np.isnan(table)
        if not self._note(Kind.MISSING, absent):
            return table
        if self._refused is not None:
            refused = absent & self._refused
            if _holds_true(refused):
                bad.append(refused)
        if self._replaced is None:
            return table
        there = absent & self._replaced
        if not self._note(Kind.REPLACED, there):
            return table
        return np.where(there, self._replacements, table)

    def _judge_each(self, table: Array, bad: list[Array]) -> None:
        found: dict[Kind, Array] = {}
        for column in self._judging:
            judge = self.fields[column].problem
            for line, value in enumerate(table[:, column].tolist()):
                problem = judge(value)
                if problem is not None and problem[0] in _JUDGED_EACH:
                    mask = found.setdefault(problem[0], np.zeros(table.shape, dtype=np.bool_))
                    mask[line, column] = True
        for kind, mask in found.items():
            self._note(kind, mask, bad)

    def _note(self, kind: Kind, found: Array, bad: list[Array] | None = None) -> bool:
        """Count by column where something was found, and note it as bad; False without any."""
        if not _holds_true(found):
            return False
        numbers = np.add.reduce(found, 0, dtype=np.int64)
        with self._lock:
            self._counts[kind] += numbers
        if bad is not None:
            bad.append(found)
        return True

    def _told(self, table: Array, bad: Array, shape: tuple[int, ...]) -> list[str]:
        total = int(np.count_nonzero(bad))
        # One entry is kept for the number of the rest, so that it is right however many there are.
        listed = total if total <= MAX_PROBLEMS else MAX_PROBLEMS - 1
        width = table.shape[1]
        places = np.flatnonzero(bad)[:listed]
        indexes = np.array(np.unravel_index(places, shape or (1,))).T.tolist()
        told: list[str] = []
        for number, index in zip(places.tolist(), indexes, strict=True):
            line, column = divmod(number, width)
            found = self.fields[column].problem(table[line, column])
            assert found is not None  # `bad` holds the values that do not fit
            told.append(f"{self.place(tuple(index) if shape else ())} {found[1]}")
        if total > listed:
            told.append(f"and {total - listed} more values of input {self.name!r}")
        return told

    def place(self, index: tuple[int, ...]) -> str:
        """Name the position of a value, rows counted from 0: ``input 'x', row 3, column 'age'``."""
        words = [f"input {self.name!r}"]
        if index:
            words.append(f"row {index[0]}")
        words += [f"[{at}]" for at in index[1:-1]]
        if len(index) > 1:
            column = repr(self.columns[index[-1]]) if self.columns else str(index[-1])
            words.append(f"column {column}")
        return ", ".join(words)

    def _named_columns(self) -> str:
        listed = ", ".join(repr(name) for name in self.columns[:LISTED_COLUMNS])
        return f"{listed}, ..." if len(self.columns) > LISTED_COLUMNS else listed


_JUDGED_EACH = frozenset((Kind.UNKNOWN_CATEGORY, Kind.TOO_LONG, Kind.PATTERN))


def _columns_with(missing: Missing, fields: Sequence[FieldRule]) -> Array | None:
    """Give which columns have that rule for missing values, or None when none has."""
    found = np.array([rule.missing is missing for rule in fields])
    return found if found.any() else None


def _holds_true(mask: Array) -> bool:
    return b"\x01" in mask.tobytes()  # a quarter of the time of `any()`


def _replacements(dtype: np.dtype[Any], fields: Sequence[FieldRule]) -> Array:
    values = [rule.replacement for rule in fields]
    nothing = "" if dtype.kind == "O" else 0
    return np.array([nothing if value is None else value for value in values], dtype=dtype)


class InputRules:
    """The rules of a model's inputs. May be asked from several threads at once."""

    def __init__(
        self,
        tensors: Sequence[TensorRules],
        max_rows: int | None = None,
        example: Mapping[str, Any] | None = None,
    ) -> None:
        self.tensors = {rules.name: rules for rules in tensors}
        """Rules by input; an input without any is not here."""
        self.max_rows = max_rows
        """Rows of a request at most; None: as many as the body limit lets in."""
        self.example = example
        """One row by input name, as nested lists of the input's shape without its first axis. None
        is a value that reaches the model as NaN; other missing values have their replacement."""
        # The first axis of every input is the rows; asked by name it costs a tenth.
        self._rows_input = next((rules.name for rules in tensors if rules.spec.shape), "")
        self._checks = tuple((rules.name, rules.fits, rules) for rules in tensors)

    def problems(self, inputs: dict[str, Array]) -> list[str]:
        """List everything that is wrong with the values of a request, and count what was seen.

        Missing values that have a replacement get it: ``inputs`` then holds a new array.

        Args:
            inputs: arrays against which `Contract.problems` found nothing. Inputs that are not
                there are left out.
        """
        if self.max_rows is not None:
            array = inputs.get(self._rows_input)
            rows = len(array) if array is not None else rows_of(inputs) if inputs else 0
            if rows > self.max_rows:
                text = f"the request has {rows} rows; this model takes {self.max_rows} at most"
                return [text, *self._look_closely(inputs)]
        for name, fits, rules in self._checks:
            array = inputs.get(name)
            if array is None or not fits(array):
                return self._look_closely(inputs, rules)
            rules.values_seen += array.size
        return []

    def _look_closely(
        self, inputs: dict[str, Array], first: TensorRules | None = None
    ) -> list[str]:
        """Look at every input from the first one on that did not fit."""
        found: list[str] = []
        for name, fits, rules in self._checks:
            first = None if rules is first else first
            array = inputs.get(name)
            if first is not None or array is None:
                continue
            rules.values_seen += array.size
            if not fits(array):
                inputs[name], problems = rules.look_closely(array)
                found += problems
        return found

    def counts(self) -> dict[tuple[str, str], int]:
        """Give how often each kind of thing was seen of each field.

        Returns:
            Numbers by field (``tensor`` or ``tensor.column``) and `Kind`: values ``seen``, and of
            these the ones ``missing``, ``replaced``, ``below_min``, ``above_max``,
            ``unknown_category``, ``too_long`` and not matching the ``pattern``. Kinds that never
            came are left out.
        """
        counted: dict[tuple[str, str], int] = {}
        for rules in self.tensors.values():
            counted.update(rules.counts())
        return counted
