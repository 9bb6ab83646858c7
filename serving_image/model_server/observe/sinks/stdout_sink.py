"""Records as JSON lines on standard output, between the lines of the server's log.

Lines go out whole. Up to 4096 bytes the system keeps others from writing in between (POSIX
``PIPE_BUF``); into a pipe that is full, a longer line of one worker may be broken by a line of
another, so records with large bodies belong in files.
"""

import os

from model_server.observe.errors import SinkFailed
from model_server.observe.records import Fields, Lines

PIPE_BYTES = 4096


class StdoutSink:
    """Writes lines to a descriptor, 1 by default."""

    def __init__(self, lines: Lines, descriptor: int = 1) -> None:
        self.batch_bytes = 1 << 18
        self.safe = self.lost = 0
        self._line = lines.line
        self._descriptor = descriptor
        self._lines: list[bytes] = []
        self._left = b""
        """The rest of lines of which a part has gone out."""
        self._begun = 0
        """How many lines these are."""

    @property
    def pending(self) -> int:
        """Records not yet out."""
        return len(self._lines) + self._begun

    def open(self) -> None:
        """There is nothing to make ready."""

    def add(self, fields: Fields) -> None:
        """Take a record."""
        self._lines.append(self._line(fields))

    def due(self, now: float) -> bool:
        """Whether there is anything."""
        del now
        return bool(self._lines)

    def put(self) -> None:
        """Write what is pending, several short lines at once."""
        while self._lines or self._left:
            if not self._left:
                self._left = self._next()
            self._write()

    def idle(self, now: float) -> None:
        """There is nothing to do."""

    def abandon(self) -> int:
        """Give up what is pending, but for the end of a line that has begun."""
        given_up = self.pending
        self._lines = []
        self._begun = 0
        self._left = self._left[: self._left.find(b"\n") + 1]
        return given_up

    def close(self) -> None:
        """There is nothing to finish."""

    def _next(self) -> bytes:
        """Take the lines that go out at once."""
        lines = self._lines
        count, size = 1, len(lines[0])
        while count < len(lines) and size + len(lines[count]) <= PIPE_BYTES:
            size += len(lines[count])
            count += 1
        data = b"".join(lines[:count])
        del lines[:count]
        self._begun = count
        return data

    def _write(self) -> None:
        left = memoryview(self._left)
        try:
            while left:
                left = left[os.write(self._descriptor, left) :]
        except OSError as error:
            raise SinkFailed(f"standard output cannot be written: {error.strerror}") from error
        finally:
            self._left = bytes(left)
        self.safe += self._begun
        self._begun = 0
