"""What the server counts, cheaply enough to count everything.

Takes what happened to requests, batches and models, gives snapshots of all processes together and
text for Prometheus (`exposition`). The hot path is plain lists and numbers, without locks and
without objects for a request: a child of a metric is made once and kept by whoever feeds it.
Figures that others count already are read from them at the time of a snapshot.

Counting happens on one thread, the event loop's. Reading may happen on any: a reader sees counts
that are whole, though perhaps not all of the same request.
"""

import threading
from collections import defaultdict
from collections.abc import Callable, Mapping

from model_server.observe.children import BatchChild, Histogram, RequestChild
from model_server.observe.exposition import render
from model_server.observe.families import (
    BATCH_REQUESTS,
    BATCH_ROWS,
    DURATION,
    ERRORS,
    FAMILIES,
    INFERENCE,
    MAX_CHILDREN,
    MODEL_INFO,
    MODEL_LOAD,
    OTHER,
    QUEUE,
    REQUESTS,
    WORKER_RESTARTS,
    Family,
)
from model_server.observe.process_stats import ProcessStats
from model_server.observe.scoreboard import BYTES_PER_SLOT, Scoreboard
from model_server.observe.snapshot import (
    FRAME_BYTES,
    Key,
    Snapshot,
    add,
    cost_of,
    decode,
    encode,
)

Source = Callable[[], Mapping[tuple[str, ...], float] | float]
"""Gives counts by label values, or one number for a metric without labels."""


class Metrics:
    """Everything that one process counts, and what the others did.

    Args:
        scoreboard: the memory shared with the other workers; None where there are none.
        slot: this process' slot in it.
    """

    def __init__(self, scoreboard: Scoreboard | None = None, slot: int = 0) -> None:
        self._scoreboard = scoreboard
        self._slot = slot
        capacity = BYTES_PER_SLOT // 2 if scoreboard is None else scoreboard.capacity
        self._capacity = capacity
        # Room for the series `other` of each metric is set aside, so that a count always has one.
        self._room = (
            capacity
            - FRAME_BYTES
            - sum(cost_of(family, (OTHER,) * len(family.labels)) for family in FAMILIES.values())
        )
        self._admitted: dict[str, set[tuple[str, ...]]] = {name: set() for name in FAMILIES}
        self._requests: dict[tuple[str, ...], RequestChild] = {}
        self._batches: dict[tuple[str, ...], BatchChild] = {}
        self._histograms: dict[Key, Histogram] = {}
        self._errors: defaultdict[tuple[str, ...], int] = defaultdict(int)
        self._models: dict[tuple[str, str], list[tuple[str, float]]] = {}
        """Digest and load time of each model; two where one takes the place of another."""
        self._sources: list[tuple[Family, Source]] = []
        self._process = ProcessStats()
        self._reading = threading.Lock()

    def request_child(self, protocol: str, route: str, model: str) -> RequestChild:
        """Give the counters of a route and model, made at the first call.

        Args:
            protocol: such as ``rest`` or ``grpc``.
            route: the route's pattern, such as ``/v2/models/{name}/infer``; never a caller's path.
            model: the served name; ``""`` where the caller named none that is known.
        """
        labels = _bounded(self._requests, (protocol, route, model))
        child = self._requests.get(labels)
        if child is None:
            child = RequestChild(self._histogram(DURATION, labels[1:]))
            self._requests[labels] = child
        return child

    def batch(self, model: str) -> BatchChild:
        """Give the counters of a model's runs, made at the first call."""
        labels = _bounded(self._batches, (model,))
        child = self._batches.get(labels)
        if child is None:
            child = BatchChild(
                *(
                    self._histogram(family, labels)
                    for family in (BATCH_ROWS, BATCH_REQUESTS, QUEUE, INFERENCE)
                )
            )
            self._batches[labels] = child
        return child

    def error(self, model: str, reason: str) -> None:
        """Count a request answered with an error.

        Args:
            model: as in `request_child`.
            reason: one word of the server's own, such as ``overloaded``; never a caller's text.
        """
        self._errors[_bounded(self._errors, (model, reason))] += 1

    def model_loaded(self, model: str, version: str, digest: str, seconds: float) -> None:
        """Show a model as loaded; the time includes the warm-up."""
        if len(self._models) < MAX_CHILDREN or (model, version) in self._models:
            self._models.setdefault((model, version), []).append((digest, seconds))

    def model_unloaded(self, model: str, version: str) -> None:
        """Show a model no more; its counters stay.

        Where the same version was loaded anew before, it is the older one that goes.
        """
        loaded = self._models.get((model, version), [])
        if len(loaded) > 1:
            del loaded[0]
        else:
            self._models.pop((model, version), None)

    def add_source(self, family: Family, source: Source) -> None:
        """Read a metric from whoever counts it, at each snapshot.

        Several sources of one metric are added up. A source must be quick, must not block and may
        be called on any thread.
        """
        self._sources.append((family, source))

    def publish(self) -> None:
        """Show this process' counters to the others; to be called once a second."""
        if self._scoreboard is not None:
            with self._reading:
                self._scoreboard.publish(self._slot, encode(self._collect(), self._capacity))

    def totals(self) -> Snapshot:
        """Give the counters of all processes, those that ended included."""
        if self._scoreboard is None:
            with self._reading:
                return self._collect()
        # Published first, so that a later answer of another process holds at least as much.
        self.publish()
        total = Snapshot()
        for data in self._scoreboard.read_all():
            add(total, decode(data))
        total.series[WORKER_RESTARTS.name,] = [float(self._scoreboard.restarts)]
        return total

    def expose(self, accept: str = "") -> tuple[str, bytes]:
        """Answer a scrape.

        Takes about 2 ms for one model and 1.5 s for a thousand of them, so it is better called in
        a thread; the first call imports prometheus_client.

        Args:
            accept: the Accept header.

        Returns:
            The media type, and the text.
        """
        return render(self.totals(), accept)

    def _histogram(self, family: Family, labels: tuple[str, ...]) -> Histogram:
        key = (family.name, *labels)
        histogram = self._histograms.get(key)
        if histogram is None:
            self._histograms[key] = histogram = Histogram(family)
        return histogram

    def _collect(self) -> Snapshot:
        snapshot = Snapshot()
        for labels, child in list(self._requests.items()):
            for status, count in dict(child.statuses).items():
                self._count(snapshot, REQUESTS, (*labels, str(status)), [float(count)])
        for labels, count in dict(self._errors).items():
            self._count(snapshot, ERRORS, labels, [float(count)])
        for key, histogram in list(self._histograms.items()):
            name = self._count(snapshot, histogram.family, key[1:], list(histogram.values))
            exemplars = histogram.exemplars()
            if exemplars:
                snapshot.exemplars[name] = exemplars
        for family, source in self._sources:
            found = source()
            by_labels = found if isinstance(found, Mapping) else {(): found}
            for labels, value in by_labels.items():
                self._count(snapshot, family, labels, [float(value)])
        for (model, version), loaded in list(self._models.items()):
            digest, seconds = loaded[-1]
            snapshot.series[MODEL_LOAD.name, model, version] = [seconds]
            snapshot.series[MODEL_INFO.name, model, version, digest] = [1.0]
        snapshot.series.update(self._process.series())
        return snapshot

    def _count(
        self, snapshot: Snapshot, family: Family, labels: tuple[str, ...], values: list[float]
    ) -> Key:
        """Add values to the series of these labels, or to ``other`` where there is no room."""
        admitted = self._admitted[family.name]
        if labels not in admitted:
            cost = cost_of(family, labels)
            if len(admitted) < MAX_CHILDREN and cost <= self._room:
                # Once admitted it stays so: what moved to `other` and back would let it fall.
                self._room -= cost
                admitted.add(labels)
            else:
                labels = (OTHER,) * len(family.labels)
        key = (family.name, *labels)
        have = snapshot.series.get(key)
        snapshot.series[key] = (
            values if have is None else [one + more for one, more in zip(have, values, strict=True)]
        )
        return key


def _bounded(known: Mapping[tuple[str, ...], object], labels: tuple[str, ...]) -> tuple[str, ...]:
    if labels in known or len(known) < MAX_CHILDREN:
        return labels
    return (OTHER,) * len(labels)
