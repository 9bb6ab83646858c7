"""The difference and the ratio of two quantiles, with exact confidence sequences.

Takes the sorted values of two variants; gives intervals that hold at every look, whatever the
distribution and its ties. Whether a value is at most the true p-quantile is a coin with a
probability of at least p, and whether it is below it one of at most p; bets on these two coins
(`modelway.experiment.evidence`) tell which values the quantile can be. The product of both
variants' wealth is one martingale, so a pair of quantiles is possible while it is below 1/alpha,
and the intervals are the extremes over all possible pairs. This is the construction of Howard and
Ramdas 2022, Sequential estimation of quantiles with applications to A/B testing (Bernoulli 28(3)),
with a finite mixture in place of the beta-binomial one.

Unlike the other two comparisons it takes the values of one variant as independent draws: bursts of
slow answers make it too narrow. A share of answers slower than a limit does not need that.
Must not read files. Standard library only.
"""

import math
from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace

from modelway.experiment.effect import Effect
from modelway.experiment.evidence import STAKES, grown, mixture


@dataclass(frozen=True)
class Ranked:
    """One variant's values in ascending order."""

    values: Sequence[float]
    """Finite, not negative."""
    weight: float = 1.0
    """What each value counts for; not 1 only in a projection."""

    def at(self, probability: float) -> float:
        """Give the sample's quantile: the smallest value with so many at or below it; or NaN."""
        if not self.values:
            return math.nan
        return self.values[max(0, math.ceil(len(self.values) * probability) - 1)]


@dataclass(frozen=True)
class Quantiles:
    """Two quantiles compared."""

    of_champion: Ranked
    of_challenger: Ranked
    probability: float
    """Which quantile: above 0 and below 1, such as 0.99."""
    alpha: float
    """Probability, above 0 and below 1, that the interval ever misses the true value."""

    @property
    def method(self) -> str:
        """The kind of interval."""
        return "quantiles, exact confidence sequence by betting"

    @property
    def champion(self) -> float:
        """The champion's quantile."""
        return self.of_champion.at(self.probability)

    @property
    def challenger(self) -> float:
        """The challenger's quantile."""
        return self.of_challenger.at(self.probability)

    @property
    def caution(self) -> str:
        """Nothing: the interval is exact from the first observation."""
        return ""

    def difference(self) -> Effect:
        """Give challenger minus champion."""
        upper, _ = self.farthest()
        lower, _ = self.swapped().farthest()
        return Effect(self.challenger - self.champion, -lower, upper)

    def ratio(self) -> Effect:
        """Give challenger divided by champion, minus 1; it is possible whenever the other is."""
        _, upper = self.farthest()
        _, lower = self.swapped().farthest()
        estimate = self.challenger / self.champion - 1 if self.champion else math.nan
        return Effect(estimate, 1 / lower - 1 if lower else math.inf, upper - 1)

    def times(self, factor: float) -> "Quantiles":
        """Give the same values, each as often as `factor` says."""
        first, second = self.of_champion, self.of_challenger
        return replace(
            self,
            of_champion=replace(first, weight=first.weight * factor),
            of_challenger=replace(second, weight=second.weight * factor),
        )

    def swapped(self) -> "Quantiles":
        """Give the same with champion and challenger exchanged."""
        return replace(self, of_champion=self.of_challenger, of_challenger=self.of_champion)

    def farthest(self) -> tuple[float, float]:
        """Give the largest possible challenger minus champion, and challenger by champion."""
        budget = math.log(1 / self.alpha)
        first = _Candidates(self.of_champion, self.probability)
        second = _Candidates(self.of_challenger, self.probability)
        low = first.below(budget - second.least)
        high = second.above(budget - first.least)
        # From the outside in: what the cheapest candidate at least so far out costs.
        cheapest: list[float] = []
        for cost, _ in reversed(high):
            cheapest.append(min(cost, cheapest[-1]) if cheapest else cost)
        cheapest.reverse()
        difference = ratio = -math.inf
        for cost, value in low:
            reach = bisect_left(cheapest, budget - cost) - 1
            if reach < 0:
                continue
            far = high[reach][1]
            difference = max(difference, far - value)
            ratio = max(ratio, far / value if value else math.inf)
        return difference, ratio


class _Candidates:
    """The values that a quantile can be, each with the evidence against it.

    Only observed values are needed: between two of them the evidence against either side is as
    large as at the one or the other, or larger. 0 and infinity stand for beyond the observed.
    """

    def __init__(self, ranked: Ranked, probability: float) -> None:
        self._ranked = ranked
        self._probability = probability
        self._count = len(ranked.values)
        self._middle = min(int(self._count * probability), max(0, self._count - 1))
        self.least = min((self._cost(at) for at in self._around()), default=0.0)

    def below(self, limit: float) -> list[tuple[float, float]]:
        """Give cost and value of candidates cheaper than a limit, downward from the middle."""
        found: list[tuple[float, float]] = []
        at = min(self._count - 1, self._middle + 1)
        while at >= 0:
            cost = self._cost(at)
            if cost < limit:
                found.append((cost, self._ranked.values[at]))
            elif at < self._middle:
                return found
            at = bisect_left(self._ranked.values, self._ranked.values[at]) - 1
        nothing = self._evidence(0, 0)
        if nothing < limit:
            found.append((nothing, 0.0))
        return found

    def above(self, limit: float) -> list[tuple[float, float]]:
        """Give cost and value of candidates cheaper than a limit, upward from the middle."""
        found: list[tuple[float, float]] = []
        at = max(0, self._middle - 1)
        while at < self._count:
            cost = self._cost(at)
            if cost < limit:
                found.append((cost, self._ranked.values[at]))
            elif at > self._middle:
                return found
            at = bisect_right(self._ranked.values, self._ranked.values[at])
        everything = self._evidence(self._count, self._count)
        if everything < limit:
            found.append((everything, math.inf))
        return found

    def _around(self) -> range:
        return range(max(0, self._middle - 1), min(self._count, self._middle + 2))

    def _cost(self, at: int) -> float:
        values = self._ranked.values
        return self._evidence(bisect_left(values, values[at]), bisect_right(values, values[at]))

    def _evidence(self, less: int, at_most: int) -> float:
        """Give the logarithm of the evidence against a value with so many less and at most it."""
        chance, weight = self._probability, self._ranked.weight
        odds = (1 - chance) / chance
        return mixture(
            side
            for part in STAKES
            for side in (
                # Too many are below: the value is above the quantile.
                grown(math.log1p(part * odds), weight * less)
                + grown(math.log1p(-part), weight * (self._count - less)),
                # Too few are at most it: the value is below the quantile.
                grown(math.log1p(-part), weight * at_most)
                + grown(math.log1p(part / odds), weight * (self._count - at_most)),
            )
        )
