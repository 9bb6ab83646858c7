"""Writes down what was asked and what was answered, without ever holding up a request.

Takes answered requests on the event loop, gives records to a sink from a thread of its own. What
the memory set aside for it cannot hold is dropped and counted: a slow disk or an unreachable
service costs records, never requests.

At any time ``offered == skipped + written + dropped + waiting``, in records.
"""

import threading
import time
import zlib
from collections import deque
from collections.abc import Callable
from random import random
from typing import TYPE_CHECKING

from model_server.log import Log
from model_server.observe.errors import SinkFailed
from model_server.observe.families import LOG_DROPPED, LOG_WAITING, LOG_WRITTEN
from model_server.observe.records import Fields, Source
from model_server.observe.redaction import Columns, Redactor
from model_server.observe.sinks.sink import Sink

if TYPE_CHECKING:
    from model_server.observe.metrics import Metrics

RECORD_BYTES = 512
"""What a record takes beside its bodies: the tuple, the id, and the heads of two byte strings."""

TICK_SECONDS = 0.05
"""How long the thread sleeps: long enough that an idle server pays nothing for it, short enough
that half a second's memory is never nearly full because of it."""

ROUND_RECORDS, REDACTED_ROUND_RECORDS = 256, 8
"""Made into text before the thread lets the event loop run: 0.6 ms of 2.5 us each, and as much
where each has to be read and written anew. The interpreter itself would let it wait for 5 ms."""

BREATH_SECONDS = 0.0002
"""How long the thread steps back between two rounds: merely to let go of the interpreter's lock is
not enough on one core, where it would have it back before the event loop wakes."""

FIRST_PAUSE_SECONDS, LAST_PAUSE_SECONDS = 0.1, 10.0
"""Between tries of a sink that fails; doubled from the first to the last, with a random part so
that the workers do not try in step."""

TELL_SECONDS = 60.0
"""A fault that lasts is told once in that time."""

_SPREAD, _WORD = 2_654_435_761, 2**32
"""Knuth's multiplier: ids that count up have checksums that differ in few bits."""


class PredictionLog:
    """Records of answered requests, on their way to a sink.

    `offer` is called on one thread, the event loop's. Everything else may be called on any.

    Args:
        sink: where records go.
        log: told when the sink fails and works again, at most once a minute.
        sample: share of the requests that is written, 0-1.
        queue_bytes: memory of records that wait.
        queue_records: number of records that wait.
        retry_seconds: how long records are tried again before they are dropped.
        redactor: the sink's; to tell of names that fit nothing.
    """

    def __init__(
        self,
        sink: Sink,
        log: Log,
        *,
        sample: float = 1.0,
        queue_bytes: int = 64 * 2**20,
        queue_records: int = 100_000,
        retry_seconds: float = 300.0,
        redactor: Redactor | None = None,
    ) -> None:
        self._sink = sink
        self._log = log
        self._redactor = redactor
        self._threshold = _WORD if sample >= 1.0 else int(sample * _WORD)
        self._max_bytes = queue_bytes
        self._max_records = queue_records
        self._retry_seconds = retry_seconds
        # Half of the memory may be with the sink, so that there is always room to take more.
        self._batch_bytes = min(sink.batch_bytes, queue_bytes // 2)
        self._round = ROUND_RECORDS if redactor is None else REDACTED_ROUND_RECORDS
        self.offered = 0
        """Answers that were offered."""
        self.skipped = 0
        """Of these, the ones that the sample left out."""
        self._full = self._failed = 0
        self._unfit = 0
        """What could not even be offered."""
        self._charged = 0
        """Bytes that came in; only the event loop's thread writes it."""
        self._released = 0
        """Bytes that left; only the writer's thread writes it."""
        self._taken = 0
        """Bytes of what the sink holds."""
        self._queue: deque[Fields] = deque()
        self._wake = threading.Event()
        self._calm = threading.Event()
        self._flushing = self._closing = False
        self._ended: tuple[int, int] | None = None
        """Records written and failed when the log was closed: the thread may go on trying."""
        self._failing_since: float | None = None
        self._pause = FIRST_PAUSE_SECONDS
        self._told = -TELL_SECONDS
        self._thread = threading.Thread(target=self._run, name="prediction-log", daemon=True)

    def start(self) -> None:
        """Start the thread; to be called after the last fork."""
        self._thread.start()

    def source(
        self,
        protocol: str,
        model: str,
        version: str,
        digest: str,
        inputs: Columns | None = None,
        outputs: Columns | None = None,
    ) -> Source:
        """Give what the records of one model on one protocol have in common, to be kept.

        Args:
            protocol: such as ``rest``.
            model: the served name.
            version: of the model.
            digest: of the model's file.
            inputs: the model's inputs, each with the names of its columns or with none.
            outputs: its outputs, likewise.
        """
        if self._redactor is not None:
            unmatched = self._redactor.unmatched(inputs or {}, outputs or {})
            if unmatched:
                self._log.warning(
                    "prediction_log_redaction_unmatched", model=model, fields=unmatched
                )
        return Source(protocol, model, version, digest, inputs or {}, outputs or {})

    def offer(
        self,
        source: Source,
        status: int,
        seconds: float,
        request_id: str,
        request_type: str,
        request: bytes | None,
        response_type: str,
        response: bytes | None,
        caller: str = "",
        trace_id: str = "",
    ) -> None:
        """Take an answered request, or drop it where there is no room; never waits, never raises.

        Costs about 0.5 us. The bodies are kept as they are, so they must be ``bytes``.

        Args:
            source: from `source`.
            status: of the answer.
            seconds: from the request's head to the answer.
            request_id: decides whether the request is in the sample.
            request_type: the request's media type.
            request: its body; None where it is not to be written.
            response_type: the answer's media type.
            response: its body.
            caller: name of the identity that asked.
            trace_id: of the trace, where there is one.
        """
        self.offered += 1
        try:
            if self._threshold < _WORD and not self._is_sampled(request_id):
                self.skipped += 1
                return
            cost = RECORD_BYTES
            if request is not None:
                cost += len(request)
            if response is not None:
                cost += len(response)
            if (
                self._charged - self._released + cost > self._max_bytes
                or len(self._queue) >= self._max_records
            ):
                self._full += 1
                return
            if self._closing:
                return
            self._queue.append((
                time.time(), source, status, seconds, request_id, request_type, request,
                response_type, response, caller, trace_id, cost,
            ))  # fmt: skip
            self._charged += cost
        except Exception:  # noqa: BLE001  # an answer must go out, whatever is wrong with its record
            self._unfit += 1

    @property
    def written(self) -> int:
        """Records made safe."""
        return self._sink.safe if self._ended is None else self._ended[0]

    @property
    def dropped_by_reason(self) -> dict[str, int]:
        """Records lost.

        ``full`` for want of memory, ``failed`` when a sink failed for too long or refused them,
        ``stopped`` when the server stopped before they were safe.
        """
        if self._ended is None:
            return {"full": self._full, "failed": self._lost, "stopped": 0}
        written, failed = self._ended
        stopped = self.offered - self.skipped - self._full - written - failed
        return {"full": self._full, "failed": failed, "stopped": stopped}

    @property
    def _lost(self) -> int:
        return self._unfit + self._failed + self._sink.lost

    @property
    def dropped(self) -> int:
        """Records lost, for whatever reason."""
        return sum(self.dropped_by_reason.values())

    @property
    def waiting_bytes(self) -> int:
        """Memory of the records that are not yet safe."""
        return self._charged - self._released

    def show_in(self, metrics: "Metrics") -> None:
        """Let the metrics read what was written, dropped and waits."""
        metrics.add_source(LOG_WRITTEN, lambda: self.written)
        metrics.add_source(LOG_WAITING, lambda: self.waiting_bytes)
        metrics.add_source(
            LOG_DROPPED,
            lambda: {(reason,): count for reason, count in self.dropped_by_reason.items()},
        )

    def flush(self, seconds: float) -> bool:
        """Make everything safe that was offered before.

        Waits, so it must not be called on the event loop.

        Returns:
            Whether all of it was written or dropped within that time.
        """
        self._calm.clear()
        self._flushing = True
        self._wake.set()
        return self._calm.wait(seconds)

    def close(self, seconds: float) -> bool:
        """Take no more, make safe what is there, and count as dropped what is not in that time.

        Waits, so it must not be called on the event loop.

        Returns:
            Whether nothing was dropped for want of time.
        """
        self._closing = True
        self._wake.set()
        if self._thread.is_alive():
            self._thread.join(seconds)
        self._ended = (self._sink.safe, self._lost)
        return self.dropped_by_reason["stopped"] == 0

    def _is_sampled(self, request_id: str) -> bool:
        checksum = zlib.crc32(request_id.encode(errors="replace"))
        return checksum * _SPREAD % _WORD < self._threshold

    def _run(self) -> None:
        opened = False
        while True:
            if not self._closing or self._failing_since is not None:
                self._wake.wait(TICK_SECONDS if self._failing_since is None else self._pause)
                self._wake.clear()
            closing, flushing = self._closing, self._flushing
            if not opened:
                opened = self._try(self._sink.open)
            if opened:
                self._work(everything=closing or flushing)
            if not self._queue and not self._sink.pending:
                if flushing:
                    self._flushing = False
                    self._calm.set()
                if closing:
                    break
        if opened:
            self._sink.close()

    def _work(self, *, everything: bool) -> None:
        sink = self._sink
        while True:
            self._take()
            full = self._taken >= self._batch_bytes
            left = len(self._queue)
            hurried = everything and not left
            if sink.pending and (hurried or full or sink.due(time.monotonic())):
                if not self._try(sink.put):
                    return
                self._release()
            elif not sink.pending:
                self._release()
            if not left:
                break
            time.sleep(BREATH_SECONDS)
        sink.idle(time.monotonic())

    def _take(self) -> None:
        queue, add = self._queue, self._sink.add
        for _ in range(min(len(queue), self._round)):
            if self._taken >= self._batch_bytes:
                break
            fields = queue.popleft()
            self._taken += fields[-1]
            try:
                add(fields)
            except Exception as error:  # noqa: BLE001  # one record must not end the log
                self._failed += 1
                self._tell(f"a record could not be written: {type(error).__name__}: {error}")

    def _try(self, action: Callable[[], None]) -> bool:
        """Do what may fail; give up what has failed for too long."""
        try:
            action()
        except Exception as error:  # noqa: BLE001  # whatever a library raises, the log goes on
            now = time.monotonic()
            reason = str(error) if isinstance(error, SinkFailed) else f"{error!r}"
            if self._failing_since is None:
                self._failing_since = now
                self._pause = FIRST_PAUSE_SECONDS
            else:
                self._pause = min(self._pause * 2, LAST_PAUSE_SECONDS)
            self._pause *= 0.75 + random() / 2  # noqa: S311  # no secret
            self._tell(reason)
            if now - self._failing_since >= self._retry_seconds:
                self._failed += self._sink.abandon()
                self._release()
                self._failing_since = now
            return False
        if self._failing_since is not None:
            self._failing_since = None
            self._told = -TELL_SECONDS
            self._log.info("prediction_log_works_again", dropped=self.dropped)
        return True

    def _release(self) -> None:
        self._released += self._taken
        self._taken = 0

    def _tell(self, reason: str) -> None:
        now = time.monotonic()
        if now - self._told >= TELL_SECONDS:
            self._told = now
            self._log.error("prediction_log_fails", reason=reason, dropped=self.dropped)
