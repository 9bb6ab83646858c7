"""Step scaling: which step, which adjustment, how it is rounded."""

import pytest

from modelway.emulator.autoscaling.step import step_capacity
from modelway.emulator.autoscaling.target_tracking import Limits

STEPS = [
    {"MetricIntervalLowerBound": 0, "MetricIntervalUpperBound": 10, "ScalingAdjustment": 1},
    {"MetricIntervalLowerBound": 10, "ScalingAdjustment": 3},
    {"MetricIntervalUpperBound": 0, "ScalingAdjustment": -2},
]


def stepped(above, *, capacity=5, kind="ChangeInCapacity", steps=STEPS, **more):
    configuration = {"AdjustmentType": kind, "StepAdjustments": steps, **more}
    return step_capacity(
        configuration, capacity=capacity, limits=Limits(1, 20), above_threshold=above
    )


@pytest.mark.parametrize(
    ("above", "expected"), [(0.0, 6), (9.9, 6), (10.0, 8), (500.0, 8), (-0.1, 3), (-50.0, 3)]
)
def test_the_size_of_the_breach_picks_the_step(above, expected):
    assert stepped(above) == expected


def test_a_breach_that_no_step_covers_changes_nothing():
    assert stepped(5.0, steps=[{"MetricIntervalLowerBound": 10, "ScalingAdjustment": 3}]) is None


def test_an_exact_capacity_is_taken_as_it_is_within_the_limits():
    exact = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 50}]

    assert stepped(1.0, kind="ExactCapacity", steps=exact) == 20


@pytest.mark.parametrize(
    ("capacity", "percent", "expected"),
    [(10, 25, 12), (3, 25, 4), (10, -25, 8), (3, -25, 2), (10, 0, None)],
)
def test_percentages_are_rounded_towards_zero_but_change_one_at_least(capacity, percent, expected):
    steps = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": percent}]

    found = stepped(1.0, capacity=capacity, kind="PercentChangeInCapacity", steps=steps)

    assert found == expected


def test_a_percentage_changes_by_the_minimum_magnitude_at_least():
    steps = [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 25}]

    found = stepped(
        1.0, capacity=4, kind="PercentChangeInCapacity", steps=steps, MinAdjustmentMagnitude=2
    )

    assert found == 6


def test_no_step_leaves_the_limits():
    assert stepped(-5.0, capacity=2) == 1
    assert stepped(-5.0, capacity=1) is None
