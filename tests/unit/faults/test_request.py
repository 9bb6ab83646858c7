"""What may be asked for, and how the rest is refused."""

import json

import pytest

from modelway.emulator.faults.model import ReplicaCrash, Slow, Throttling
from modelway.emulator.faults.request import FaultRefused, kinds, parse

ALL_KINDS = (
    "replica-crash, crash-loop, slow, errors, capacity, image-missing, artifact-missing, "
    "throttling, expired-credentials, metrics-missing, metrics-delayed"
)


def problems(content):
    body = content if isinstance(content, bytes) else json.dumps(content).encode()
    with pytest.raises(FaultRefused) as caught:
        parse(body)
    assert str(caught.value) == "adding a fault: " + "; ".join(caught.value.problems)
    return caught.value.problems


def test_a_fault_has_the_defaults_of_its_kind():
    assert parse(b'{"kind": "replica-crash"}') == ReplicaCrash(
        after_seconds=0, for_seconds=None, endpoint=None, fleet="any", count=1
    )
    assert parse(b'{"kind": "throttling"}') == Throttling(
        after_seconds=0, for_seconds=None, service="sagemaker", operation=None, percent=100
    )


def test_every_field_is_taken_as_given():
    content = {
        "kind": "slow",
        "endpoint": "fraud-local",
        "fleet": "fraud-local-0123456789ab",
        "after_seconds": 60,
        "for_seconds": 120.5,
        "delay_ms": 300,
    }

    assert parse(json.dumps(content).encode()) == Slow(
        endpoint="fraud-local",
        fleet="fraud-local-0123456789ab",
        after_seconds=60,
        for_seconds=120.5,
        delay_ms=300,
    )


@pytest.mark.parametrize("content", [{}, {"kind": None}, {"delay_ms": 3}])
def test_a_request_without_a_kind_is_told_every_kind(content):
    assert problems(content) == (f"kind is missing; allowed: {ALL_KINDS}",)


def test_an_unknown_kind_is_told_every_kind_and_the_nearest():
    assert problems({"kind": "slwo"}) == (
        f"kind is 'slwo'; allowed: {ALL_KINDS}; did you mean slow?",
    )
    assert ", ".join(kinds()) == ALL_KINDS


def test_all_problems_are_told_at_once():
    content = {
        "kind": "errors",
        "endpoint": "a b",
        "after_seconds": -1,
        "for_seconds": 0,
        "status": 200,
        "statsu": 500,
    }

    assert problems(content) == (
        "endpoint is 'a b'; allowed: a name of 1 to 63 letters, digits and hyphens",
        "after_seconds is -1; allowed: a number from 0",
        "for_seconds is 0; allowed: a number above 0",
        "status is 200; allowed: a whole number from 400 to 599",
        (
            "statsu is nothing that errors takes; allowed: after_seconds, for_seconds, endpoint, "
            "fleet, percent, status; did you mean status?"
        ),
        "percent is missing; allowed: a number above 0 to 100",
    )


@pytest.mark.parametrize(
    ("kind", "field", "value", "allowed"),
    [
        ("slow", "delay_ms", 0, "a number above 0 to 60000"),
        ("slow", "delay_ms", 60_001, "a number above 0 to 60000"),
        ("slow", "delay_ms", True, "a number above 0 to 60000"),
        ("slow", "delay_ms", "300", "a number above 0 to 60000"),
        ("slow", "delay_ms", float("nan"), "a number above 0 to 60000"),
        ("metrics-delayed", "delay_seconds", float("inf"), "a number above 0 to 1296000"),
        ("replica-crash", "count", 1.5, "a whole number from 1 to 1000"),
        ("replica-crash", "count", 0, "a whole number from 1 to 1000"),
        ("throttling", "percent", 101, "a number above 0 to 100"),
        ("crash-loop", "fleet", None, "a name of 1 to 63 letters, digits and hyphens"),
    ],
)
def test_a_value_out_of_range_is_told_its_range(kind, field, value, allowed):
    assert problems({"kind": kind, field: value}) == (f"{field} is {value!r}; allowed: {allowed}",)


def test_a_service_or_operation_that_aws_does_not_have_would_never_be_met():
    assert problems({"kind": "throttling", "service": "sagmaker"}) == (
        "service is 'sagmaker'; allowed: an AWS service as boto3 names it; did you mean sagemaker?",
    )
    assert problems({"kind": "throttling", "operation": "CreateEndpont"}) == (
        (
            "operation is 'CreateEndpont'; allowed: an operation of sagemaker; did you mean "
            "CreateEndpoint?"
        ),
    )
    assert problems({"kind": "throttling", "service": "cloudwatch", "operation": "CreateEndpoint"})[
        0
    ].startswith("operation is 'CreateEndpoint'; allowed: an operation of cloudwatch")


def test_a_services_calls_are_of_no_endpoint_but_the_general_defaults_are_taken():
    body = json.dumps({"kind": "throttling", "endpoint": None, "fleet": "any"}).encode()

    assert parse(body) == Throttling()
    assert problems({"kind": "throttling", "endpoint": "fraud"})[0].startswith(
        "endpoint is nothing that throttling takes; allowed: after_seconds, for_seconds, service"
    )


def test_what_is_no_json_object_is_refused():
    assert problems(b"kind=slow")[0].startswith("the body is no JSON")
    assert problems([1]) == (
        'the body must be a JSON object, such as {"kind": "slow", "delay_ms": 300}',
    )
