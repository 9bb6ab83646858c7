"""Figures for CloudWatch, as lines in its embedded metric format.

Takes the counters of all workers, gives one line a model and interval to a sink, the log; whoever
ships the log to CloudWatch Logs has metrics made of it, without a call to AWS from here.
Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/
CloudWatch_Embedded_Metric_Format_Specification.html (read 2026-11).

Counts are of the interval, so CloudWatch's Sum is right. Percentiles are read off the histograms'
buckets, which double, and are right within a factor of 1.4; their Maximum is the worst interval.
"""

import time
from collections.abc import Callable, Mapping

import orjson

from model_server.observe.families import (
    BATCH_ROWS,
    DURATION,
    ERRORS,
    INFERENCE,
    LOG_DROPPED,
    QUEUE,
    REQUESTS,
    Family,
)
from model_server.observe.snapshot import Key
from model_server.settings.observe import EmfSettings

Counts = Mapping[Key, list[float]]

Write = Callable[[bytes], None]
"""Takes a line with its newline."""

_PERCENTILES = {"P50": 0.5, "P90": 0.9, "P99": 0.99}

_UNITS = {
    "Requests": "Count",
    "Errors": "Count",
    "DurationAverage": "Milliseconds",
    **{f"Duration{name}": "Milliseconds" for name in _PERCENTILES},
    "QueueAverage": "Milliseconds",
    "InferenceAverage": "Milliseconds",
    "BatchRowsAverage": "Count",
    "PredictionsDropped": "Count",
}


class Emf:
    """Writes a line a model at each tick.

    To be used in one process of a server: the figures are those of all of them.

    Args:
        settings: namespace and dimensions.
        totals: gives the counters, such as ``lambda: metrics.totals().series``.
        write: takes each line.
    """

    def __init__(self, settings: EmfSettings, totals: Callable[[], Counts], write: Write) -> None:
        self._settings = settings
        self._totals = totals
        self._write = write
        self._last: Counts = totals()

    def tick(self) -> None:
        """Write what happened since the last tick; to be called once an interval."""
        now = self._totals()
        change = {
            key: [
                value - before
                for value, before in zip(
                    values, self._last.get(key, [0.0] * len(values)), strict=True
                )
            ]
            for key, values in now.items()
        }
        self._last = now
        moment = int(time.time() * 1000)
        for model in sorted({key[3] for key in now if key[0] == REQUESTS.name}):
            self._write(self._line(moment, model, figures_of(model, change)))

    def _line(self, moment: int, model: str, figures: Mapping[str, float]) -> bytes:
        dimensions = {**dict(self._settings.dimensions), "Model": model}
        head = {
            "_aws": {
                "Timestamp": moment,
                "CloudWatchMetrics": [
                    {
                        "Namespace": self._settings.namespace,
                        "Dimensions": [list(dimensions)],
                        "Metrics": [{"Name": name, "Unit": _UNITS[name]} for name in figures],
                    }
                ],
            }
        }
        return orjson.dumps({**head, **dimensions, **figures}, option=orjson.OPT_APPEND_NEWLINE)


def figures_of(model: str, change: Counts) -> dict[str, float]:
    """Give a model's figures of an interval; averages and percentiles only where there are any."""
    found: dict[str, float] = {
        "Requests": _count(REQUESTS, 3, model, change),
        "Errors": _count(ERRORS, 1, model, change),
    }
    duration = _merged(DURATION, 2, model, change)
    count = sum(duration[:-1])
    if count > 0:
        found["DurationAverage"] = _rounded(duration[-1] / count * 1000)
        for name, share in _PERCENTILES.items():
            value = percentile(DURATION.bounds, duration[:-1], share)
            found[f"Duration{name}"] = _rounded(value * 1000)
    for name, family, scale in (
        ("QueueAverage", QUEUE, 1000.0),
        ("InferenceAverage", INFERENCE, 1000.0),
        ("BatchRowsAverage", BATCH_ROWS, 1.0),
    ):
        values = _merged(family, 1, model, change)
        if sum(values[:-1]) > 0:
            found[name] = _rounded(values[-1] / sum(values[:-1]) * scale)
    dropped = sum(values[0] for key, values in change.items() if key[0] == LOG_DROPPED.name)
    if any(key[0] == LOG_DROPPED.name for key in change):
        found["PredictionsDropped"] = dropped
    return found


def percentile(bounds: tuple[float, ...], counts: list[float], share: float) -> float:
    """Give a percentile by interpolation in its bucket, as Prometheus' histogram_quantile does.

    Args:
        bounds: upper bounds of the buckets.
        counts: of each bucket, and one more for what is above the last bound.
        share: 0-1.

    Returns:
        The value; the last bound where it is above that.
    """
    wanted = share * sum(counts)
    below = 0.0
    lower = 0.0
    for bound, count in zip(bounds, counts[:-1], strict=True):
        if count > 0 and below + count >= wanted:
            return lower + (bound - lower) * (wanted - below) / count
        below += count
        lower = bound
    return bounds[-1]


def _count(family: Family, place: int, model: str, change: Counts) -> float:
    return sum(
        values[0] for key, values in change.items() if key[0] == family.name and key[place] == model
    )


def _merged(family: Family, place: int, model: str, change: Counts) -> list[float]:
    total = [0.0] * family.width
    for key, values in change.items():
        if key[0] == family.name and key[place] == model:
            total = [one + more for one, more in zip(total, values, strict=True)]
    return total


def _rounded(value: float) -> float:
    return round(value, 3)
