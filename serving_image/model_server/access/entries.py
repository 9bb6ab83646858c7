"""The files that say who may call: lists of callers in JSON, read again when they change.

Takes a path and what an entry looks like, gives the parsed content. Must not put a value of an
entry into a message unless it is sure to be no secret: someone may have written a key where its
digest belongs.
"""

import math
import stat
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any, Generic, Protocol, TypeGuard, TypeVar

import orjson

from model_server.access.rates import (
    MAX_BURST,
    MAX_RATE_PER_SECOND,
    MIN_RATE_PER_SECOND,
    Rate,
)
from model_server.access.scopes import TAKES, is_scope

MAX_NAME_LENGTH = 128

Content = TypeVar("Content")


class OnEvent(Protocol):
    """Told what somebody should know; may be called from another thread.

    Fields hold no secrets. `Log.warning` fits.
    """

    def __call__(self, event: str, **fields: object) -> None:
        """Take note of it."""
        ...


def no_events(event: str, **fields: object) -> None:
    """Take no note of anything."""


class FileUnusable(Exception):
    """A file cannot be used; ``problems`` lists everything that is wrong with it."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems


class WatchedFile(Generic[Content]):
    """A file whose content is kept parsed.

    When it changes into something that cannot be used, what was read before stays in force.
    """

    def __init__(
        self,
        path: Path,
        parse: Callable[[bytes], Content],
        on_event: OnEvent = no_events,
        *,
        secret: bool = True,
    ) -> None:
        """Read it for the first time.

        Args:
            path: where it is; a symbolic link is followed anew each time, as Kubernetes swaps them.
            parse: makes the content of the bytes, or raises `FileUnusable`.
            on_event: told of changes, faults and careless permissions.
            secret: whether others on the machine should not be able to read it.

        Raises:
            FileUnusable: it cannot be read or used.
        """
        self._path = path
        self._parse = parse
        self._on_event = on_event
        self._secret = secret
        self._reported: list[str] = []
        self._seen = self._state()
        self.value: Content = parse(self._data())
        self._warn_if_exposed()

    def poll(self) -> bool:
        """Read it again if it has changed; says whether there is new content in force."""
        # Looked at before it is read: a change in between is seen by the next poll.
        state = self._state()
        if state == self._seen:
            return False
        try:
            data = self._data()
            self._seen = state
            value = self._parse(data)
        except FileUnusable as error:
            if error.problems != self._reported:  # told once, not every second
                self._reported = error.problems
                self._on_event(
                    "access_file_unusable",
                    file=str(self._path),
                    problems=error.problems,
                    hint="what was read before stays in force",
                )
            return False
        self.value = value
        self._reported = []
        self._on_event("access_file_changed", file=str(self._path))
        self._warn_if_exposed()
        return True

    def _state(self) -> tuple[int, ...]:
        """Give what changes when the file does; empty where it cannot be looked at."""
        try:
            found = self._path.stat()
        except OSError:
            return ()
        return found.st_mtime_ns, found.st_ctime_ns, found.st_ino, found.st_dev, found.st_size

    def _data(self) -> bytes:
        try:
            return self._path.read_bytes()
        except OSError as error:
            raise FileUnusable([f"it cannot be read: {error.strerror}"]) from error

    def _warn_if_exposed(self) -> None:
        try:
            exposed = self._secret and self._path.stat().st_mode & stat.S_IROTH
        except OSError:
            return
        if exposed:
            self._on_event(
                "access_file_readable_by_all",
                file=str(self._path),
                hint="take the right to read it away from others: chmod o-r",
            )


def read_list(data: bytes) -> list[Any]:
    """Read a JSON list of entries.

    Raises:
        FileUnusable: it is no JSON, or no list.
    """
    try:
        entries = orjson.loads(data)
    except orjson.JSONDecodeError as error:
        # Only the place: the message may quote what is there.
        raise FileUnusable([f"it is no JSON (line {error.lineno})"]) from None
    if not isinstance(entries, list):
        raise FileUnusable(["it takes a list of entries: [{...}, {...}]"])
    return entries


class Entry:
    """One entry under examination: gives its fields and collects what is wrong with them."""

    def __init__(self, number: int, given: object, fields: frozenset[str]) -> None:
        self.problems: list[str] = []
        self._at = f"[{number}]"
        self._given: dict[str, Any] = {}
        self._is_object = isinstance(given, dict)
        if not isinstance(given, dict):
            self.problems.append(f"{self._at} is no object")
            return
        self._given = given
        # Names of fields are not shown either: a key may have been written in their place.
        unknown = len(given.keys() - fields)
        if unknown:
            self._add(f"has {unknown} unknown fields; it takes {', '.join(sorted(fields))}")

    def text(self, field: str, longest: int = MAX_NAME_LENGTH) -> str:
        """Give a text of one line."""
        value = self._given.get(field)
        if not isinstance(value, str) or not is_plain(value, longest):
            self._add(f"needs {field}: a text of 1 to {longest} printable characters")
            return ""
        return value

    def optional_text(self, field: str) -> str | None:
        """Give a text of one line, or None where it is absent."""
        return self.text(field) if field in self._given else None

    def digest(self, field: str) -> bytes:
        """Give a SHA-256 digest written in hexadecimal."""
        value = self._given.get(field)
        try:
            digest = bytes.fromhex(value) if isinstance(value, str) and len(value) == 64 else b""
        except ValueError:
            digest = b""
        if len(digest) != 32:  # fromhex passes over blanks
            self._add(f"needs {field}: 64 hexadecimal digits, the digest of a key; never the key")
        return digest

    def scopes(self, field: str = "scopes") -> frozenset[str]:
        """Give a list of scopes."""
        value = self._given.get(field)
        if not isinstance(value, list) or not value or not all(is_scope(each) for each in value):
            self._add(f"needs {field}: a list of {TAKES}")
            return frozenset()
        return frozenset(value)

    def expires(self, field: str = "expires") -> float:
        """Give a moment in seconds since 1970; infinity where it is absent."""
        if field not in self._given:
            return math.inf
        moment = parse_moment(self._given[field])
        if moment is None:
            self._add(f"needs {field}: a moment with its zone such as 2027-01-31T00:00:00Z")
            return 0.0
        return moment

    def rate(self, field: str = "rate") -> Rate | None:
        """Give a rate, or None where it is absent."""
        if field not in self._given:
            return None
        value = self._given[field]
        if isinstance(value, dict) and value.keys() <= {"per_second", "burst"}:
            per_second = value.get("per_second")
            if _is_number(per_second) and MIN_RATE_PER_SECOND <= per_second <= MAX_RATE_PER_SECOND:
                burst = value.get("burst", default_burst(per_second))
                if _is_number(burst) and burst == int(burst) and 1 <= burst <= MAX_BURST:
                    return _rate(float(per_second), int(burst))
        self._add(
            f'needs {field}: an object such as {{"per_second": 50, "burst": 100}}; per_second '
            f"{MIN_RATE_PER_SECOND} to {MAX_RATE_PER_SECOND:.0f}, burst 1 to {MAX_BURST}"
        )
        return None

    def _add(self, problem: str) -> None:
        if self._is_object:  # else it lacks everything, which says no more
            self.problems.append(f"{self._at} {problem}")


def is_plain(text: str, longest: int = MAX_NAME_LENGTH) -> bool:
    """Whether a text can stand for a caller in logs and metrics."""
    return 0 < len(text) <= longest and text.isprintable() and text == text.strip()


def parse_moment(text: object) -> float | None:
    """Give the seconds since 1970 of a moment in RFC 3339; None where it is none."""
    if not isinstance(text, str):
        return None
    try:
        moment = datetime.fromisoformat(text)
        return moment.timestamp() if moment.tzinfo is not None else None
    except (ValueError, OverflowError):
        return None


def default_burst(per_second: float) -> int:
    """Give the burst that a rate has where none is set: one second's requests, at least 1."""
    return min(MAX_BURST, max(1, math.ceil(per_second)))


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool)


@lru_cache(maxsize=4096)
def _rate(per_second: float, burst: int) -> Rate:
    """Give one object for equal rates, so that the hot path can compare by identity."""
    return Rate(per_second, burst)
