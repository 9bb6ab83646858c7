"""Logs and captured data."""

import botocore.session
import pytest

from modelway.spec.model import RETENTION_DAYS


@pytest.mark.parametrize(("days", "fits"), [(90, True), (3653, True), (0, False), (45, False)])
def test_a_retention_is_one_that_cloudwatch_offers(problems, days, fits):
    found = problems({"logging": {"retention_days": days}})

    assert [problem.path for problem in found] == ([] if fits else ["logging.retention_days"])


def test_the_retentions_are_those_of_botocores_documentation():
    model = botocore.session.get_session().get_service_model("logs")
    documented = model.shape_for("PutRetentionPolicyRequest").members["retentionInDays"]
    text = ", ".join(str(days) for days in RETENTION_DAYS[:-1])

    assert f"{text}, and {RETENTION_DAYS[-1]}." in documented.documentation


@pytest.mark.parametrize(
    ("destination", "fits"),
    [
        ("s3://my-bucket/captured", True),
        ("s3://my-bucket", True),
        ("s3://" + "b" * 63 + "/" + "k" * 443, True),
        ("s3://" + "b" * 63 + "/" + "k" * 444, False),
        ("https://my-bucket/captured", False),
        ("my-bucket", False),
        ("s3://My_Bucket/x", False),
    ],
)
def test_a_destination_is_an_s3_uri_of_up_to_512_characters(problems, destination, fits):
    found = problems({"data_capture": {"destination": destination}})

    assert [problem.path for problem in found] == ([] if fits else ["data_capture.destination"])


@pytest.mark.parametrize("sides", [[], ["input", "input"]])
def test_each_side_is_named_once(the_problem, sides):
    problem = the_problem({"data_capture": {"capture": sides}})

    assert (problem.path, problem.value) == ("data_capture.capture", sides)
