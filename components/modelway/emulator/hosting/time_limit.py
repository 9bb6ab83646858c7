"""MaximumExecutionTimeoutInSeconds: how much time an update has left.

Takes the clock, counts virtual time, except while processes start or end: those take real time at
any time scale (see `clock`), and a start of 3 s must not look like 12 minutes at 240 times real
time. Must not know what the update does.
"""

from collections.abc import Generator
from contextlib import contextmanager

from modelway.emulator.clock import Clock


class TimeLimit:
    """The limit of one update, counted from when this is made.

    Args:
        clock: the emulator's.
        seconds: the limit; None: there is none.
    """

    def __init__(self, clock: Clock, seconds: float | None) -> None:
        self._clock, self.seconds = clock, seconds
        self._began = clock.now()
        self._surplus = 0.0
        self._since: float | None = None

    @property
    def left_seconds(self) -> float:
        """What is left to the millisecond, 0 or less when it has run out, infinite without one."""
        if self.seconds is None:
            return float("inf")
        now = self._clock.now()
        elapsed = now - self._began - self._surplus - self._open_surplus(now)
        # Less than that is nothing to wait for: added to the time of day it may vanish.
        return round(self.seconds - elapsed, 3)

    @contextmanager
    def process_time(self) -> Generator[None]:
        """Count real seconds within this block, one for one."""
        self._since = self._clock.now()
        try:
            yield
        finally:
            self._surplus += self._open_surplus(self._clock.now())
            self._since = None

    def _open_surplus(self, now: float) -> float:
        if self._since is None:
            return 0.0
        # Of one reading: between two, a machine that stands still for 0.1 ms adds it many times.
        virtual = now - self._since
        return virtual - self._clock.real_seconds(virtual)
