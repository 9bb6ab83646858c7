"""Confidence sequences of means: beside GrowthBook's, and by simulation."""

import json
import math
from pathlib import Path

import numpy as np
import pytest

from modelway.experiment.means import Means, Moments, tuning

GOLDEN = json.loads(Path(__file__).with_name("gbstats_golden.json").read_text(encoding="utf-8"))


@pytest.mark.parametrize("case", GOLDEN)
def test_intervals_are_those_of_gbstats(case):
    means = Means(
        Moments(*case["champion"]), Moments(*case["challenger"]), case["alpha"], case["intended"]
    )

    for effect, key in ((means.difference(), "absolute"), (means.ratio(), "relative")):
        found = [effect.estimate, effect.lower, effect.upper]
        assert found == pytest.approx(case[key], rel=1e-6, abs=1e-9)


def test_the_golden_file_holds_means_and_rates():
    assert [case["kind"] for case in GOLDEN].count("mean") == 45
    assert [case["kind"] for case in GOLDEN].count("proportion") == 27


def test_moments_keep_their_digits_far_from_zero():
    moments = Moments.of([1e9 + 1, 1e9 + 2, 1e9 + 6])

    assert (moments.count, moments.mean, moments.variance) == (3, 1e9 + 3, 7.0)
    assert moments.third == 6.0


def test_moments_of_nothing_are_unknown():
    moments = Moments.of([])

    assert moments.count == 0
    assert math.isnan(moments.mean)


def test_ninety_nine_observations_have_no_interval_and_a_hundred_have():
    few = Means(Moments(5000, 10, 4), Moments(99, 10, 4), 0.05)
    enough = Means(Moments(5000, 10, 4), Moments(100, 10, 4), 0.05)

    assert few.caution == "a mean is compared from 100 observations of each variant on"
    assert (few.difference().lower, few.difference().upper) == (-math.inf, math.inf)
    assert enough.caution == ""
    assert math.isfinite(enough.difference().upper)


def test_equal_values_have_no_interval():
    means = Means(Moments(500, 10, 0), Moments(500, 12, 0), 0.05)

    assert means.difference().upper == math.inf
    assert means.caution.startswith("all values are equal")


def test_a_skewed_metric_waits_longer_where_one_variant_gets_little():
    values = np.random.default_rng(5).lognormal(3, 1.5, 20_000)
    equal = Means(Moments.of(values[:1000]), Moments.of(values[1000:2000]), 0.05)
    little = Means(Moments.of(values[:1800]), Moments.of(values[1800:2000]), 0.05)

    assert equal.caution == ""
    assert little.caution == "the values are too skewed to compare means of so few of them"
    assert little.times(100).caution == ""


def test_a_ratio_to_a_mean_of_zero_is_unbounded():
    ratio = Means(Moments(500, 0.0, 4), Moments(500, 1.0, 4), 0.05).ratio()

    assert (ratio.lower, ratio.upper) == (-math.inf, math.inf)


def test_the_interval_is_narrowest_in_its_kind_where_it_was_tuned():
    def width(intended):
        return Means(Moments(5000, 0, 1), Moments(5000, 0, 1), 0.05, intended).difference().upper

    assert width(10_000) < width(2_000)
    assert width(10_000) < width(50_000)
    assert tuning(0.05, 5000) == pytest.approx(0.039840, abs=1e-6)


def _walk(draw, share, count, generator):
    """Give counts, means, variances and third moments of both variants after each request."""
    values, challenger = draw(generator, count), generator.random(count) < share
    found = []
    for mine in (~challenger, challenger):
        n = np.cumsum(mine)
        first, second, third = (np.cumsum(np.where(mine, values**power, 0)) for power in (1, 2, 3))
        with np.errstate(all="ignore"):
            mean = first / n
            variance = (second - n * mean**2) / (n - 1)
            cubes = third / n - 3 * mean * second / n + 2 * mean**3
        found.append((n, mean, variance, cubes))
    return found


def _rejections(draw, share, runs, count, shift=0.0, seed=20261128):
    """Give the part of runs whose interval misses `shift` at any look, after every request."""
    generator, missed = np.random.default_rng(seed), 0
    looks = np.arange(1, count + 1)
    spread = looks * tuning(0.05, 5000) ** 2
    boundary = 2 * (spread + 1) / spread * np.log(np.sqrt(spread + 1) / 0.05)
    for run in range(runs):
        champion, challenger = _walk(draw, share, count, generator)
        (n0, mean0, var0, cubes0), (n1, mean1, var1, cubes1) = champion, challenger
        with np.errstate(all="ignore"):
            variance = var0 / n0 + var1 / n1
            skew = (n0 * cubes0 + n1 * cubes1) / looks / ((n0 * var0 + n1 * var1) / looks) ** 1.5
            skew = skew * (var1**1.5 / n1**2 - var0**1.5 / n0**2) / variance**1.5
            shown = (n0 >= 100) & (n1 >= 100) & (np.abs(skew) <= 0.2)
            out = shown & ((mean1 - mean0 - shift) ** 2 > boundary * variance)
        missed += bool(out.any())
        # The same by the product's own code, at three looks of some runs.
        for at in (150, count // 2, count - 1) if run < 50 else ():
            arms = [Moments(*(float(x[at]) for x in arm)) for arm in (champion, challenger)]
            effect = Means(*arms, 0.05).difference()
            assert (not effect.lower <= shift <= effect.upper) == bool(out[at])
    return missed / runs


DRAWS = {
    "normal": lambda generator, count: generator.normal(10, 2, count),
    "lognormal": lambda generator, count: generator.lognormal(3, 1, count),
    "long tail": lambda generator, count: generator.lognormal(3, 1.5, count),
    "pareto": lambda generator, count: generator.pareto(2.5, count),
}


@pytest.mark.parametrize("share", [0.5, 0.1])
@pytest.mark.parametrize("name", DRAWS)
def test_looking_after_every_request_is_wrong_at_most_alpha_of_the_time(name, share):
    wrong = _rejections(DRAWS[name], share, runs=400, count=4000)

    # alpha is 0.05; two standard errors of 400 runs are 0.02.
    assert wrong <= 0.05 + 0.02


def test_two_thousand_experiments_without_a_difference_stay_below_alpha():
    assert _rejections(DRAWS["lognormal"], 0.5, runs=2000, count=2000) <= 0.05


def test_a_plain_t_test_looked_at_so_often_would_be_wrong_most_of_the_time():
    generator, wrong = np.random.default_rng(1), 0
    for _ in range(200):
        (n0, mean0, var0, _), (n1, mean1, var1, _) = _walk(DRAWS["normal"], 0.5, 6000, generator)
        with np.errstate(all="ignore"):
            out = (mean1 - mean0) ** 2 > 1.96**2 * (var0 / n0 + var1 / n1)
        wrong += bool(out[200:].any())

    assert wrong / 200 > 0.25


def test_a_difference_of_a_tenth_is_found_within_some_thousand_requests():
    found = 0
    generator = np.random.default_rng(3)
    for _ in range(50):
        champion, challenger = generator.normal(10, 3, 4000), generator.normal(11, 3, 4000)
        effect = Means(Moments.of(champion), Moments.of(challenger), 0.05).difference()
        found += effect.lower > 0

    assert found == 50
