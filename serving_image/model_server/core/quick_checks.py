"""Whether a whole array fits its rules, in two or three operations of numpy.

Takes the rules of one input, gives a function that says yes or no. A no may also mean that a value
is missing, which the rules may allow. Must not say what is wrong: `rules` finds that out.
"""

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from model_server.core.field_rule import FieldRule
from model_server.core.tensors import Array, TensorSpec

Fits = Callable[[Array], bool]


def quick_check(spec: TensorSpec, fields: Sequence[FieldRule]) -> Fits:
    """Give the check of an input with one rule, or with one for each column of its last axis."""
    checks: list[Fits] = []
    if any(rule.column is not None for rule in fields) and not isinstance(spec.shape[-1], int):
        # The contract leaves the number of columns free; the rules do not.
        checks.append(_has_columns(len(fields)))
    if spec.dtype is not None and spec.dtype.kind in "fiu":
        checks += _range_checks(spec.dtype, fields)
    checks += _category_checks(spec, fields)
    checks += [
        _texts_fit(rule, column, len(fields))
        for column, rule in enumerate(fields)
        if rule.max_length is not None or rule.pattern is not None
    ]
    if len(checks) == 1:
        return checks[0]

    def fits(array: Array) -> bool:
        for check in checks:  # noqa: SIM110  # all() with a generator costs 0.3 us more
            if not check(array):
                return False
        return True

    return fits


def bounds(dtype: np.dtype[Any], limits: Sequence[Any], *, high: bool) -> Array | None:
    """Give limits as an array of the datatype, open where one is None; None when all are open."""
    if all(limit is None for limit in limits):
        return None
    return _filled(dtype, limits, high=high)


def _filled(dtype: np.dtype[Any], limits: Sequence[Any], *, high: bool) -> Array:
    if dtype.kind == "f":
        edge = math.inf if high else -math.inf
    else:
        edge = int(np.iinfo(dtype).max if high else np.iinfo(dtype).min)
    return np.array([edge if limit is None else limit for limit in limits], dtype=dtype)


def _range_checks(dtype: np.dtype[Any], fields: Sequence[FieldRule]) -> list[Fits]:
    lows = [rule.low if rule.known is None else min(rule.known) for rule in fields]
    highs = [rule.high if rule.known is None else max(rule.known) for rule in fields]
    if dtype.kind != "f" and all(limit is None for limit in lows + highs):
        return []
    # Floats are looked at even when the range is open: NaN compares false, so it fits nowhere.
    low, high = _filled(dtype, lows, high=False), _filled(dtype, highs, high=True)
    if (low == low[0]).all() and (high == high[0]).all():
        return [_same_range(low[0].item(), high[0].item())]
    return [_range_by_column(low, high)]


def _same_range(low: Any, high: Any) -> Fits:
    def fits(array: Array) -> bool:
        # argmin and argmax give the place of a NaN where there is one. They cost a third of
        # min and max, which go through Python.
        return low <= array.item(array.argmin()) and array.item(array.argmax()) <= high

    return fits


def _range_by_column(low: Array, high: Array) -> Fits:
    width = len(low)
    # Shaped as one row: numpy takes a shorter way for equal shapes.
    low_row, high_row = low.reshape(1, width), high.reshape(1, width)
    all_true = b"\x01" * width
    smallest, largest = np.minimum.reduce, np.maximum.reduce  # both hand on a NaN

    def fits(array: Array) -> bool:
        if array.size == width:
            # Comparing bytes costs a tenth of `all()`.
            return (array >= low_row).tobytes() == all_true and (
                array <= high_row
            ).tobytes() == all_true
        table = array.reshape(-1, width)
        return (smallest(table, 0) >= low).tobytes() == all_true and (
            largest(table, 0) <= high
        ).tobytes() == all_true

    return fits


def _has_columns(width: int) -> Fits:
    return lambda array: array.shape[-1] == width


def _category_checks(spec: TensorSpec, fields: Sequence[FieldRule]) -> list[Fits]:
    known = [
        (column, rule.known)
        for column, rule in enumerate(fields)
        if rule.known is not None and not _has_no_gap(spec, rule.known)
    ]
    if not known:
        return []
    if len(fields) == 1:
        includes = known[0][1].issuperset
        return [lambda array: includes(array.ravel().tolist())]
    one_row = (1, len(fields))

    def fits(array: Array) -> bool:
        if array.shape == one_row:
            item = array.item
            for column, values in known:  # noqa: SIM110  # as above
                if item(column) not in values:
                    return False
            return True
        return all(values.issuperset(array[..., at].ravel().tolist()) for at, values in known)

    return [fits]


def _has_no_gap(spec: TensorSpec, known: frozenset[Any]) -> bool:
    """Whether categories are whole numbers without a gap, which the range check settles."""
    if spec.dtype is None or spec.dtype.kind not in "iu":
        return False
    return max(known) - min(known) + 1 == len(known)


def _texts_fit(rule: FieldRule, column: int, width: int) -> Fits:
    longest = rule.max_length
    matches = None if rule.pattern is None else rule.pattern.compiled.fullmatch

    def fits(array: Array) -> bool:
        texts = (array if width == 1 else array[..., column]).ravel().tolist()
        if longest is not None and max(map(len, texts)) > longest:
            return False
        return matches is None or all(map(matches, texts))

    return fits
