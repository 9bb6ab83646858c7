"""The emulator's clock, driven by a test: time passes when the test says so.

Takes work that sleeps in virtual time, runs one piece of it at a time, in the order of its moments.
So what happens depends on the steps of the test alone. Must not know what the work is.
"""

import heapq
import itertools
import threading
from collections.abc import Callable
from typing import Any

from modelway.emulator.clock import Clock

BEGIN = 1_800_000_000.0
PATIENCE_SECONDS = 60.0
"""Real time that one piece of work may take between two sleeps."""


class Abandoned(BaseException):
    """The test has ended while work was under way."""


def _taken() -> threading.Lock:
    """Give a lock that the next one to acquire waits for: a turn that is not given yet."""
    lock = threading.Lock()
    lock.acquire()
    return lock


class Task:
    """One thread of work: it runs only while it has the turn."""

    def __init__(self, clock: "SteppedClock", work: Callable[[], None]) -> None:
        self.ended = False
        self.turn = _taken()
        self._clock, self._work = clock, work
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def join(self, timeout: float | None = None) -> None:
        """Do nothing: whoever waits for a thread of the emulator has the turn itself."""

    def _run(self) -> None:
        self.turn.acquire()
        try:
            if not self._clock.closing:
                self._work()
        except Abandoned:
            pass
        except BaseException as error:  # noqa: BLE001 - the test raises it
            self._clock.errors.append(error)
        finally:
            self.ended = True
            self._clock.handed_back.release()


class SteppedClock(Clock):
    """Virtual time that passes in `advance` only."""

    def __init__(self) -> None:
        # At this scale the emulator looks at alarms every 20 virtual seconds of a bake.
        super().__init__(time_scale=1000.0, origin=BEGIN)
        self.closing = False
        self.errors: list[BaseException] = []
        self.handed_back = _taken()
        self._at = BEGIN
        self._order = itertools.count()
        self._agenda: list[tuple[float, int, Any]] = []
        self._tasks: list[Task] = []
        self._running: Task | None = None

    def now(self) -> float:
        return self._at

    def spawn(self, work: Callable[[], None]) -> Task:
        """Begin work; it gets its first turn in the next `advance`."""
        task = Task(self, work)
        self._tasks.append(task)
        self._plan(self._at, task)
        return task

    def after(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something that never sleeps, so much later."""
        self._plan(self._at + seconds, action)

    def every(self, seconds: float, action: Callable[[], None]) -> None:
        """Do something that never sleeps again and again, at multiples of so many seconds."""

        def again() -> None:
            self._plan(self._at + seconds, again)
            action()

        self._plan((self._at // seconds + 1) * seconds, again)

    def sleep(self, virtual_seconds: float, stop: threading.Event | None = None) -> bool:
        if self.closing:
            raise Abandoned
        if stop is not None and stop.is_set():
            return True
        task = self._running
        assert task is not None, "only work that was spawned may sleep"
        self._plan(self._at + max(0.0, virtual_seconds), task)
        self.handed_back.release()
        task.turn.acquire()
        if self.closing:
            raise Abandoned
        return stop is not None and stop.is_set()

    def advance(self, seconds: float) -> None:
        """Let time pass, and everything happen that is due."""
        until = self._at + seconds
        while self._agenda and self._agenda[0][0] <= until:
            at, _number, due = heapq.heappop(self._agenda)
            self._at = max(self._at, at)
            if isinstance(due, Task):
                self._run(due)
            else:
                due()
            self._raise()
        self._at = until

    def begin_anew(self) -> None:
        """Give up all work, and start at a full hour that has not been yet."""
        self.closing = True
        for task in self._tasks:
            if not task.ended:
                self._run(task)
        self.closing = False
        self._tasks, self._agenda = [], []
        self._at = (self._at // 86_400 + 2) * 86_400
        self._order = itertools.count()
        self.errors.clear()

    def _run(self, task: Task) -> None:
        self._running = task
        task.turn.release()
        assert self.handed_back.acquire(timeout=PATIENCE_SECONDS), "work neither sleeps nor ends"
        self._running = None
        if task.ended and not self.closing:
            self._tasks.remove(task)

    def _plan(self, at: float, due: Any) -> None:
        heapq.heappush(self._agenda, (at, next(self._order), due))

    def _raise(self) -> None:
        if self.errors:
            raise self.errors.pop(0)
