"""The functions of metric math, each as the table of the CloudWatch user guide describes it.

Pure. A function takes the grid (the start of every period asked for) and its arguments: numbers,
series (`{period start: value}`), lists of series, or a keyword as text.
"""

import math
import statistics
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

from modelway.emulator.cloudwatch.expression import MathError

Series = dict[float, float]
Value = float | Series | list[Series]
Grid = Sequence[float]


def each(value: Value, change: Callable[[float], float]) -> Value:
    """Change every number of a value; what cannot be computed is dropped."""
    if isinstance(value, list):
        return [_changed(series, change) for series in value]
    if isinstance(value, dict):
        return _changed(value, change)
    return change(value)


def _changed(series: Series, change: Callable[[float], float]) -> Series:
    result: Series = {}
    for at, number in series.items():
        try:
            result[at] = float(change(number))
        except (ValueError, OverflowError):
            continue
    return result


def _pointwise(change: Callable[[float], float]) -> Callable[[Grid, list[Any]], Value]:
    def function(_grid: Grid, arguments: list[Any]) -> Value:
        (value,) = arguments
        return each(value, change)

    return function


def _along(change: Callable[[Series], Series]) -> Callable[[Grid, list[Any]], Value]:
    """A function of one series, applied to each series of a list too."""

    def function(_grid: Grid, arguments: list[Any]) -> Value:
        (value,) = arguments
        return [change(series) for series in value] if isinstance(value, list) else change(value)

    return function


def _reduced(
    reduce: Callable[[Sequence[float]], float], missing_is_zero: bool = False
) -> Callable[[Grid, list[Any]], Value]:
    """A function that makes a number of one series, and one series of many."""

    def over(numbers: Sequence[float]) -> float:
        return reduce(numbers) if numbers else math.nan

    def function(grid: Grid, arguments: list[Any]) -> Value:
        (value,) = arguments
        if isinstance(value, dict):
            missing = max(len(grid) - len(value), 0) if missing_is_zero else 0
            return over([*value.values(), *[0.0] * missing])
        result: Series = {}
        for at in sorted({at for series in value for at in series}):
            present = [series[at] for series in value if at in series]
            missing = len(value) - len(present) if missing_is_zero else 0
            result[at] = over([*present, *[0.0] * missing])
        return result

    return function


def _difference(series: Series) -> Series:
    times = sorted(series)
    return {at: series[at] - series[before] for before, at in pairwise(times)}


def _elapsed(series: Series) -> Series:
    times = sorted(series)
    return {at: at - before for before, at in pairwise(times)}


def _rate(series: Series) -> Series:
    elapsed = _elapsed(series)
    return {at: change / elapsed[at] for at, change in _difference(series).items()}


def _running_sum(series: Series) -> Series:
    total, result = 0.0, Series()
    for at in sorted(series):
        total += series[at]
        result[at] = total
    return result


def _fill(grid: Grid, arguments: list[Any]) -> Value:
    value, filler = arguments
    if isinstance(value, list):
        return [_filled(grid, series, filler) for series in value]
    return _filled(grid, value, filler)


def _filled(grid: Grid, series: Series, filler: Any) -> Series:
    if not isinstance(filler, dict | float) and filler not in ("REPEAT", "LINEAR"):
        raise MathError("FILL takes a series and a number, a series, REPEAT or LINEAR")
    times = sorted(series)
    result: Series = {}
    for at in grid:
        value = series.get(at)
        if value is None:
            value = filler.get(at) if isinstance(filler, dict) else filler
        if value == "REPEAT":
            value = next((series[time] for time in reversed(times) if time < at), None)
        elif value == "LINEAR":
            value = _between(series, times, at)
        if value is not None:
            result[at] = value
    return result


def _between(series: Series, times: Sequence[float], at: float) -> float | None:
    """The value at `at` on the line between its neighbours; beside the ends, the nearest value."""
    low = next((time for time in reversed(times) if time < at), None)
    high = next((time for time in times if time > at), None)
    if low is None or high is None:
        nearest = high if low is None else low
        return None if nearest is None else series[nearest]
    return series[low] + (series[high] - series[low]) / (high - low) * (at - low)


def _if(_grid: Grid, arguments: list[Any]) -> Value:
    condition, when_true, *rest = arguments
    when_false = rest[0] if rest else {}
    if isinstance(condition, float):
        return when_true if condition else when_false
    result: Series = {}
    for at, truth in condition.items():
        if truth:
            # The guide: 0 where the condition holds and the second series has no value.
            result[at] = when_true.get(at, 0.0) if isinstance(when_true, dict) else when_true
        elif not isinstance(when_false, dict):
            result[at] = when_false
        elif at in when_false:
            result[at] = when_false[at]
    return result


def _sort(_grid: Grid, arguments: list[Any]) -> Value:
    value, by, order, *limit = arguments
    reduce = {"AVG": statistics.fmean, "MIN": min, "MAX": max, "SUM": sum}[by]
    ranked = sorted(
        (series for series in value if series),
        key=lambda series: reduce(list(series.values())),
        reverse={"ASC": False, "DESC": True}[order],
    )
    return ranked[: int(limit[0])] if limit else ranked


def _slice(_grid: Grid, arguments: list[Any]) -> Value:
    value, first, *last = arguments
    return value[int(first) : int(last[0])] if last else value[int(first) :]


def _by_clock(part: Callable[[datetime], int]) -> Callable[[Grid, list[Any]], Value]:
    def function(grid: Grid, _arguments: list[Any]) -> Value:
        return {at: float(part(datetime.fromtimestamp(at, UTC))) for at in grid}

    return function


FUNCTIONS: dict[str, Callable[[Grid, list[Any]], Value]] = {
    "ABS": _pointwise(abs),
    "AVG": _reduced(statistics.fmean, missing_is_zero=True),
    "CEIL": _pointwise(math.ceil),
    "DATAPOINT_COUNT": _reduced(lambda numbers: float(len(numbers))),
    "DATE": _by_clock(lambda at: at.day),
    "DAY": _by_clock(lambda at: at.isoweekday()),
    "DIFF": _along(_difference),
    "DIFF_TIME": _along(_elapsed),
    "EPOCH": _by_clock(lambda at: int(at.timestamp())),
    "FILL": _fill,
    "FIRST": lambda _grid, arguments: arguments[0][0],
    "FLOOR": _pointwise(math.floor),
    "HOUR": _by_clock(lambda at: at.hour),
    "IF": _if,
    "LAST": lambda _grid, arguments: arguments[0][-1],
    "LOG": _pointwise(math.log),
    "LOG10": _pointwise(math.log10),
    "MAX": _reduced(max),
    "METRIC_COUNT": lambda _grid, arguments: float(len(arguments[0])),
    "MIN": _reduced(min),
    "MINUTE": _by_clock(lambda at: at.minute),
    "MONTH": _by_clock(lambda at: at.month),
    "RATE": _along(_rate),
    "REMOVE_EMPTY": lambda _grid, arguments: [series for series in arguments[0] if series],
    "RUNNING_SUM": _along(_running_sum),
    "SLICE": _slice,
    "SORT": _sort,
    "STDDEV": _reduced(statistics.pstdev),
    "SUM": _reduced(sum),
    "TIME_SERIES": lambda grid, arguments: dict.fromkeys(grid, float(arguments[0])),
    "YEAR": _by_clock(lambda at: at.year),
}
