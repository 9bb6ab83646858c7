"""Faults with real model servers: what clients, CloudWatch and DescribeEndpoint show of them."""

import time
from datetime import UTC, datetime

import pytest
from botocore.exceptions import ClientError

from modelway.emulator.process import control

pytestmark = pytest.mark.integration


@pytest.fixture
def add(account):
    def adding(kind, **fields):
        content = {"kind": kind, **fields}
        return control(account.emulator.url, "POST", "faults", content=content)["id"]

    yield adding
    control(account.emulator.url, "DELETE", "faults")


@pytest.fixture
def update(account, other):
    """Moves an endpoint to another model; gives the description once that has ended."""

    def moving(name):
        model = account.model(f"{name}-b", other)
        account.config(f"{name}-b", ("primary", model, 1.0, 1))
        account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-b")
        return account.settled(name)

    return moving


def statistics(account, name, config, metric, statistic):
    now = account.emulator.status()["virtual_now"]
    answer = account.client("cloudwatch").get_metric_statistics(
        Namespace="AWS/SageMaker",
        MetricName=metric,
        Dimensions=[
            {"Name": "EndpointName", "Value": name},
            {"Name": "VariantName", "Value": "primary"},
            {"Name": "EndpointConfigName", "Value": config},
        ],
        StartTime=datetime.fromtimestamp(now - 7200, UTC),
        EndTime=datetime.fromtimestamp(now + 60, UTC),
        Period=60,
        Statistics=[statistic],
    )
    return [point[statistic] for point in answer["Datapoints"]]


def test_a_slow_fleet_is_slow_for_its_clients_and_in_cloudwatch(account, add, name, good, rows):
    account.endpoint(name, good)
    account.predict(name, rows)
    add("slow", endpoint=name, delay_ms=400)
    begun = time.monotonic()

    account.predict(name, rows)

    assert time.monotonic() - begun >= 0.4
    latencies = statistics(account, name, name, "ModelLatency", "Maximum")
    assert 400_000 <= max(latencies) < 5_000_000


def test_a_share_of_the_answers_are_model_errors_and_counted(account, add, name, good, rows):
    account.endpoint(name, good)
    add("errors", endpoint=name, percent=25, status=503)

    failed = []
    for _ in range(8):
        try:
            account.predict(name, rows)
        except ClientError as error:
            failed.append(error.response)

    assert [(each["Error"]["Code"], each["OriginalStatusCode"]) for each in failed] == [
        ("ModelError", 503),
        ("ModelError", 503),
    ]
    assert sum(statistics(account, name, name, "Invocation5XXErrors", "Sum")) == 2
    assert sum(statistics(account, name, name, "Invocations", "Sum")) == 8


def test_a_killed_replica_is_started_again(account, add, name, good, rows):
    account.endpoint(name, good)
    before = account.pids(name)
    add("replica-crash", endpoint=name)

    deadline = time.monotonic() + 60
    while True:
        (replica,) = account.status(name)["replicas"]
        if replica["restarts"] == 1 and replica["state"] == "healthy":
            break
        assert time.monotonic() < deadline, replica
        time.sleep(0.05)

    assert replica["last_exit_status"] == -9
    assert account.pids(name).isdisjoint(before)
    assert len(account.predict(name, rows)) == 5


def test_a_crash_loop_of_the_new_fleet_rolls_the_update_back(account, add, update, name, good):
    account.endpoint(name, good)
    add("crash-loop", endpoint=name, fleet="new")

    found = update(name)

    assert found["EndpointStatus"] == "InService"
    assert found["EndpointConfigName"] == name
    assert "did not pass the ping health check" in found["FailureReason"]
    assert account.status(name)["last_failure_log"][-2:] == [
        "fault crash-loop: the container is killed soon after its start",
        "the container ended with exit status -9",
    ]


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("artifact-missing", "Failed to download model data for container"),
        ("image-missing", "Please make sure all images included in the model"),
        ("capacity", "InsufficientInstanceCapacity"),
    ],
)
def test_what_a_new_fleet_lacks_rolls_the_update_back(
    account, add, update, name, good, kind, reason
):
    account.endpoint(name, good)
    add(kind, endpoint=name, fleet="new")

    found = update(name)

    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", name)
    assert reason in found["FailureReason"]


def test_an_endpoint_whose_metrics_are_missing_leaves_no_trace(account, add, name, good, rows):
    account.endpoint(name, good)
    add("metrics-missing", endpoint=name)

    account.predict(name, rows)

    assert statistics(account, name, name, "Invocations", "Sum") == []
