"""Bounds, tracking and schedules."""

import pytest

TARGET = {"target_invocations_per_instance_per_minute": 100}
NIGHT = {"name": "night", "schedule": "cron(0 22 * * ? *)", "min_instances": 1}


def test_an_upper_bound_below_the_lower_one_is_refused(the_problem):
    problem = the_problem({"scaling": {"min_instances": 3, "max_instances": 2}})

    assert problem.path == "scaling.max_instances"
    assert problem.message == "is below `scaling.min_instances`, which is 3"


def test_scaling_needs_a_target(the_problem):
    problem = the_problem({"scaling": {"min_instances": 1, "max_instances": 4}})

    assert problem.path == "scaling.target_invocations_per_instance_per_minute"
    assert problem.message.startswith("is missing: with 1 to 4 instances")


def test_a_fixed_number_needs_no_target(problems):
    assert problems({"scaling": {"min_instances": 2, "max_instances": 2}}) == []
    assert problems({"scaling": {"min_instances": 2}}) == []


@pytest.mark.parametrize("scaling", [{"max_instances": 2, **TARGET}, {"schedules": [NIGHT]}])
def test_burstable_instances_cannot_be_scaled(the_problem, scaling):
    problem = the_problem({"serving": {"instance_type": "ml.t2.medium"}, "scaling": scaling})

    assert problem.path == "serving.instance_type"
    assert problem.value == "ml.t2.medium"
    assert problem.message == (
        "is burstable, and burstable instances cannot be scaled automatically"
    )


def test_a_fixed_number_of_burstable_instances_is_accepted(problems):
    assert problems({"serving": {"instance_type": "ml.t2.medium"}}) == []


def test_names_of_schedules_differ(the_problem):
    problem = the_problem({"scaling": {"schedules": [NIGHT, NIGHT]}})

    assert (problem.path, problem.value) == ("scaling.schedules[1].name", "night")


def test_a_schedule_that_sets_nothing_is_refused(the_problem):
    schedule = {"name": "night", "schedule": "cron(0 22 * * ? *)"}

    problem = the_problem({"scaling": {"schedules": [schedule]}})

    assert problem.path == "scaling.schedules[0]"
    assert problem.message == "changes nothing: it sets neither bound"


@pytest.mark.parametrize(
    ("bounds", "path"),
    [
        ({"min_instances": 3, "max_instances": 2}, "scaling.schedules[0].min_instances"),
        ({"min_instances": 5}, "scaling.schedules[0].min_instances"),
        ({"max_instances": 1}, "scaling.schedules[0].max_instances"),
    ],
)
def test_a_schedule_that_crosses_the_bounds_is_refused(the_problem, bounds, path):
    schedule = {"name": "night", "schedule": "cron(0 22 * * ? *)", **bounds}
    scaling = {"min_instances": 2, "max_instances": 4, "schedules": [schedule], **TARGET}

    assert the_problem({"scaling": scaling}).path == path


def test_a_schedule_that_moves_both_bounds_is_accepted(problems):
    schedule = {**NIGHT, "min_instances": 6, "max_instances": 9}

    assert problems({"scaling": {"max_instances": 2, "schedules": [schedule], **TARGET}}) == []


def test_a_wrong_expression_and_a_wrong_time_zone_are_both_told(problems):
    schedule = {**NIGHT, "schedule": "every day", "timezone": "Europe/Berlim"}

    found = problems({"scaling": {"schedules": [schedule]}})

    assert [(problem.path, problem.message) for problem in found] == [
        ("scaling.schedules[0].schedule", "is not a schedule"),
        ("scaling.schedules[0].timezone", "is not an IANA time zone"),
    ]
