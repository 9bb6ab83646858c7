"""The difference and the ratio of two rates of yes, with exact confidence sequences.

Takes four counts and the challenger's share of the traffic; gives intervals that hold at every
look, from the first request on, however rare an error is. Each request is turned into a number
whose mean is the difference of the rates (yes divided by the share of the variant that answered,
negative for the champion), and bets are made that this mean is above, or below, a candidate
(`modelway.experiment.evidence`). Only the random assignment is used: the rate of both variants may
drift with the hour of the day. It does need that the shares are right and stay the same, which
`modelway.experiment.assignment` watches.

Must not read files. Standard library only.
"""

import math
from dataclasses import dataclass, replace

from modelway.experiment.effect import Effect
from modelway.experiment.evidence import STAKES, grown, mixture, where_below

CENTRES = (0.0, 0.5, 1.0)
"""Subtracted from every yes (1) and no (0), which changes no mean and takes variance away. 0 is
best for rare events, 1 for rates near 1; the bets are averaged over the three."""

_LARGEST_RATIO_LOG = 40.0
"""Ratios are looked for between exp(-40) and exp(40)."""


@dataclass(frozen=True)
class Proportions:
    """Two rates of yes compared."""

    champion_count: float
    """Requests that the champion answered; whole, except in a projection."""
    champion_yes: float
    """How many of them were yes, such as an error."""
    challenger_count: float
    challenger_yes: float
    challenger_share: float
    """Of the requests to both variants, above 0 and below 1: its weight by the sum of both."""
    alpha: float
    """Probability, above 0 and below 1, that the interval ever misses the true value."""

    @property
    def method(self) -> str:
        """The kind of interval."""
        return "rates, exact confidence sequence by betting"

    @property
    def champion(self) -> float:
        """The champion's rate, 0 to 1."""
        return _rate(self.champion_yes, self.champion_count)

    @property
    def challenger(self) -> float:
        """The challenger's rate, 0 to 1."""
        return _rate(self.challenger_yes, self.challenger_count)

    @property
    def caution(self) -> str:
        """Nothing: the interval is exact from the first observation."""
        return ""

    def difference(self) -> Effect:
        """Give challenger minus champion, within -1 to 1."""
        lower, upper = self.least_difference(), -self.swapped().least_difference()
        return Effect(self.challenger - self.champion, lower, upper)

    def ratio(self) -> Effect:
        """Give challenger divided by champion, minus 1, from -1 to infinity.

        An interval of its own at the same level, not the other one divided by something.
        """
        lower, upper = self.least_ratio_log(), -self.swapped().least_ratio_log()
        estimate = self.challenger / self.champion - 1 if self.champion_yes else math.nan
        return Effect(
            estimate,
            -1.0 if lower <= -_LARGEST_RATIO_LOG else math.expm1(lower),
            math.inf if upper >= _LARGEST_RATIO_LOG else math.expm1(upper),
        )

    def times(self, factor: float) -> "Proportions":
        """Give the same rates of `factor` times as many observations."""
        return replace(
            self,
            champion_count=self.champion_count * factor,
            champion_yes=self.champion_yes * factor,
            challenger_count=self.challenger_count * factor,
            challenger_yes=self.challenger_yes * factor,
        )

    def swapped(self) -> "Proportions":
        """Give the same with champion and challenger exchanged."""
        return Proportions(
            champion_count=self.challenger_count,
            champion_yes=self.challenger_yes,
            challenger_count=self.champion_count,
            challenger_yes=self.champion_yes,
            challenger_share=1 - self.challenger_share,
            alpha=self.alpha,
        )

    def least_difference(self) -> float:
        """Give the lower end: bets that the difference is larger, at half of alpha."""
        return where_below(self._evidence_above, math.log(2 / self.alpha), -1.0, 1.0)

    def _evidence_above(self, candidate: float) -> float:
        """Give the logarithm of the wealth of bets that the difference is above a candidate."""
        share = self.challenger_share
        logs: list[float] = []
        for centre in CENTRES:
            payoffs = (
                ((1 - centre) / share, self.challenger_yes),
                (-centre / share, self.challenger_count - self.challenger_yes),
                (-(1 - centre) / (1 - share), self.champion_yes),
                (centre / (1 - share), self.champion_count - self.champion_yes),
            )
            # The stake must not depend on the candidate, or the evidence need not be monotone;
            # this one loses less than everything even for the largest candidate, 1.
            largest = 1 / (1 - min(value for value, _ in payoffs))
            logs.extend(
                math.fsum(
                    grown(math.log1p(part * largest * (value - candidate)), count)
                    for value, count in payoffs
                )
                for part in STAKES
            )
        return mixture(logs)

    def least_ratio_log(self) -> float:
        """Give the logarithm of the lower end of the ratio, at half of alpha."""
        limit = _LARGEST_RATIO_LOG
        return where_below(self._evidence_above_ratio, math.log(2 / self.alpha), -limit, limit)

    def _evidence_above_ratio(self, candidate_log: float) -> float:
        """Give the logarithm of the wealth of bets that the ratio is above a candidate.

        Of a yes by the challenger minus the candidate times a yes by the champion, each by the
        share: its mean is 0 where the candidate is right. A no changes nothing.
        """
        share = self.challenger_share
        gain = (1 - share) / share * math.exp(-candidate_log)
        return mixture(
            grown(math.log1p(part * gain), self.challenger_yes)
            + grown(math.log1p(-part), self.champion_yes)
            for part in STAKES
        )


def _rate(yes: float, count: float) -> float:
    return yes / count if count else math.nan
