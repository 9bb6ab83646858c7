"""What metric math means: a tree and the series it reads in, a series out.

Pure. Rules: CloudWatch user guide, "Metric math syntax and functions": in arithmetic and
comparisons between two series a missing value counts as 0, and a data point that would divide by
zero is dropped. What is not known here (SEARCH, ANOMALY_DETECTION_BAND, INSIGHT_RULE_METRIC,
SERVICE_QUOTA, SQL) is refused by name.
"""

import math
import operator
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from modelway.emulator.cloudwatch import functions
from modelway.emulator.cloudwatch.expression import (
    Array,
    Call,
    MathError,
    Name,
    Negated,
    Node,
    Number,
    Operation,
    Text,
    parse,
)
from modelway.emulator.cloudwatch.functions import Series, Value

__all__ = ["MathError", "Request", "Series", "Value", "evaluate", "parse"]

_OPERATORS: dict[str, Callable[[float, float], float]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "^": operator.pow,
    "==": lambda a, b: float(a == b),
    "!=": lambda a, b: float(a != b),
    "<=": lambda a, b: float(a <= b),
    ">=": lambda a, b: float(a >= b),
    "<": lambda a, b: float(a < b),
    ">": lambda a, b: float(a > b),
    "AND": lambda a, b: float(bool(a) and bool(b)),
    "OR": lambda a, b: float(bool(a) or bool(b)),
}
_KEYWORDS = {"REPEAT", "LINEAR", "AVG", "MIN", "MAX", "SUM", "ASC", "DESC"}


@dataclass(frozen=True)
class Request:
    """What an expression may read."""

    series: Mapping[str, Value]
    """By Id: metrics and the expressions evaluated so far."""
    metrics: Sequence[str]
    """The Ids that are metrics, in the order of the request; METRICS() gives these."""
    grid: Sequence[float]
    """The start of every period asked for, oldest first; FILL and TIME_SERIES cover it."""
    period_seconds: float
    """The length of one period."""


def evaluate(node: Node, request: Request) -> Value:
    """Give the value of a tree: a scalar, a series, or a list of series.

    Raises:
        MathError: an unknown Id or function, or arguments that the function does not take.
    """
    match node:
        case Number(value):
            return value
        case Name(value):
            return _read(value, request)
        case Negated(operand):
            return functions.each(evaluate(operand, request), operator.neg)
        case Array(items):
            return _flattened([evaluate(item, request) for item in items])
        case Operation(symbol, left, right):
            return _apply(symbol, evaluate(left, request), evaluate(right, request))
        case Call(function, arguments):
            return _call(function, arguments, request)
        case Text(value):
            raise MathError(f"the text '{value}' is only understood inside METRICS()")


def _read(name: str, request: Request) -> Value:
    if name in request.series:
        return request.series[name]
    known = ", ".join(request.series) or "none"
    raise MathError(f"'{name}' is not the Id of a metric or expression of this request ({known})")


def _call(function: str, arguments: Sequence[Node], request: Request) -> Value:
    if function == "METRICS":
        wanted = arguments[0].value if arguments and isinstance(arguments[0], Text) else ""
        return [
            series
            for name in request.metrics
            if wanted in name and isinstance(series := request.series[name], dict)
        ]
    if function == "PERIOD":
        if len(arguments) != 1 or not isinstance(arguments[0], Name):
            raise MathError("PERIOD takes one metric, not the result of an expression")
        _read(arguments[0].value, request)
        return float(request.period_seconds)
    known = functions.FUNCTIONS.get(function)
    if known is None:
        raise MathError(
            f"the function {function} is not known to this emulator; known are "
            f"METRICS, PERIOD, {', '.join(sorted(functions.FUNCTIONS))}"
        )
    given = [
        item.value
        if isinstance(item, Name) and item.value in _KEYWORDS
        else evaluate(item, request)
        for item in arguments
    ]
    try:
        return known(request.grid, given)
    except (TypeError, ValueError, IndexError, AttributeError) as error:
        if isinstance(error, MathError):
            raise
        raise MathError(f"{function} does not take these arguments") from error


def _flattened(items: Sequence[Value]) -> list[Series]:
    flat = list[Series]()
    for item in items:
        if isinstance(item, dict):
            flat.append(item)
        elif isinstance(item, list):
            flat.extend(item)
        else:
            raise MathError("an array holds time series, not numbers")
    return flat


def _apply(symbol: str, left: Value, right: Value) -> Value:
    if isinstance(left, list) or isinstance(right, list):
        return _apply_to_arrays(symbol, left, right)
    if not isinstance(left, dict) and not isinstance(right, dict):
        result = _compute(symbol, left, right)
        return math.nan if result is None else result
    times = (left.keys() if isinstance(left, dict) else set()) | (
        right.keys() if isinstance(right, dict) else set()
    )
    computed = {
        at: _compute(
            symbol,
            left.get(at, 0.0) if isinstance(left, dict) else left,
            right.get(at, 0.0) if isinstance(right, dict) else right,
        )
        for at in sorted(times)
    }
    return {at: value for at, value in computed.items() if value is not None}


def _apply_to_arrays(symbol: str, left: Value, right: Value) -> list[Series]:
    if isinstance(left, list) and isinstance(right, list):
        if len(left) != len(right):
            raise MathError(f"{symbol} between arrays of {len(left)} and {len(right)} series")
        pairs = list[tuple[Value, Value]](zip(left, right, strict=True))
    elif isinstance(left, list):
        pairs = [(item, right) for item in left]
    else:
        pairs = [(left, item) for item in right] if isinstance(right, list) else []
    return _flattened([_apply(symbol, first, second) for first, second in pairs])


def _compute(symbol: str, left: float, right: float) -> float | None:
    try:
        result = _OPERATORS[symbol](left, right)
    except (ZeroDivisionError, OverflowError):
        return None
    if isinstance(result, complex) or not math.isfinite(result):
        return None
    return float(result)
