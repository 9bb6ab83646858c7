"""From a DeploymentConfig to stages: shares, instances and waits."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from modelway.emulator.hosting.deployment import Capacity
from modelway.emulator.hosting.stages import Return, Stage, course_of

FOUR = {"primary": Capacity(instances=4, weight=1.0)}


def percent(value):
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def instances(value):
    return {"Type": "INSTANCE_COUNT", "Value": value}


def blue_green(kind, wait=300, **sizes):
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": wait, **sizes}
        }
    }


def rolling(size, **fields):
    return {
        "RollingUpdatePolicy": {"MaximumBatchSize": size, "WaitIntervalInSeconds": 120, **fields}
    }


def shares(config, new=None):
    return [stage.share for stage in course_of(config, new or FOUR, FOUR).stages]


def test_without_a_configuration_all_traffic_moves_at_once_and_nothing_bakes():
    course = course_of(None, FOUR, FOUR)

    assert course.stages == (Stage({"primary": 4}, 1.0, 0.0, {"primary": 4}),)
    assert course.waits_seconds == 0
    assert course.limit_seconds is None
    assert course.alarms == ()


def test_all_at_once_bakes_after_its_one_step():
    config = blue_green("ALL_AT_ONCE")
    config["BlueGreenUpdatePolicy"] |= {
        "TerminationWaitInSeconds": 60,
        "MaximumExecutionTimeoutInSeconds": 900,
    }

    course = course_of(config, FOUR, FOUR)

    assert course.stages == (Stage({"primary": 4}, 1.0, 300.0, {"primary": 4}),)
    assert course.termination_seconds == 60
    assert course.waits_seconds == 360
    assert course.limit_seconds == 900


def test_a_canary_is_a_small_step_and_the_rest_with_a_bake_after_both():
    course = course_of(blue_green("CANARY", CanarySize=percent(10)), FOUR, FOUR)

    assert course.stages == (
        Stage({"primary": 4}, 0.1, 300.0, {"primary": 4}),
        Stage({"primary": 4}, 1.0, 300.0, {"primary": 4}),
    )
    assert course.waits_seconds == 600


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (percent(25), [0.25, 0.5, 0.75, 1.0]),
        (percent(30), [0.3, 0.6, 0.9, 1.0]),
        (percent(33), [0.33, 0.66, 0.99, 1.0]),
        (percent(50), [0.5, 1.0]),
        (instances(1), [0.25, 0.5, 0.75, 1.0]),
        (instances(2), [0.5, 1.0]),
    ],
)
def test_linear_steps_are_of_equal_size_and_the_last_takes_what_is_left(size, expected):
    assert shares(blue_green("LINEAR", LinearStepSize=size)) == expected


def test_a_number_of_instances_counts_by_the_traffic_of_each_variant():
    new = {"a": Capacity(instances=2, weight=3.0), "b": Capacity(instances=4, weight=1.0)}

    # Half of a variant with three quarters of the traffic, a quarter of one with the rest.
    assert shares(blue_green("CANARY", CanarySize=instances(1)), new) == [0.4375, 1.0]


def test_rolling_starts_one_batch_beside_the_old_fleet_and_ends_as_many_after_its_bake():
    course = course_of(rolling(percent(25)), FOUR, FOUR)

    assert course.stages == (
        Stage({"primary": 1}, 0.25, 120.0, {"primary": 3}),
        Stage({"primary": 2}, 0.5, 120.0, {"primary": 2}),
        Stage({"primary": 3}, 0.75, 120.0, {"primary": 1}),
        Stage({"primary": 4}, 1.0, 120.0, {"primary": 0}),
    )
    assert course.termination_seconds == 0


def test_a_rolling_batch_that_does_not_divide_the_fleet_leaves_a_smaller_last_one():
    five = {"primary": Capacity(instances=5, weight=1.0)}

    course = course_of(rolling(instances(2)), five, five)

    assert [stage.new["primary"] for stage in course.stages] == [2, 4, 5]
    assert [stage.old["primary"] for stage in course.stages] == [3, 1, 0]


def test_a_rolling_update_to_a_larger_fleet_ends_old_instances_in_proportion():
    eight = {"primary": Capacity(instances=8, weight=1.0)}

    course = course_of(rolling(instances(4)), eight, FOUR)

    assert [(stage.new["primary"], stage.old["primary"]) for stage in course.stages] == [
        (4, 2),
        (8, 0),
    ]


def test_blue_green_goes_back_in_one_step_from_anywhere():
    course = course_of(blue_green("LINEAR", LinearStepSize=percent(25)), FOUR, FOUR)

    for reached in range(4):
        assert course.way_back(reached) == (Return({"primary": 4}, 0.0, {"primary": 0}),)


def test_rolling_goes_back_by_bringing_all_old_instances_up_at_once():
    course = course_of(rolling(percent(25)), FOUR, FOUR)

    assert course.way_back(0) == (Return({"primary": 4}, 0.0, {"primary": 0}),)
    assert course.way_back(2) == (
        Return({"primary": 2}, 0.5, {"primary": 2}),
        Return({"primary": 4}, 0.0, {"primary": 0}),
    )


def test_rolling_goes_back_in_batches_where_the_policy_says_so():
    course = course_of(rolling(percent(25), RollbackMaximumBatchSize=instances(1)), FOUR, FOUR)

    assert course.way_back(3) == (
        Return({"primary": 1}, 0.75, {"primary": 3}),
        Return({"primary": 2}, 0.5, {"primary": 2}),
        Return({"primary": 3}, 0.25, {"primary": 1}),
        Return({"primary": 4}, 0.0, {"primary": 0}),
    )


def test_alarms_are_watched_once_each_in_their_order():
    config = blue_green("ALL_AT_ONCE") | {
        "AutoRollbackConfiguration": {
            "Alarms": [{"AlarmName": "slow"}, {"AlarmName": "errors"}, {"AlarmName": "slow"}]
        }
    }

    assert course_of(config, FOUR, FOUR).alarms == ("slow", "errors")


def test_where_sagemaker_ignores_the_policy_nothing_bakes_and_no_alarm_is_watched():
    config = blue_green("CANARY", CanarySize=percent(10)) | {
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "slow"}]}
    }

    course = course_of(config, FOUR, FOUR, guarded=False)

    assert course.stages == (Stage({"primary": 4}, 1.0, 0.0, {"primary": 4}),)
    assert course.alarms == ()


@given(
    new=st.integers(2, 60),
    old=st.integers(1, 60),
    size=st.one_of(st.integers(5, 50).map(percent), st.integers(1, 30).map(instances)),
    back=st.one_of(st.none(), st.integers(5, 100).map(percent)),
    data=st.data(),
)
def test_rolling_always_has_the_capacity_for_the_traffic_that_each_fleet_gets(
    new, old, size, back, data
):
    fields = {} if back is None else {"RollbackMaximumBatchSize": back}
    course = course_of(
        rolling(size, **fields),
        {"primary": Capacity(instances=new, weight=1.0)},
        {"primary": Capacity(instances=old, weight=1.0)},
    )

    up, left, share = 0, old, 0.0
    for stage in course.stages:
        assert up < stage.new["primary"] <= new
        assert share < stage.share <= 1
        up, share = stage.new["primary"], stage.share
        # Each fleet has its part of the instances for its part of the traffic, before and after
        # old instances end.
        assert up / new >= share - 1e-9
        assert left / old >= 1 - share - 1e-9
        assert stage.old["primary"] / old >= 1 - share - 1e-9
        left = stage.old["primary"]
    assert (up, left, share) == (new, 0, 1.0)

    reached = data.draw(st.integers(0, len(course.stages) - 1))
    share = course.stages[reached].share
    for step in course.way_back(reached):
        assert step.share <= share
        share = step.share
        assert step.old["primary"] / old >= 1 - share - 1e-9
        assert step.new["primary"] / new >= share - 1e-9
    assert (step.old["primary"], step.new["primary"], share) == (old, 0, 0.0)
