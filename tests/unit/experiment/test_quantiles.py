"""Exact confidence sequences of quantiles."""

import math

import numpy as np
import pytest

from modelway.experiment.quantiles import Quantiles, Ranked, _Candidates


def compare(champion, challenger, probability=0.5, alpha=0.05):
    return Quantiles(Ranked(sorted(champion)), Ranked(sorted(challenger)), probability, alpha)


def test_the_estimate_is_an_observed_value():
    median = compare([1, 2, 3, 4], [10, 20, 30])

    assert (median.champion, median.challenger) == (2, 20)
    assert compare(range(1, 101), range(1, 101), 0.99).champion == 99


def test_nothing_seen_excludes_nothing():
    effect, ratio = compare([], [1.0]).difference(), compare([], [1.0]).ratio()

    assert math.isnan(effect.estimate)
    assert (effect.lower, effect.upper) == (-math.inf, math.inf)
    assert (ratio.lower, ratio.upper) == (-1.0, math.inf)


def test_a_slow_tail_is_seen_in_the_99th_percentile_and_not_in_the_median():
    generator = np.random.default_rng(2)
    champion = generator.lognormal(3, 0.3, 20_000)
    challenger = generator.lognormal(3, 0.3, 20_000)
    challenger[::25] += 200

    tail, middle = compare(champion, challenger, 0.99), compare(champion, challenger, 0.5)

    assert tail.difference().lower > 100
    assert middle.difference().lower < 0 < middle.difference().upper
    assert -0.02 < middle.ratio().lower < 0 < middle.ratio().upper < 0.04


def test_values_that_are_all_equal_have_no_difference():
    effect = compare([5.0] * 1000, [5.0] * 1000).difference()

    assert (effect.lower, effect.upper) == (0.0, 0.0)


def test_champion_and_challenger_are_treated_alike():
    generator = np.random.default_rng(4)
    champion, challenger = generator.exponential(10, 700), generator.exponential(12, 300)

    one = compare(champion, challenger, 0.9).difference()
    other = compare(challenger, champion, 0.9).difference()

    assert (one.lower, one.upper) == (-other.upper, -other.lower)


def test_too_few_values_say_nothing_of_a_far_quantile():
    effect = compare(range(100), range(100), 0.999).difference()

    assert effect.upper == math.inf
    assert effect.lower == -math.inf


def test_the_interval_is_the_extreme_of_all_possible_pairs():
    generator = np.random.default_rng(8)
    champion = sorted(generator.integers(0, 40, 120).astype(float))
    challenger = sorted(generator.integers(5, 60, 90).astype(float))
    quantiles = compare(champion, challenger, 0.6)
    first, second = (_Candidates(Ranked(values), 0.6) for values in (champion, challenger))
    # Every pair of observed values, one by one.
    possible = [
        challenger[j] - champion[i]
        for i in range(120)
        for j in range(90)
        if first._cost(i) + second._cost(j) < math.log(1 / 0.05)
    ]

    effect = quantiles.difference()

    assert (effect.lower, effect.upper) == (min(possible), max(possible))


@pytest.mark.parametrize(
    ("draw", "probability", "true"),
    [
        (lambda generator: generator.random(1200), 0.5, 0.5),
        (lambda generator: generator.random(1200), 0.95, 0.95),
        # Ties: the 0.3-quantile of a die.
        (lambda generator: generator.integers(1, 7, 1200).astype(float), 0.3, 2.0),
    ],
)
def test_the_true_pair_is_excluded_at_most_alpha_of_the_time_at_any_look(draw, probability, true):
    generator, excluded = np.random.default_rng(20261128), 0
    looks = sorted({int(1.2**step) for step in range(39)} | {1200})
    runs = 60
    for _ in range(runs):
        arms = [draw(generator), draw(generator)]
        for look in looks:
            evidence = 0.0
            for values in arms:
                seen = values[:look]
                candidates = _Candidates(Ranked(seen), probability)
                evidence += candidates._evidence(
                    int((seen < true).sum()), int((seen <= true).sum())
                )
            if evidence >= math.log(1 / 0.05):
                excluded += 1
                break

    assert excluded / runs <= 0.05


def test_experiments_without_a_difference_have_zero_in_the_interval_at_every_look():
    generator, wrong = np.random.default_rng(9), 0
    for _ in range(15):
        champion, challenger = generator.lognormal(3, 1, (2, 2000))
        wrong += any(
            compare(champion[:look], challenger[:look], 0.9).difference().excludes_zero()
            for look in range(200, 2001, 300)
        )

    assert wrong <= 1
