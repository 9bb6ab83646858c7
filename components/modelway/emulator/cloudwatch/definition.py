"""What an alarm in moto's store asks to be evaluated.

Takes one of moto's alarms; gives the pure rule, the queries and, for a moment, the data points.
It changes nothing.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from modelway.emulator.cloudwatch.alarms import Datapoint, MissingData, Rule
from modelway.emulator.cloudwatch.functions import Series
from modelway.emulator.cloudwatch.metrics import MetricStore
from modelway.emulator.cloudwatch.query import evaluate_queries, is_returned
from modelway.emulator.cloudwatch.statistics import Samples, aggregate, low_sample_limit

HIGH_RESOLUTION_SECONDS = 60
"""Alarms with a shorter period are evaluated every 10 s, others every minute (user guide)."""


@dataclass(frozen=True)
class Definition:
    """One metric alarm, ready to be evaluated."""

    rule: Rule
    period_seconds: int
    metric: Mapping[str, Any] | None
    """A MetricStat, for an alarm on one metric."""
    queries: tuple[Mapping[str, Any], ...]
    """MetricDataQueries, for an alarm on metric math."""

    @property
    def interval_seconds(self) -> int:
        """How often it is evaluated."""
        return 10 if self.period_seconds < HIGH_RESOLUTION_SECONDS else 60

    @property
    def statistic(self) -> str | None:
        """The statistic of an alarm on one metric."""
        return None if self.metric is None else str(self.metric["Stat"])


def definition_of(alarm: Any) -> Definition:
    """Read one of moto's metric alarms."""
    needed = alarm.datapoints_to_alarm
    rule = Rule(
        comparison=alarm.comparison_operator,
        threshold=float(alarm.threshold),
        evaluation_periods=int(alarm.evaluation_periods),
        datapoints_to_alarm=int(alarm.evaluation_periods if needed is None else needed),
        missing=MissingData(alarm.treat_missing_data or MissingData.MISSING),
        low_samples_ignored=alarm.evaluate_low_sample_count_percentile == "ignore",
    )
    if alarm.metric_data_queries:
        queries = tuple(query_of(query) for query in alarm.metric_data_queries)
        periods = [q["MetricStat"]["Period"] for q in queries if "MetricStat" in q]
        periods += [q["Period"] for q in queries if q.get("Period")]
        return Definition(rule, int(periods[0]) if periods else 60, None, queries)
    metric = {
        "Metric": {
            "Namespace": alarm.namespace,
            "MetricName": alarm.metric_name,
            "Dimensions": [{"Name": d.name, "Value": d.value} for d in alarm.dimensions],
        },
        "Period": int(alarm.period),
        "Stat": alarm.extended_statistic or alarm.statistic,
        "Unit": alarm.unit,
    }
    return Definition(rule, int(alarm.period), metric, ())


def query_of(query: Any) -> dict[str, Any]:
    """Give one of moto's MetricDataQuery objects in the API's shape."""
    result: dict[str, Any] = {"Id": query.id, "ReturnData": query.return_data}
    if query.label is not None:
        result["Label"] = query.label
    if query.expression:
        result |= {"Expression": query.expression, "Period": query.period}
        return result
    stat = query.metric_stat
    result["MetricStat"] = {
        "Metric": {
            "Namespace": stat.metric.namespace,
            "MetricName": stat.metric.metric_name,
            "Dimensions": [{"Name": d.name, "Value": d.value} for d in stat.metric.dimensions],
        },
        "Period": int(stat.period),
        "Stat": stat.stat,
        "Unit": stat.unit,
    }
    return result


def reader(store: MetricStore, region: str) -> Callable[[Mapping[str, Any], float, float], Series]:
    """Give a function that reads one MetricStat of a region."""

    def read(stat: Mapping[str, Any], start: float, end: float) -> Series:
        found = samples_of(store, region, stat, start, end)
        values = {at: aggregate(stat["Stat"], samples) for at, samples in found.items()}
        return {at: value for at, value in values.items() if value is not None}

    return read


def samples_of(
    store: MetricStore, region: str, stat: Mapping[str, Any], start: float, end: float
) -> dict[float, Samples]:
    """Give what was measured for a MetricStat in each period that has any."""
    metric = stat["Metric"]
    return store.periods(
        metric["Namespace"],
        metric["MetricName"],
        {each["Name"]: each["Value"] for each in metric.get("Dimensions") or ()},
        start=start,
        end=end,
        period_seconds=float(stat["Period"]),
        unit=stat.get("Unit"),
        region=region,
    )


def datapoints_of(
    definition: Definition, store: MetricStore, region: str, end: float
) -> list[Datapoint]:
    """Give the evaluation range that ends at `end` (virtual seconds), oldest first.

    The window slides: it ends at the moment of the evaluation, not at a multiple of the period
    (CloudWatch user guide, "Alarm evaluation window", SlidingWindow is the default).
    """
    period, count = definition.period_seconds, definition.rule.evaluation_range
    starts = [end - (count - index) * period for index in range(count)]
    if definition.metric is not None:
        statistic = str(definition.metric["Stat"])
        needed = low_sample_limit(statistic)
        found = samples_of(store, region, definition.metric, starts[0], end)
        points = list[Datapoint]()
        for start in starts:
            samples = found.get(start)
            if samples is None:
                points.append(Datapoint(start, None))
                continue
            value = aggregate(statistic, samples)
            points.append(Datapoint(start, value, samples.count, samples.count < needed))
        return points
    results = evaluate_queries(definition.queries, reader(store, region), starts[0], end)
    returned = [result for result in results.values() if is_returned(result.query)]
    series = returned[-1].series[0] if returned and returned[-1].series else {}
    return [Datapoint(start, series.get(start)) for start in starts]
