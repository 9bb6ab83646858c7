"""What CloudWatch computes over the measurements of one period.

Takes values and statistic sets, gives one number. Pure: no clock, no store, no moto.

Definitions: "CloudWatch statistics definitions" in the CloudWatch user guide. AWS does not publish
how it interpolates percentiles; here it is linear between the closest ranks.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

SIMPLE_STATISTICS = ("SampleCount", "Average", "Sum", "Minimum", "Maximum")
"""The `Statistic` values of the CloudWatch API (Statistic shape)."""

_PERCENTILE = re.compile(r"p(100|\d{1,2}(?:\.\d{1,10})?)")


class InvalidStatistic(ValueError):  # noqa: N818 - named after what it says
    """A statistic that CloudWatch, or this emulator, does not know."""


@dataclass(frozen=True, slots=True)
class StatisticSet:
    """A measurement that was aggregated before it was sent (`StatisticValues` of PutMetricData)."""

    timestamp: float
    """Virtual seconds since the epoch."""
    total: float
    minimum: float
    maximum: float
    count: float
    """How many measurements it stands for, above 0."""


@dataclass(frozen=True, slots=True)
class Samples:
    """All that was measured in one period."""

    values: list[float]
    sets: list[StatisticSet]

    @property
    def count(self) -> float:
        """How many measurements there are."""
        return len(self.values) + sum(each.count for each in self.sets)


def percentile_of(statistic: str) -> float | None:
    """Give the percentage of a percentile statistic: 99.9 for `p99.9`; None for a simple one.

    Raises:
        InvalidStatistic: neither a simple statistic nor a percentile from p0 to p100.
    """
    if statistic in SIMPLE_STATISTICS:
        return None
    match = _PERCENTILE.fullmatch(statistic)
    if match is None:
        raise InvalidStatistic(
            f"The value {statistic} for the statistic is not supported; "
            f"use one of {', '.join(SIMPLE_STATISTICS)} or p0 to p100"
        )
    return float(match[1])


def aggregate(statistic: str, samples: Samples) -> float | None:
    """Give one statistic of one period; None when there is nothing to compute it from.

    A percentile of statistic sets exists only where every set holds one distinct value: CloudWatch
    user guide, "Percentiles": SampleCount is 1, or Min and Max are equal.

    Raises:
        InvalidStatistic: the statistic is not known.
    """
    percentage = percentile_of(statistic)
    values, sets = samples.values, samples.sets
    if not values and not sets:
        return None
    if percentage is not None:
        return _percentile(percentage, values, sets)
    if statistic == "Minimum":
        return min(
            min(values, default=float("inf")), *(each.minimum for each in sets), float("inf")
        )
    if statistic == "Maximum":
        return max(
            max(values, default=float("-inf")), *(each.maximum for each in sets), float("-inf")
        )
    if statistic == "SampleCount":
        return float(samples.count)
    total = sum(values) + sum(each.total for each in sets)
    return total if statistic == "Sum" else total / samples.count


def _percentile(
    percentage: float, values: Sequence[float], sets: Sequence[StatisticSet]
) -> float | None:
    if any(each.minimum != each.maximum for each in sets):
        return None
    weighted = sorted([(value, 1.0) for value in values] + [(s.minimum, s.count) for s in sets])
    position = percentage / 100 * (sum(weight for _, weight in weighted) - 1)
    lower = _at_rank(weighted, int(position))
    upper = _at_rank(weighted, int(position) + 1)
    return lower + (upper - lower) * (position - int(position))


def _at_rank(weighted: Sequence[tuple[float, float]], rank: int) -> float:
    """The value at `rank`, counted from 0, when each value is repeated as often as its weight."""
    seen = 0.0
    for value, weight in weighted:
        seen += weight
        if rank < seen:
            return value
    return weighted[-1][0]


def low_sample_limit(statistic: str) -> float:
    """Give how many measurements a percentile needs to be statistically significant.

    10 / (1 - percentile) from p50 up, 10 / percentile below: CloudWatch user guide,
    "Percentile-based alarms and low data samples". 0 for other statistics.
    """
    percentage = percentile_of(statistic)
    if percentage is None or percentage in (0.0, 100.0):
        return 0.0
    share = percentage / 100
    return 10 / (1 - share) if share >= 0.5 else 10 / share  # noqa: PLR2004 - the guide's own split
