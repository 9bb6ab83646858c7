"""Bets that grow when a hypothesis is wrong: what the exact intervals of this package are made of.

Takes logarithms of wealth, gives their mixture and the point where it crosses a threshold. A bet
begins with wealth 1 and is fair under the hypothesis, so its wealth is a martingale that is never
negative, and by Ville's inequality it ever reaches 1/alpha with a probability of at most alpha,
however often it is looked at. The average of several bets is such a martingale too, which is why
nobody has to guess the right stake. Source: Waudby-Smith and Ramdas 2024, Estimating means of
bounded random variables by betting, sections 4 and 5 (arXiv 2010.09686).

Must not know what is measured. Standard library only.
"""

import math
from collections.abc import Callable, Iterable

STAKES = tuple(0.9 * 2.0**-step for step in range(16))
"""Parts of the largest stake that cannot lose everything. The smallest, 2.7e-5, is the best one for
a difference that takes some tens of millions of observations to see."""

_STEPS = 60
"""Halvings: an interval of length 2 is narrowed to 2e-18, below the spacing of floats near 1."""


def mixture(logs: Iterable[float]) -> float:
    """Give the logarithm of the mean of what the logarithms stand for; any may be -inf."""
    values = list(logs)
    largest = max(values)
    if largest == -math.inf:
        return largest
    return largest + math.log(
        math.fsum(math.exp(value - largest) for value in values) / len(values)
    )


def grown(log_factor: float, count: float) -> float:
    """Give `count` times a logarithm; 0 where there is nothing to count, even for -inf."""
    return count * log_factor if count else 0.0


def where_below(
    evidence: Callable[[float], float], threshold: float, low: float, high: float
) -> float:
    """Give the smallest value at which falling evidence is below a threshold.

    Args:
        evidence: does not rise from `low` to `high`.
        threshold: what it is compared with.
        low: given back where the evidence is below the threshold everywhere.
        high: given back where it nowhere is.
    """
    if evidence(low) < threshold:
        return low
    if evidence(high) >= threshold:
        return high
    for _ in range(_STEPS):
        middle = (low + high) / 2
        if evidence(middle) < threshold:
            high = middle
        else:
            low = middle
    # The outer end, so that rounding never makes an interval narrower.
    return low
