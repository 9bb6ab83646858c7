"""The metric operations of CloudWatch's API, answered from the metric store.

Takes moto's parsed requests; replaces moto's PutMetricData, GetMetricStatistics, GetMetricData and
ListMetrics, which keep every value for ever, know no percentiles and evaluate no metric math.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, cast

from moto.cloudwatch.exceptions import (
    InvalidParameterCombination,
    InvalidParameterValue,
    ValidationError,
)
from moto.cloudwatch.models import CloudWatchBackend
from moto.cloudwatch.responses import CloudWatchResponse
from moto.core.responses import ActionResult, EmptyResult

from modelway.emulator.cloudwatch.definition import reader
from modelway.emulator.cloudwatch.expression import MathError
from modelway.emulator.cloudwatch.metrics import MetricStore
from modelway.emulator.cloudwatch.query import Result, evaluate_queries, is_returned
from modelway.emulator.cloudwatch.statistics import (
    InvalidStatistic,
    StatisticSet,
    aggregate,
    percentile_of,
)
from modelway.emulator.services import Services

OLDEST_SECONDS = 14 * 86400
NEWEST_SECONDS = 2 * 3600
"""PutMetricData takes times from two weeks ago to two hours ahead (MetricDatum, Timestamp)."""
MOST_DATAPOINTS = 1440
"""GetMetricStatistics gives at most so many data points."""
PAGE = 500
"""ListMetrics gives so many metrics at once."""


class MetricApi:
    """The operations, bound to one emulator's services."""

    def __init__(self, services: Services) -> None:
        self._clock = services.clock
        self._store = cast("MetricStore", services.metrics)

    def install(self) -> None:
        """Replace moto's methods."""
        api = self

        def bound(method: Any) -> Any:
            return lambda response: method(api, response)

        for name in ("put_metric_data", "get_metric_statistics", "get_metric_data", "list_metrics"):
            setattr(CloudWatchResponse, name, bound(getattr(MetricApi, name)))

    def put_metric_data(self, response: Any) -> Any:
        """PutMetricData."""
        backend: CloudWatchBackend = response.cloudwatch_backend
        data = response._get_param("MetricData", [])  # noqa: SLF001 - moto's way to read a request
        for number, datum in enumerate(data, start=1):
            backend._validate_parameters_put_metric_data(datum, number)  # noqa: SLF001
            self._check_time(datum, number)
        namespace = response._get_param("Namespace")  # noqa: SLF001
        for datum in data:
            self._put(backend.region_name, namespace, datum)
        return EmptyResult()

    def get_metric_statistics(self, response: Any) -> Any:
        """GetMetricStatistics."""
        params: Mapping[str, Any] = response._get_params()  # noqa: SLF001
        statistics = params.get("Statistics") or []
        extended = params.get("ExtendedStatistics") or []
        if not statistics and not extended:
            raise InvalidParameterCombination(
                "Must specify either Statistics or ExtendedStatistics"
            )
        start, end = _seconds(params["StartTime"]), _seconds(params["EndTime"])
        period = int(params["Period"])
        _check_range(start, end, period)
        start -= start % period
        if (end - start) / period > MOST_DATAPOINTS:
            raise InvalidParameterCombination(
                f"You have requested up to {int((end - start) / period)} datapoints, which exceeds "
                f"the limit of {MOST_DATAPOINTS}. You may reduce the datapoints requested by "
                "increasing Period, or decreasing the time range."
            )
        found = self._store.periods(
            params["Namespace"],
            params["MetricName"],
            _dimensions(params),
            start=start,
            end=end,
            period_seconds=period,
            unit=params.get("Unit"),
            region=response.region,
        )
        points = list[dict[str, Any]]()
        try:
            for at, samples in found.items():
                point: dict[str, Any] = {
                    "Timestamp": datetime.fromtimestamp(at, UTC),
                    "Unit": params.get("Unit") or self._unit(response.region, params),
                }
                point |= {name: aggregate(name, samples) for name in statistics}
                if extended:
                    point["ExtendedStatistics"] = {
                        name: aggregate(name, samples) for name in extended
                    }
                points.append(point)
        except InvalidStatistic as error:
            raise InvalidParameterValue(str(error)) from error
        return ActionResult({"Label": params["MetricName"], "Datapoints": points})

    def get_metric_data(self, response: Any) -> Any:
        """GetMetricData, with percentiles and metric math."""
        params: Mapping[str, Any] = response._get_params()  # noqa: SLF001
        queries = params.get("MetricDataQueries") or []
        for number, query in enumerate(queries, start=1):
            if "MetricStat" not in query and "Expression" not in query:
                raise ValidationError(
                    f"The parameter MetricDataQueries.member.{number}.MetricStat is required.\n"
                )
            if str(query.get("Expression", "")).lstrip().upper().startswith("SELECT"):
                raise ValidationError(
                    "The emulator does not evaluate Metrics Insights queries (SELECT ...); "
                    "ask for the metrics by MetricStat"
                )
        start, end = _seconds(params["StartTime"]), _seconds(params["EndTime"])
        periods = [int(q["MetricStat"]["Period"]) for q in queries if "MetricStat" in q]
        period = max(periods, default=60)
        _check_range(start, end, period)
        start -= start % period
        try:
            for query in queries:
                if "MetricStat" in query:
                    percentile_of(query["MetricStat"]["Stat"])
            results = evaluate_queries(queries, reader(self._store, response.region), start, end)
        except (InvalidStatistic, MathError) as error:
            raise ValidationError(str(error)) from error
        ascending = params.get("ScanBy") == "TimestampAscending"
        answers = [
            answer
            for name, result in results.items()
            if is_returned(result.query)
            for answer in _answers(name, result, ascending)
        ]
        return ActionResult({"MetricDataResults": answers, "Messages": []})

    def list_metrics(self, response: Any) -> Any:
        """ListMetrics: the metrics that have been measured."""
        params: Mapping[str, Any] = response._get_params()  # noqa: SLF001
        wanted = params.get("Dimensions") or []
        metrics = [
            {
                "Namespace": key.namespace,
                "MetricName": key.name,
                "Dimensions": [{"Name": n, "Value": v} for n, v in sorted(key.dimensions)],
            }
            for key in self._store.keys(response.region)
            if params.get("Namespace") in (None, "", key.namespace)
            and params.get("MetricName") in (None, "", key.name)
            and all(_has(key.dimensions, each) for each in wanted)
        ]
        token = params.get("NextToken") or "0"
        if not token.isdecimal():
            raise InvalidParameterValue("Request parameter NextToken is invalid")
        first = int(token)
        more = str(first + PAGE) if first + PAGE < len(metrics) else None
        return ActionResult({"Metrics": metrics[first : first + PAGE], "NextToken": more})

    def _put(self, region: str, namespace: str, datum: Mapping[str, Any]) -> None:
        name, dimensions = datum["MetricName"], _dimensions(datum)
        unit = datum.get("Unit") or "None"
        given = datum.get("Timestamp")
        at = self._clock.now() if given is None else _seconds(given)
        if datum.get("StatisticValues"):
            values = datum["StatisticValues"]
            sets = [
                StatisticSet(
                    at,
                    float(values["Sum"]),
                    float(values["Minimum"]),
                    float(values["Maximum"]),
                    float(values["SampleCount"]),
                )
            ]
        elif datum.get("Values"):
            counts = datum.get("Counts") or [1.0] * len(datum["Values"])
            sets = [
                StatisticSet(
                    at,
                    float(value) * float(count),
                    float(value),
                    float(value),
                    float(count),
                )
                for value, count in zip(datum["Values"], counts, strict=True)
            ]
        else:
            value = float(datum.get("Value", 0.0))
            self._store.record(namespace, name, dimensions, value, unit, at, region=region)
            return
        for each in sets:
            if each.count > 0:
                self._store.record_set(namespace, name, dimensions, each, unit, region=region)

    def _check_time(self, datum: Mapping[str, Any], number: int) -> None:
        if datum.get("Timestamp") is None:
            return
        age = self._clock.now() - _seconds(datum["Timestamp"])
        where = f"The parameter MetricData.member.{number}.Timestamp"
        if age > OLDEST_SECONDS:
            raise InvalidParameterValue(f"{where} must specify a time within the past two weeks.")
        if age < -NEWEST_SECONDS:
            raise InvalidParameterValue(
                f"{where} must specify a time no more than two hours in the future."
            )

    def _unit(self, region: str, params: Mapping[str, Any]) -> str:
        units = self._store.units(
            params["Namespace"], params["MetricName"], _dimensions(params), region=region
        )
        return units[0] if units else "None"


def _answers(name: str, result: Result, ascending: bool) -> list[dict[str, Any]]:
    answers = list[dict[str, Any]]()
    label = result.query.get("Label")
    if label is None:
        metric = result.query.get("MetricStat", {}).get("Metric", {})
        label = metric.get("MetricName", name)
    for series in result.series:
        times = sorted(series, reverse=not ascending)
        answers.append(
            {
                "Id": name,
                "Label": label,
                "Timestamps": [datetime.fromtimestamp(at, UTC) for at in times],
                "Values": [series[at] for at in times],
                "StatusCode": "Complete",
            }
        )
    return answers


def _seconds(at: datetime | float) -> float:
    if isinstance(at, int | float):
        return float(at)
    return (at.replace(tzinfo=UTC) if at.tzinfo is None else at).timestamp()


def _dimensions(params: Mapping[str, Any]) -> dict[str, str]:
    return {each["Name"]: each["Value"] for each in params.get("Dimensions") or ()}


def _has(dimensions: frozenset[tuple[str, str]], wanted: Mapping[str, str]) -> bool:
    return any(
        name == wanted["Name"] and wanted.get("Value") in (None, "", value)
        for name, value in dimensions
    )


def _check_range(start: float, end: float, period: int) -> None:
    if start >= end:
        raise ValidationError("The parameter StartTime must be less than the parameter EndTime.")
    if period < 1 or (period % 60 and period not in (1, 5, 10, 20, 30)):
        raise InvalidParameterValue(
            "The parameter Period must be 1, 5, 10, 20, 30 or a multiple of 60."
        )
