"""The emulator's one virtual clock.

Takes a time scale, gives virtual time. AWS's own waits, periods, cooldowns, schedules and every
time stamp follow it. Process time (start, ping, request time-outs, drain, the 30 s before SIGKILL)
does not: code for those uses `time.monotonic` and must not come here.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime


class Clock:
    """Virtual time that starts at `origin` and runs `time_scale` times as fast as real time.

    Args:
        time_scale: virtual seconds per real second, above 0. Default: 1.
        origin: virtual time at the start, in seconds since the epoch. Default: the real time.
    """

    def __init__(self, time_scale: float = 1.0, origin: float | None = None) -> None:
        if time_scale <= 0:
            message = f"starting the clock: time_scale is {time_scale}; it must be above 0"
            raise ValueError(message)
        self.time_scale = time_scale
        self._origin = time.time() if origin is None else origin
        self._started = time.monotonic()
        self._pinned = threading.local()

    def now(self) -> float:
        """Give the virtual time in seconds since the epoch."""
        pinned: float | None = getattr(self._pinned, "at", None)
        if pinned is not None:
            return pinned
        return self._origin + (time.monotonic() - self._started) * self.time_scale

    def utcnow(self) -> datetime:
        """Give the virtual time as a naive UTC datetime, as moto keeps it."""
        return datetime.fromtimestamp(self.now(), UTC).replace(tzinfo=None)

    def real_seconds(self, virtual_seconds: float) -> float:
        """Give how long `virtual_seconds` last in real time."""
        return virtual_seconds / self.time_scale

    def sleep(self, virtual_seconds: float, stop: threading.Event | None = None) -> bool:
        """Wait so long in virtual time; True when `stop` was set before the end."""
        if stop is not None:
            return stop.wait(self.real_seconds(virtual_seconds))
        time.sleep(self.real_seconds(virtual_seconds))
        return False

    @contextmanager
    def pinned(self, at: float) -> Iterator[None]:
        """Hold the clock at `at` for this thread, so that a replay gives the old time stamps."""
        before: float | None = getattr(self._pinned, "at", None)
        self._pinned.at = at
        try:
            yield
        finally:
            self._pinned.at = before
