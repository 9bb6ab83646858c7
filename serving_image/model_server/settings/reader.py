"""Single settings, read from environment variables.

Takes a mapping of variables, gives checked values and collects every problem, so that a wrong
start-up tells all of them at once. Must not read ``os.environ`` by itself and must not know what a
setting is for.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeVar

Number = TypeVar("Number", int, float)

_TRUE, _FALSE = ("1", "true", "yes", "on"), ("0", "false", "no", "off")


class SettingsError(Exception):
    """One or more environment variables hold values that the server cannot use."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class Reader:
    """Reads single variables and collects what is wrong with them in ``problems``."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._environment = environment
        self.problems: list[str] = []

    def number(
        self,
        name: str,
        kind: Callable[[str], Number],
        default: Number,
        low: Number,
        high: Number,
    ) -> Number:
        """Give a number from ``low`` to ``high``."""
        value = self.optional_number(name, kind, low, high)
        return default if value is None else value

    def optional_number(
        self, name: str, kind: Callable[[str], Number], low: Number, high: Number
    ) -> Number | None:
        """Give a number from ``low`` to ``high``, or None where the variable is absent."""
        text = self._environment.get(name)
        if text is None:
            return None
        try:
            value = kind(text)
        except ValueError:
            value = None
        # `not (low <= value)` also refuses NaN, which float() reads gladly.
        if value is None or not (low <= value <= high):
            self.problems.append(f"{name} is {text!r}; it takes a number from {low} to {high}")
            return None
        return value

    def choice(self, name: str, allowed: tuple[str, ...], default: str) -> str:
        """Give one of the allowed words."""
        text = self._environment.get(name, default)
        if text not in allowed:
            self.problems.append(f"{name} is {text!r}; it takes one of {', '.join(allowed)}")
            return default
        return text

    def flag(self, name: str, *, default: bool) -> bool:
        """Give a yes or no: 1/0, true/false, yes/no or on/off."""
        text = self._environment.get(name)
        if text is None:
            return default
        if text.lower() in _TRUE + _FALSE:
            return text.lower() in _TRUE
        self.problems.append(f"{name} is {text!r}; it takes true or false")
        return default

    def is_set(self, name: str) -> bool:
        """Whether the variable is there, be it empty."""
        return name in self._environment

    def text(self, name: str) -> str | None:
        """Give a text, or None where the variable is absent or empty."""
        return self._environment.get(name) or None

    def words(self, name: str, default: tuple[str, ...] = ()) -> tuple[str, ...]:
        """Give the parts of a list separated by commas, without the spaces around them."""
        text = self._environment.get(name)
        if text is None:
            return default
        return tuple(part.strip() for part in text.split(",") if part.strip())

    def file(self, name: str) -> Path | None:
        """Give the path of a file that can be read, or None where the variable is absent."""
        text = self.text(name)
        if text is None:
            return None
        path = Path(text)
        if not path.is_file():
            self.problems.append(f"{name} is {text!r}, which is no file")
            return None
        return path
