"""The log of one build, read as it grows.

Takes boto3's client of CloudWatch Logs and what BatchGetBuilds says of a build, gives new lines.
A log that is not there yet has none; it must not fail a build that goes on without it.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from typing import Any

KEPT_LINES = 20
"""Lines that a failure is told with."""

PAGES = 20
"""Most pages of one look, so that a build that writes faster than it is read ends nevertheless."""


class BuildLog:
    """Reads one build's log.

    Args:
        logs: boto3's client of CloudWatch Logs.
    """

    def __init__(self, logs: Any) -> None:
        self._logs = logs
        self._token: str | None = None
        self.last: deque[str] = deque(maxlen=KEPT_LINES)
        """The last lines."""

    def read(self, build: Mapping[str, Any]) -> Iterator[str]:
        """Give the lines that are new since the last look."""
        place = build.get("logs") or {}
        group, stream = place.get("groupName"), place.get("streamName")
        if not group or not stream:
            return
        for _ in range(PAGES):
            token = {} if self._token is None else {"nextToken": self._token}
            try:
                page = self._logs.get_log_events(
                    logGroupName=group, logStreamName=stream, startFromHead=True, **token
                )
            except self._logs.exceptions.ResourceNotFoundException:
                return
            for event in page["events"]:
                line = str(event["message"]).rstrip()
                if line:
                    self.last.append(line)
                    yield line
            # The same token comes back at the end of a stream (GetLogEvents).
            if page["nextForwardToken"] == self._token:
                return
            self._token = page["nextForwardToken"]
