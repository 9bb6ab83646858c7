"""One emulator's state folder: who holds it, what time it is there, and where its files lie.

Takes a path; gives the lock, the record that other processes find the emulator by, and the clock's
memory. It does not know the journal.
"""

import fcntl
import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import psutil

from modelway.errors import EmulatorError

DYING_SECONDS = 2.0
"""How long the lock of a process that has ended may still be held."""


def default_state_folder(port: int, environment: dict[str, str]) -> Path:
    """Give where the emulator on `port` keeps its state unless told otherwise."""
    home = environment.get("XDG_STATE_HOME") or str(Path.home() / ".local" / "state")
    return Path(home) / "modelway" / f"emulator-{port}"


@dataclass(frozen=True)
class Record:
    """What a running emulator says about itself in `emulator.json`."""

    pid: int
    started: float
    """When the process started, as the system knows it: tells it from a later one of its pid."""
    port: int

    @property
    def alive(self) -> bool:
        """Whether the process that wrote the record still runs."""
        try:
            process = psutil.Process(self.pid)
            # A zombie has ended; only its parent has not looked yet.
            return (
                abs(process.create_time() - self.started) < 1.0
                and process.status() != psutil.STATUS_ZOMBIE
            )
        except psutil.Error:
            return False


@dataclass(frozen=True)
class Times:
    """The clock's memory."""

    birth: float
    """Virtual time of the state's first start."""
    last: float
    """Virtual time that the state has certainly seen."""


class StateFolder:
    """The folder of one emulator; made, for its owner's eyes only, where it is missing."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock: IO[str] | None = None
        try:
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise EmulatorError(
                f"starting the emulator: its state folder {path} cannot be made ({error});"
                " name another with --state"
            ) from error

    @property
    def log_file(self) -> Path:
        """Where the emulator's own log goes."""
        return self.path / "emulator.log"

    def hold(self) -> None:
        """Take the folder for this process until it ends.

        Raises:
            EmulatorError: another emulator holds it.
        """
        file = (self.path / "lock").open("w")
        try:
            self._lock_soon(file)
        except OSError as error:
            file.close()
            holder = self.record()
            who = f"process {holder.pid} on port {holder.port}" if holder else "another process"
            raise EmulatorError(
                f"starting the emulator: the state folder {self.path} is used by {who}; stop that"
                " emulator, or name another folder with --state"
            ) from error
        self._lock = file

    def _lock_soon(self, file: IO[str]) -> None:
        # A process with threads is a zombie for some milliseconds before its files are closed.
        deadline = time.monotonic() + DYING_SECONDS
        while True:
            try:
                fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except OSError:
                if self.record() is not None or time.monotonic() > deadline:
                    raise
            time.sleep(0.02)

    def release(self) -> None:
        """Give the folder up."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def record(self) -> Record | None:
        """Give what the emulator of this folder wrote, if it still runs."""
        content = _read(self.path / "emulator.json")
        try:
            record = Record(**content) if content else None
        except TypeError:
            return None
        return record if record is not None and record.alive else None

    def announce(self, port: int) -> None:
        """Say that this process serves on `port` and is ready."""
        started = psutil.Process().create_time()
        _write(self.path / "emulator.json", asdict(Record(os.getpid(), started, port)))

    def withdraw(self) -> None:
        """Take the announcement back."""
        (self.path / "emulator.json").unlink(missing_ok=True)

    def times(self) -> Times | None:
        """Give the clock's memory, or None in a new folder."""
        content = _read(self.path / "clock.json")
        try:
            return Times(**content) if content else None
        except TypeError:
            return None

    def remember(self, times: Times) -> None:
        """Keep the clock's memory."""
        _write(self.path / "clock.json", asdict(times))


def _read(path: Path) -> dict[str, Any] | None:
    try:
        content = json.loads(path.read_text())
    except (OSError, ValueError):
        return None
    return content if isinstance(content, dict) else None


def _write(path: Path, content: dict[str, Any]) -> None:
    part = path.with_suffix(".part")
    part.write_text(json.dumps(content))
    part.replace(path)
