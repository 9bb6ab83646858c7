"""Signals of the process in front, taken when it has time for them.

Takes the system's signals, gives their numbers through a pipe that can be polled. A signal then
never breaks into anything, and none is missed.
"""

import os
import signal
from contextlib import suppress

HANDLED = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGCHLD)


class SignalPipe:
    """The numbers of signals that came."""

    def __init__(self) -> None:
        self._read, self._written = os.pipe()
        os.set_blocking(self._read, False)
        os.set_blocking(self._written, False)

    def fileno(self) -> int:
        """Give the descriptor to poll."""
        return self._read

    @property
    def descriptors(self) -> tuple[int, int]:
        """Both ends, which no other process may have."""
        return self._read, self._written

    def catch(self) -> None:
        """Begin to take the signals of `HANDLED`; in the main thread."""
        # Where the pipe is full, what is in it wakes the reader as well.
        signal.set_wakeup_fd(self._written, warn_on_full_buffer=False)
        for number in HANDLED:
            signal.signal(number, _noted)

    def take(self) -> set[int]:
        """Give the numbers that came since the last time."""
        numbers: set[int] = set()
        with suppress(BlockingIOError):
            while data := os.read(self._read, 4096):
                numbers.update(data)
        return numbers


def name_of(number: int) -> str:
    """Give a signal's name, such as SIGKILL."""
    try:
        return signal.Signals(number).name
    except ValueError:  # real-time signals have none
        return f"signal {number}"


def _noted(_number: int, _frame: object) -> None:
    """Do nothing: the number is in the pipe."""
