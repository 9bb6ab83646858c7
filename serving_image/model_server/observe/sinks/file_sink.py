"""Records as JSON lines in local files.

Takes records, gives files of whole lines. A file is finished, under its final name, when it is
long or old enough and when the server stops; until then its name ends in ``.part``. Lines are
handed to the operating system, which writes them to the disk in its own time: they survive the
end of the process, not a loss of power.
"""

import contextlib
import gzip
import os
import shutil
import threading
import time
from pathlib import Path

from model_server.observe.errors import SinkFailed
from model_server.observe.records import Fields, Lines
from model_server.observe.sinks.folder import Folder

BATCH_BYTES = 1 << 20
"""Written at once: enough that the call costs nothing a record, and short enough, at 0.4 ms of
making lines, that the event loop does not wait long for its turn."""

JOINED_BYTES = 4096
"""Lines up to this length are joined: the call costs about 60 ns for each piece, which is what
copying that many bytes takes. Longer ones go to the system in pieces, so that a body of 100 kB is
copied by nobody else."""

MOST_PIECES = os.sysconf("SC_IOV_MAX")
"""Of one call; 1,024 on Linux."""


class FileSink:
    """Writes lines into files of a folder.

    Args:
        folder: where.
        lines: makes the lines.
        file_bytes: a file is finished at this size.
        file_seconds: or at this age.
        compress: whether finished files are compressed, in a thread of their own.
    """

    def __init__(
        self,
        folder: Folder,
        lines: Lines,
        file_bytes: int,
        file_seconds: float,
        *,
        compress: bool = False,
    ) -> None:
        self.batch_bytes = min(BATCH_BYTES, file_bytes)
        self.safe = self.lost = self.pending = 0
        self._folder = folder
        self._pieces_of = lines.pieces
        self._file_bytes = file_bytes
        self._file_seconds = file_seconds
        self._compress = compress
        self._pieces: list[bytes] = []
        self._path: Path | None = None
        self._descriptor = -1
        self._size = 0
        self._opened = 0.0
        self._compressing: list[threading.Thread] = []

    def open(self) -> None:
        """Make the folder ready."""
        try:
            self._folder.open()
        except OSError as error:
            raise SinkFailed(f"the folder cannot be used: {error.strerror}") from error

    def add(self, fields: Fields) -> None:
        """Take a record."""
        pieces = self._pieces_of(fields)
        if fields[-1] <= JOINED_BYTES:
            self._pieces.append(b"".join(pieces))
        else:
            self._pieces += pieces
        self.pending += 1

    def due(self, now: float) -> bool:
        """Whether there is anything."""
        del now
        return self.pending > 0

    def put(self) -> None:
        """Write what is pending."""
        try:
            if self._path is None:
                self._folder.make_room(self._file_bytes)
                self._path, self._descriptor = self._folder.create(".jsonl")
                self._size = 0
                self._opened = time.monotonic()
            self._size += self._write(self._pieces)
        except OSError as error:
            raise SinkFailed(f"a file could not be written: {error.strerror}") from error
        self._settled()
        if self._size >= self._file_bytes:
            self._finish()

    def idle(self, now: float) -> None:
        """Finish the file where it is old enough."""
        if self._path is not None and now - self._opened >= self._file_seconds:
            self._finish()

    def abandon(self) -> int:
        """Give up what is pending."""
        given_up = self.pending
        self._pieces = []
        self.pending = 0
        return given_up

    def close(self) -> None:
        """Finish the file and wait for the compression of those before."""
        self._finish()
        for thread in self._compressing:
            thread.join()

    def _settled(self) -> None:
        self.safe += self.pending
        self._pieces = []
        self.pending = 0

    def _write(self, pieces: list[bytes]) -> int:
        size = 0
        try:
            for start in range(0, len(pieces), MOST_PIECES):
                some = pieces[start : start + MOST_PIECES]
                length = sum(map(len, some))
                done = os.writev(self._descriptor, some)
                if done < length:
                    self._write_rest(memoryview(b"".join(some))[done:])
                size += length
        except OSError:
            # No half line stays: the next try would write the whole of it again behind it.
            with contextlib.suppress(OSError):
                os.ftruncate(self._descriptor, self._size)
            raise
        return size

    def _write_rest(self, left: memoryview) -> None:
        while left:
            left = left[os.write(self._descriptor, left) :]

    def _finish(self) -> None:
        path, descriptor = self._path, self._descriptor
        if path is None:
            return
        self._path, self._descriptor = None, -1
        try:
            final = self._folder.finish(path)
        except OSError:
            final = None  # it keeps its name, and the next start finishes it
        os.close(descriptor)
        if final is not None and self._compress:
            self._compressing = [thread for thread in self._compressing if thread.is_alive()]
            thread = threading.Thread(target=_compress, args=(final,), name="prediction-log-gzip")
            thread.daemon = True
            thread.start()
            self._compressing.append(thread)


def _compress(path: Path) -> None:
    short = path.with_name(f"{path.name}.gz")
    unfinished = path.with_name(f".{short.name}")
    try:
        with (
            path.open("rb") as source,
            unfinished.open("wb") as target,
            gzip.GzipFile("", "wb", 1, target, path.stat().st_mtime) as packed,
        ):
            shutil.copyfileobj(source, packed, BATCH_BYTES)
        unfinished.rename(short)
        path.unlink()
    except OSError:
        # The file is whole as it is: it stays uncompressed.
        with contextlib.suppress(OSError):
            unfinished.unlink()
