"""Alarms that need a GPU, and whom alarms tell."""

import pytest


@pytest.mark.parametrize("field", ["gpu_utilization_percent", "gpu_memory_utilization_percent"])
def test_a_gpu_alarm_needs_a_gpu(problems, the_problem, field):
    assert problems({"serving": {"instance_type": "ml.g5.xlarge"}, "alarms": {field: 80}}) == []
    problem = the_problem({"alarms": {field: 80}})

    assert problem.path == f"alarms.{field}"
    assert problem.message == "watches a metric that ml.m5.large, without a GPU, never publishes"


def test_a_gpu_alarm_needs_a_known_number_of_gpus(the_problem):
    problem = the_problem(
        {
            "serving": {"instance_type": "ml.g7.8xlarge"},
            "alarms": {"gpu_utilization_percent": 80},
        }
    )

    assert problem.message == (
        "cannot be scaled: the number of GPUs of ml.g7.8xlarge is not known here"
    )


@pytest.mark.parametrize(
    "address",
    [
        "team@example.com",
        "first.last+tag@mail.example.co",
        "https://example.com",
        "https://hooks.example.com:8443/a?b=c",
    ],
)
def test_an_e_mail_address_or_an_https_url_is_told(problems, address):
    assert problems({"alarms": {"notify": [address]}}) == []


@pytest.mark.parametrize(
    "address",
    ["team", "team@example", "a b@example.com", "http://example.com", "https://", "+491234567", ""],
)
def test_any_other_address_is_refused(the_problem, address):
    problem = the_problem({"alarms": {"notify": ["team@example.com", address]}})

    assert problem.path == "alarms.notify[1]"
    assert problem.message == "is neither an e-mail address nor an https URL"


def test_an_address_is_listed_once(the_problem):
    problem = the_problem({"alarms": {"notify": ["a@example.com", "a@example.com"]}})

    assert (problem.path, problem.message) == ("alarms.notify[1]", "is listed twice")
