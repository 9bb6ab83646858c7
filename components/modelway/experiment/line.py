"""Lines of files, and values in them that may be anything.

Takes text, gives JSON objects, numbers, names and moments, or None. Must not raise for what a file
holds, and must not open one.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple, cast


class Line(NamedTuple):
    """One line of one file or object."""

    path: str
    """Relative to what the user named, with `/` between folders; the whole key in a bucket."""
    number: int
    """From 1."""
    text: str


@dataclass
class Unreadable:
    """Lines that were skipped: how many, and where the first is."""

    count: int = 0
    first: str = ""
    """`path:line`, or empty when there is none."""

    def add(self, line: Line) -> None:
        """Count one."""
        self.count += 1
        self.first = self.first or f"{line.path}:{line.number}"


def json_object(text: str) -> dict[str, Any] | None:
    """Give the object that a line holds; None when it holds none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return _object(value)


def nested(found: dict[str, Any], key: str) -> dict[str, Any] | None:
    """Give the object under a key; None when there is none."""
    return _object(found.get(key))


def _object(value: object) -> dict[str, Any] | None:
    # The keys of an object in JSON are always text.
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None


def number(value: object) -> float | None:
    """Give a number, a truth value or a number in text; it may be infinite or NaN. Else None."""
    if isinstance(value, str):
        value = {"true": 1, "false": 0}.get(value.strip().lower(), value)
    if not isinstance(value, (int, float, str)):
        return None
    try:
        return float(value)
    except ValueError:
        return None
    except OverflowError:
        return float("inf")


def name(value: object) -> str:
    """Give an id or a name as text; empty when there is none."""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return ""


def seconds(value: object) -> float | None:
    """Give a moment in ISO 8601 as seconds since 1970; without a time zone it is UTC."""
    if not isinstance(value, str):
        return None
    try:
        moment = datetime.fromisoformat(value)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None
