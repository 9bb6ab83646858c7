"""Records as JSON lines into a stream of Amazon Data Firehose.

Takes records, gives them to PutRecordBatch, one line a record. Firehose may take some of a batch
and refuse others; only those are sent again.
Limits: https://docs.aws.amazon.com/firehose/latest/APIReference/API_PutRecordBatch.html (2026-11).
"""

import time
from typing import Any

from model_server.observe.errors import SinkFailed
from model_server.observe.records import Fields, Lines
from model_server.observe.sinks.aws import client

MAX_RECORDS = 500

MAX_BATCH_BYTES = 4 * 2**20

MAX_RECORD_BYTES = 1_024_000

GATHER_SECONDS = 1.0
"""How long lines are gathered before a batch is sent that is not full."""


class FirehoseSink:
    """Sends lines to a stream.

    Args:
        stream: its name.
        lines: makes the lines.
        **options: for botocore's client, in tests.
    """

    def __init__(self, stream: str, lines: Lines, **options: Any) -> None:
        self.batch_bytes = MAX_BATCH_BYTES
        self.safe = self.lost = 0
        self._stream = stream
        self._line = lines.line
        self._options = options
        self._lines: list[bytes] = []
        self._begun: float | None = None
        self._client: Any = None

    @property
    def pending(self) -> int:
        """Records that Firehose has not taken."""
        return len(self._lines)

    def open(self) -> None:
        """Make the client."""
        self._client = client("firehose", **self._options)

    def add(self, fields: Fields) -> None:
        """Take a record; one that Firehose would never take is lost at once."""
        line = self._line(fields)
        if len(line) > MAX_RECORD_BYTES:
            self.lost += 1
            return
        if self._begun is None:
            self._begun = time.monotonic()
        self._lines.append(line)

    def due(self, now: float) -> bool:
        """Whether there is a full batch, or one that has waited for long enough."""
        if len(self._lines) >= MAX_RECORDS:
            return True
        return self._begun is not None and now - self._begun >= GATHER_SECONDS

    def put(self) -> None:
        """Send everything, and what was refused once more each time this is called."""
        refused: list[bytes] = []
        reason = ""
        while self._lines:
            batch = self._next_batch()
            try:
                answer = self._client.put_record_batch(
                    DeliveryStreamName=self._stream, Records=[{"Data": line} for line in batch]
                )
            except Exception as error:
                # As in `stores`: there is no narrower base.
                self._lines = refused + self._lines
                raise SinkFailed(f"Firehose took nothing: {error}") from error
            del self._lines[: len(batch)]
            failed = [
                (line, told)
                for line, told in zip(batch, answer["RequestResponses"], strict=True)
                if "ErrorCode" in told
            ]
            self.safe += len(batch) - len(failed)
            refused += [line for line, _ in failed]
            if failed:
                told = failed[0][1]
                reason = f"{told['ErrorCode']}: {told.get('ErrorMessage', '')}"
        self._lines = refused
        if refused:
            raise SinkFailed(f"Firehose refused {len(refused)} records: {reason}")
        self._begun = None

    def idle(self, now: float) -> None:
        """There is nothing to do: `due` knows the age."""

    def abandon(self) -> int:
        """Give up what is pending."""
        given_up = len(self._lines)
        self._lines = []
        self._begun = None
        return given_up

    def close(self) -> None:
        """There is nothing to finish."""

    def _next_batch(self) -> list[bytes]:
        size = count = 0
        for line in self._lines[:MAX_RECORDS]:
            size += len(line)
            if size > MAX_BATCH_BYTES:
                break
            count += 1
        return self._lines[:count]
