"""What the containers of an endpoint said of themselves, in CloudWatch Logs.

Takes an endpoint as SageMaker describes it, gives the reasons that its containers gave for not
starting. Must not judge them; and a log that cannot be read is an empty one, since its reader has a
failure to tell already.
"""

import json
from collections.abc import Iterator, Mapping
from typing import Any, cast

from botocore.exceptions import BotoCoreError, ClientError

from modelway.sagemaker.calls import Calls, Service

LOG_GROUP = "/aws/sagemaker/Endpoints/"
"""Where SageMaker writes an endpoint's logs, one stream for each instance of a variant."""

STARTS = ("ping health check", "cannotstartcontainererror")
"""Parts of SageMaker's reasons, in lower case, for containers that did not start."""

ERROR_LEVELS = frozenset({"error", "critical", "fatal"})
"""Levels in the model server's JSON log lines that count as errors."""

ERROR_WORDS = ("error", "exception", "traceback", "fatal")
"""For lines of containers that do not write JSON."""

MOST_STREAMS = 500
"""Looked through for the newest. CloudWatch sorts by name or by the time of the last line, which it
may learn an hour later (DescribeLogStreams, lastEventTimestamp), so that neither finds an instance
that failed just now."""

NEWEST_STREAMS = 3
"""Read, the newest first, until one has errors."""

NEWEST_LINES = 100
"""Of a stream."""

MOST_REASONS = 2
LONGEST_REASON = 400
"""Characters, so that a failure stays one that people read."""


def last_reasons(service: Service, found: Mapping[str, Any] | None) -> tuple[str, ...]:
    """Give why the instance that was started last did not come up, as it says itself.

    Args:
        service: calls to CloudWatch Logs; asked only where SageMaker says that a container did not
            start, since before there are requests there is nothing of a caller in the log.
        found: the endpoint, as DescribeEndpoint gives it; None when there is none.

    Returns:
        Each reason once, on one line, the oldest first; none where the log says nothing, is not
        there or may not be read.
    """
    reason = "" if found is None else str(found.get("FailureReason") or "").lower()
    if found is None or not any(part in reason for part in STARTS):
        return ()
    try:
        return _last_reasons(service("logs"), f"{LOG_GROUP}{found['EndpointName']}")
    except (BotoCoreError, ClientError):
        return ()


def tells_of_error(line: str) -> bool:
    """Tell whether a log line is an error: by its level in JSON, else by its words."""
    level = _members(line).get("level")
    if level is None:
        return any(word in line.lower() for word in ERROR_WORDS)
    return str(level).lower() in ERROR_LEVELS


def _last_reasons(logs: Calls, group: str) -> tuple[str, ...]:
    streams = sorted(_streams(logs, group), key=lambda each: each.get("creationTime", 0))
    for stream in reversed(streams[-NEWEST_STREAMS:]):
        page = logs.call(
            "get_log_events",
            logGroupName=group,
            logStreamName=stream["logStreamName"],
            limit=NEWEST_LINES,
            startFromHead=False,
        )
        lines = [str(event["message"]) for event in page.get("events", [])]
        reasons = dict.fromkeys(_reason(line) for line in lines if tells_of_error(line))
        if reasons:
            return tuple(reasons)[-MOST_REASONS:]
    return ()


def _streams(logs: Calls, group: str) -> Iterator[dict[str, Any]]:
    """Give the streams of a group, at most so many."""
    page: dict[str, str] = {}
    seen = 0
    while seen < MOST_STREAMS:
        answer = logs.call("describe_log_streams", logGroupName=group, **page)
        streams = answer.get("logStreams", [])
        seen += len(streams)
        yield from streams
        if not answer.get("nextToken"):
            return
        page = {"nextToken": answer["nextToken"]}


def _reason(line: str) -> str:
    """Give what a line says, in the members of the model server's own where it has them.

    Without what could change the terminal that it is shown on.
    """
    members = _members(line)
    problems = members.get("problems")
    listed = "; ".join(map(str, problems)) if isinstance(problems, list) else ""
    said = str(members.get("reason") or listed or line)
    plain = " ".join("".join(each if each.isprintable() else " " for each in said).split())
    return plain if len(plain) <= LONGEST_REASON else f"{plain[:LONGEST_REASON]}…"


def _members(line: str) -> dict[str, object]:
    """Give what a line of JSON says; nothing where it is none."""
    try:
        value: object = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return cast("dict[str, object]", value) if isinstance(value, dict) else {}
