"""Tails of distributions, and alarms that need M of N periods."""

import itertools
import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelway.plan.chances import at_least, fewer_than, fires


@pytest.mark.parametrize(
    ("successes", "trials", "chance", "expected"),
    [
        (0, 5, 0.5, 1.0),
        (1, 1, 0.3, 0.3),
        (5, 5, 0.5, 0.03125),
        (6, 5, 0.5, 0.0),
        (1, 6, 0.1, 0.468559),
        (2, 100, 0.01, 0.2642380210770),
        (1, 10, 0.0, 0.0),
        (10, 10, 1.0, 1.0),
        # From the normal approximation with continuity: half, and a little, of the mass.
        (500_000, 1_000_000, 0.5, 0.5003989),
    ],
)
def test_a_binomial_tail(successes, trials, chance, expected):
    assert at_least(successes, trials, chance) == pytest.approx(expected, abs=1e-7)


@settings(deadline=None)
@given(st.data())
def test_a_binomial_tail_is_the_sum_of_its_terms(data):
    trials = data.draw(st.integers(1, 80))
    successes = data.draw(st.integers(1, trials))
    chance = data.draw(st.floats(0.001, 0.999))

    total = math.fsum(
        math.comb(trials, k) * chance**k * (1 - chance) ** (trials - k)
        for k in range(successes, trials + 1)
    )
    assert at_least(successes, trials, chance) == pytest.approx(total, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize(
    ("count", "mean", "expected"),
    [
        (1, 1.0, 0.36787944117),
        (2, 3.0, 0.19914827347),
        (0, 3.0, 0.0),
        (1, 0.0, 1.0),
        (1000, 1000.0, 0.4957947558),
    ],
)
def test_a_poisson_tail(count, mean, expected):
    assert fewer_than(count, mean) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("chance", "periods", "needed", "window", "expected"),
    [
        (0.5, 1, 2, 3, 0.0),
        (0.5, 2, 2, 3, 0.25),
        (0.5, 3, 2, 3, 0.5),
        (0.1, 5, 3, 3, 0.0028),
        (1.0, 3, 3, 3, 1.0),
        (0.7, 1, 1, 1, 0.7),
    ],
)
def test_an_alarm_fires_when_enough_periods_of_a_window_breach(
    chance, periods, needed, window, expected
):
    assert fires(chance, periods, needed, window) == pytest.approx(expected)


@settings(deadline=None)
@given(
    chance=st.floats(0, 1),
    periods=st.integers(0, 8),
    window=st.integers(1, 4),
    data=st.data(),
)
def test_an_alarm_fires_as_often_as_among_all_courses_of_events(chance, periods, window, data):
    needed = data.draw(st.integers(1, window))

    total = 0.0
    for course in itertools.product((0, 1), repeat=periods):
        windows = (course[max(0, end - window) : end] for end in range(1, periods + 1))
        if any(sum(seen) >= needed for seen in windows):
            total += math.prod(chance if breaching else 1 - chance for breaching in course)
    assert fires(chance, periods, needed, window) == pytest.approx(total, abs=1e-12)
