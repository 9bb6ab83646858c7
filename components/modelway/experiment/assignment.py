"""Whether the traffic was split as the weights say.

Takes how many requests each variant got and the challenger's share; gives the evidence against that
share. A split that is off (sample ratio mismatch) means that requests were lost or routed by what
they hold, and then no difference between the variants can be trusted. The test holds at every
look: Lindon and Malek 2022, Anytime-valid inference for multinomial count data (arXiv 2011.03567),
with a beta prior around the share. Must not read files. Standard library only.
"""

import math
from dataclasses import dataclass

from modelway.experiment.evidence import mixture

ALPHA = 0.0005
"""Probability that a split that is right is ever called wrong. Stricter than the comparison,
because the answer is to throw the experiment away; thresholds of this check are usually so."""

_STRENGTHS = (10.0, 1000.0, 100_000.0)
"""Of the priors, in requests; their mixture finds large shifts early and small ones at all."""


@dataclass(frozen=True)
class Split:
    """How requests fell to two variants."""

    champion: int
    """Requests that it got."""
    challenger: int
    challenger_share: float
    """Expected, above 0 and below 1."""

    @property
    def observed_share(self) -> float:
        """The challenger's share as it was; NaN without requests."""
        total = self.champion + self.challenger
        return self.challenger / total if total else math.nan

    def evidence(self) -> float:
        """Give the logarithm of the evidence against the expected share; 0 is none."""
        share = self.challenger_share
        expected = self.challenger * math.log(share) + self.champion * math.log(1 - share)
        logs = [
            _log_beta(strength * share + self.challenger, strength * (1 - share) + self.champion)
            - _log_beta(strength * share, strength * (1 - share))
            - expected
            for strength in _STRENGTHS
        ]
        return mixture(logs)

    def is_wrong(self) -> bool:
        """Whether the split cannot be explained by chance."""
        return self.evidence() >= math.log(1 / ALPHA)


def _log_beta(first: float, second: float) -> float:
    return math.lgamma(first) + math.lgamma(second) - math.lgamma(first + second)
