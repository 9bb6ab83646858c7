"""From CreateEndpoint to the last process: real servers with a small ONNX model."""

import socket

import numpy as np
import pytest
from botocore.exceptions import WaiterError

pytestmark = pytest.mark.integration


def test_predictions_equal_onnxruntimes_own_bit_for_bit(account, name, good, rows, reference):
    account.endpoint(name, good)

    answers = account.predict(name, rows)

    assert answers.dtype == np.float32
    assert answers.tobytes() == reference(rows).tobytes()


def test_an_endpoint_is_creating_before_it_is_in_service(account, name, good):
    account.config(name, ("primary", account.model(name, good), 1.0, 1))

    account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    first = account.sagemaker.describe_endpoint(EndpointName=name)
    account.sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName=name, WaiterConfig={"Delay": 1}
    )
    last = account.sagemaker.describe_endpoint(EndpointName=name)

    assert first["EndpointStatus"] == "Creating"
    assert first["ProductionVariants"][0]["CurrentInstanceCount"] == 0
    assert first["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    assert last["EndpointStatus"] == "InService"
    assert last["ProductionVariants"][0]["CurrentInstanceCount"] == 1
    image = last["ProductionVariants"][0]["DeployedImages"][0]
    assert image["SpecifiedImage"] == image["ResolvedImage"] == account.image
    # Two minutes of AWS's time have passed, whatever the machine needed.
    assert (last["LastModifiedTime"] - last["CreationTime"]).total_seconds() >= 120


def test_a_deleted_endpoint_leaves_no_process_and_no_port(account, name, good, ended):
    account.endpoint(name, good, count=2)
    replicas = account.status(name)["replicas"]

    account.sagemaker.delete_endpoint(EndpointName=name)
    deleting = account.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"]
    account.gone(name)

    assert deleting == "Deleting"
    assert len(replicas) == 2
    assert ended({replica["pid"] for replica in replicas})
    for replica in replicas:
        with socket.socket() as probe:
            assert probe.connect_ex(("127.0.0.1", replica["port"])) != 0


def test_a_model_that_cannot_load_fails_the_endpoint_as_aws_words_it(account, name, corrupt, ended):
    account.config(name, ("primary", account.model(name, corrupt), 1.0, 1))
    account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)

    with pytest.raises(WaiterError):
        account.sagemaker.get_waiter("endpoint_in_service").wait(
            EndpointName=name, WaiterConfig={"Delay": 1}
        )
    found = account.sagemaker.describe_endpoint(EndpointName=name)

    assert found["EndpointStatus"] == "Failed"
    assert found["FailureReason"] == (
        "The primary container for production variant primary did not pass the ping health "
        "check. Please check CloudWatch logs for this endpoint."
    )
    events = account.client("logs").filter_log_events(
        logGroupName=f"/aws/sagemaker/Endpoints/{name}"
    )["events"]
    assert any("model.onnx" in event["message"] for event in events)
    assert any("model.onnx" in line for line in account.status(name)["last_failure_log"])
    assert account.status(name)["replicas"] == []


def test_an_archive_that_is_none_fails_the_endpoint_as_aws_words_it(account, name):
    account.config(name, ("primary", account.model(name, b"no archive"), 1.0, 1))

    account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    found = account.settled(name)

    assert found["EndpointStatus"] == "Failed"
    assert found["FailureReason"] == (
        'Failed to extract model data archive for container "container_1" from URL '
        f'"s3://hosting-models/{name}/model.tar.gz". Please ensure that the object located at '
        "the URL is a valid tar.gz archive."
    )


def test_a_failed_endpoint_can_only_be_deleted(account, name):
    account.config(name, ("primary", account.model(name, b"no archive"), 1.0, 1))
    account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    account.settled(name)

    with pytest.raises(account.sagemaker.exceptions.ClientError, match="failed endpoint"):
        account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=name)
    account.sagemaker.delete_endpoint(EndpointName=name)

    account.gone(name)
