"""What a request asks for: its operation, and whether it changes anything."""

import io

import pytest

from modelway.emulator.aws_request import AwsRequest, read_request


def environ(method="POST", path="/", query="", **headers):
    values = {
        "REQUEST_METHOD": method,
        "PATH_INFO": path,
        "RAW_URI": f"{path}?{query}" if query else path,
        "QUERY_STRING": query,
        "HTTP_HOST": "127.0.0.1:4510",
        "SERVER_NAME": "127.0.0.1",
        "SERVER_PORT": "4510",
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(),
    }
    return values | headers


def test_a_json_request_is_named_by_its_target():
    request = read_request(
        environ(HTTP_X_AMZ_TARGET="SageMaker.CreateEndpoint"), "sagemaker", b"{}"
    )

    assert (request.service, request.operation) == ("sagemaker", "CreateEndpoint")
    assert request.by_name
    assert request.mutating


def test_a_query_request_is_named_by_its_action():
    form = environ(CONTENT_TYPE="application/x-www-form-urlencoded; charset=utf-8")

    request = read_request(form, "sns", b"Action=Publish&TopicArn=a&Version=2010-03-31")

    assert (request.service, request.operation) == ("sns", "Publish")


@pytest.mark.parametrize(
    ("method", "path", "query", "operation", "mutating"),
    [
        ("PUT", "/bucket", "", "CreateBucket", True),
        ("PUT", "/bucket", "policy", "PutBucketPolicy", True),
        ("DELETE", "/bucket", "metrics&id=x", "DeleteBucketMetricsConfiguration", True),
        ("GET", "/bucket/a/key", "", "GetObject", False),
        ("PUT", "/bucket/a/key", "", "PutObject", True),
        ("POST", "/bucket/key", "select&select-type=2", "SelectObjectContent", False),
    ],
)
def test_an_s3_request_is_told_by_method_path_and_query(method, path, query, operation, mutating):
    request = read_request(environ(method, path, query), "s3", b"")

    assert request.operation == operation
    assert request.mutating is mutating
    assert not request.by_name


def test_an_object_that_looks_like_a_form_is_still_an_object():
    request = read_request(environ("PUT", "/bucket/key"), "s3", b"Action=DeleteEverything")

    assert request.operation == "PutObject"


def test_the_hyphens_of_a_service_come_back():
    target = environ(HTTP_X_AMZ_TARGET="AnyScaleFrontendService.RegisterScalableTarget")

    request = read_request(target, "applicationautoscaling", b"{}")

    assert request.service == "application-autoscaling"


def test_a_path_that_no_operation_has_is_titled_by_itself():
    request = read_request(environ("GET", "/nowhere"), "eks", b"")

    assert request.operation is None
    assert request.title == "eks GET /nowhere"


@pytest.mark.parametrize(
    ("operation", "mutating"),
    [
        ("DescribeEndpoint", False),
        ("ListRoles", False),
        ("BatchGetImage", False),
        ("PutMetricData", False),
        ("Publish", False),
        ("GenerateDataKeyWithoutPlaintext", False),
        ("PutImage", True),
        ("AssumeRole", True),
        ("TagResource", True),
        ("ScheduleKeyDeletion", True),
        ("UpdateEndpointWeightsAndCapacities", True),
    ],
)
def test_what_belongs_in_the_journal(operation, mutating):
    request = AwsRequest("x", "x", operation, by_name=True, method="POST", path="/")

    assert request.mutating is mutating
