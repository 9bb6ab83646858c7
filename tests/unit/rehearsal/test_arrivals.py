"""Arrivals: exact, seeded, and stretched by a change of rate."""

import itertools
import math

import pytest

from modelway.rehearsal.arrivals import Arrivals


def taken(arrivals, count):
    return [round(arrivals.take(), 6) for _ in range(count)]


def test_constant_arrivals_are_at_equal_distances_and_the_first_is_due_at_once():
    assert taken(Arrivals(4), 5) == [0.0, 0.25, 0.5, 0.75, 1.0]


def test_poisson_arrivals_of_a_seed_are_always_the_same():
    first = taken(Arrivals(10, kind="poisson", seed=7), 4)

    assert first == [0.039131, 0.055483, 0.160733, 0.168252]
    assert taken(Arrivals(10, kind="poisson", seed=8), 1) == [0.02571]


def test_poisson_arrivals_have_the_rate_on_average_and_vary_as_much_as_it():
    arrivals = Arrivals(10, kind="poisson", seed=1)
    times = [arrivals.take() for _ in range(20_000)]

    gaps = [later - earlier for earlier, later in itertools.pairwise(times)]
    mean = sum(gaps) / len(gaps)
    deviation = math.sqrt(sum((gap - mean) ** 2 for gap in gaps) / len(gaps))
    assert mean == pytest.approx(0.1, rel=0.03)
    assert deviation == pytest.approx(0.1, rel=0.03)


def test_another_rate_stretches_what_is_still_to_come():
    arrivals = Arrivals(2)
    assert taken(arrivals, 2) == [0.0, 0.5]

    # Half of the way to the next one is gone; the other half goes at four times the pace.
    arrivals.change(0.75, 8)

    assert taken(arrivals, 3) == [0.8125, 0.9375, 1.0625]


def test_a_seed_gives_the_same_distances_at_every_rate():
    slow, fast = (Arrivals(rate, kind="poisson", seed=3) for rate in (1, 100))

    assert taken(slow, 3) == pytest.approx([100 * at for at in taken(fast, 3)], rel=1e-3)


def test_a_rate_of_zero_sends_nothing_until_it_changes():
    arrivals = Arrivals(2)
    arrivals.take()
    arrivals.change(0.25, 0)

    assert arrivals.due == math.inf
    with pytest.raises(ValueError, match="nothing is due"):
        arrivals.take()

    arrivals.change(10.25, 1)
    assert arrivals.take() == 10.75


def test_a_change_before_the_last_arrival_counts_from_that():
    arrivals = Arrivals(1)
    taken(arrivals, 3)

    arrivals.change(0.5, 2)

    assert arrivals.take() == 2.5
