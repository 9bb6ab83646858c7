"""Follows the emulator's events while a rehearsal runs, and does what waits for them.

Takes a function that gives new events and a virtual clock; gives the events so far, in order, and
calls each action when its moment has come. The thread that follows is the only one that asks the
emulator for events. Must not know what the actions do.
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from modelway.errors import ModelwayError, RehearsalError
from modelway.rehearsal.moment import Moment
from modelway.rehearsal.record import Event
from modelway.rehearsal.virtual_clock import VirtualClock

POLL_SECONDS = 0.05
"""Real time between two looks: an event is seen so late at most, 3 virtual seconds at scale 60."""

Fetch = Callable[[], Sequence[Event]]
"""Gives the events that came since the last call."""

Action = Callable[[], None]


@dataclass
class _Waiting:
    moment: Moment
    action: Action
    at_event: bool
    due: float | None = None
    """As `time.monotonic` has it; None until the event has come."""


class Timeline:
    """The events of one rehearsal.

    Args:
        fetch: see `Fetch`.
        clock: of the emulator.
        listeners: each is told every event, in this module's thread.
    """

    def __init__(
        self, fetch: Fetch, clock: VirtualClock, *listeners: Callable[[Event], None]
    ) -> None:
        self._fetch, self._clock, self._listeners = fetch, clock, listeners
        self._events: list[Event] = []
        self._waiting: list[_Waiting] = []
        self._changed = threading.Condition(threading.RLock())
        self._fetching = threading.Lock()
        self._stopping = threading.Event()
        self._failure: ModelwayError | None = None
        self._thread = threading.Thread(target=self._follow, name="timeline", daemon=True)

    def start(self) -> None:
        """Begin to follow."""
        self._thread.start()

    def stop(self) -> None:
        """End; actions that still wait are forgotten."""
        self._stopping.set()
        if self._thread.ident is not None:
            self._thread.join()

    def add(self, kind: str, text: str, data: Mapping[str, Any] | None = None) -> None:
        """Enter an event of the rehearsal's own, now."""
        self._enter([Event(self._clock.now(), kind, text, data or {})])
        # At once: what is to be broken before a step is broken before it.
        self._act()

    def since(self, index: int = 0) -> tuple[Event, ...]:
        """Give the events from this index on; `len(since())` is the next one."""
        with self._changed:
            return tuple(self._events[index:])

    def synchronize(self) -> None:
        """Return when everything that has happened by now is entered.

        Raises:
            RehearsalError: the emulator answers no more.
        """
        self._look()

    def check(self) -> None:
        """Raise what an action raised, if one did."""
        if self._failure is not None:
            raise self._failure

    def when(
        self, moment: Moment, action: Action, *, at_event: bool = False, first: int | None = None
    ) -> Action:
        """Do something once, when the moment comes.

        Args:
            moment: what is waited for.
            action: what is done, in the thread that follows.
            at_event: do it at the event already: whoever does it counts `after_seconds` itself.
            first: index of the first event that counts. Default: only events from now on count.

        Returns:
            A function that forgets the action, if it is not done yet.
        """
        waiting = _Waiting(moment, action, at_event)
        with self._changed:
            self._waiting.append(waiting)
            if first is not None:
                for event in self._events[first:]:
                    self._show(event, waiting)

        def forget() -> None:
            with self._changed:
                if waiting in self._waiting:
                    self._waiting.remove(waiting)

        return forget

    def wait_for(
        self,
        moment: Moment,
        seconds: float,
        begin: Action = lambda: None,
        *,
        first: int | None = None,
    ) -> None:
        """Wait for a moment.

        Args:
            moment: what is waited for.
            seconds: the longest real time to wait.
            begin: what is done when the wait has begun.
            first: index of the first event that counts. Default: only events from now on count.

        Raises:
            RehearsalError: it did not come within so many real seconds.
        """
        came = threading.Event()
        forget = self.when(moment, came.set, first=first)
        begin()
        deadline = time.monotonic() + seconds
        while not came.wait(POLL_SECONDS) and time.monotonic() < deadline:
            self.check()
        if not came.is_set():
            forget()
            raise RehearsalError(
                f"waiting for {moment.named}: it did not come within {seconds:g} s; it had: "
                + (", ".join(dict.fromkeys(event.kind for event in self.since())) or "no event")
            )

    def _follow(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            try:
                self._look()
            except ModelwayError as error:
                if not self._stopping.is_set():
                    self._failure = error
                return
            self._act()

    def _look(self) -> None:
        with self._fetching:
            self._enter(self._fetch())

    def _enter(self, events: Sequence[Event]) -> None:
        if not events:
            return
        with self._changed:
            self._events += events
            for event in events:
                for waiting in self._waiting:
                    self._show(event, waiting)
        for event in events:
            for listener in self._listeners:
                listener(event)

    def _show(self, event: Event, waiting: _Waiting) -> None:
        if waiting.due is None and _matches(waiting.moment, event):
            after = 0.0 if waiting.at_event else waiting.moment.after_seconds
            waiting.due = self._clock.monotonic(event.at + after)

    def _act(self) -> None:
        now = time.monotonic()
        with self._changed:
            ready = [w for w in self._waiting if w.due is not None and w.due <= now]
            self._waiting = [w for w in self._waiting if w not in ready]
        for waiting in ready:
            try:
                waiting.action()
            except ModelwayError as error:
                self._failure = error


def _matches(moment: Moment, event: Event) -> bool:
    return event.kind == moment.event and all(
        event.data.get(key) == value for key, value in moment.data.items()
    )
