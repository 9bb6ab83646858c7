"""One place for a worker, and the workers that fill it one after the other.

Takes the events of workers' lives, gives when the next one is due. Pure but for the pipe that it
holds: times are handed in, so that tests need not wait.
"""

from model_server.process.messages import Pipe
from model_server.process.watchdog import LastWords, Watchdog

STABLE_SECONDS = 5.0
"""A worker that lived so long died of something new, and is replaced at once."""

FIRST_DELAY_SECONDS = 0.1
"""Wait before the second replacement in a row; it doubles with each."""

LONGEST_DELAY_SECONDS = 4.0
"""Longest wait. With a load of up to a second, a worker is back within 5 s (S14)."""


def restart_delay(quick_deaths: int) -> float:
    """Give the seconds to wait before a worker is replaced.

    Args:
        quick_deaths: workers in a row that died within `STABLE_SECONDS`, this one included.
    """
    if quick_deaths <= 1:
        return 0.0
    exponent = min(quick_deaths - 2, 10)  # beyond the longest wait in any case
    return min(FIRST_DELAY_SECONDS * 2.0**exponent, LONGEST_DELAY_SECONDS)


class Slot:
    """A place for a worker; times are seconds of the monotonic clock."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.pid: int | None = None
        """The worker's process; None: there is none now."""
        self.pipe: Pipe | None = None
        self.ready = False
        """It has said that it answers."""
        self.lost = 0
        """Requests that it said it did not answer."""
        self.watchdog = Watchdog()
        self.last_words: LastWords | None = None
        self.failure: str | None = None
        """Why it said that the model cannot be served."""
        self.answered_while_loading = False
        self.started = 0.0
        self.died: float | None = None
        """When the worker before died; None: there was none."""
        self.due: float | None = None
        """When the next worker is to be started; None: not at all."""
        self._quick_deaths = 0

    @property
    def descriptors(self) -> list[int]:
        """What this process has open for the worker, and no other worker must have."""
        found = [] if self.pipe is None else [self.pipe.fileno()]
        return found if self.last_words is None else found + self.last_words.descriptors

    @property
    def alive(self) -> bool:
        """Whether there is a process."""
        return self.pid is not None

    def filled(
        self,
        pid: int,
        pipe: Pipe,
        now: float,
        *,
        answers_while_loading: bool,
        last_words: LastWords | None = None,
    ) -> None:
        """A worker was started."""
        self.watchdog, self.last_words = Watchdog(), last_words
        self.pid, self.pipe, self.started = pid, pipe, now
        self.ready = False
        self.lost = 0
        self.failure = None
        self.answered_while_loading = answers_while_loading
        self.due = None

    def emptied(self, now: float) -> None:
        """Its worker is gone."""
        self.pid = None
        self.ready = False
        self.died = now
        if self.pipe is not None:
            self.pipe.close()
            self.pipe = None
        if self.last_words is not None:
            self.last_words.close()
            self.last_words = None

    def restart(self, now: float) -> float:
        """Plan a replacement, and give the seconds until then."""
        quick = now - self.started < STABLE_SECONDS
        self._quick_deaths = self._quick_deaths + 1 if quick else 1
        delay = restart_delay(self._quick_deaths)
        self.due = now + delay
        return delay
