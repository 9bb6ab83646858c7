"""What the page plots: requests, latency and errors of each fleet over time.

Takes the metric store, gives aligned periods of numbers. Reads only what the services published
(AWS/SageMaker, by EndpointName, VariantName and EndpointConfigName) and changes nothing. It must
not know moto, HTTP or how the page looks.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from modelway.emulator.cloudwatch.metrics import MINUTE_SECONDS, MetricKey
from modelway.emulator.cloudwatch.statistics import Samples, aggregate

NAMESPACE = "AWS/SageMaker"
PERIODS = 120
"""How many periods a plot shows, the one under way among them."""
PERIOD_CHOICES_SECONDS = (10.0, 30.0, 60.0, 300.0, 900.0, 3600.0)
"""Virtual lengths of a period; the shortest that lasts a real second or more is taken."""

_LEAST_SHARE = 0.2
"""A rate over less of the period under way would be a guess."""
_REMEMBERED = 20_000
"""Stretches of a metric whose figures are kept; an endpoint in a rollout has about a thousand."""

_T = TypeVar("_T")


class MetricSource(Protocol):
    """What this reads of the metric store."""

    def keys(self, region: str | None = None) -> list[MetricKey]:
        """Give what was measured."""
        ...

    def counts(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        *,
        start: float,
        end: float,
        period_seconds: float,
    ) -> dict[float, float]:
        """Tell how many measurements each period of whole minutes has, by its start."""
        ...

    def periods(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        *,
        start: float,
        end: float,
        period_seconds: float,
    ) -> dict[float, Samples]:
        """Give the samples of each period that has any, by its start."""
        ...


@dataclass(frozen=True)
class Window:
    """The periods of a plot, in virtual time."""

    start: float
    """The start of the first period in seconds since the epoch."""
    period_seconds: float
    now: float
    """When it was read; in the last period."""
    time_scale: float

    @property
    def starts(self) -> list[float]:
        """Give the start of every period, oldest first."""
        return [self.start + number * self.period_seconds for number in range(PERIODS)]

    @property
    def end(self) -> float:
        """Give the end of the last period."""
        return self.start + PERIODS * self.period_seconds


@dataclass(frozen=True)
class Line:
    """One variant of one fleet over a window; every list has one entry a period.

    Rates are per real second, which is what a client counts, whatever the time scale. None stands
    for a period before the first request, for a latency without requests, and for what cannot be
    told yet.
    """

    config: str | None
    """The fleet; None where nobody published the dimension EndpointConfigName."""
    variant: str
    requests_per_second: list[float | None]
    errors_per_second: list[float | None]
    """Invocations answered with a 4XX or 5XX."""
    p50_ms: list[float | None]
    p99_ms: list[float | None]


def window_at(now: float, time_scale: float) -> Window:
    """Give the window that ends with the period around `now` (virtual seconds)."""
    wanted = (each for each in PERIOD_CHOICES_SECONDS if each >= time_scale)
    period_seconds = next(wanted, PERIOD_CHOICES_SECONDS[-1])
    last = now // period_seconds * period_seconds
    return Window(last - (PERIODS - 1) * period_seconds, period_seconds, now, time_scale)


class Figures:
    """Reads lines from the metrics of one emulator.

    Args:
        source: the metric store.
    """

    def __init__(self, source: MetricSource) -> None:
        self._source = source
        # A busy endpoint has 100 000 measurements in a window, and a browser asks every second.
        self._known: dict[tuple[str, frozenset[tuple[str, str]], float], tuple[float, Any]] = {}

    def lines(self, endpoint_name: str, window: Window) -> list[Line]:
        """Give the lines of an endpoint that had requests in the window, the oldest fleet first.

        By fleet where SageMaker's dimension EndpointConfigName is there, else by variant.
        """
        measured = self._source.keys()
        found = [
            dict(key.dimensions)
            for key in measured
            if key.namespace == NAMESPACE
            and key.name == "Invocations"
            and ("EndpointName", endpoint_name) in key.dimensions
        ]
        by_fleet = [each for each in found if "EndpointConfigName" in each]
        lines = [self._line(each, window) for each in by_fleet or found if "VariantName" in each]
        return [line for line in lines if any(value for value in line.requests_per_second)]

    def _line(self, dimensions: Mapping[str, str], window: Window) -> Line:
        requests, client, server = (
            self._read(name, dimensions, window, _total)
            for name in ("Invocations", "Invocation4XXErrors", "Invocation5XXErrors")
        )
        latency = self._read("ModelLatency", dimensions, window, _percentiles_ms)
        rates, errors, medians, tails = [], [], [], []
        begun = False
        for start in window.starts:
            begun = begun or start in requests
            seconds = _real_seconds(window, start) if begun else None
            failed = client.get(start, 0.0) + server.get(start, 0.0)
            rates.append(None if seconds is None else requests.get(start, 0.0) / seconds)
            errors.append(None if seconds is None else failed / seconds)
            median, tail = latency.get(start, (None, None))
            medians.append(median)
            tails.append(tail)
        config = dimensions.get("EndpointConfigName")
        return Line(config, dimensions["VariantName"], rates, errors, medians, tails)

    def _read(
        self,
        name: str,
        dimensions: Mapping[str, str],
        window: Window,
        reduce: Callable[[Samples], _T],
    ) -> dict[float, _T]:
        """Give one number or two of each period that has measurements.

        Only stretches whose number of measurements has changed are read again, late ones too.
        """
        stretch_seconds = max(float(MINUTE_SECONDS), window.period_seconds)
        found: dict[float, _T] = {}
        counts = self._source.counts(
            NAMESPACE,
            name,
            dimensions,
            start=window.start // stretch_seconds * stretch_seconds,
            end=window.end,
            period_seconds=stretch_seconds,
        )
        for start, count in counts.items():
            key = (name, frozenset(dimensions.items()), start)
            known = self._known.get(key)
            if known is None or known[0] != count:
                if len(self._known) >= _REMEMBERED:
                    self._known.clear()
                periods = self._source.periods(
                    NAMESPACE,
                    name,
                    dimensions,
                    start=start,
                    end=start + stretch_seconds,
                    period_seconds=window.period_seconds,
                )
                known = (count, {at: reduce(samples) for at, samples in periods.items()})
                self._known[key] = known
            found |= known[1]
        return found


def _real_seconds(window: Window, start: float) -> float | None:
    """Give how much real time of a period has passed; None where that is too little for a rate."""
    passed = min(window.period_seconds, window.now - start)
    if passed < window.period_seconds * _LEAST_SHARE:
        return None
    return passed / window.time_scale


def _total(samples: Samples) -> float:
    return sum(samples.values) + sum(each.total for each in samples.sets)


def _percentiles_ms(samples: Samples) -> tuple[float | None, float | None]:
    """Give p50 and p99; SageMaker publishes microseconds."""
    median, tail = (aggregate(each, samples) for each in ("p50", "p99"))
    return _thousandth(median), _thousandth(tail)


def _thousandth(value: float | None) -> float | None:
    return None if value is None else value / 1000
