"""Chances of alarms: binomial and Poisson tails, and M of N periods.

Takes plain numbers, gives probabilities from 0 to 1. Exact up to floating point, with the standard
library alone; it must not know alarms or specs.
"""

import math

_CONTINUED_FRACTION_STEPS = 10_000
_SMALLEST = 1e-300
_EXACT = 1e-15


def at_least(successes: int, trials: int, chance: float) -> float:
    """Give P(X >= successes) for X ~ Binomial(trials, chance)."""
    if successes <= 0:
        return 1.0
    if successes > trials or chance <= 0:
        return 0.0
    if chance >= 1:
        return 1.0
    # The tail of a binomial is a regularized incomplete beta function (NIST DLMF 8.17.5).
    return _incomplete_beta(successes, trials - successes + 1, chance)


def fewer_than(count: int, mean: float) -> float:
    """Give P(X < count) for X ~ Poisson(mean)."""
    if mean <= 0:
        return 1.0 if count > 0 else 0.0
    log_mean = math.log(mean)
    terms = (math.exp(k * log_mean - mean - math.lgamma(k + 1)) for k in range(count))
    return min(1.0, math.fsum(terms))


def fires(chance: float, periods: int, needed: int, window: int) -> float:
    """Give the chance that an alarm fires at least once.

    Args:
        chance: of one period to be breaching, independent of the others.
        periods: how many are evaluated; older ones are not breaching.
        needed: datapoints to alarm.
        window: evaluation periods, at least `needed`.
    """
    # Which of the last `window - 1` periods were breaching, the newest in the lowest bit.
    quiet: dict[int, float] = {0: 1.0}
    fired = 0.0
    mask = (1 << (window - 1)) - 1
    for _period in range(periods):
        following: dict[int, float] = {}
        for past, weight in quiet.items():
            for breaching, part in ((1, chance), (0, 1 - chance)):
                seen = (past << 1) | breaching
                if seen.bit_count() >= needed:
                    fired += weight * part
                else:
                    key = seen & mask
                    following[key] = following.get(key, 0.0) + weight * part
        quiet = following
    return min(1.0, fired)


def _incomplete_beta(a: float, b: float, x: float) -> float:
    """Give I_x(a, b) by its continued fraction (NIST DLMF 8.17.22, Lentz's method)."""
    if x > (a + 1) / (a + b + 2):
        return 1 - _incomplete_beta(b, a, 1 - x)
    log_front = (
        math.lgamma(a + b) - math.lgamma(a) - math.lgamma(b) + a * math.log(x) + b * math.log1p(-x)
    )
    fraction, c, d = 1.0, 1.0, 0.0
    for step in range(_CONTINUED_FRACTION_STEPS):
        m = step // 2
        if step == 0:
            numerator = 1.0
        elif step % 2 == 0:
            numerator = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
        else:
            numerator = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
        d = 1 + numerator * d
        d = 1 / (d if abs(d) > _SMALLEST else _SMALLEST)
        c = 1 + numerator / (c if abs(c) > _SMALLEST else _SMALLEST)
        fraction *= c * d
        if abs(1 - c * d) < _EXACT:
            break
    return math.exp(log_front) * (fraction - 1) / a
