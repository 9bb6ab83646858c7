"""Faults of AWS's API as boto3 meets them, and what becomes of faults themselves."""

import json
import os
import subprocess
import sys

import pytest
from botocore.exceptions import ClientError

from modelway.emulator.process import control, start
from modelway.errors import EmulatorError

pytestmark = pytest.mark.integration


@pytest.fixture
def add(emulator):
    """Adds faults over HTTP; all are removed at the end."""

    def adding(kind, **fields):
        return control(emulator.url, "POST", "faults", content={"kind": kind, **fields})["id"]

    yield adding
    control(emulator.url, "DELETE", "faults")


def refused(call, **fields):
    with pytest.raises(ClientError) as caught:
        call(**fields)
    response = caught.value.response
    return (
        response["Error"]["Code"],
        response["Error"]["Message"],
        response["ResponseMetadata"]["HTTPStatusCode"],
    )


CALLS = {
    "sagemaker": ("list_endpoints", {}),
    "cloudwatch": ("describe_alarms", {}),
    "iam": ("list_roles", {}),
    "sts": ("get_caller_identity", {}),
    "s3": ("put_object", {"Bucket": "b", "Key": "k", "Body": b"x"}),
    "ecr": ("describe_repositories", {}),
    "logs": ("describe_log_groups", {}),
    "application-autoscaling": ("describe_scalable_targets", {"ServiceNamespace": "sagemaker"}),
    "sagemaker-runtime": ("invoke_endpoint", {"EndpointName": "absent", "Body": b"1"}),
}
RATE = {
    "iam": ("Throttling", "Rate exceeded", 400),
    "sts": ("Throttling", "Rate exceeded", 400),
    "s3": ("SlowDown", "Please reduce your request rate.", 503),
}
EXPIRED = {
    "iam": ("ExpiredToken", "The security token included in the request is expired", 403),
    "sts": ("ExpiredToken", "The security token included in the request is expired", 403),
    "s3": ("ExpiredToken", "The provided token has expired.", 400),
    "sagemaker-runtime": (
        "ExpiredTokenException",
        "The security token included in the request is expired",
        403,
    ),
}


@pytest.mark.parametrize("service", CALLS)
def test_a_throttled_call_is_the_services_own_client_error(client, add, service):
    operation, fields = CALLS[service]
    add("throttling", service=service)

    expected = RATE.get(service, ("ThrottlingException", "Rate exceeded", 400))
    assert refused(getattr(client(service), operation), **fields) == expected


def test_expired_credentials_are_every_services_own_client_error(client, add):
    add("expired-credentials")
    message = "The security token included in the request is expired"

    found = {
        service: refused(getattr(client(service), operation), **fields)
        for service, (operation, fields) in CALLS.items()
    }

    assert found == {
        service: EXPIRED.get(service, ("ExpiredTokenException", message, 400)) for service in CALLS
    }


def test_half_of_the_calls_is_every_second_one(client, add, emulator):
    add("throttling", operation="ListEndpoints", percent=50)
    once = client("sagemaker")

    outcomes = []
    for _ in range(6):
        try:
            once.list_endpoints()
            outcomes.append("answered")
        except ClientError as error:
            outcomes.append(error.response["Error"]["Code"])

    assert outcomes == ["answered", "ThrottlingException"] * 3
    (listed,) = control(emulator.url, "GET", "faults")["faults"]
    assert listed["hits"] == 3


def test_a_throttled_operation_leaves_the_others_alone(client, add):
    add("throttling", operation="CreateEndpoint")

    assert refused(
        client("sagemaker").create_endpoint, EndpointName="e", EndpointConfigName="c"
    ) == ("ThrottlingException", "Rate exceeded", 400)
    assert client("sagemaker").list_endpoints()["Endpoints"] == []


def test_faults_survive_nothing_and_a_refused_call_is_not_restored(tmp_path, client_of):
    first = start(port=0, state=tmp_path / "state")
    try:
        control(
            first.url,
            "POST",
            "faults",
            content={"kind": "throttling", "service": "sns", "percent": 50},
        )
        topics = client_of(first, "sns")
        topics.create_topic(Name="made")
        with pytest.raises(ClientError):
            topics.create_topic(Name="refused")
    finally:
        first.stop()
    journal = (tmp_path / "state" / "journal.jsonl").read_text()
    second = start(port=0, state=tmp_path / "state")
    try:
        listed = control(second.url, "GET", "faults")["faults"]
        names = [t["TopicArn"] for t in client_of(second, "sns").list_topics()["Topics"]]
        warnings = second.status()["warnings"]
    finally:
        second.stop()

    assert listed == []
    assert warnings == []
    assert names == ["arn:aws:sns:us-east-1:123456789012:made"]
    assert len(journal.splitlines()) == 2  # the format, and the one call that was made


def test_a_reset_forgets_faults(tmp_path):
    emulator = start(port=0, state=tmp_path / "state")
    try:
        control(emulator.url, "POST", "faults", content={"kind": "crash-loop"})
        emulator.reset()

        assert control(emulator.url, "GET", "faults")["faults"] == []
    finally:
        emulator.stop()


def test_a_fault_that_makes_no_sense_is_refused_with_every_problem(emulator):
    content = {"kind": "slow", "delay_ms": -1, "fleat": "new"}

    with pytest.raises(EmulatorError) as caught:
        control(emulator.url, "POST", "faults", content=content)

    assert str(caught.value) == (
        "adding a fault: delay_ms is -1; allowed: a number above 0 to 60000; fleat is nothing that "
        "slow takes; allowed: after_seconds, for_seconds, endpoint, fleet, delay_ms; did you mean "
        "fleet?"
    )
    with pytest.raises(EmulatorError, match=r"^there is no fault 4711; there are: none$"):
        control(emulator.url, "DELETE", "faults/4711")


def test_faults_are_added_listed_and_cleared_on_the_command_line(emulator):
    def modelway(*arguments):
        program = "from modelway.cli import main; main()"
        return subprocess.run(
            [
                *(sys.executable, "-c", program, "emulator"),
                *(*arguments, "--port", str(emulator.port)),
            ],
            env=os.environ,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    added = modelway("fault", "slow", "--delay-ms", "300", "--endpoint", "fraud", "--for", "60")
    listed = json.loads(modelway("faults", "--json").stdout)
    shown = modelway("faults").stdout
    wrong = modelway("fault", "slow", "--delay-ms", "0")
    cleared = modelway("fault", "clear", added.stdout.strip())
    left = modelway("faults").stdout

    assert added.returncode == 0
    assert [(each["kind"], each["delay_ms"], each["state"]) for each in listed] == [
        ("slow", 300.0, "active")
    ]
    assert f"{added.stdout.strip()}: slow delay_ms 300; active" in shown
    assert wrong.returncode == 1
    assert wrong.stderr == (
        "error: adding a fault: delay_ms is 0.0; allowed: a number above 0 to 60000\n"
    )
    assert cleared.stderr == f"cleared: {added.stdout.strip()}\n"
    assert left == "no faults\n"
