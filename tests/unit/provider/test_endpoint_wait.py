"""Waiting for an endpoint, without one."""

import threading
from types import SimpleNamespace

import pytest

from modelway.emulator.provider.table.sagemaker import ENDPOINT
from modelway.emulator.provider.target import AwsError


def endpoint(*answers, timeout_seconds=0.0):
    """A target whose describe call gives one answer after the other, the last one for ever.

    ``given`` holds those that were given.
    """
    left = list(answers)
    given = []

    def aws(operation, **parameters):
        assert (operation, parameters) == ("DescribeEndpoint", {"EndpointName": "e"})
        answer = left.pop(0) if len(left) > 1 else left[0]
        given.append(answer)
        if isinstance(answer, Exception):
            raise answer
        return answer

    setup = SimpleNamespace(cancelled=threading.Event())
    return SimpleNamespace(
        id="e", aws=aws, setup=setup, timeout_seconds=timeout_seconds, given=given
    )


def test_it_waits_until_the_endpoint_is_in_service():
    target = endpoint({"EndpointStatus": "Creating"}, {"EndpointStatus": "InService"})

    ENDPOINT.settle(target)

    assert [answer["EndpointStatus"] for answer in target.given] == ["Creating", "InService"]


def test_a_failed_endpoint_says_why():
    reason = "The primary container for production variant primary did not pass the ping check"
    target = endpoint({"EndpointStatus": "Failed", "FailureReason": reason})

    with pytest.raises(AwsError, match=f"Failed: {reason}"):
        ENDPOINT.settle(target)


def test_a_cancelled_engine_ends_the_wait():
    target = endpoint({"EndpointStatus": "Creating"})
    target.setup.cancelled.set()

    with pytest.raises(AwsError, match="the engine was cancelled; endpoint e is still Creating"):
        ENDPOINT.settle(target)


def test_the_wait_ends_at_the_time_that_the_program_gave():
    target = endpoint({"EndpointStatus": "Updating"}, timeout_seconds=0.1)

    with pytest.raises(AwsError, match=r"TimedOut: endpoint e is still Updating after 0\.1 s"):
        ENDPOINT.settle(target)


def test_a_deletion_is_done_when_the_endpoint_is_gone():
    gone = AwsError("DescribeEndpoint", "ValidationException", "Could not find endpoint")
    target = endpoint({"EndpointStatus": "Deleting"}, gone)

    ENDPOINT.after_delete(target)

    assert target.given == [{"EndpointStatus": "Deleting"}, gone]


def test_an_error_while_it_is_deleted_is_passed_on():
    target = endpoint(AwsError("DescribeEndpoint", "ThrottlingException", "slow down"))

    with pytest.raises(AwsError, match="slow down"):
        ENDPOINT.after_delete(target)
