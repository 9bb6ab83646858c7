"""What became of requests, one by one and summed up.

Takes recorded calls, gives figures. Must not send anything.
"""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Call:
    """One invocation."""

    at_seconds: float
    """When it was due, in real seconds after the start."""
    status: int
    """The HTTP status; 0 when there was no answer."""
    latency_ms: float
    """From the sending to the end of the answer, in real time."""
    late_ms: float
    """How long after its time it was sent, in real time."""
    variant: str
    """The production variant that answered; empty when none is named."""
    error: str
    """AWS's error code, or what went wrong; empty for success."""
    version: str = ""
    """The model's version that gave the answer; empty when nobody was asked to tell."""

    @property
    def sent_seconds(self) -> float:
        """When it was sent, in real seconds after the start."""
        return self.at_seconds + self.late_ms / 1000

    @property
    def ended_seconds(self) -> float:
        """When its answer was complete, in real seconds after the start."""
        return self.sent_seconds + self.latency_ms / 1000


@dataclass(frozen=True)
class Summary:
    """What became of all calls so far. Latencies are NaN when there was none."""

    calls: int
    errors: int
    p50_ms: float
    p99_ms: float
    latest_ms: float
    """The longest that a call was sent after its time."""
    per_minute: float
    """Calls per virtual minute that were really made."""
    variants: Mapping[str, int]
    error_codes: Mapping[str, int]


def summarize(calls: Sequence[Call], virtual_minutes: float) -> Summary:
    """Sum up calls that were made within so many virtual minutes."""
    latencies = sorted(call.latency_ms for call in calls)
    return Summary(
        calls=len(calls),
        errors=sum(1 for call in calls if call.error),
        p50_ms=quantile(latencies, 0.50),
        p99_ms=quantile(latencies, 0.99),
        latest_ms=max((call.late_ms for call in calls), default=0.0),
        per_minute=len(calls) / virtual_minutes if virtual_minutes > 0 else 0.0,
        variants=Counter(call.variant for call in calls if call.variant),
        error_codes=Counter(call.error for call in calls if call.error),
    )


def longest_unavailability_seconds(calls: Sequence[Call]) -> float:
    """Give the longest time in which every request failed, in real seconds.

    It runs from the sending of the first of several failures in a row to the end of the next
    success; without one, to the end of the last failure.
    """
    longest, began = 0.0, math.nan
    ended = 0.0
    for call in sorted(calls, key=lambda each: each.sent_seconds):
        if call.error:
            began = call.sent_seconds if math.isnan(began) else began
            ended = max(ended, call.ended_seconds)
        elif not math.isnan(began):
            longest = max(longest, call.ended_seconds - began)
            began = math.nan
    return longest if math.isnan(began) else max(longest, ended - began)


def quantile(ordered: Sequence[float], share: float) -> float:
    """Give a quantile of sorted values, linear between the closest ranks; NaN without values."""
    if not ordered:
        return math.nan
    position = share * (len(ordered) - 1)
    lower = math.floor(position)
    upper = min(lower + 1, len(ordered) - 1)
    return ordered[lower] + (ordered[upper] - ordered[lower]) * (position - lower)
