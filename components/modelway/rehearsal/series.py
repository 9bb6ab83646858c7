"""A rehearsal's requests in equal slices of virtual time.

Takes calls and events, gives series to draw and to write down. Must not draw.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from modelway.rehearsal.calls import quantile
from modelway.rehearsal.record import Event, Rehearsed

SLICES = 60
"""How many slices a rehearsal's traffic is cut into: enough to see a minute's spike in an hour."""


@dataclass(frozen=True)
class Slice:
    """The requests that were sent in one slice."""

    begins: float
    """Virtual seconds since the beginning of the rehearsal."""
    per_second: float
    """Requests per real second."""
    errors_per_second: float
    """Failed ones, per real second."""
    p50_ms: float
    """NaN without an answer."""
    p99_ms: float
    versions: Mapping[str, int] = field(default_factory=dict[str, int])
    """Answers by version."""


def slices(rehearsed: Rehearsed, count: int = SLICES) -> list[Slice]:
    """Cut the time from the first to the last request; empty without requests."""
    if not rehearsed.calls:
        return []
    first = min(sent.sent for sent in rehearsed.calls)
    last = max(sent.sent for sent in rehearsed.calls)
    width = max((last - first) / count, 1e-9)
    groups: list[list[int]] = [[] for _ in range(count)]
    for index, sent in enumerate(rehearsed.calls):
        groups[min(int((sent.sent - first) / width), count - 1)].append(index)
    real = width / rehearsed.scenario.time_scale
    made = []
    for number, group in enumerate(groups):
        calls = [rehearsed.calls[index].call for index in group]
        latencies = sorted(call.latency_ms for call in calls)
        made.append(
            Slice(
                begins=first + number * width - rehearsed.began,
                per_second=len(calls) / real,
                errors_per_second=sum(1 for call in calls if call.error) / real,
                p50_ms=quantile(latencies, 0.50),
                p99_ms=quantile(latencies, 0.99),
                versions=Counter(call.version for call in calls if call.version),
            )
        )
    return made


@dataclass(frozen=True)
class Share:
    """What share of the traffic one fleet has from a moment on."""

    begins: float
    """Virtual seconds since the beginning of the rehearsal."""
    shares: Mapping[str, float]
    """0 to 1 by configuration."""


def shares(rehearsed: Rehearsed) -> list[Share]:
    """Give the traffic split over time, as the emulator told it."""
    found = []
    for event in rehearsed.events:
        if event.kind == "traffic":
            split = {name: float(share) for name, share in event.data.get("shares", {}).items()}
            found.append(Share(event.at - rehearsed.began, split))
    return found


@dataclass(frozen=True)
class Span:
    """Something that lasts: a bake, an alarm, a fault."""

    kind: str
    name: str
    begins: float
    ends: float
    """Virtual seconds since the beginning of the rehearsal."""


def spans(rehearsed: Rehearsed) -> list[Span]:
    """Give bakes, alarms in ALARM and faults, in the order of their beginnings."""
    began, end = rehearsed.began, rehearsed.ended - rehearsed.began
    found: list[Span] = []
    for index, event in enumerate(rehearsed.events):
        rest = rehearsed.events[index + 1 :]
        at = event.at - began
        if event.kind == "bake-started":
            until = at + float(event.data.get("seconds", 0))
            over = _first(rest, {"rollback-started", "rolled-back", "promoted"}, began)
            found.append(Span("bake", "bake", at, min(until, over, end)))
        elif event.kind == "alarm" and event.data.get("to") == "ALARM":
            name = str(event.data.get("name", ""))
            left = [e for e in rest if e.kind == "alarm" and e.data.get("name") == name]
            found.append(Span("alarm", name, at, left[0].at - began if left else end))
        elif event.kind == "fault" and event.data.get("action") == "begins":
            name = str(event.data.get("kind", ""))
            ended = [
                e
                for e in rest
                if e.kind == "fault"
                and e.data.get("action") == "ends"
                and e.data.get("kind") == name
            ]
            found.append(Span("fault", name, at, ended[0].at - began if ended else end))
    return found


def _first(events: Sequence[Event], kinds: set[str], began: float) -> float:
    return next((event.at - began for event in events if event.kind in kinds), math.inf)
