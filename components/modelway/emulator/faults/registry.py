"""Which faults there are, and which of them hold now.

Takes requests to add and remove, and word of updates that begin; gives the faults that hold for a
fleet at this moment of the virtual clock. Kept in memory only: a restart knows no faults, and the
journal never hears of them. Must not bring a fault about.
"""

import math
import threading
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from modelway.emulator.clock import Clock
from modelway.emulator.faults.model import (
    FaultRequest,
    MetricsDelayed,
    MetricsMissing,
    OnFleet,
    Timed,
)
from modelway.emulator.faults.schedule import Fault, State, Update

ENDED_KEPT = 100
"""How many ended faults are still listed."""

OUTAGES_KEPT = 1000

Announce = Callable[[str, str, str], None]
"""Takes an endpoint's name (empty: all), a kind, and `begins` or `ends`."""

Kind = TypeVar("Kind", bound=Timed)
FleetKind = TypeVar("FleetKind", bound=OnFleet)


@dataclass(frozen=True)
class _Outage:
    """When a metrics fault was, kept after its end: what was not measured stays so."""

    endpoint: str | None
    begin: float
    end: float
    delay_seconds: float


class FaultRegistry:
    """The faults of one emulator. Safe to use from many threads.

    Args:
        clock: says what holds now.
        updates: gives the update that each endpoint has under way, by name.
        announce: told when a fault begins or ends.
    """

    def __init__(
        self,
        clock: Clock,
        updates: Callable[[], Mapping[str, Update]],
        announce: Announce = lambda _endpoint, _kind, _action: None,
    ) -> None:
        self._clock, self._updates, self._announce = clock, updates, announce
        self._lock = threading.Lock()
        # Replaced, never changed: requests read it without the lock.
        self._faults: tuple[Fault, ...] = ()
        self._last_number = 0
        self._outages: tuple[_Outage, ...] = ()
        self.added = threading.Event()
        """Set when a fault is added."""

    def add(self, request: FaultRequest) -> int:
        """Add a fault and give its number."""
        now = self._clock.now()
        with self._lock:
            self._last_number += 1
            fault = Fault(self._last_number, request, now + request.after_seconds)
            for endpoint, update in self._updates().items():
                fault.begin_update(endpoint, update, now)
            ended = [each for each in self._faults if each.state(now) is State.ENDED]
            self._forget(ended[:-ENDED_KEPT])
            self._faults = (*self._faults, fault)
        self.turn()
        self.added.set()
        return fault.number

    def describe(self) -> list[dict[str, Any]]:
        """Give one entry for each fault, the oldest first."""
        now = self._clock.now()
        with self._lock:
            return [dict(each.describe(now)) for each in self._faults]

    def remove(self, number: int | None = None) -> list[int]:
        """End and forget one fault, or all; gives their numbers.

        Raises:
            LookupError: there is no fault of that number.
        """
        now = self._clock.now()
        with self._lock:
            gone = [each for each in self._faults if number in (None, each.number)]
            if number is not None and not gone:
                known = ", ".join(str(each.number) for each in self._faults) or "none"
                raise LookupError(f"there is no fault {number}; there are: {known}")
            for each in gone:
                each.ended_at = min(each.ended_at, now)
        self.turn()
        with self._lock:
            self._forget(gone)
        return [each.number for each in gone]

    def reset(self) -> None:
        """Forget every fault and what it did to metrics."""
        self.remove()
        with self._lock:
            self._outages = ()

    def update_begins(self, endpoint: str, old: str, new: str) -> None:
        """Say that an endpoint begins to move from one configuration to another."""
        now = self._clock.now()
        with self._lock:
            for each in self._faults:
                each.begin_update(endpoint, Update(old, new), now)
        self.turn()

    def active(self, kind: type[Kind]) -> Iterator[tuple[Fault, Kind]]:
        """Give the faults of this kind that hold now, the oldest first."""
        if self._faults:
            now = self._clock.now()
            for each in self._faults:
                if isinstance(each.request, kind) and each.state(now) is State.ACTIVE:
                    yield each, each.request

    def on_fleet(
        self, kind: type[FleetKind], endpoint: str, config: str
    ) -> Iterator[tuple[Fault, FleetKind]]:
        """Give the faults of this kind that hold now for one fleet."""
        for fault, request in self.active(kind):
            if fault.meets(endpoint, config):
                yield fault, request

    def hit(self, fault: Fault, times: int = 1) -> None:
        """Count that a fault changed something."""
        with self._lock:
            fault.hits += times

    def takes(self, fault: Fault, percent: float, of: str = "") -> bool:
        """Tell whether the next answer or call is among `percent` of them, and count the hit."""
        with self._lock:
            taken = fault.takes(percent, of)
            fault.hits += taken
            return taken

    def finish(self, fault: Fault) -> None:
        """Say that a fault has done all it does."""
        with self._lock:
            fault.ended_at = min(fault.ended_at, self._clock.now())
        self.turn()

    def measured(self, endpoint: str, at: float, now: float) -> bool:
        """Tell whether what hosting measured of an endpoint at `at` could be seen by `now`.

        Only faults on every fleet count: one fleet's silence does not silence the variant.
        """
        with self._lock:
            current = (*self._outages, *map(_outage, self._faults))
        return not any(
            outage is not None
            and outage.endpoint in (None, endpoint)
            and outage.begin <= at < outage.end
            and now < at + outage.delay_seconds
            for outage in current
        )

    @property
    def pending(self) -> bool:
        """Whether any fault has not ended."""
        now = self._clock.now()
        return any(each.state(now) is not State.ENDED for each in self._faults)

    def turn(self) -> None:
        """Announce what has begun or ended since the last call."""
        now = self._clock.now()
        with self._lock:
            for each in self._faults:
                request = each.request
                endpoint = (request.endpoint if isinstance(request, OnFleet) else None) or ""
                for action in each.news(now):
                    self._announce(endpoint, request.kind, action)

    def _forget(self, gone: Collection[Fault]) -> None:
        """Keep no more of these than when they silenced metrics; called with the lock held."""
        self._faults = tuple(each for each in self._faults if each not in gone)
        outages = [outage for each in gone if (outage := _outage(each)) is not None]
        self._outages = (*self._outages, *outages)[-OUTAGES_KEPT:]


def _outage(fault: Fault) -> _Outage | None:
    request = fault.request
    if not isinstance(request, MetricsMissing | MetricsDelayed) or request.fleet != "any":
        return None
    delay = request.delay_seconds if isinstance(request, MetricsDelayed) else math.inf
    return _Outage(request.endpoint, fault.begins_at, fault.ends_at, delay)
