"""How right a model's answers are, and how much less right a variant's.

Takes outputs and what is true of each row, or the original's outputs where that is not known; gives
a score in percent with its name. What is compared follows from the output: classes agree or do not,
numbers explain some share of the variance (R2). Pure.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from modelway.errors import PackageError

RELATIVE, ABSOLUTE = 1e-4, 1e-5
"""Differences that are rounding: kernels for one row and for several add in different orders."""

MATRIX_AXES = 2


@dataclass(frozen=True)
class Measure:
    """What is compared, and with what."""

    output: str
    """Name of the model's output."""
    kind: str
    """`label`, `largest` (the position of the largest value in a row) or `number`."""
    against: str
    """`labels` or `original`."""

    @property
    def name(self) -> str:
        """As tables call it."""
        if self.kind == "number":
            return "R2" if self.against == "labels" else "R2 against the original"
        return "accuracy" if self.against == "labels" else "agreement with the original"


def choose_measure(outputs: Mapping[str, Any], labels: Sequence[Any] | None) -> Measure:
    """Choose the output that is judged: the first of labels, else the first.

    Args:
        outputs: the original's.
        labels: what is true of each row; None where that is not known.

    Raises:
        PackageError: the labels cannot be compared with any output.
    """
    against = "original" if labels is None else "labels"
    for name, values in outputs.items():
        if values.dtype.kind in "OUSiub" and values.size == len(values):
            return Measure(name, "label", against)
    name, values = next(iter(outputs.items()))
    if values.dtype.kind not in "fiub":
        raise PackageError(f"the output `{name}` is neither numbers nor one label a row")
    if values.ndim == MATRIX_AXES and values.shape[1] > 1:
        measure = Measure(name, "largest", against)
        if labels is not None and not all(_is_class(each, values.shape[1]) for each in labels):
            raise PackageError(
                f"the labels are not positions in the output `{name}`, 0 to {values.shape[1] - 1}; "
                "number the classes, or leave out --labels to compare with the original"
            )
        return measure
    if labels is not None:
        numbers = _numbers(labels)
        if values.size != len(values) or np.ptp(numbers) == 0:
            raise PackageError(
                f"the labels do not fit the output `{name}`: it needs one number a row, and not "
                "all equal; leave out --labels to compare with the original"
            )
    return Measure(name, "number", against)


def score_percent(measure: Measure, outputs: Mapping[str, Any], truth: Any) -> float:
    """Give a score, 100 for what is always right.

    Args:
        measure: as `choose_measure` gave it.
        outputs: of the model that is judged.
        truth: labels, or the original's outputs.
    """
    given = np.asarray(outputs[measure.output])
    wanted = truth if measure.against == "labels" else truth[measure.output]
    if measure.kind == "number":
        return _explained_percent(given, wanted)
    if measure.kind == "largest":
        given = given.argmax(axis=1)
        if measure.against == "original":
            wanted = np.asarray(wanted).argmax(axis=1)
    equal = [_text(a) == _text(b) for a, b in zip(given.ravel(), np.ravel(wanted), strict=True)]
    return 100.0 * sum(equal) / len(equal)


def largest_difference(outputs: Mapping[str, Any], originals: Mapping[str, Any]) -> float:
    """Give how far numbers are from the original's, at most; infinite where one side has none."""
    largest = 0.0
    for name, wanted in originals.items():
        if wanted.dtype.kind == "f" and wanted.size:
            given = np.asarray(outputs[name], dtype=np.float64)
            with np.errstate(invalid="ignore"):
                apart = np.abs(given - wanted.astype(np.float64))
            same = (given == wanted) | (np.isnan(given) & np.isnan(wanted))
            apart = np.where(same, 0.0, np.where(np.isnan(apart), np.inf, apart))
            largest = max(largest, float(apart.max()))
    return largest


def same_numbers(some: Mapping[str, Any], others: Mapping[str, Any]) -> bool:
    """Tell whether outputs are the same, but for rounding."""
    return all(
        np.allclose(values, others[name], RELATIVE, ABSOLUTE, equal_nan=True)
        if values.dtype.kind == "f"
        else np.array_equal(values, others[name])
        for name, values in some.items()
    )


def _explained_percent(given: Any, wanted: Any) -> float:
    """Give R2; of answers that do not vary, 100 where they are equal and 0 otherwise."""
    given = np.asarray(given, dtype=np.float64).ravel()
    wanted = _numbers(wanted)
    left = float(((given - wanted) ** 2).sum())
    whole = float(((wanted - wanted.mean()) ** 2).sum())
    if not np.isfinite(left):
        return -np.inf
    if whole == 0:
        return 100.0 if left == 0 else 0.0
    return 100.0 * (1 - left / whole)


def _numbers(values: Any) -> Any:
    try:
        return np.asarray(values, dtype=np.float64).ravel()
    except (TypeError, ValueError):
        raise PackageError(
            "the labels are not numbers, and the model's output is; leave out --labels to compare "
            "with the original"
        ) from None


def _is_class(value: Any, count: int) -> bool:
    text = _text(value)
    return text.isdecimal() and int(text) < count


def _text(value: Any) -> str:
    """Spell a label in one way: 3, 3.0 and '3' are one class."""
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    return str(int(number)) if number.is_integer() else repr(number)
