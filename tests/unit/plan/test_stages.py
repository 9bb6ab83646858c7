"""Shares, waits and instances of each stage of a roll-out."""

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from modelway.plan.model import RolloutPlan
from modelway.plan.stages import duration_seconds, peak_instances, rollout_stages, waits_seconds
from modelway.spec import Strategy


def rollout(strategy, step=None, wait=300, termination=0):
    return RolloutPlan(
        deployment_config=None,
        history=3,
        timeout_seconds=3600,
        strategy=Strategy(strategy),
        step_percent=step,
        wait_seconds=0 if strategy == "all-at-once" else wait,
        termination_wait_seconds=termination,
    )


def table(stages):
    return [(s.name, s.traffic_percent, s.wait_seconds) for s in stages]


@pytest.mark.parametrize(
    ("plan", "expected"),
    [
        (rollout("all-at-once"), [("all at once", 100, 0)]),
        (
            rollout("all-at-once", termination=400),
            [("all at once", 100, 0), ("old fleet kept", 100, 400)],
        ),
        (rollout("canary", 10), [("canary", 10, 300), ("the rest", 100, 300)]),
        (
            rollout("canary", 10, wait=600, termination=60),
            [("canary", 10, 600), ("the rest", 100, 600), ("old fleet kept", 100, 60)],
        ),
        (
            rollout("linear", 30),
            [
                ("step 1 of 4", 30, 300),
                ("step 2 of 4", 60, 300),
                ("step 3 of 4", 90, 300),
                ("step 4 of 4", 100, 300),
            ],
        ),
        (rollout("linear", 50), [("step 1 of 2", 50, 300), ("step 2 of 2", 100, 300)]),
        (rollout("rolling", 50), [("batch 1 of 2", 50, 300), ("batch 2 of 2", 100, 300)]),
        (
            rollout("rolling", 25),
            [
                ("batch 1 of 4", 25, 300),
                ("batch 2 of 4", 50, 300),
                ("batch 3 of 4", 75, 300),
                ("batch 4 of 4", 100, 300),
            ],
        ),
        # 40 % of four instances are two whole ones.
        (rollout("rolling", 40), [("batch 1 of 2", 50, 300), ("batch 2 of 2", 100, 300)]),
    ],
)
def test_each_strategy_has_its_stages(plan, expected):
    assert table(rollout_stages(plan, new=4, old=4)) == expected


def test_blue_and_green_both_run_whole_until_the_old_fleet_ends():
    stages = rollout_stages(rollout("canary", 10, termination=60), new=5, old=3)

    assert [(s.new_instances, s.old_instances) for s in stages] == [(5, 3), (5, 3), (5, 3)]
    assert [s.provisioned_instances for s in stages] == [5, 0, 0]
    assert peak_instances(stages) == 8


def test_a_rolling_update_needs_one_batch_more_than_the_fleet():
    stages = rollout_stages(rollout("rolling", 25), new=4, old=4)

    assert [(s.new_instances, s.old_instances) for s in stages] == [(1, 4), (2, 3), (3, 2), (4, 1)]
    assert peak_instances(stages) == 5


@pytest.mark.parametrize(
    ("plan", "waits", "least", "greatest"),
    [
        (rollout("all-at-once"), 0, 120, 600),
        (rollout("canary", 10, wait=600, termination=300), 1500, 1620, 2100),
        (rollout("linear", 25), 1200, 1320, 1800),
        # Each batch of a rolling update starts instances of its own.
        (rollout("rolling", 50), 600, 840, 1800),
    ],
)
def test_waits_are_exact_and_starting_instances_is_a_range(plan, waits, least, greatest):
    stages = rollout_stages(plan, new=4, old=4)

    assert waits_seconds(stages) == waits
    assert duration_seconds(stages) == (least, greatest)


@settings(deadline=None)
@given(
    strategy=st.sampled_from(["all-at-once", "canary", "linear", "rolling"]),
    step=st.integers(1, 50),
    wait=st.integers(0, 3600),
    new=st.integers(1, 60),
    old=st.integers(1, 60),
    termination=st.integers(0, 3600),
)
def test_steps_are_100_percent_together_and_never_go_back(
    strategy, step, wait, new, old, termination
):
    assume(strategy == "canary" or step >= {"linear": 10, "rolling": 5}.get(strategy, 1))
    stages = rollout_stages(rollout(strategy, step, wait, termination), new, old)

    assert math.isclose(sum(stage.step_percent for stage in stages), 100)
    assert all(stage.step_percent >= 0 for stage in stages)
    assert stages[-1].traffic_percent == 100
    assert stages[-1].new_instances == new
    assert sum(stage.provisioned_instances for stage in stages) == new


@settings(deadline=None)
@given(step=st.integers(5, 50), new=st.integers(1, 60), old=st.integers(1, 60))
def test_a_rolling_update_always_has_enough_instances_for_the_share_of_each_fleet(step, new, old):
    stages = rollout_stages(rollout("rolling", step), new, old)

    batch = max(1, math.ceil(new * step / 100))
    if new == old:
        assert peak_instances(stages) == new + batch
    # Fleets of different sizes shrink and grow by whole instances, so one more may run.
    assert peak_instances(stages) <= max(old, new) + batch + 1
    for stage in stages:
        assert stage.new_instances >= new * stage.traffic_percent / 100 - 1e-9
        assert stage.old_instances >= old * (100 - stage.traffic_percent) / 100 - 1e-9


@settings(deadline=None)
@given(
    strategy=st.sampled_from(["all-at-once", "canary", "linear"]),
    new=st.integers(0, 60),
    old=st.integers(0, 60),
)
def test_blue_green_needs_both_fleets(strategy, new, old):
    assert peak_instances(rollout_stages(rollout(strategy, 20), new, old)) == new + old
