"""The difference of two means, with an asymptotic confidence sequence.

Takes count, mean and variance of two variants; gives intervals that hold at every look. Formula:
Waudby-Smith, Arbour, Sinha, Kennedy and Ramdas 2024, Time-uniform central limit theory and
asymptotic confidence sequences (arXiv 2103.06476v7), equation 9, with the normal mixture tuned by
equation 161 to be narrowest at an intended number of observations. It needs a finite variance and
nothing else of the distribution, but it is asymptotic: it says nothing before `FEWEST` observations
of each variant, nor while the difference is skewed, as that of a long-tailed latency with a small
share for one variant is for long (`LARGEST_SKEWNESS`). Serial dependence does no harm as long as
requests are assigned at random.

Where values are yes or no, `modelway.experiment.proportions` is exact and is used instead.
Must not read files. Standard library only.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, replace

from modelway.experiment.effect import Effect

FEWEST = 100
"""Observations of each variant before an interval is given; below, a variance is badly known."""

LARGEST_SKEWNESS = 0.2
"""Of the estimated difference; a normal distribution has 0. Found by simulation: with 10 % of the
traffic and lognormal latency (sigma 1.5), 13 % of experiments without a difference had a false
verdict at some look from 100 observations on, 3 % with a limit of 0.3 and 0.2 % with this one.
With equal weights the skewness of both sides cancels and the limit costs nothing."""

INTENDED = 5000
"""Default number of observations at which the interval is narrowest for its kind; the same as in
GrowthBook's statistics. Any other number of looks or observations stays valid."""

_UNKNOWN = Effect(math.nan, -math.inf, math.inf)


@dataclass(frozen=True)
class Moments:
    """One variant's values, summarised."""

    count: float
    """Of observations; whole, except in a projection."""
    mean: float
    """NaN when there is none."""
    variance: float
    """Of the sample, with count - 1; 0 when there are fewer than two."""
    third: float = 0.0
    """Mean of the cubed deviations from the mean, which tells how skewed the values are."""

    @classmethod
    def of(cls, values: Iterable[float]) -> "Moments":
        """Summarise finite values, in two passes so that no digits are lost."""
        listed = list(values)
        count = len(listed)
        if not count:
            return cls(0, math.nan, 0.0)
        mean = math.fsum(listed) / count
        if count == 1:
            return cls(1, mean, 0.0)
        squares = math.fsum((value - mean) ** 2 for value in listed)
        cubes = math.fsum((value - mean) ** 3 for value in listed)
        return cls(count, mean, squares / (count - 1), cubes / count)


@dataclass(frozen=True)
class Means:
    """Two means compared."""

    of_champion: Moments
    of_challenger: Moments
    alpha: float
    """Probability, above 0 and below 1, that the interval ever misses the true difference."""
    intended: int = INTENDED
    """Observations of both variants together at which the interval shall be narrowest."""

    @property
    def method(self) -> str:
        """The kind of interval."""
        return "means, asymptotic confidence sequence"

    @property
    def champion(self) -> float:
        """The champion's mean."""
        return self.of_champion.mean

    @property
    def challenger(self) -> float:
        """The challenger's mean."""
        return self.of_challenger.mean

    @property
    def caution(self) -> str:
        """Say what is missing for an interval."""
        if min(self.of_champion.count, self.of_challenger.count) < FEWEST:
            return f"a mean is compared from {FEWEST} observations of each variant on"
        if self.of_champion.variance + self.of_challenger.variance == 0:
            return "all values are equal, so nothing is known of how they vary"
        if abs(self._skewness()) > LARGEST_SKEWNESS:
            return "the values are too skewed to compare means of so few of them"
        return ""

    def difference(self) -> Effect:
        """Give challenger minus champion."""
        estimate = self.challenger - self.champion
        if self.caution:
            return replace(_UNKNOWN, estimate=estimate)
        first, second = self.of_champion, self.of_challenger
        width = self._width(first.variance / first.count + second.variance / second.count)
        return Effect(estimate, estimate - width, estimate + width)

    def ratio(self) -> Effect:
        """Give challenger divided by champion, minus 1, by the delta method.

        Unbounded where the champion's mean is not above 0: a part of nothing means nothing.
        """
        first, second = self.of_champion, self.of_challenger
        if not first.count or not second.count or first.mean <= 0:
            return _UNKNOWN
        estimate = (second.mean - first.mean) / first.mean
        if self.caution:
            return replace(_UNKNOWN, estimate=estimate)
        variance = second.variance / (first.mean**2 * second.count) + (
            first.variance * second.mean**2 / (first.mean**4 * first.count)
        )
        width = self._width(variance)
        return Effect(estimate, estimate - width, estimate + width)

    def times(self, factor: float) -> "Means":
        """Give the same moments of `factor` times as many observations."""
        first, second = self.of_champion, self.of_challenger
        return replace(
            self,
            of_champion=replace(first, count=first.count * factor),
            of_challenger=replace(second, count=second.count * factor),
        )

    def _skewness(self) -> float:
        """Give the skewness of the estimated difference.

        The skewness of one observation is taken from both variants together: the smaller one alone
        knows least of its own tail.
        """
        first, second = self.of_champion, self.of_challenger
        count = first.count + second.count
        variance = (first.variance * first.count + second.variance * second.count) / count
        third = (first.third * first.count + second.third * second.count) / count
        of_estimate = first.variance / first.count + second.variance / second.count
        cubes = second.variance**1.5 / second.count**2 - first.variance**1.5 / first.count**2
        return third / variance**1.5 * cubes / of_estimate**1.5

    def _width(self, variance: float) -> float:
        """Give half the width of the interval around an estimate with a variance (equation 9)."""
        count = self.of_champion.count + self.of_challenger.count
        spread = count * tuning(self.alpha, self.intended) ** 2
        # Equation 9 has the standard deviation of one observation, which is sqrt(variance * count).
        return math.sqrt(
            variance * 2 * (spread + 1) / spread * math.log(math.sqrt(spread + 1) / self.alpha)
        )


def tuning(alpha: float, intended: int) -> float:
    """Give the mixture's rho: narrowest at `intended` observations (equation 161)."""
    twice = -2 * math.log(alpha)
    return math.sqrt((twice + math.log(twice + 1)) / intended)
