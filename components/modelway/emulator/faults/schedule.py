"""One fault in time: when it holds, and for which fleet.

Takes a request and virtual times, says whether the fault holds for an endpoint's configuration at
an instant. Pure: it reads no clock and takes no lock. Must not bring anything about.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from enum import StrEnum
from typing import Any

from modelway.emulator.faults.model import FaultRequest, OnFleet


class State(StrEnum):
    """What a fault does at an instant."""

    WAITING = "waiting"
    ACTIVE = "active"
    ENDED = "ended"


@dataclass(frozen=True)
class Update:
    """An update of one endpoint, for the fleets `old` and `new`."""

    old: str
    """The configuration that served when it began."""
    new: str
    """The configuration that it moves to."""


@dataclass(eq=False)
class Fault:
    """A fault that was added; whoever changes it holds the registry's lock."""

    number: int
    request: FaultRequest
    begins_at: float
    """Virtual seconds since the epoch."""
    ended_at: float = math.inf
    """When it was removed or had done all it does; infinite before."""
    updates: dict[str, Update] = field(default_factory=dict[str, Update])
    """By endpoint: the update that `new` and `old` stand for, once there is one."""
    hits: int = 0
    """How often it changed something."""
    told: list[str] = field(default_factory=list[str])
    """What was announced of it: `begins`, then `ends`."""
    considered: dict[str, int] = field(default_factory=dict[str, int])
    """By endpoint: how many answers or calls a percentage was taken of."""

    @property
    def ends_at(self) -> float:
        """When it ends, in virtual seconds since the epoch; infinite when nothing ends it yet."""
        if self.request.for_seconds is None or self.awaits_update:
            return self.ended_at
        return min(self.begins_at + self.request.for_seconds, self.ended_at)

    @property
    def awaits_update(self) -> bool:
        """Whether its fleet is not known, since no update has begun."""
        return self._of_update and not self.updates

    @property
    def _of_update(self) -> bool:
        return isinstance(self.request, OnFleet) and self.request.fleet in ("new", "old")

    def state(self, now: float) -> State:
        """Give what it does at `now`."""
        if now >= self.ends_at:
            return State.ENDED
        if self.awaits_update or now < self.begins_at:
            return State.WAITING
        return State.ACTIVE

    def news(self, now: float) -> Iterator[str]:
        """Give `begins` and `ends` when they have happened, each once."""
        begun = not self.awaits_update and self.begins_at <= min(now, self.ends_at)
        if begun and not self.told:
            self.told.append("begins")
            yield "begins"
        if self.told == ["begins"] and now >= self.ends_at:
            self.told.append("ends")
            yield "ends"

    def begin_update(self, endpoint: str, update: Update, now: float) -> None:
        """Take this update for the one that `new` and `old` mean, unless there is one already.

        A fault never begins before its fleet is known; `for_seconds` counts from its beginning.
        """
        request = self.request
        if not self._of_update or not isinstance(request, OnFleet):
            return
        if request.endpoint not in (None, endpoint) or endpoint in self.updates:
            return
        if self.awaits_update:
            self.begins_at = max(self.begins_at, now)
        self.updates[endpoint] = update

    def meets(self, endpoint: str, config: str) -> bool:
        """Tell whether it is about this endpoint's fleet of this configuration."""
        request = self.request
        if not isinstance(request, OnFleet) or request.endpoint not in (None, endpoint):
            return False
        match request.fleet:
            case "any":
                return True
            case "new" | "old":
                update = self.updates.get(endpoint)
                if update is None:
                    return False
                return config == (update.new if request.fleet == "new" else update.old)
            case name:
                return config == name

    def takes(self, percent: float, of: str = "") -> bool:
        """Tell whether the next answer or call is among `percent` of them.

        Evenly and the same way each time: of 25 percent, every fourth.

        Args:
            percent: above 0 to 100.
            of: counted apart for each value, such as an endpoint's name.
        """
        before = self.considered.get(of, 0)
        self.considered[of] = before + 1
        # Ten decimals: 100 times 0.3 percent must not fall short of a whole by a rounding error.
        taken = math.floor(round((before + 1) * percent / 100, 10))
        return taken > math.floor(round(before * percent / 100, 10))

    def describe(self, now: float) -> Mapping[str, Any]:
        """Give the entry of `GET /_modelway/faults`."""
        request = asdict(self.request)
        answer: dict[str, Any] = {
            "id": self.number,
            "kind": request.pop("kind"),
            "state": str(self.state(now)),
            "begins_at": None if self.awaits_update else self.begins_at,
            "ends_at": None if math.isinf(self.ends_at) else self.ends_at,
            "hits": self.hits,
        }
        if self._of_update and isinstance(self.request, OnFleet):
            answer["configs"] = {
                endpoint: update.new if self.request.fleet == "new" else update.old
                for endpoint, update in self.updates.items()
            }
        return answer | request
