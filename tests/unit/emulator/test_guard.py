"""Operations that nobody implements, and how they are refused in every protocol."""

import json

import pytest
from moto.moto_server.werkzeug_app import create_backend_app

from modelway.emulator.aws_request import AwsRequest
from modelway.emulator.guard import Guard, crashed, not_implemented

FORM = "application/x-www-form-urlencoded"


def named(backend, service, operation):
    return AwsRequest(backend, service, operation, by_name=True, method="POST", path="/")


def rest(service, operation, method, path):
    return AwsRequest(service, service, operation, by_name=False, method=method, path=path)


@pytest.mark.parametrize(
    ("backend", "operation", "expected"),
    [
        ("sagemaker", "CreateModel", True),
        ("sagemaker", "CreateInferenceRecommendationsJob", False),
        ("sns", "Publish", True),
        ("iam", "SimulatePrincipalPolicy", False),
        ("kms", "NoSuchOperation", False),
    ],
)
def test_a_named_operation_needs_a_method_of_its_name(backend, operation, expected):
    guard = Guard({})

    assert guard.implements(named(backend, backend, operation), create_backend_app(backend)) is (
        expected
    )


@pytest.mark.parametrize(
    ("operation", "method", "path", "expected"),
    [
        ("ListClusters", "GET", "/clusters", True),
        ("ListAddons", "GET", "/clusters/one/addons", False),
        (None, "GET", "/nowhere/at/all", False),
    ],
)
def test_a_rest_operation_needs_a_route_and_a_method(operation, method, path, expected):
    guard = Guard({})

    request = rest("eks", operation, method, path)

    assert guard.implements(request, create_backend_app("eks")) is expected


def test_what_moto_would_take_for_another_operation_is_refused():
    guard = Guard({"s3": frozenset({"DeleteBucketMetricsConfiguration"})})
    app = create_backend_app("s3")

    assert not guard.implements(
        rest("s3", "DeleteBucketMetricsConfiguration", "DELETE", "/bucket"), app
    )
    assert guard.implements(rest("s3", "DeleteBucket", "DELETE", "/bucket"), app)


def test_a_json_client_reads_the_refusal():
    answer = not_implemented(named("ecr", "ecr", "Foo"), "application/x-amz-json-1.1")

    content = json.loads(answer.body)
    assert answer.status == 501
    assert content["__type"].endswith("NotImplemented")
    assert "does not implement ecr Foo" in content["Message"]


def test_a_query_client_reads_the_refusal():
    answer = not_implemented(named("iam", "iam", "SimulatePrincipalPolicy"), FORM)

    assert answer.status == 501
    assert b"<Code>NotImplemented</Code>" in answer.body
    assert b"iam SimulatePrincipalPolicy" in answer.body


def test_a_rest_json_client_reads_the_refusal():
    answer = not_implemented(rest("eks", "ListAddons", "GET", "/clusters/one/addons"), "")

    assert answer.status == 501
    assert answer.headers["X-Amzn-Errortype"] == "NotImplemented"
    assert "eks ListAddons" in json.loads(answer.body)["Message"]


def test_an_s3_client_reads_the_refusal():
    answer = not_implemented(rest("s3", "CreateSession", "GET", "/bucket"), "")

    assert answer.status == 501
    assert b"<Code>NotImplemented</Code>" in answer.body


def test_a_service_that_botocore_does_not_know_gets_plain_xml():
    answer = not_implemented(named("", "no-such-service", "Foo"), FORM)

    assert answer.status == 501
    assert b"no-such-service Foo" in answer.body


def test_a_crash_names_operation_and_exception():
    answer = crashed(
        named("kms", "kms", "CreateKey"), "application/x-amz-json-1.1", KeyError("KeyId")
    )

    assert answer.status == 500
    assert "failed in kms CreateKey: KeyError: 'KeyId'" in json.loads(answer.body)["Message"]
