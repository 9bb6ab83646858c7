"""The limits of one input or column, as the keys of the rule file say them.

Takes an object of the file and a datatype, gives checked limits and collects every problem. Must
not know the rest of the file; `rule_file` does.
"""

import math
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np

from model_server.core.field_rule import FieldRule, Limit, Missing, Scalar, in_dtype, is_of
from model_server.core.text_pattern import PatternRefused, TextPattern, compile_pattern

LIMIT_KEYS = (
    "min",
    "exclusive_min",
    "max",
    "exclusive_max",
    "categories",
    "max_length",
    "pattern",
    "missing",
)
"""Keys that an input and a column have in common."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one object of the file says; None where it says nothing."""

    minimum: Limit | None = None
    maximum: Limit | None = None
    categories: tuple[Scalar, ...] | None = None
    max_length: int | None = None
    pattern: TextPattern | None = None
    missing: Missing | None = None
    replacement: Scalar | None = None

    def over(self, wider: "Limits") -> "Limits":
        """Give a column's limits on top of its input's.

        Categories take the place of every other limit on values, and the other way round.
        """
        if self.categories is not None:
            wider = Limits(missing=wider.missing, replacement=wider.replacement)
        elif self._limits_values():
            wider = replace(wider, categories=None)
        if self.missing is not None:
            wider = replace(wider, missing=None, replacement=None)
        own = {entry.name: getattr(self, entry.name) for entry in fields(self)}
        return replace(wider, **{key: value for key, value in own.items() if value is not None})

    def rule(self, name: str, dtype: np.dtype[Any], column: str | None) -> FieldRule:
        """Give the rule that these limits are for a field."""
        return FieldRule(
            name,
            dtype,
            column=column,
            minimum=self.minimum,
            maximum=self.maximum,
            categories=self.categories,
            max_length=self.max_length,
            pattern=self.pattern,
            missing=Missing.REFUSE if self.missing is None else self.missing,
            replacement=self.replacement,
        )

    def _limits_values(self) -> bool:
        others = (self.minimum, self.maximum, self.max_length, self.pattern)
        return any(limit is not None for limit in others)


def read_limits(
    given: dict[str, Any], dtype: np.dtype[Any], path: str, problems: list[str]
) -> Limits:
    """Read the keys of `LIMIT_KEYS`; other keys are not looked at."""
    reader = _LimitsReader(given, dtype, path, problems)
    missing, replacement = reader.missing()
    limits = Limits(
        minimum=reader.limit("min"),
        maximum=reader.limit("max"),
        categories=reader.categories(),
        max_length=reader.max_length(),
        pattern=reader.pattern(),
        missing=missing,
        replacement=replacement,
    )
    others = [key for key in LIMIT_KEYS if key in given and key not in ("categories", "missing")]
    if "categories" in given and others:
        problems.append(
            f"{path} has 'categories' beside {', '.join(map(repr, others))}; categories already "
            "say every value there may be"
        )
    return limits


def rule_problems(rule: FieldRule, path: str) -> list[str]:
    """List what keeps a rule from being of use although each of its keys is fine."""
    if rule.admits_nothing:
        return [f"{path}: no {_kind(rule.dtype)} is within its limits"]
    if rule.replacement is not None:
        found = rule.problem(in_dtype(rule.replacement, rule.dtype))
        if found is not None:
            return [f"{path}.missing.value {found[1]}"]
    return []


class _LimitsReader:
    """Reads single keys and collects what is wrong with them."""

    def __init__(
        self, given: dict[str, Any], dtype: np.dtype[Any], path: str, problems: list[str]
    ) -> None:
        self._given = given
        self._dtype = dtype
        self._path = path
        self._problems = problems

    def limit(self, key: str) -> Limit | None:
        """Read ``min`` or ``max`` in either form."""
        exclusive = f"exclusive_{key}"
        present = [name for name in (key, exclusive) if name in self._given]
        if len(present) == 2:
            self._wrong(key, f"stands beside {exclusive!r}; give one of them")
        found: Limit | None = None
        for name in present:
            value = self._given[name]
            if self._dtype.kind not in "fiu":
                self._wrong(name, f"is for numbers, and this input is {_kind(self._dtype)}")
            elif type(value) is not int and not (type(value) is float and math.isfinite(value)):
                self._wrong(name, "must be a number")
            else:
                found = Limit(value, exclusive=name == exclusive)
        return found

    def categories(self) -> tuple[Scalar, ...] | None:
        if "categories" not in self._given:
            return None
        values = self._given["categories"]
        if self._dtype.kind == "b":
            self._wrong("categories", "is for numbers and text, and this input is bool")
        elif type(values) is not list or not values:
            self._wrong("categories", "must be a list with at least one value")
        elif not all(is_of(value, self._dtype) for value in values):
            wrong = next(value for value in values if not is_of(value, self._dtype))
            self._wrong("categories", f"holds {wrong!r}, which is no {_kind(self._dtype)}")
        elif len({in_dtype(value, self._dtype) for value in values}) != len(values):
            self._wrong("categories", "holds a value twice")
        else:
            return tuple(values)
        return None

    def max_length(self) -> int | None:
        value = self._given.get("max_length")
        if "max_length" not in self._given or not self._is_for_text("max_length"):
            return None
        if type(value) is not int or value < 0:
            self._wrong("max_length", "must be a whole number from 0")
            return None
        return value

    def pattern(self) -> TextPattern | None:
        value = self._given.get("pattern")
        if "pattern" not in self._given or not self._is_for_text("pattern"):
            return None
        if type(value) is not str:
            self._wrong("pattern", "must be text")
            return None
        try:
            return compile_pattern(value)
        except PatternRefused as error:
            self._wrong("pattern", f"cannot be used: {error}")
            return None

    def missing(self) -> tuple[Missing | None, Scalar | None]:
        value = self._given.get("missing")
        if "missing" not in self._given:
            return None, None
        if value == "refuse":
            return Missing.REFUSE, None
        if value == "allow":
            if self._dtype.kind == "f":
                return Missing.ALLOW, None
            self._wrong(
                "missing", f"is 'allow', which only floats can have; this is {_kind(self._dtype)}"
            )
        elif type(value) is not dict or list(value) != ["value"]:
            self._wrong("missing", "must be 'refuse', 'allow' or an object with 'value'")
        elif not is_of(value["value"], self._dtype):
            self._wrong("missing.value", f"must be {_kind(self._dtype)}, as this input is")
        else:
            return Missing.REPLACE, value["value"]
        return None, None

    def _is_for_text(self, key: str) -> bool:
        if self._dtype.kind == "O":
            return True
        self._wrong(key, f"is for text, and this input is {_kind(self._dtype)}")
        return False

    def _wrong(self, key: str, why: str) -> None:
        self._problems.append(f"{self._path}.{key} {why}")


def _kind(dtype: np.dtype[Any]) -> str:
    return "text" if dtype.kind == "O" else dtype.name
