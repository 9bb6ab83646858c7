"""Nested lists, as JSON has them, into tensors.

Takes lists of numbers, booleans or text and a `TensorSpec`, gives an array of the spec's datatype
or everything that is wrong with the lists. Numbers are never converted silently: a boolean is no
number, a fraction is no integer, and a number beyond the datatype's range is refused. A null is a
missing value, which only a model's rules can let in.

The way for good input looks at types and lengths level by level in C; only when that fails does
the slow walk run that finds every problem.
"""

from collections import Counter
from collections.abc import Callable
from itertools import chain, islice
from typing import TYPE_CHECKING, Any

import numpy as np

from model_server.core.tensors import Array, TensorSpec

if TYPE_CHECKING:
    from model_server.core.rules import TensorRules

At = Callable[[tuple[int, ...]], str]
"""Gives the caller's own path of a position, such as ``instances[3][0]``."""

ABSENT = object()
"""Stands for a value that must be there and is not, when the caller was told so already."""

ENOUGH_PROBLEMS = 1000
"""Where the slow walk stops: far more than an answer lists."""


def brackets(index: tuple[int, ...]) -> str:
    """Give a position as ``[3][0]``."""
    return "".join(f"[{number}]" for number in index)


def to_array(values: Any, spec: TensorSpec, missing: "TensorRules | None" = None) -> Array | None:
    """Give the array that nested lists are, or None when they are not one of this datatype.

    The lengths of fixed axes are not looked at; `Contract.problems` does that. Nor are the rules'
    limits on values; `InputRules.problems` does that.

    Args:
        values: the lists; a bare value for an input without axes.
        spec: the input.
        missing: its rules, which say what a null is; without them there is none.
    """
    assert spec.dtype is not None  # inputs are always tensors
    level = [values]
    shape: list[int] = []
    for _ in spec.shape:
        if set(map(type, level)) != {list}:
            return None
        lengths = set(map(len, level))
        if len(lengths) != 1 or 0 in lengths:
            return None
        shape.append(lengths.pop())
        level = list(chain.from_iterable(level))
    types = set(map(type, level))
    filled: list[int] | None = None
    if type(None) in types:
        types.remove(type(None))
        filled = None if missing is None else _fill(level, shape[-1] if shape else 1, missing)
        if filled is None:
            return None
    if not types <= _allowed(spec.dtype):
        return None
    array = _array_of(level, spec.dtype, has_nan=filled is not None)
    if array is None:
        return None
    if missing is not None and filled is not None:
        missing.count_filled(filled)
    return array.reshape(shape)


def _array_of(values: list[Any], dtype: np.dtype[Any], *, has_nan: bool) -> Array | None:
    """Give the array of values of the right types, or None when one is out of range."""
    try:
        with np.errstate(over="ignore"):
            array = np.array(values, dtype=dtype)
    except OverflowError:
        return None
    if dtype.kind != "f":
        return array
    # JSON has no NaN, so there is some only where nulls were; what was too large is infinite.
    fits = not np.isinf(array).any() if has_nan else np.isfinite(array).all()
    return array if fits else None


def _fill(level: list[Any], width: int, missing: "TensorRules") -> list[int] | None:
    """Put what the rules say in the place of nulls, and give their positions on the last axis.

    Returns:
        None where there must be no null.
    """
    filled: list[int] = []
    for number, value in enumerate(level):
        if value is None:
            stand_in = missing.fill(number % width)
            if stand_in is None:
                return None
            level[number] = stand_in
            filled.append(number % width)
    return filled


def list_problems(
    values: Any, spec: TensorSpec, at: At, rules: "TensorRules | None" = None
) -> list[str]:
    """List everything that keeps nested lists from being an array of this spec.

    With rules, also the values that break them, which are counted: no array will be made that
    `InputRules.problems` could look at.
    """
    walk = _Walk(spec, at, rules)
    walk.visit(values, ())
    if rules is not None:
        rules.values_seen += walk.leaves
    return walk.found + walk.ragged()


class _Walk:
    """The slow walk over lists that `to_array` refused."""

    def __init__(self, spec: TensorSpec, at: At, rules: "TensorRules | None") -> None:
        assert spec.dtype is not None  # inputs are always tensors
        self._spec = spec
        self._dtype = spec.dtype
        self._at = at
        self._rules = rules
        self._lengths: dict[int, list[tuple[tuple[int, ...], int]]] = {}
        self.found: list[str] = []
        self.leaves = 0

    def visit(self, node: Any, index: tuple[int, ...]) -> None:
        axis = len(index)
        if len(self.found) >= ENOUGH_PROBLEMS:
            return
        if axis == len(self._spec.shape):
            self._leaf(node, index)
        elif type(node) is not list:
            self.found.append(
                f"{self._at(index)} is {describe(node)}; a list is needed there, for input "
                f"{self._spec} has {len(self._spec.shape)} axes"
            )
        elif not node:
            self.found.append(f"{self._at(index)} is an empty list")
        else:
            self._lengths.setdefault(axis, []).append((index, len(node)))
            for number, child in enumerate(node):
                self.visit(child, (*index, number))

    def ragged(self) -> list[str]:
        """List the lists whose length differs from their neighbours'."""
        found: list[str] = []
        for axis, lengths in self._lengths.items():
            fixed = self._spec.shape[axis]
            counts = Counter(length for _, length in lengths)
            wanted = fixed if isinstance(fixed, int) else counts.most_common(1)[0][0]
            found += islice(
                (
                    f"{self._at(index)} has {length} values where {wanted} are needed"
                    for index, length in lengths
                    if length != wanted
                ),
                ENOUGH_PROBLEMS,
            )
        return found

    def _leaf(self, node: Any, index: tuple[int, ...]) -> None:
        self.leaves += 1
        if self._rules is not None and (node is None or node is ABSENT):
            self._rules.count_missing(index[-1] if index else 0)
        if node is ABSENT:
            return
        before = len(self.found)
        if node is not None or self._rules is None:
            self._value(node, self._at(index))
        if self._rules is not None and len(self.found) == before:
            self._rule(self._rules, node, index)

    def _rule(self, rules: "TensorRules", node: Any, index: tuple[int, ...]) -> None:
        last = index[-1] if index else 0
        exact = node if node is None or self._dtype.kind == "O" else self._dtype.type(node)
        problem = rules.field_at(last).problem(exact)
        if problem is not None:
            kind, text = problem
            if node is not None:
                rules.count(kind, last)
            else:
                text = f"is null; input {self._spec} takes {_wanted(self._dtype)}"
            self.found.append(f"{self._at(index)} {text}")

    def _value(self, node: Any, where: str) -> None:
        if type(node) not in _allowed(self._dtype):
            self.found.append(
                f"{where} is {describe(node)}; input {self._spec} takes {_wanted(self._dtype)}"
            )
        elif self._dtype.kind in "iu":
            limits = np.iinfo(self._dtype)
            if not limits.min <= node <= limits.max:
                self.found.append(
                    f"{where} is {node}; {self._dtype.name} goes from {limits.min} to {limits.max}"
                )
        elif self._dtype.kind == "f":
            with np.errstate(over="ignore"):
                fits = np.isfinite(np.array(node, dtype=self._dtype))
            if not fits:
                self.found.append(f"{where} is {node}, which is too large for {self._dtype.name}")


def describe(value: Any) -> str:
    """Name the kind of a JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return f"the number {value}"
    if isinstance(value, str):
        return "text"
    return "a list" if isinstance(value, list) else "an object"


def _allowed(dtype: np.dtype[Any]) -> set[type]:
    kinds: dict[str, set[type]] = {
        "f": {int, float},
        "i": {int},
        "u": {int},
        "b": {bool},
        "O": {str},
    }
    return kinds[dtype.kind]


def _wanted(dtype: np.dtype[Any]) -> str:
    wanted = {"f": "numbers", "i": "whole numbers", "u": "whole numbers", "b": "true or false"}
    return wanted.get(dtype.kind, "text")
