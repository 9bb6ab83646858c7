"""Exact confidence sequences of rates."""

import math

import numpy as np
import pytest

from modelway.experiment.evidence import STAKES
from modelway.experiment.proportions import CENTRES, Proportions


def rates(champion, challenger, share=0.5, alpha=0.05):
    return Proportions(champion[1], champion[0], challenger[1], challenger[0], share, alpha)


def test_nothing_seen_excludes_nothing():
    nothing = rates((0, 0), (0, 0))

    assert (nothing.difference().lower, nothing.difference().upper) == (-1.0, 1.0)
    assert (nothing.ratio().lower, nothing.ratio().upper) == (-1.0, math.inf)
    assert math.isnan(nothing.champion)


def test_twice_as_many_errors_are_seen_after_a_hundred_of_them():
    effect = rates((50, 5000), (100, 5000)).difference()

    assert effect.estimate == pytest.approx(0.01)
    assert 0 < effect.lower < 0.01 < effect.upper < 0.02


def test_no_error_at_all_is_no_evidence_against_either():
    effect = rates((0, 5000), (0, 5000)).difference()

    assert effect.lower < 0 < effect.upper
    assert effect.upper < 0.004


def test_champion_and_challenger_are_treated_alike():
    one, other = rates((30, 900), (10, 110), share=0.1), rates((10, 110), (30, 900), share=0.9)

    assert one.difference().lower == pytest.approx(-other.difference().upper, abs=1e-12)
    assert 1 + one.ratio().lower == pytest.approx(1 / (1 + other.ratio().upper))


def test_only_the_number_of_yes_by_share_matters_for_the_ratio():
    few, many = rates((30, 900), (60, 900)), rates((30, 90_000), (60, 90_000))

    assert few.ratio().lower == pytest.approx(many.ratio().lower)


def test_a_challenger_with_a_tenth_of_the_traffic_is_judged_by_its_share():
    equal = rates((900, 90_000), (100, 10_000), share=0.1)
    worse = rates((900, 90_000), (200, 10_000), share=0.1)

    assert equal.difference().lower < 0 < equal.difference().upper
    assert worse.difference().lower > 0
    assert worse.ratio().lower > 0


def test_millions_of_requests_give_a_narrow_interval():
    effect = rates((100_000, 10_000_000), (100_000, 10_000_000)).difference()

    assert effect.upper - effect.lower < 0.0004


def test_more_of_the_same_narrows_the_interval():
    now = rates((50, 5000), (60, 5000))
    later = now.times(100)

    assert now.difference().lower < 0 < later.difference().lower
    assert later.champion == now.champion


def _factors(candidate, share):
    """Give what one observation adds to the logarithm of each bet that the difference is larger."""
    rows = []
    for centre in CENTRES:
        payoffs = [
            (1 - centre) / share,
            -centre / share,
            -(1 - centre) / (1 - share),
            centre / (1 - share),
        ]
        largest = 1 / (1 - min(payoffs))
        rows += [[math.log1p(s * largest * (x - candidate)) for x in payoffs] for s in STAKES]
    return np.array(rows).T


def _misses(rate_at, lift, share, runs, count, looks=slice(None), seed=20261128):
    """Give the part of runs whose interval misses the true difference at any look."""
    generator, missed = np.random.default_rng(seed), 0
    above, below = _factors(lift, share), _factors(-lift, 1 - share)
    threshold = math.log(2 / 0.05)
    rate = rate_at(np.arange(count))
    for run in range(runs):
        challenger = generator.random(count) < share
        yes = generator.random(count) < np.where(challenger, rate + lift, rate)
        kinds = [challenger & yes, challenger & ~yes, ~challenger & yes, ~challenger & ~yes]
        counts = np.cumsum(np.stack(kinds, axis=1), axis=0)[looks]
        evidence = [counts @ above, counts[:, [2, 3, 0, 1]] @ below]
        logs = [np.log(np.exp(one).mean(axis=1)) for one in evidence]
        out = (logs[0] >= threshold) | (logs[1] >= threshold)
        missed += bool(out.any())
        if run >= 20:
            continue
        # The same by the product's own code, at the last look.
        n11, n10, n01, n00 = (int(kind) for kind in counts[-1])
        effect = rates((n01, n01 + n00), (n11, n11 + n10), share).difference()
        assert (not effect.lower <= lift <= effect.upper) == bool(out[-1])
    return missed / runs


@pytest.mark.parametrize(
    ("rate", "lift", "share"),
    [(0.05, 0.0, 0.5), (0.01, 0.0, 0.1), (0.4, 0.0, 0.5), (0.02, 0.03, 0.5), (0.5, -0.2, 0.3)],
)
def test_the_true_difference_is_missed_at_most_alpha_of_the_time_at_any_look(rate, lift, share):
    missed = _misses(lambda at: np.full(len(at), rate), lift, share, runs=150, count=600)

    assert missed <= 0.05


def test_a_rate_that_drifts_with_the_hour_misleads_no_one():
    def tide(at):
        return 0.1 + 0.09 * np.sin(at / 100)

    assert _misses(tide, 0.0, 0.5, runs=150, count=600) <= 0.05


def test_two_thousand_experiments_without_a_difference_stay_below_alpha():
    looks = np.unique(np.geomspace(1, 2000, 80).astype(int)) - 1

    missed = _misses(
        lambda at: np.full(len(at), 0.03), 0.0, 0.5, runs=2000, count=2000, looks=looks
    )

    assert missed <= 0.05


def test_a_doubled_error_rate_is_found_in_nearly_every_experiment():
    generator = np.random.default_rng(7)
    found = sum(
        rates(
            (int(generator.binomial(10_000, 0.01)), 10_000),
            (int(generator.binomial(10_000, 0.02)), 10_000),
        )
        .difference()
        .lower
        > 0
        for _ in range(50)
    )

    assert found >= 48
