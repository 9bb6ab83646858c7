"""Where every measurement of the emulator goes, and where alarms and the API read it.

Takes single values from the services (`record`, cheap and thread-safe) and PutMetricData, gives the
samples of aligned periods. Raw values are kept for three virtual hours, and never more than
`raw_limit` of them in one series; older ones are merged into one statistic set a minute, which
CloudWatch keeps for 15 days. It must not know moto, alarms or endpoints.
"""

import heapq
import itertools
import threading
from array import array
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from modelway.emulator.clock import Clock
from modelway.emulator.cloudwatch.statistics import Samples, StatisticSet

MINUTE_SECONDS = 60
RAW_SECONDS = 3 * 3600
KEPT_SECONDS = 15 * 86400
"""Data points of 60 s are available for 15 days (CloudWatch user guide, metrics retention)."""
RAW_LIMIT = 100_000
_MINUTES_BETWEEN_PRUNES = 16

Dimensions = frozenset[tuple[str, str]]


class MetricKey(NamedTuple):
    """What names one metric in CloudWatch."""

    region: str
    namespace: str
    name: str
    dimensions: Dimensions


@dataclass
class _Minute:
    # Arrays: a float in a list takes four times the memory.
    times: "array[float]" = field(default_factory=lambda: array("d"))
    values: "array[float]" = field(default_factory=lambda: array("d"))
    sets: list[StatisticSet] = field(default_factory=list)

    def merge(self, start: float) -> None:
        """Turn the raw values into one statistic set, as they are too old to keep one by one."""
        if self.values:
            values, self.times, self.values = self.values, array("d"), array("d")
            self.sets.append(
                StatisticSet(start, sum(values), min(values), max(values), float(len(values)))
            )


@dataclass
class _Series:
    raw_limit: int
    minutes: dict[int, _Minute] = field(default_factory=dict)
    opened: int = 0

    def open(self, minute: int) -> _Minute:
        """Start a minute, and now and then drop or merge what is too old."""
        self.opened += 1
        if self.opened % _MINUTES_BETWEEN_PRUNES == 0:
            self.prune(max(max(self.minutes, default=minute), minute))
        made = self.minutes[minute] = _Minute()
        return made

    def prune(self, newest: int) -> None:
        """Forget minutes older than 15 days, merge those older than 3 hours or over the limit."""
        raw = 0
        for minute in sorted(self.minutes, reverse=True):
            age_seconds = (newest - minute) * MINUTE_SECONDS
            if age_seconds > KEPT_SECONDS:
                del self.minutes[minute]
                continue
            raw += len(self.minutes[minute].values)
            if age_seconds > RAW_SECONDS or (raw > self.raw_limit and minute < newest):
                self.minutes[minute].merge(minute * MINUTE_SECONDS)


class MetricStore:
    """Every metric of one emulator.

    Args:
        clock: stamps measurements that carry no time.
        region: where services record, and the default of every read. Default: us-east-1.
        raw_limit: raw values kept for one series, 1 or more. Default: 100 000.
    """

    def __init__(self, clock: Clock, region: str = "us-east-1", raw_limit: int = RAW_LIMIT) -> None:
        self._clock = clock
        self._region = region
        self._raw_limit = raw_limit
        self._lock = threading.Lock()
        self._units: dict[MetricKey, dict[str, _Series]] = {}
        self._reported: dict[MetricKey, float] = {}
        self._held: list[tuple[float, int, MetricKey, str, float, float]] = []
        self._holds = itertools.count()
        self.reported_by: Callable[[Mapping[str, str], float, float], bool] = (
            lambda _dimensions, _at, _now: True
        )
        """Tells whether the zero that `report_zero` stands for was there to be read: takes a
        metric's dimensions, the start of its period and the present. Default: always."""

    def record(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        value: float,
        unit: str,
        timestamp: float | None = None,
        *,
        region: str | None = None,
        delay_seconds: float = 0.0,
    ) -> None:
        """Add one measurement; `timestamp` in virtual seconds since the epoch, default now.

        `delay_seconds`: virtual time from now until it can be read. Default: 0.
        """
        now = self._clock.now()
        at = now if timestamp is None else timestamp
        key = self._key(namespace, name, dimensions, region)
        with self._lock:
            if delay_seconds > 0:
                held = (now + delay_seconds, next(self._holds), key, unit, at, value)
                heapq.heappush(self._held, held)
                return
            minute = self._minute(key, unit, at)
            minute.times.append(at)
            minute.values.append(value)

    def record_set(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        measured: StatisticSet,
        unit: str,
        *,
        region: str | None = None,
    ) -> None:
        """Add measurements that arrive aggregated, or one value many times."""
        key = self._key(namespace, name, dimensions, region)
        with self._lock:
            self._minute(key, unit, measured.timestamp).sets.append(measured)

    def report_zero(
        self, namespace: str, name: str, dimensions: Mapping[str, str], since: float
    ) -> None:
        """From `since` on, give 0 for the periods of this metric in which nothing was measured.

        SageMaker emits zeros for variants that are scalable targets, so that they scale in when the
        traffic stops (SageMaker developer guide, auto scaling prerequisites).
        """
        self._reported.setdefault(self._key(namespace, name, dimensions, None), since)

    def stop_reporting_zero(self, namespace: str, name: str, dimensions: Mapping[str, str]) -> None:
        """Undo `report_zero`."""
        self._reported.pop(self._key(namespace, name, dimensions, None), None)

    def periods(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        *,
        start: float,
        end: float,
        period_seconds: float,
        unit: str | None = None,
        region: str | None = None,
    ) -> dict[float, Samples]:
        """Give the samples of each period of [start, end) that has any, keyed by its start.

        Periods are counted from `start`. Without a unit, values of every unit count.
        """
        key = self._key(namespace, name, dimensions, region)
        found: dict[float, Samples] = {}
        with self._lock:
            self._release()
            for its_unit, series in self._units.get(key, {}).items():
                if unit in (None, its_unit):
                    _collect(series, start, end, period_seconds, found)
        since = self._reported.get(key)
        if since is not None:
            begin = start
            while begin + period_seconds <= end:
                if begin >= since and self.reported_by(dimensions, begin, self._clock.now()):
                    found.setdefault(begin, Samples([0.0], []))
                begin += period_seconds
        return dict(sorted(found.items()))

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
        """Tell how many measurements each period of [start, end) has, without reading them.

        `start` and `period_seconds` must be whole minutes. A count that has not changed says that
        nothing was added, late or in time.
        """
        key = self._key(namespace, name, dimensions, None)
        found: dict[float, float] = {}
        with self._lock:
            for series in self._units.get(key, {}).values():
                for number, minute in _minutes_between(series, start, end):
                    at = (
                        start + (number * MINUTE_SECONDS - start) // period_seconds * period_seconds
                    )
                    count = len(minute.values) + sum(each.count for each in minute.sets)
                    found[at] = found.get(at, 0.0) + count
        return dict(sorted(found.items()))

    def units(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        *,
        region: str | None = None,
    ) -> list[str]:
        """Give the units that a metric's values came with, the oldest first."""
        with self._lock:
            self._release()
            return list(self._units.get(self._key(namespace, name, dimensions, region), {}))

    def keys(self, region: str | None = None) -> list[MetricKey]:
        """Give what was measured in the last 15 days, in the order of the first measurement."""
        where = self._region if region is None else region
        with self._lock:
            self._release()
            return [key for key in self._units if key.region == where]

    def reset(self) -> None:
        """Forget everything, as after `modelway emulator reset`."""
        with self._lock:
            self._units.clear()
            self._held.clear()
            self._reported.clear()

    def _key(
        self, namespace: str, name: str, dimensions: Mapping[str, str], region: str | None
    ) -> MetricKey:
        where = self._region if region is None else region
        return MetricKey(where, namespace, name, frozenset(dimensions.items()))

    def _release(self) -> None:
        """Let in what was held back until now; called with the lock held."""
        now = self._clock.now() if self._held else 0.0
        while self._held and self._held[0][0] <= now:
            _, _, key, unit, at, value = heapq.heappop(self._held)
            minute = self._minute(key, unit, at)
            minute.times.append(at)
            minute.values.append(value)

    def _minute(self, key: MetricKey, unit: str, at: float) -> _Minute:
        """The minute of `at`; called with the lock held."""
        units = self._units.get(key)
        if units is None:
            units = self._units[key] = {}
        series = units.get(unit)
        if series is None:
            series = units[unit] = _Series(self._raw_limit)
        number = int(at // MINUTE_SECONDS)
        minute = series.minutes.get(number)
        return series.open(number) if minute is None else minute


def _collect(
    series: _Series, start: float, end: float, period_seconds: float, into: dict[float, Samples]
) -> None:
    whole_minutes = not any(edge % MINUTE_SECONDS for edge in (start, end, period_seconds))
    for number, minute in _minutes_between(series, start, end):
        if whole_minutes:
            begin = start + (number * MINUTE_SECONDS - start) // period_seconds * period_seconds
            samples = into.setdefault(begin, Samples([], []))
            samples.values.extend(minute.values)
            samples.sets.extend(minute.sets)
            continue
        for at, value in zip(minute.times, minute.values, strict=True):
            if start <= at < end:
                begin = start + (at - start) // period_seconds * period_seconds
                into.setdefault(begin, Samples([], [])).values.append(value)
        for each in minute.sets:
            if start <= each.timestamp < end:
                begin = start + (each.timestamp - start) // period_seconds * period_seconds
                into.setdefault(begin, Samples([], [])).sets.append(each)


def _minutes_between(series: _Series, start: float, end: float) -> Iterator[tuple[int, _Minute]]:
    first, last = int(start // MINUTE_SECONDS), int(-(-end // MINUTE_SECONDS))
    if last - first > len(series.minutes):
        for number, minute in series.minutes.items():
            if first <= number < last:
                yield number, minute
        return
    for number in range(first, last):
        minute = series.minutes.get(number)
        if minute is not None:
            yield number, minute
