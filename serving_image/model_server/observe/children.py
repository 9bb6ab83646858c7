"""The counters that the hot path feeds: of one route and model, and of one model's runs.

Takes what happened, keeps it in plain lists of numbers: no locks, no objects for a request. They
are made by `metrics`, once each. Must not be fed by more than one thread.
"""

import time
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Sequence
from typing import Protocol

from model_server.observe.families import Family
from model_server.observe.snapshot import Exemplar

MAX_EXEMPLAR_CHARACTERS = 100
"""Of a request id and a trace id together: OpenMetrics allows 128 for names and values, and the
names are 19."""

_LOOKED_UP = 1024
"""Rows and requests of one run up to which their bucket is in a table."""


class ObserveRequest(Protocol):
    """Counts one answer."""

    def __call__(
        self, status: int, seconds: float, request_id: str = "", trace_id: str = ""
    ) -> None:
        """Count an answer of that status after that time; about 0.3 us."""
        ...


class ObserveBatch(Protocol):
    """Counts one run of a model."""

    def __call__(
        self, rows: int, requests: int, queue_seconds: Sequence[float], run_seconds: float
    ) -> None:
        """Count a run: its rows, its requests, how long each of them waited, and its time."""
        ...


class Histogram:
    """One series: counts by bucket, then the sum, in one list."""

    __slots__ = ("family", "fresh", "kept", "values")

    def __init__(self, family: Family) -> None:
        self.family = family
        buckets = len(family.bounds) + 1
        self.values: list[float] = [0] * (buckets + 1)
        self.fresh: list[Exemplar | None] = [None] * buckets
        """The first request in each bucket since the last snapshot: to keep one for every request
        would cost a call of the clock each."""
        self.kept: dict[int, Exemplar] = {}

    def exemplars(self) -> dict[int, Exemplar]:
        """Give the latest request known of each bucket."""
        if any(self.fresh):
            for bucket, exemplar in enumerate(self.fresh):
                if exemplar is not None:
                    self.kept[bucket] = exemplar
                    self.fresh[bucket] = None
        return dict(self.kept)


class RequestChild:
    """The counters of one route and model; its owner keeps it, or keeps ``observe``."""

    __slots__ = ("observe", "statuses")

    def __init__(self, duration: Histogram) -> None:
        self.statuses: defaultdict[int, int] = defaultdict(int)
        self.observe: ObserveRequest = _request_observer(duration, self.statuses)


class BatchChild:
    """The counters of one model's runs; its owner keeps it, or keeps ``observe``."""

    __slots__ = ("observe",)

    def __init__(
        self, rows: Histogram, requests: Histogram, queue: Histogram, inference: Histogram
    ) -> None:
        self.observe: ObserveBatch = _batch_observer(rows, requests, queue, inference)


def _request_observer(duration: Histogram, statuses: defaultdict[int, int]) -> ObserveRequest:
    # A closure: its names are looked up faster than an object's fields.
    bounds, values, fresh = duration.family.bounds, duration.values, duration.fresh
    total = len(bounds) + 1
    clock, place = time.time, bisect_left

    def observe(status: int, seconds: float, request_id: str = "", trace_id: str = "") -> None:
        statuses[status] += 1
        bucket = place(bounds, seconds)
        values[bucket] += 1
        values[total] += seconds
        if fresh[bucket] is None and 0 < len(request_id) + len(trace_id) <= MAX_EXEMPLAR_CHARACTERS:
            fresh[bucket] = (request_id, trace_id, seconds, clock())

    return observe


def _batch_observer(
    rows_seen: Histogram, requests_seen: Histogram, queue: Histogram, inference: Histogram
) -> ObserveBatch:
    row_bounds, row_values = rows_seen.family.bounds, rows_seen.values
    request_bounds, request_values = requests_seen.family.bounds, requests_seen.values
    queue_bounds, queue_values = queue.family.bounds, queue.values
    run_bounds, run_values = inference.family.bounds, inference.values
    # Where each sum is; a list's last number is found faster by its own index than by -1.
    row_sum, request_sum = len(row_values) - 1, len(request_values) - 1
    queue_sum, run_sum = len(queue_values) - 1, len(run_values) - 1
    place = bisect_left
    # A look-up is three times as fast as a search, and most runs are small.
    row_places = [place(row_bounds, rows) for rows in range(_LOOKED_UP + 1)]
    request_places = [place(request_bounds, requests) for requests in range(_LOOKED_UP + 1)]

    def observe(
        rows: int, requests: int, queue_seconds: Sequence[float], run_seconds: float
    ) -> None:
        row_values[row_places[rows] if rows <= _LOOKED_UP else place(row_bounds, rows)] += 1
        row_values[row_sum] += rows
        if requests == 1:
            waited = queue_seconds[0]
            request_values[0] += 1
            request_values[request_sum] += 1
            queue_values[place(queue_bounds, waited)] += 1
            queue_values[queue_sum] += waited
        else:
            number = (
                request_places[requests]
                if requests <= _LOOKED_UP
                else place(request_bounds, requests)
            )
            request_values[number] += 1
            request_values[request_sum] += requests
            for waited in queue_seconds:
                queue_values[place(queue_bounds, waited)] += 1
            queue_values[queue_sum] += sum(queue_seconds)
        run_values[place(run_bounds, run_seconds)] += 1
        run_values[run_sum] += run_seconds

    return observe
