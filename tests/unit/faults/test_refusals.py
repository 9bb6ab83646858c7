"""Throttling and expired credentials: which calls, and in which words."""

import pytest
from botocore.parsers import create_parser
from botocore.session import Session

from modelway.emulator.aws_request import AwsRequest
from modelway.emulator.faults.refusals import Refusals

JSON = "application/x-amz-json-1.1"
FORM = "application/x-www-form-urlencoded"
USER = "AWS4-HMAC-SHA256 Credential=testing/20261128/us-east-1/sagemaker/aws4_request, ..."
OWN = USER.replace("testing", "emulator")


@pytest.fixture
def refusals(world):
    return Refusals(world.registry)


def call(service="sagemaker", operation="DescribeEndpoint", by_name=True):
    return AwsRequest(service, service, operation, by_name, method="POST", path="/")


def read(answer, service, operation):
    """Read an answer as botocore does; gives code, message and HTTP status."""
    model = Session().get_service_model(service)
    protocol = model.metadata["protocol"]
    response = {
        "status_code": answer.status,
        "headers": {name.lower(): value for name, value in answer.headers.items()},
        "body": answer.body,
        "context": {"operation_name": operation},
    }
    parsed = create_parser(protocol).parse(response, model.operation_model(operation).output_shape)
    return parsed["Error"]["Code"], parsed["Error"]["Message"], answer.status


@pytest.mark.parametrize(
    ("service", "operation", "content_type", "expected"),
    [
        ("sagemaker", "CreateModel", JSON, ("ThrottlingException", "Rate exceeded", 400)),
        ("ecr", "BatchGetImage", JSON, ("ThrottlingException", "Rate exceeded", 400)),
        ("iam", "GetRole", FORM, ("Throttling", "Rate exceeded", 400)),
        ("s3", "PutObject", "", ("SlowDown", "Please reduce your request rate.", 503)),
        (
            "sagemaker-runtime",
            "InvokeEndpoint",
            "text/csv",
            ("ThrottlingException", "Rate exceeded", 400),
        ),
    ],
)
def test_throttling_is_said_in_the_services_own_words(
    refusals, add, service, operation, content_type, expected
):
    add("throttling", service=service)

    answer = refusals.answer(call(service, operation), content_type, USER)

    assert read(answer, service, operation) == expected


@pytest.mark.parametrize(
    ("service", "operation", "content_type", "code", "status"),
    [
        ("sagemaker", "CreateModel", JSON, "ExpiredTokenException", 400),
        ("iam", "GetRole", FORM, "ExpiredToken", 403),
        ("sts", "GetCallerIdentity", FORM, "ExpiredToken", 403),
        ("sagemaker-runtime", "InvokeEndpoint", "text/csv", "ExpiredTokenException", 403),
    ],
)
def test_expired_credentials_are_said_in_the_services_own_words(
    refusals, add, service, operation, content_type, code, status
):
    add("expired-credentials")

    answer = refusals.answer(call(service, operation), content_type, USER)

    assert read(answer, service, operation) == (
        code,
        "The security token included in the request is expired",
        status,
    )


def test_s3_has_its_own_sentence_for_an_expired_token(refusals, add):
    add("expired-credentials", service="s3")

    answer = refusals.answer(call("s3", "PutObject", by_name=False), "", USER)

    assert read(answer, "s3", "PutObject") == (
        "ExpiredToken",
        "The provided token has expired.",
        400,
    )


def test_other_services_and_operations_are_answered(refusals, add):
    add("throttling", operation="UpdateEndpoint")
    add("expired-credentials", service="iam")

    assert refusals.answer(call(operation="UpdateEndpoint"), JSON, USER) is not None
    assert refusals.answer(call(operation="DescribeEndpoint"), JSON, USER) is None
    assert refusals.answer(call("ecr", "BatchGetImage"), JSON, USER) is None


def test_a_share_of_the_calls_is_throttled_evenly(refusals, add):
    add("throttling", percent=50)

    answers = [refusals.answer(call(), JSON, USER) for _ in range(4)]

    assert [answer is not None for answer in answers] == [False, True, False, True]


def test_the_emulators_own_autoscaling_is_neither_throttled_nor_expired(refusals, add):
    add("throttling")
    add("expired-credentials")

    assert refusals.answer(call(), JSON, OWN) is None


def test_expired_credentials_come_before_throttling(refusals, add, world):
    add("throttling")
    add("expired-credentials")

    answer = refusals.answer(call(operation="CreateModel"), JSON, USER)

    assert read(answer, "sagemaker", "CreateModel")[0] == "ExpiredTokenException"
    assert [each["hits"] for each in world.registry.describe()] == [0, 1]


def test_nothing_is_refused_once_the_fault_is_over(refusals, add, hand):
    add("throttling", for_seconds=60)
    hand.set(60)

    assert refusals.answer(call(), JSON, USER) is None
