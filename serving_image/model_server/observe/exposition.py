"""A snapshot as text for Prometheus: the format 0.0.4, or OpenMetrics 1.0 where it is asked for.

Takes a snapshot and an Accept header, gives a media type and bytes, made by prometheus_client,
which is imported at the first call: the server counts without it.
"""

from collections.abc import Iterable, Iterator
from itertools import accumulate
from typing import TYPE_CHECKING

from model_server.observe.families import FAMILIES, Family, Kind
from model_server.observe.snapshot import Exemplar, Snapshot

if TYPE_CHECKING:
    from prometheus_client.metrics_core import Metric
    from prometheus_client.samples import Exemplar as PrometheusExemplar

TEXT_TYPE = "text/plain; version=0.0.4; charset=utf-8"

OPENMETRICS_TYPE = "application/openmetrics-text; version=1.0.0; charset=utf-8"


def render(snapshot: Snapshot, accept: str) -> tuple[str, bytes]:
    """Give the media type and the text of a snapshot."""
    from prometheus_client import exposition
    from prometheus_client.openmetrics import exposition as openmetrics

    collector = _Collector(snapshot)
    if wants_openmetrics(accept):
        return OPENMETRICS_TYPE, openmetrics.generate_latest(collector)
    return TEXT_TYPE, exposition.generate_latest(collector)  # type: ignore[arg-type]  # collect() is all it calls


def wants_openmetrics(accept: str) -> bool:
    """Whether an Accept header prefers OpenMetrics 1.0, as Prometheus' own does."""
    openmetrics = text = 0.0
    for entry in accept.lower().split(","):
        media_type, *parameters = (part.strip() for part in entry.split(";"))
        values = {name: value for name, _, value in (part.partition("=") for part in parameters)}
        weight = _weight(values.get("q", "1"))
        if media_type == "application/openmetrics-text":
            if values.get("version", "1.0.0") == "1.0.0":
                openmetrics = max(openmetrics, weight)
        elif media_type in ("text/plain", "text/*", "*/*"):
            text = max(text, weight)
    return openmetrics > 0 and openmetrics >= text


def _weight(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


class _Collector:
    """What prometheus_client calls a registry: something that can be collected."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot

    def collect(self) -> "Iterator[Metric]":
        """Give the families that have series, in the order of the table."""
        by_family: dict[str, list[tuple[str, ...]]] = {}
        for key in self._snapshot.series:
            by_family.setdefault(key[0], []).append(key)
        for name, family in FAMILIES.items():
            if name in by_family:
                yield _metric(family, sorted(by_family[name]), self._snapshot)


def _metric(family: Family, keys: Iterable[tuple[str, ...]], snapshot: Snapshot) -> "Metric":
    from prometheus_client.metrics_core import (
        CounterMetricFamily,
        GaugeMetricFamily,
        HistogramMetricFamily,
        InfoMetricFamily,
    )

    if family.kind is Kind.HISTOGRAM:
        histogram = HistogramMetricFamily(family.name, family.text, labels=family.labels)
        for key in keys:
            values = snapshot.series[key]
            exemplars = snapshot.exemplars.get(key, {})
            bounds = [*map(repr, family.bounds), "+Inf"]
            buckets = [
                (bound, count, _exemplar(exemplars[number]))
                if number in exemplars
                else (bound, count)
                for number, (bound, count) in enumerate(
                    zip(bounds, accumulate(values[:-1]), strict=True)
                )
            ]
            histogram.add_metric(key[1:], buckets, values[-1])
        return histogram
    if family.kind is Kind.INFO:
        info = InfoMetricFamily(family.name, family.text, labels=())
        for key in keys:
            info.add_metric((), dict(zip(family.labels, key[1:], strict=True)))
        return info
    simple = CounterMetricFamily if family.kind is Kind.COUNTER else GaugeMetricFamily
    metric = simple(family.name, family.text, labels=family.labels)
    for key in keys:
        metric.add_metric(key[1:], snapshot.series[key][0])
    return metric


def _exemplar(found: Exemplar) -> "PrometheusExemplar":
    from prometheus_client.samples import Exemplar as PrometheusExemplar

    request_id, trace_id, value, moment = found
    labels = {"request_id": request_id, "trace_id": trace_id}
    return PrometheusExemplar(
        {name: text for name, text in labels.items() if text}, value, round(moment, 3)
    )
