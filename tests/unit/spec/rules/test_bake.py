"""What a bake needs: objectives, evidence, and time for every alarm."""

import pytest

from modelway.errors import SpecError

STEPS = pytest.mark.parametrize("strategy", ["canary", "linear", "rolling"])
BOTH = {"p99_latency_ms": 50, "error_rate_percent": 1}


def spec(strategy="canary", objectives=None, **rollout):
    return {
        "scaling": {"min_instances": 2},
        "objectives": {"error_rate_percent": 1} if objectives is None else objectives,
        "rollout": {"strategy": strategy, **rollout},
    }


@STEPS
def test_a_bake_without_objectives_proves_nothing(the_problem, strategy):
    problem = the_problem(spec(strategy, objectives={}))

    assert problem.path == "objectives"
    assert problem.message.startswith(f"is missing: without it a {strategy} roll-out has no alarm")


@STEPS
def test_a_bake_is_long_enough_for_three_minutes_of_evidence_and_two_unseen(
    problems, the_problem, strategy
):
    assert problems(spec(strategy, wait_seconds=300)) == []
    problem = the_problem(spec(strategy, wait_seconds=299))

    assert (problem.path, problem.value) == ("rollout.wait_seconds", 299)
    assert problem.message == (
        "ends before its alarms can fire, so a bad model would be promoted: "
        "too-few-requests needs 300 s"
    )
    assert problem.allowed == "at least 300"


def test_every_alarm_that_a_wait_is_too_short_for_is_named(the_problem):
    problem = the_problem(spec(objectives=BOTH, wait_seconds=0))

    assert problem.message == (
        "ends before its alarms can fire, so a bad model would be promoted: "
        "new-p99-latency needs 240 s, new-error-rate needs 240 s, too-few-requests needs 300 s"
    )


def test_a_bake_that_needs_no_evidence_may_be_shorter(problems, the_problem):
    unproved = {"minimum_requests_per_minute": None}

    assert problems(spec(wait_seconds=240, **unproved)) == []
    assert the_problem(spec(wait_seconds=239, **unproved)).allowed == "at least 240"


def test_all_at_once_bakes_while_the_old_fleet_stays(problems, the_problem):
    rollout = {"strategy": "all-at-once", "objectives": {}}

    assert problems(spec(**rollout, termination_wait_seconds=300)) == []
    problem = the_problem(spec(**rollout, termination_wait_seconds=299))

    assert (problem.path, problem.value) == ("rollout.termination_wait_seconds", 299)
    assert problem.allowed == "0, or at least 300"


def test_all_at_once_without_a_wait_needs_no_alarm(problems):
    assert problems(spec("all-at-once", objectives={}, wait_seconds=1)) == []


def test_a_roll_out_cannot_be_watched_by_less_than_a_request_a_minute(problems):
    with pytest.raises(SpecError, match=r"rollout\.minimum_requests_per_minute"):
        problems(spec(minimum_requests_per_minute=0))


def test_everything_that_is_wrong_with_a_roll_out_is_told_at_once(problems):
    found = problems(
        {
            "scaling": {"min_instances": 1},
            "rollout": {
                "strategy": "linear",
                "step_percent": 60,
                "wait_seconds": 299,
                "termination_wait_seconds": 100,
                "timeout_seconds": 600,
            },
        }
    )

    assert [problem.path for problem in found] == [
        "rollout.step_percent",
        "rollout.strategy",
        "objectives",
        "rollout.wait_seconds",
        "rollout.timeout_seconds",
    ]


def test_more_challengers_than_sagemaker_takes_alarms_for_are_refused(problems, the_problem):
    def with_challengers(count):
        challengers = [
            {
                "name": f"c{number}",
                "traffic_percent": 10,
                "model": {"path": "c.onnx"},
                "min_instances": 2,
            }
            for number in range(count)
        ]
        return {**spec(objectives=BOTH), "challengers": challengers}

    assert problems(with_challengers(3)) == []
    problem = the_problem(with_challengers(4))

    assert problem.path == "challengers"
    assert problem.message == "and their objectives come to 11 roll-back alarms"
