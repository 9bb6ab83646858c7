"""What PutMetricAlarm refuses.

Takes the arguments with which moto makes an alarm; raises CloudWatch's ValidationError. Limits:
PutMetricAlarm in the CloudWatch API reference.
"""

from collections.abc import Mapping
from typing import Any

from moto.cloudwatch.exceptions import InvalidParameterCombination, ValidationError

from modelway.emulator.cloudwatch.alarms import COMPARISONS, MissingData
from modelway.emulator.cloudwatch.definition import query_of
from modelway.emulator.cloudwatch.expression import MathError
from modelway.emulator.cloudwatch.query import check, is_returned
from modelway.emulator.cloudwatch.statistics import InvalidStatistic, percentile_of

_DAY_SECONDS = 86400
_WEEK_SECONDS = 7 * _DAY_SECONDS
_HOUR_SECONDS = 3600
_HIGH_RESOLUTION = (10, 20, 30)


def check_alarm(given: Mapping[str, Any]) -> None:
    """Refuse an alarm that AWS refuses, or that this emulator could not evaluate."""
    _check_comparison(given)
    missing = given.get("treat_missing_data")
    if missing is not None and missing not in tuple(MissingData):
        raise ValidationError(
            f"Option {missing} is not supported. Supported options for parameter TreatMissingData "
            f"are {', '.join(sorted(MissingData))}."
        )
    periods = int(given["evaluation_periods"])
    needed = given.get("datapoints_to_alarm")
    if needed is not None and not 1 <= int(needed) <= periods:
        raise ValidationError(
            "Number of datapoints needed to alarm must be between 1 and the number of evaluation "
            "periods"
        )
    if given.get("metric_data_queries"):
        _check_queries(given)
        return
    if not given.get("metric_name") or not given.get("namespace"):
        raise ValidationError("An alarm needs MetricName and Namespace, or Metrics")
    simple, extended = given.get("statistic"), given.get("extended_statistic")
    if (simple is None) == (extended is None):
        raise InvalidParameterCombination(
            "Exactly one of Statistic and ExtendedStatistic must be specified"
        )
    try:
        percentile_of(str(simple or extended))
    except InvalidStatistic as error:
        raise ValidationError(str(error)) from error
    _check_period(given.get("period"), periods)


def _check_comparison(given: Mapping[str, Any]) -> None:
    if given.get("threshold_metric_id"):
        raise ValidationError(
            "The emulator does not evaluate anomaly detection (ThresholdMetricId); set Threshold"
        )
    if given.get("comparison_operator") not in COMPARISONS:
        raise ValidationError(
            f"The emulator evaluates the comparison operators {', '.join(COMPARISONS)}; "
            f"got {given.get('comparison_operator')}"
        )
    if given.get("threshold") is None:
        raise ValidationError("The parameter Threshold is required for a static threshold")


def _check_period(period: Any, periods: int) -> None:
    if period is None or (int(period) not in _HIGH_RESOLUTION and (period < 1 or period % 60)):
        raise ValidationError("Period must be 10, 20, 30 or a multiple of 60")
    # Up to a day, or up to a week when the period is an hour or longer (PutMetricAlarm, Period).
    longest = _WEEK_SECONDS if int(period) >= _HOUR_SECONDS else _DAY_SECONDS
    if int(period) * periods > longest:
        raise ValidationError(
            f"Metrics cannot be checked across more than {longest} seconds "
            "(EvaluationPeriods * Period)"
        )


def _check_queries(given: Mapping[str, Any]) -> None:
    queries = [query_of(query) for query in given["metric_data_queries"]]
    try:
        for query in queries:
            if "MetricStat" in query:
                percentile_of(query["MetricStat"]["Stat"])
        check(queries)
    except (MathError, InvalidStatistic) as error:
        raise ValidationError(str(error)) from error
    returned = [str(query["Id"]) for query in queries if is_returned(query)]
    if len(returned) != 1:
        raise ValidationError(
            "Exactly one element of the metrics list should return data; "
            f"these do: {', '.join(returned) or 'none'}"
        )
    lengths = {query["MetricStat"]["Period"] for query in queries if "MetricStat" in query}
    if len(lengths) > 1:
        raise ValidationError("All metrics of an alarm must have the same period")
    for length in lengths:
        _check_period(length, int(given["evaluation_periods"]))
