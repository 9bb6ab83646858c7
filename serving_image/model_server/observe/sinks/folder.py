"""A folder of finished files and of files being written, shared by the workers of a server.

Takes names, gives files that appear under their final name whole, and keeps the folder below a
size. A file being written ends in ``.part`` and is locked by its writer, so that whoever starts
later can tell a file in use from one that a killed process left behind.

When the folder is full the oldest finished files are deleted, rather than new records dropped:
whoever looks after a fault needs the last hours, and the count of records that were written stays
true to what was written.
"""

import contextlib
import fcntl
import os
import re
import secrets
import socket
import time
from collections.abc import Callable
from pathlib import Path

PREFIX = "predictions-"

PART = ".part"

_STALE_SECONDS = 3600.0
"""A nameless file that nobody has written to for so long was left behind."""

_TAIL_BYTES = 1 << 20
"""Read at once when the end of the last whole line is looked for."""


class Names:
    """Gives file and object names that no other process, and no earlier one, gives."""

    def __init__(self) -> None:
        host = re.sub(r"[^A-Za-z0-9.]", "-", socket.gethostname())[:64] or "host"
        # A container that is restarted has the same host name and the same process ids.
        self._own = f"{host}-{os.getpid()}-{secrets.token_hex(4)}"
        self._number = 0

    def next(self) -> str:
        """Give the next name, without a suffix."""
        self._number += 1
        return f"{self._own}-{self._number:06d}"


class Folder:
    """Files of prediction records.

    Args:
        path: the folder, made where it is absent.
        disk_bytes: all files together at most; each other worker may be over it by the file that
            it is writing.
        deleted: told the name of each file that was deleted for it.
    """

    def __init__(self, path: Path, disk_bytes: int, deleted: Callable[[str], None]) -> None:
        self.path = path
        self._disk_bytes = disk_bytes
        self._deleted = deleted
        self._names = Names()

    def open(self) -> None:
        """Make the folder, and finish the files that a killed process left behind.

        Raises:
            OSError: it cannot be made or listed.
        """
        self.path.mkdir(0o750, parents=True, exist_ok=True)
        for path in sorted(self.path.glob(f"{PREFIX}*{PART}")):
            with contextlib.suppress(OSError):  # in use, or gone
                _finish_left_behind(path)
        for path in self.path.glob(f".{PREFIX}*"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime > _STALE_SECONDS:
                    path.unlink()

    def create(self, suffix: str) -> tuple[Path, int]:
        """Give a new locked file under a name with ``.part``, and its descriptor.

        Raises:
            OSError: it cannot be made.
        """
        self.path.mkdir(0o750, parents=True, exist_ok=True)
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        path = self.path / f"{PREFIX}{stamp}-{self._names.next()}{suffix}{PART}"
        # Locked before it gets its name: nobody then takes it for one that was left behind.
        unnamed = path.with_name(f".{path.name}")
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND | os.O_CLOEXEC
        descriptor = os.open(unnamed, flags, 0o640)
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        unnamed.rename(path)
        return path, descriptor

    def finish(self, path: Path) -> Path:
        """Give a file its final name."""
        final = path.with_name(path.name.removesuffix(PART))
        path.rename(final)
        return final

    def make_room(self, coming_bytes: int) -> None:
        """Delete the oldest finished files until that many more bytes have room."""
        sizes: dict[Path, int] = {}
        for path in self.path.glob(f"{PREFIX}*"):
            with contextlib.suppress(OSError):  # another worker deleted it
                sizes[path] = path.stat().st_size
        total = sum(sizes.values()) + coming_bytes
        # Names begin with the time, so their order is that of age.
        for path in sorted(sizes):
            if total <= self._disk_bytes:
                break
            if path.name.endswith(PART):
                continue
            with contextlib.suppress(OSError):
                path.unlink()
                self._deleted(path.name)
            total -= sizes[path]


def _finish_left_behind(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if ".jsonl" not in path.name:
            path.unlink()  # a Parquet file without its footer cannot be read
            return
        size = _whole_lines(descriptor)
        if size == 0:
            path.unlink()
            return
        os.ftruncate(descriptor, size)
        path.rename(path.with_name(path.name.removesuffix(PART)))
    finally:
        os.close(descriptor)


def _whole_lines(descriptor: int) -> int:
    """Give the length of a file without a last line that has no end."""
    end = os.fstat(descriptor).st_size
    while end > 0:
        start = max(end - _TAIL_BYTES, 0)
        found = os.pread(descriptor, end - start, start).rfind(b"\n")
        if found >= 0:
            return start + found + 1
        end = start
    return 0
