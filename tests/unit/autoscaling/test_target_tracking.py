"""Target tracking: when it acts, how far it goes, and what holds it back."""

import math

import pytest

from modelway.emulator.autoscaling.target_tracking import (
    Activity,
    Decision,
    Limits,
    Past,
    Policy,
    combine,
    datapoints_needed,
    decide,
    high_rule,
    low_rule,
)
from modelway.emulator.cloudwatch.alarms import Datapoint

NOW = 17 * 60.0
LIMITS = Limits(1, 10)


def minutes(*values):
    """The newest minutes, oldest first; those before them are missing."""
    padded = [None] * (17 - len(values)) + list(values)
    return [Datapoint(60.0 * i, value) for i, value in enumerate(padded)]


def decided(points, *, capacity=2, limits=LIMITS, past=None, now=NOW, **policy):
    return decide(
        Policy(100.0, **policy),
        points,
        capacity=capacity,
        limits=limits,
        past=Past() if past is None else past,
        now=now,
    )


def test_the_alarms_are_three_of_three_above_and_fifteen_of_fifteen_below_ninety_percent():
    high, low = high_rule(100.0), low_rule(100.0)

    assert (high.comparison, high.threshold) == ("GreaterThanThreshold", 100.0)
    assert (high.evaluation_periods, high.datapoints_to_alarm) == (3, 3)
    assert (low.comparison, low.threshold) == ("LessThanThreshold", 90.0)
    assert (low.evaluation_periods, low.datapoints_to_alarm) == (15, 15)
    assert datapoints_needed() == 17


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ((150, 150, 150), Decision(3, high=True)),
        ((101, 101, 101), Decision(3, high=True)),
        ((150, 150, 300), Decision(6, high=True)),
        ((150, 150, 100), None),
        ((150, 100, 150), None),
        ((150, 150), None),
    ],
)
def test_scaling_out_is_proportional_to_the_newest_of_three_minutes_above(values, expected):
    assert decided(minutes(*values)) == expected


def test_scaling_out_stops_at_the_maximum():
    assert decided(minutes(900, 900, 900), limits=Limits(1, 4)) == Decision(4, high=True)
    assert decided(minutes(900, 900, 900), capacity=4, limits=Limits(1, 4)) is None


def test_a_load_that_fits_exactly_gets_no_extra_instance():
    # 7 * (900 / 7) / 100 is a little more than 9 in floating point.
    assert decided(minutes(*[900 / 7] * 3), capacity=7) == Decision(9, high=True)


def test_fifteen_quiet_minutes_scale_in_to_what_the_busiest_needed():
    assert decided(minutes(*[10] * 14, 40), capacity=5) == Decision(2, high=False)
    assert decided(minutes(*[10] * 13, 40, 10), capacity=5) == Decision(2, high=False)


def test_fourteen_quiet_minutes_are_not_enough():
    assert decided(minutes(*[10] * 14), capacity=5) is None


def test_a_minute_at_ninety_percent_is_not_quiet():
    assert decided(minutes(*[10] * 14, 90), capacity=5) is None


def test_no_load_scales_in_to_the_minimum():
    assert decided(minutes(*[0] * 15), capacity=5, limits=Limits(2, 10)) == Decision(2, high=False)
    assert decided(minutes(*[0] * 15), capacity=2, limits=Limits(2, 10)) is None


def test_scale_in_can_be_disabled():
    assert decided(minutes(*[0] * 15), capacity=5, scale_in_disabled=True) is None


def test_missing_data_changes_nothing():
    assert decided(minutes(), capacity=5) is None


def test_scaling_in_waits_for_its_cooldown():
    past = Past(last_in=Activity(NOW - 299, -1))
    points = minutes(*[10] * 15)

    assert decided(points, capacity=5, past=past) is None
    assert decided(points, capacity=5, past=Past(last_in=Activity(NOW - 300, -1))) == Decision(
        1, high=False
    )


def test_scaling_out_does_not_wait_for_the_scale_in_cooldown():
    past = Past(last_in=Activity(NOW - 180, -1))

    assert decided(minutes(150, 150, 150), past=past) == Decision(3, high=True)


def test_only_a_larger_scale_out_interrupts_the_scale_out_cooldown():
    past = Past(last_out=Activity(NOW - 120, 2))

    assert decided(minutes(200, 200, 200), past=past) is None
    assert decided(minutes(250, 250, 250), past=past) == Decision(5, high=True)
    late = Past(last_out=Activity(NOW - 300, 2))
    assert decided(minutes(200, 200, 200), past=late) == Decision(4, high=True)


def test_minutes_from_before_the_latest_change_say_nothing_about_the_present_capacity():
    just_now = Past(last_out=Activity(NOW - 30, 1))

    assert decided(minutes(500, 500, 500), past=just_now, scale_out_cooldown_seconds=0) is None


def test_the_capacity_settled_when_the_latest_activity_ended():
    assert Past().settled_at == -math.inf
    assert Past(Activity(5.0, 1), Activity(9.0, -1)).settled_at == 9.0


OUT_3, OUT_5 = Decision(3, high=True), Decision(5, high=True)
IN_1, IN_2 = Decision(1, high=False), Decision(2, high=False)


@pytest.mark.parametrize(
    ("decisions", "index"),
    [
        ([OUT_3, OUT_5], 1),
        ([IN_1, OUT_3], 1),
        ([None, OUT_3], 1),
        ([IN_1, IN_2], 1),
        ([IN_1, None], None),
        ([None], None),
        ([], None),
    ],
)
def test_of_several_policies_the_largest_wins_and_scaling_in_needs_all(decisions, index):
    assert combine(decisions) == index
