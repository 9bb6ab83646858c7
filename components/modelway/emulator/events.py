"""What happened to the emulator's endpoints, in order: a list to be read while it grows.

Takes what the parts say, gives numbered events to whoever asks for those since the last time. Only
the newest are kept, and only in memory: a restart of the emulator begins a new list at 0. AWS has
no such list; control planes and tests must not depend on it.

Kinds and their data, the same for every reader:

    create-started, create-ended, deleted
    update-started    {config}
    fleet-ready       {config, instances}
    traffic           {shares: {config: 0 to 1}}
    bake-started      {seconds, config}
    alarm             {name, from, to}
    rollback-started  {reason}
    rolled-back       {config, reason}
    rollback-failed   {config, reason}: both configurations serve
    promoted          {config}
    fleet-ended       {config}
    replica-exited    {config, instance_id, status}
    scaled            {variant, from, to}
    fault             {kind, action: begins or ends}
"""

import threading
from collections import deque
from dataclasses import dataclass
from typing import Any

from modelway.emulator.clock import Clock

KEPT = 20_000
"""Events kept. A rollout makes about ten, a crash loop one per exit."""


@dataclass(frozen=True)
class Event:
    """One thing that happened."""

    n: int
    """Counts all events of this emulator's run, from 0."""
    at: float
    """Virtual time in seconds since the epoch."""
    endpoint: str
    """The endpoint's name; empty where the event belongs to none."""
    kind: str
    text: str
    """The same for people, one sentence."""
    data: dict[str, Any]

    def shown(self) -> dict[str, Any]:
        """Give the event as JSON shows it."""
        return {
            "n": self.n,
            "at": self.at,
            "endpoint": self.endpoint,
            "kind": self.kind,
            "text": self.text,
            "data": self.data,
        }


class Events:
    """The events of one emulator. Safe to use from many threads.

    Args:
        clock: gives the time of each event.
        kept: how many of the newest events are kept, 1 or more. Default: 20 000.
    """

    def __init__(self, clock: Clock, kept: int = KEPT) -> None:
        self._clock = clock
        self._events: deque[Event] = deque(maxlen=kept)
        self._next = 0
        self._lock = threading.Lock()

    def add(self, endpoint: str, kind: str, text: str, /, **data: Any) -> None:
        """Add one event, now.

        Args:
            endpoint: the endpoint's name, or empty.
            kind: one of the kinds in this module's description.
            text: one sentence for people.
            data: what the kind says, in JSON's types.
        """
        with self._lock:
            self._events.append(Event(self._next, self._clock.now(), endpoint, kind, text, data))
            self._next += 1

    def since(self, number: int) -> tuple[list[Event], int]:
        """Give the events from `number` on, oldest first, and the number to ask for next time."""
        with self._lock:
            return [event for event in self._events if event.n >= number], self._next

    def clear(self) -> None:
        """Forget every event; numbers go on, so that readers miss nothing that comes."""
        with self._lock:
            self._events.clear()
