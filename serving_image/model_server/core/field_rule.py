"""The rule of one field: what the values of one column, or of a whole tensor, must be.

Takes limits as somebody wrote them and the tensor's datatype, gives a `FieldRule` that judges one
value at a time and says why it does not fit. `rules` judges whole arrays by the same limits. Must
not know files, requests or transports.
"""

import math
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from model_server.core.text_pattern import TextPattern

Scalar = bool | int | float | str

LISTED_CATEGORIES = 10
"""Categories named in one message at most."""

SHOWN_CHARACTERS = 40
"""Characters of a caller's text that a message repeats at most."""


class Kind(StrEnum):
    """What is counted of each field."""

    SEEN = "seen"
    BELOW_MIN = "below_min"
    ABOVE_MAX = "above_max"
    UNKNOWN_CATEGORY = "unknown_category"
    TOO_LONG = "too_long"
    PATTERN = "pattern"
    MISSING = "missing"
    REPLACED = "replaced"


class Missing(StrEnum):
    """What happens with a missing value: null in JSON, NaN in formats of bytes."""

    REFUSE = "refuse"
    ALLOW = "allow"
    """It reaches the model as NaN; floats only."""
    REPLACE = "replace"


@dataclass(frozen=True, slots=True)
class Limit:
    """One end of a range."""

    value: float
    """As it was written; an int where it was one."""

    exclusive: bool = False
    """Whether the value itself is outside."""


@dataclass(frozen=True, slots=True)
class FieldRule:
    """What the values of one field must be. Limits that are None do not limit."""

    name: str
    """The tensor's name, or ``tensor.column``."""

    dtype: np.dtype[Any]

    column: str | None = None
    """The column's name; None for a rule of a whole tensor."""

    minimum: Limit | None = None
    maximum: Limit | None = None

    categories: tuple[Scalar, ...] | None = None
    """Every value there may be, as written."""

    max_length: int | None = None
    """Characters (Unicode code points) of a text at most."""

    pattern: TextPattern | None = None
    missing: Missing = Missing.REFUSE
    replacement: Scalar | None = None
    """What stands in for a missing value under `Missing.REPLACE`."""

    low: Any = field(init=False)
    """Smallest value that fits, of the tensor's datatype as Python has it; None without one."""

    high: Any = field(init=False)
    known: frozenset[Scalar] | None = field(init=False)
    """The categories, of the tensor's datatype."""

    def __post_init__(self) -> None:
        # Limits are rounded to the datatype as values are: 0.7 in a request for float32 is
        # 0.699999988, which must not be below a minimum of 0.7.
        low = None if self.minimum is None else _inside(self.minimum, self.dtype, up=True)
        high = None if self.maximum is None else _inside(self.maximum, self.dtype, up=False)
        known = None
        if self.categories is not None:
            known = frozenset(in_dtype(value, self.dtype) for value in self.categories)
        object.__setattr__(self, "low", low)
        object.__setattr__(self, "high", high)
        object.__setattr__(self, "known", known)

    @property
    def admits_nothing(self) -> bool:
        """Whether no finite value of the datatype is within the range."""
        if self.low is None and self.high is None:
            return False
        limits = np.finfo(self.dtype) if self.dtype.kind == "f" else np.iinfo(self.dtype)
        low = limits.min if self.low is None else self.low
        high = limits.max if self.high is None else self.high
        return low > high or low > limits.max or high < limits.min

    @property
    def needs_value(self) -> bool:
        """Whether a missing value is refused."""
        return self.missing is Missing.REFUSE

    @property
    def judges_each(self) -> bool:
        """Whether it has limits beside a range, which are judged value by value."""
        return not (self.known is None and self.max_length is None and self.pattern is None)

    def problem(self, value: Any) -> tuple[Kind, str] | None:  # noqa: PLR0911  # one a limit
        """Say what is wrong with one value of the tensor's datatype, or give None.

        Args:
            value: None or NaN where it is missing.
        """
        if value is None or value != value:  # noqa: PLR0124  # NaN is the one that is not itself
            return (Kind.MISSING, "is missing") if self.missing is Missing.REFUSE else None
        if self.low is not None and value < self.low:
            return Kind.BELOW_MIN, f"is {_shown(value)}; {self._range()}"
        if self.high is not None and value > self.high:
            return Kind.ABOVE_MAX, f"is {_shown(value)}; {self._range()}"
        if self.known is not None and value not in self.known:
            return Kind.UNKNOWN_CATEGORY, f"is {_shown(value)}; {self._listed()}"
        if self.max_length is not None and len(value) > self.max_length:
            return Kind.TOO_LONG, f"has {len(value)} characters; {self.max_length} are allowed"
        if self.pattern is not None and self.pattern.compiled.fullmatch(value) is None:
            text = f"is {_shown(value)}; it must match {self.pattern.text}"
            return Kind.PATTERN, text
        return None

    def _range(self) -> str:
        words: list[str] = []
        if self.minimum is not None:
            words.append(
                f"{'above' if self.minimum.exclusive else 'at least'} {self.minimum.value}"
            )
        if self.maximum is not None:
            words.append(f"{'below' if self.maximum.exclusive else 'at most'} {self.maximum.value}")
        return f"it must be {' and '.join(words)}"

    def _listed(self) -> str:
        assert self.categories is not None  # asked for only where there are some
        listed = ", ".join(_shown(value) for value in self.categories[:LISTED_CATEGORIES])
        left = len(self.categories) - LISTED_CATEGORIES
        return f"it must be one of {listed}{f' and {left} more' if left > 0 else ''}"


def is_of(value: object, dtype: np.dtype[Any]) -> bool:
    """Whether a value as JSON has it is one of a datatype, without any silent conversion."""
    if dtype.kind == "b":
        return type(value) is bool
    if dtype.kind == "O":
        return type(value) is str
    if type(value) is int and dtype.kind in "iu":
        limits = np.iinfo(dtype)
        return int(limits.min) <= value <= int(limits.max)
    if type(value) not in (int, float) or dtype.kind != "f":
        return False
    return math.isfinite(in_dtype(value, dtype))


def in_dtype(value: Any, dtype: np.dtype[Any]) -> Any:
    """Give a value as the datatype holds it, in Python's own type; too large is infinite."""
    if dtype.kind == "O":
        return value
    if dtype.kind != "f":
        return dtype.type(value).item()
    try:
        with np.errstate(over="ignore"):
            return dtype.type(value).item()
    except OverflowError:  # an int beyond float64
        return math.copysign(math.inf, value)


def _inside(limit: Limit, dtype: np.dtype[Any], *, up: bool) -> Any:
    """Give the outermost value of the datatype within a limit; infinite when there is none."""
    if dtype.kind in "iu":
        return _inside_integers(limit, dtype, up=up)
    edge = in_dtype(limit.value, dtype)
    if math.isinf(edge):
        # The limit is a number beyond the datatype: either every finite value is inside, or none.
        largest = np.finfo(dtype).max.item()
        return edge if (edge > 0) is up else math.copysign(largest, edge)
    if not limit.exclusive:
        return edge
    towards = dtype.type(math.inf if up else -math.inf)
    return np.nextafter(dtype.type(edge), towards).item()


def _inside_integers(limit: Limit, dtype: np.dtype[Any], *, up: bool) -> int:
    if up:
        edge = math.floor(limit.value) + 1 if limit.exclusive else math.ceil(limit.value)
        return max(edge, int(np.iinfo(dtype).min))
    edge = math.ceil(limit.value) - 1 if limit.exclusive else math.floor(limit.value)
    return min(edge, int(np.iinfo(dtype).max))


def _shown(value: Any) -> str:
    if not isinstance(value, str):
        return str(value)
    more = "..." if len(value) > SHOWN_CHARACTERS else ""
    return repr(value[:SHOWN_CHARACTERS]) + more
