"""Steps, fleets and the sum of the waits."""

import pytest

from modelway.spec import Rollout
from modelway.spec.rules.rollout import rollout_step_percent, waits_seconds


def spec(strategy, rollout=None, **changes):
    return {
        "scaling": {"min_instances": 2},
        "objectives": {"error_rate_percent": 1},
        "rollout": {"strategy": strategy, **(rollout or {})},
        **changes,
    }


@pytest.mark.parametrize("strategy", ["canary", "linear", "rolling"])
def test_each_strategy_is_accepted_with_two_instances_and_an_objective(problems, strategy):
    assert problems(spec(strategy)) == []


@pytest.mark.parametrize("strategy", ["canary", "linear", "rolling"])
def test_one_instance_cannot_be_moved_in_steps(the_problem, strategy):
    problem = the_problem(spec(strategy, scaling={"min_instances": 1}))

    assert problem.path == "rollout.strategy"
    assert problem.message == ("cannot be done with 1 instance: a step is at most half the fleet")
    assert problem.allowed == "`scaling.min_instances` of 2 or more, or all-at-once"


def test_a_schedule_that_leaves_one_instance_counts_too(the_problem):
    night = {"name": "night", "schedule": "cron(0 22 * * ? *)", "min_instances": 1}

    problem = the_problem(spec("canary", scaling={"min_instances": 2, "schedules": [night]}))

    assert problem.path == "rollout.strategy"


@pytest.mark.parametrize(
    ("strategy", "step", "fits"),
    [
        ("canary", 1, True),
        ("canary", 50, True),
        ("canary", 51, False),
        ("linear", 9, False),
        ("linear", 10, True),
        ("linear", 50, True),
        ("linear", 51, False),
        ("rolling", 4, False),
        ("rolling", 5, True),
        ("rolling", 50, True),
        ("rolling", 51, False),
    ],
)
def test_a_step_is_within_awss_range(problems, strategy, step, fits):
    rollout = {"step_percent": step, "timeout_seconds": 28_800}

    found = problems(spec(strategy, rollout))

    assert [problem.path for problem in found] == ([] if fits else ["rollout.step_percent"])


def test_all_at_once_has_no_step(the_problem):
    problem = the_problem({"rollout": {"step_percent": 10}})

    assert problem.path == "rollout.step_percent"
    assert problem.message == "has no meaning: all-at-once has one step"


def test_a_rolling_update_has_no_termination_wait(the_problem):
    problem = the_problem(spec("rolling", {"termination_wait_seconds": 60}))

    assert (problem.path, problem.value) == ("rollout.termination_wait_seconds", 60)


def test_inf1_cannot_be_moved_in_steps(the_problem):
    problem = the_problem(spec("canary", serving={"instance_type": "ml.inf1.xlarge"}))

    assert problem.path == "rollout.strategy"
    assert problem.message == (
        "is ignored by SageMaker on ml.inf1.xlarge, which updates all at once"
    )


def test_inf1_may_be_updated_all_at_once(problems):
    assert problems({"serving": {"instance_type": "ml.inf1.xlarge"}}) == []


@pytest.mark.parametrize(
    ("strategy", "rollout", "waits"),
    [
        ("all-at-once", {}, 0),
        ("all-at-once", {"termination_wait_seconds": 50}, 50),
        ("canary", {}, 600),
        ("canary", {"termination_wait_seconds": 100}, 700),
        ("linear", {"step_percent": 30}, 1200),
        ("linear", {"step_percent": 10, "termination_wait_seconds": 1}, 3001),
        ("rolling", {"step_percent": 50}, 600),
    ],
)
def test_the_waits_are_a_bake_for_each_step_and_the_termination(strategy, rollout, waits):
    assert waits_seconds(Rollout(strategy=strategy, wait_seconds=300, **rollout)) == waits


@pytest.mark.parametrize(("timeout", "fits"), [(601, True), (600, False)])
def test_the_time_out_is_above_the_sum_of_the_waits(problems, timeout, fits):
    found = problems(spec("canary", {"wait_seconds": 300, "timeout_seconds": timeout}))

    assert [problem.path for problem in found] == ([] if fits else ["rollout.timeout_seconds"])


@pytest.mark.parametrize(
    ("strategy", "step"), [("all-at-once", None), ("canary", 10), ("linear", 25), ("rolling", 25)]
)
def test_a_strategy_has_a_step_of_its_own_when_none_is_given(strategy, step):
    assert rollout_step_percent(Rollout(strategy=strategy)) == step
