"""Why containers did not start, in their own words. The engine's part is in tests/integration."""

import json
from typing import Any

import pytest

from modelway.errors import DeploymentError
from modelway.sagemaker.container_log import tells_of_error

UNSIGNED = (
    "the model folder has no model.sig, so it is not signed; with MODEL_SERVER_TRUSTED_KEYS only "
    "signed packages are loaded"
)


@pytest.fixture
def log(services):
    """Put lines into streams of the endpoint's log; the later ones are newer."""
    streams: dict[str, list[str]] = {}

    def describe(logGroupName: str, nextToken: str = "0") -> dict[str, Any]:  # noqa: N803
        assert logGroupName == "/aws/sagemaker/Endpoints/fraud-dev"
        at = int(nextToken)
        named = {"logStreamName": list(streams)[at], "creationTime": at} if streams else {}
        more = {"nextToken": str(at + 1)} if at + 1 < len(streams) else {}
        return {"logStreams": [named] if named else [], **more}

    def read(logStreamName: str, **_which: Any) -> dict[str, Any]:  # noqa: N803
        return {"events": [{"message": line} for line in streams[logStreamName]]}

    services["logs"].answers = {"describe_log_streams": describe, "get_log_events": read}

    def put(stream: str, *lines: str) -> None:
        streams[stream] = list(lines)

    return put


@pytest.fixture
def failure(aws, deployment, inputs):
    """Let a creation fail at the containers' start; give what is told."""

    def tell() -> str:
        aws.outcomes = ["fail"]
        with pytest.raises(DeploymentError) as failed:
            deployment.create(inputs())
        return str(failed.value)

    return tell


def line(**members):
    return json.dumps({"time": "2026-11-28T10:00:00Z", "level": "error", **members})


def test_a_failed_creation_says_what_the_server_said_and_what_to_do(log, failure):
    log("primary/i-1", line(level="info", event="starting"), line(reason=UNSIGNED))

    assert (
        "SageMaker's reason: The primary container did not pass the ping health check. The "
        f"container's own: {UNSIGNED}. Sign the package with a trusted key (`modelway sign PACKAGE "
        "--key FILE`); a model that is none becomes one by `modelway package`. The containers' log"
    ) in failure()


def test_a_roll_back_says_what_the_newest_instance_said(log, aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    aws.outcomes = ["rollback"]
    log("primary/i-1", line(reason="a caller of the old fleet was wrong"))
    log("primary/i-2", line(reason="the model package is not what was packaged: w.bin changed"))

    with pytest.raises(DeploymentError) as failed:
        deployment.update(inputs("b"), first)

    assert "own: the model package is not what was packaged: w.bin changed." in str(failed.value)
    assert "`modelway inspect PACKAGE` tells the same here" in str(failed.value)
    assert "old fleet" not in str(failed.value)


def test_a_reason_that_comes_with_each_restart_is_told_once_and_only_the_last_two_are(log, failure):
    log("primary/i-1", *(line(reason=each) for each in ("one", "two", "three", "three")))

    assert "The container's own: two; three. The containers' log" in failure()


def test_wrong_settings_are_told_as_the_server_lists_them(log, failure):
    log("primary/i-1", line(event="wrong_settings", problems=["A is 'x'", "B is 'y'"]))

    assert "The container's own: A is 'x'; B is 'y'. The containers' log" in failure()


def test_lines_of_other_servers_are_shortened_and_cannot_change_the_terminal(log, failure):
    log("primary/i-1", "fatal: \x1b[2Jgone\r\n" + "x" * 500)

    told = failure()

    assert f"The container's own: fatal: [2Jgone {'x' * 385}…. The" in told
    assert "\x1b" not in told


def test_an_instance_without_errors_is_passed_over(log, failure):
    log("primary/i-1", line(reason="no memory"))
    log("primary/i-2", line(level="info", event="starting"))

    assert "The container's own: no memory." in failure()


@pytest.mark.parametrize("silent", ["nothing there", "not allowed"])
def test_without_a_log_sagemakers_reason_is_told_with_what_it_usually_means(
    services, failure, refuse, silent
):
    if silent == "not allowed":
        denied = refuse("not authorized", "AccessDeniedException")
        services["logs"].answers = {"describe_log_streams": denied}

    told = failure()

    assert "Usually: the container did not answer /ping with 200; its log says why." in told
    assert "The container's own" not in told


def test_the_log_is_not_asked_where_the_container_is_not_the_reason(log, aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    log("primary/i-1", line(reason="a caller was wrong"))
    aws.outcomes = ["rollback"]
    aws.reason = "Unable to provision requested ML compute capacity."

    with pytest.raises(DeploymentError, match="AWS has no such instance free now"):
        deployment.update(inputs("b"), first)

    assert aws.called("describe_log_streams") == []


@pytest.mark.parametrize(
    "line",
    [
        '{"level": "error", "message": "cannot load the model"}',
        '{"level": "CRITICAL", "message": "stopping"}',
        "Traceback (most recent call last):",
        "ValueError: no such tensor",
    ],
)
def test_errors_are_told_by_level_or_by_words(line):
    assert tells_of_error(line) is True


@pytest.mark.parametrize(
    "line",
    [
        '{"level": "info", "message": "0 errors so far"}',
        "ready on port 8080",
        "3",
    ],
)
def test_other_lines_are_no_errors(line):
    assert tells_of_error(line) is False
