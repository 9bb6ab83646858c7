"""InvokeEndpoint as boto3 shows it: variants, errors, metrics."""

import io
import tarfile
import time
from collections import Counter
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from onnx import TensorProto, helper

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def two_variants(account):
    """An endpoint with variants a (weight 3) and b (weight 1), both of the same model."""
    name = f"two-{uuid4().hex[:8]}"
    model = account.model(name, identity_archive())
    account.config(name, ("a", model, 3.0, 1), ("b", model, 1.0, 1))
    account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    account.settled(name)
    return name


def identity_archive():
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "identity",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    content = model.SerializeToString()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("model.onnx")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


def call(account, name, body=b"1,2,3", **fields):
    return account.client("sagemaker-runtime").invoke_endpoint(
        EndpointName=name, Body=body, **({"ContentType": "text/csv"} | fields)
    )


def test_variants_get_traffic_by_their_weights(account, two_variants):
    invoked = Counter(call(account, two_variants)["InvokedProductionVariant"] for _ in range(40))

    assert invoked == {"a": 30, "b": 10}


def test_a_target_variant_gets_the_request_whatever_its_weight(account, two_variants):
    invoked = {
        call(account, two_variants, TargetVariant="b")["InvokedProductionVariant"]
        for _ in range(10)
    }

    assert invoked == {"b"}


def test_a_target_variant_that_is_not_there_is_a_validation_error(account, two_variants):
    runtime = account.client("sagemaker-runtime")

    with pytest.raises(runtime.exceptions.ValidationError, match="Variant c of endpoint"):
        call(account, two_variants, TargetVariant="c")


def test_an_unknown_endpoint_is_a_validation_error_in_awss_words(account):
    runtime = account.client("sagemaker-runtime")

    with pytest.raises(runtime.exceptions.ValidationError) as caught:
        call(account, "absent")

    assert caught.value.response["Error"] == {
        "Code": "ValidationError",
        "Message": "Endpoint absent of account 123456789012 not found.",
    }
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_an_endpoints_name_is_exact_when_invoked(account, two_variants):
    runtime = account.client("sagemaker-runtime")

    with pytest.raises(runtime.exceptions.ValidationError):
        call(account, two_variants.upper())


def test_what_the_container_refuses_is_a_model_error_with_its_own_words(account, two_variants):
    runtime = account.client("sagemaker-runtime")

    with pytest.raises(runtime.exceptions.ModelError) as caught:
        call(account, two_variants, body=b"1,2")

    answer = caught.value.response
    group = f"/aws/sagemaker/Endpoints/{two_variants}"
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 424
    assert answer["OriginalStatusCode"] == 400
    assert "2 values where 3 are needed" in answer["OriginalMessage"]
    assert answer["LogStreamArn"] == f"arn:aws:logs:us-east-1:123456789012:log-group:{group}"
    assert answer["Error"]["Message"] == (
        f'Received client error (400) from primary with message "{answer["OriginalMessage"]}". '
        "See https://us-east-1.console.aws.amazon.com/cloudwatch/home?region=us-east-1"
        f"#logEventViewer:group={group} in account 123456789012 for more information."
    )


def test_custom_attributes_go_to_the_container_and_back(account, two_variants):
    answer = call(account, two_variants, CustomAttributes="trace=42")

    assert answer["CustomAttributes"] == "trace=42"


def test_a_body_over_the_limit_is_refused_with_413(account, two_variants):
    runtime = account.client("sagemaker-runtime")

    with pytest.raises(runtime.exceptions.ClientError) as caught:
        call(account, two_variants, body=b"1" * 6_291_457)

    assert caught.value.response["Error"]["Code"] == "413"


def test_each_call_is_measured_as_sagemaker_publishes_it(account, name, good):
    account.endpoint(name, good)
    for body in (b"1,2,3", b"1,2,3", b"bad"):
        try:
            call(account, name, body=body)
        except account.client("sagemaker-runtime").exceptions.ModelError:
            continue

    sums = {
        metric: total(account, metric, EndpointName=name, VariantName="primary")
        for metric in (
            "Invocations",
            "InvocationsPerInstance",
            "Invocation4XXErrors",
            "Invocation5XXErrors",
            "InvocationModelErrors",
        )
    }
    by_config = total(
        account, "Invocations", EndpointName=name, VariantName="primary", EndpointConfigName=name
    )
    latency = total(account, "ModelLatency", EndpointName=name, VariantName="primary")

    assert sums == {
        "Invocations": 3.0,
        "InvocationsPerInstance": 3.0,
        "Invocation4XXErrors": 1.0,
        "Invocation5XXErrors": 0.0,
        "InvocationModelErrors": 1.0,
    }
    assert by_config == 3.0
    # Microseconds: three calls take more than 0.3 ms and less than a minute together.
    assert 300 < latency < 60e6


def test_each_instances_use_of_the_machine_is_measured_every_minute(account, two_variants):
    deadline = time.monotonic() + 30
    while not (cpu := points(account, two_variants, "CPUUtilization")):
        assert time.monotonic() < deadline
        time.sleep(0.2)

    memory = points(account, two_variants, "MemoryUtilization")
    disk = points(account, two_variants, "DiskUtilization")

    assert all(0 <= point["Maximum"] < 10_000 for point in cpu)
    assert all(0 < point["Maximum"] < 100 for point in memory)
    assert all(0 < point["Maximum"] < 100 for point in disk)


def points(account, name, metric):
    now = datetime.fromtimestamp(account.emulator.status()["virtual_now"], UTC)
    found = account.client("cloudwatch").get_metric_statistics(
        Namespace="/aws/sagemaker/Endpoints",
        MetricName=metric,
        Dimensions=[
            {"Name": "EndpointName", "Value": name},
            {"Name": "VariantName", "Value": "a"},
        ],
        StartTime=now - timedelta(hours=2),
        EndTime=now + timedelta(minutes=10),
        Period=60,
        Statistics=["Maximum"],
    )
    return found["Datapoints"]


def total(account, metric, **dimensions):
    now = datetime.fromtimestamp(account.emulator.status()["virtual_now"], UTC)
    found = account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[{"Name": key, "Value": value} for key, value in dimensions.items()],
        StartTime=now - timedelta(hours=3),
        EndTime=now + timedelta(minutes=10),
        Period=3600,
        Statistics=["Sum"],
    )
    return sum(point["Sum"] for point in found["Datapoints"])
