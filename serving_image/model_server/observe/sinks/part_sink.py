"""Records gathered in memory into parts, each of which is put somewhere whole.

A part is an object in S3, or a Parquet file. Takes records, gives parts to a `Store`. What is in a
part that is not yet put is lost when the process is killed.
"""

import time
import zlib
from typing import Any, Protocol

from model_server.observe.records import Fields, Lines

_BLOCK_BYTES = 1 << 16
"""Compressed at once; other threads run meanwhile."""


class Form(Protocol):
    """A format of parts."""

    suffix: str
    """Of names, such as ``.jsonl.gz``."""

    size: int
    """Bytes gathered so far, before compression."""

    def open(self) -> None:
        """Import what is needed, before there are requests to hold up."""
        ...

    def add(self, fields: Fields) -> None:
        """Take a record."""
        ...

    def finish(self) -> bytes:
        """Give the part and begin a new one."""
        ...

    def forget(self) -> None:
        """Begin a new part without giving the last one."""
        ...


class Store(Protocol):
    """Where parts go."""

    def open(self) -> None:
        """Make ready, or raise SinkFailed."""
        ...

    def put(self, name: str, data: bytes) -> None:
        """Keep a part under a name, or raise SinkFailed; may be asked again for the same one."""
        ...

    def name(self, begun: float, suffix: str) -> str:
        """Give a new name for a part begun at that time."""
        ...


class PartSink:
    """Gathers parts and puts them.

    Args:
        form: how a part looks.
        store: where it goes.
        part_bytes: a part is put at this size.
        part_seconds: or at this age.
    """

    def __init__(self, form: Form, store: Store, part_bytes: int, part_seconds: float) -> None:
        self.batch_bytes = part_bytes
        self.safe = self.lost = self.pending = 0
        self._form = form
        self._store = store
        self._part_bytes = part_bytes
        self._part_seconds = part_seconds
        self._begun: float | None = None
        self._first = 0.0
        self._whole: list[tuple[str, bytes, int]] = []
        """Parts that are complete and not yet put: name, bytes, records."""
        self._gathered = 0

    def open(self) -> None:
        """Make form and store ready."""
        self._form.open()
        self._store.open()

    def add(self, fields: Fields) -> None:
        """Take a record."""
        self._form.add(fields)
        if self._begun is None:
            self._begun = time.monotonic()
            self._first = fields[0]
        self._gathered += 1
        self.pending += 1

    def due(self, now: float) -> bool:
        """Whether the part is large or old enough, or one is still to be put."""
        if self._whole or self._form.size >= self._part_bytes:
            return True
        return self._begun is not None and now - self._begun >= self._part_seconds

    def put(self) -> None:
        """Put every part, the one being gathered included."""
        if self._gathered:
            name = self._store.name(self._first, self._form.suffix)
            self._whole.append((name, self._form.finish(), self._gathered))
            self._begin()
        while self._whole:
            name, data, records = self._whole[0]
            self._store.put(name, data)
            del self._whole[0]
            self.safe += records
            self.pending -= records

    def idle(self, now: float) -> None:
        """There is nothing to do: `due` knows the age."""

    def abandon(self) -> int:
        """Give up what is pending."""
        given_up, self.pending = self.pending, 0
        self._whole = []
        self._form.forget()
        self._begin()
        return given_up

    def close(self) -> None:
        """There is nothing to finish."""

    def _begin(self) -> None:
        self._begun = None
        self._gathered = 0


class JsonLines:
    """Parts of JSON lines, compressed."""

    suffix = ".jsonl.gz"

    def __init__(self, lines: Lines) -> None:
        self._line = lines.line
        self.forget()

    def open(self) -> None:
        """There is nothing to make ready."""

    def add(self, fields: Fields) -> None:
        """Take a record."""
        line = self._line(fields)
        self.size += len(line)
        self._block.append(line)
        self._block_bytes += len(line)
        if self._block_bytes >= _BLOCK_BYTES:
            self._press()

    def finish(self) -> bytes:
        """Give the part and begin a new one."""
        self._press()
        data = b"".join([*self._done, self._packer.flush()])
        self.forget()
        return data

    def forget(self) -> None:
        """Begin a new part."""
        self.size = 0
        self._block: list[bytes] = []
        self._block_bytes = 0
        self._done: list[bytes] = []
        # The fastest level: others take two to five times the CPU for a sixth of the size.
        self._packer: Any = zlib.compressobj(1, wbits=31)

    def _press(self) -> None:
        self._done.append(self._packer.compress(b"".join(self._block)))
        self._block = []
        self._block_bytes = 0
