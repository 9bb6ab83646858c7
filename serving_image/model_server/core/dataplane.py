"""From checked tensors to a model's outputs: deadline, order, batch, run.

Takes `InferenceRequest`, gives outputs or an error of the server, once. Every protocol goes through
here, so limits and batching are the same for all. Must not know protocols, formats or identities.

Requests are joined without a timer: a run takes what has arrived, and what arrives while it runs is
the next one, so a single caller never waits for others. Models run on the event loop where a run
is expected to take under about a millisecond, since a hand-over to a thread and back costs a tenth
of that, and in a thread otherwise, so that nothing holds up health checks.

Everything here is called on the event loop, but for `_Lane._work`.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from typing import TYPE_CHECKING, Any

from model_server.core.batching import Group, Joiner, split
from model_server.core.errors import (
    DeadlineExceeded,
    InferenceFailed,
    ModelServerError,
    Overloaded,
)
from model_server.core.inference import Done, InferenceRequest, Outputs
from model_server.settings.batching import BatchingSettings

if TYPE_CHECKING:
    # onnxruntime, which comes with it, is imported in the thread that loads the model.
    from model_server.core.model import Model

__all__ = ["Dataplane", "Done", "InferenceRequest", "Outputs"]

TICK_SECONDS = 0.05
"""How often deadlines are looked at while a thread runs a model."""

ENOUGH_ROWS = 16
"""Rows of a joined run that have most of the gain of joining: a dense model's 16 rows cost less
than twice its first."""

OnRun = Callable[["Model", Sequence[InferenceRequest], float, float], None]
"""Told of each run: the model, its requests, when it began (monotonic) and its seconds."""

Waiting = tuple[InferenceRequest, Done, Group]

Result = list[Outputs | ModelServerError]


class Dataplane:
    """Runs requests."""

    def __init__(
        self,
        executor: Executor,
        settings: BatchingSettings | None = None,
        parallel: int = 1,
        on_run: OnRun | None = None,
    ) -> None:
        """Make a dataplane.

        Args:
            executor: threads for runs that are too long for the loop.
            settings: how requests are joined. Default: `BatchingSettings()`.
            parallel: runs at once of a model whose requests cannot be joined.
            on_run: told of each run, for metrics.
        """
        self._executor = executor
        self._settings = BatchingSettings() if settings is None else settings
        self.parallel = parallel
        self._on_run = on_run

    def submit(self, request: InferenceRequest, done: Done) -> None:
        """Run a request soon; ``done`` is called once, perhaps before this returns."""
        lane = request.model.kept.get("lane")
        if lane is None:
            lane = self._open(request.model)
        lane.add(request, done)

    async def infer(self, request: InferenceRequest) -> Outputs:
        """Run a request and wait for what comes of it.

        Raises:
            ModelServerError: whatever `submit` would have told.
        """
        future: asyncio.Future[Outputs] = asyncio.get_running_loop().create_future()

        def done(result: Outputs | ModelServerError) -> None:
            if future.done():  # the caller was cancelled
                return
            if isinstance(result, ModelServerError):
                future.set_exception(result)
            else:
                future.set_result(result)

        self.submit(request, done)
        try:
            return await future
        except asyncio.CancelledError:
            request.wanted = False
            raise

    def _open(self, model: "Model") -> "_Lane":
        lane = _Lane(model, self._executor, self._settings, self.parallel, self._on_run)
        model.kept["lane"] = lane
        return lane


class _Lane:
    """The requests of one model, waiting and running; they hold the model, it does not."""

    def __init__(
        self,
        model: "Model",
        executor: Executor,
        settings: BatchingSettings,
        parallel: int,
        on_run: OnRun | None,
    ) -> None:
        self._executor = executor
        self._joins = settings.enabled and model.batches
        self._joiner = Joiner(model.contract, settings.padding)
        self._max_rows = settings.max_rows
        self._delay_seconds = settings.delay_ms / 1000 if self._joins else 0.0
        self._parallel = 1 if self._joins else parallel
        self._on_run = on_run
        self._loop = asyncio.get_running_loop()
        self._waiting: list[Waiting] = []
        self._rows = 0
        """Rows that wait."""
        self._running: list[tuple[list[Waiting], Any]] = []
        """What threads run, with the options that stop it."""
        self._scheduled = False
        self._ticking = False

    def add(self, request: InferenceRequest, done: Done) -> None:
        now = request.submitted = time.monotonic()
        rows = request.rows
        left = request.deadline - now
        if self._running and self._rows and request.model.run_seconds(self._rows) > left:
            done(
                Overloaded(
                    "what waits already takes longer than this request may; "
                    "try again later or add replicas"
                )
            )
            return
        self._waiting.append((request, done, self._joiner.group_of(request)))
        self._rows += rows
        if self._scheduled:
            if self._delay_seconds and self._rows >= self._max_rows:
                self._loop.call_soon(self._flush)
        elif len(self._running) < self._parallel:
            self._scheduled = True
            if self._delay_seconds:
                self._loop.call_later(self._delay_seconds, self._flush)
            else:
                # After everything that has arrived was read, which is what makes a batch.
                self._loop.call_soon(self._flush)

    def _flush(self) -> None:
        self._scheduled = False
        if len(self._running) >= self._parallel:
            return
        now = time.monotonic()
        batch, rows = self._take(now)
        if not batch:
            return
        model = batch[0][0].model
        if model.is_quick(rows):
            self._finish(batch, *self._run([request for request, _, _ in batch], None))
        else:
            options = model.run_options()
            self._running.append((batch, options))
            self._executor.submit(self._work, batch, options)
            self._tick_later()
        if self._waiting and not self._scheduled and len(self._running) < self._parallel:
            self._scheduled = True
            self._loop.call_soon(self._flush)

    def _take(self, now: float) -> tuple[list[Waiting], int]:
        """Take what runs next from what waits."""
        waiting = self._waiting
        for entry in waiting:
            request = entry[0]
            if now > request.deadline or not request.wanted:
                waiting = self._without_late(now)
                break
        if not waiting:
            return [], 0
        if len(waiting) == 1:
            self._waiting = []
            rows, self._rows = self._rows, 0
            return waiting, rows
        if any(entry[0].priority for entry in waiting):
            waiting.sort(key=lambda entry: -entry[0].priority)  # stable: first come, first served
        group = waiting[0][2]
        batch: list[Waiting] = []
        left: list[Waiting] = []
        rows = 0
        most = self._most_rows(waiting[0][0].model)
        open_to_more = self._joins
        for entry in waiting:
            more = entry[0].rows
            if not batch:  # the first one always goes, however large
                batch.append(entry)
                rows = more
            elif open_to_more and entry[2] == group:
                # One that does not fit keeps its like behind it waiting: first come, first served.
                open_to_more = rows + more <= most
                if open_to_more:
                    batch.append(entry)
                    rows += more
                else:
                    left.append(entry)
            else:
                left.append(entry)
        self._waiting = left
        self._rows -= rows
        return batch, rows

    def _most_rows(self, model: "Model") -> int:
        """Give how many rows are joined: fewer where that keeps the run on the loop."""
        most = self._max_rows
        while most > ENOUGH_ROWS and not model.is_quick(most):
            most //= 2
        return most if model.is_quick(most) else self._max_rows

    def _without_late(self, now: float) -> list[Waiting]:
        """Answer those whose deadline has passed, and forget those whose caller is gone."""
        kept: list[Waiting] = []
        late: list[Done] = []
        for entry in self._waiting:
            request, done, _ = entry
            if now <= request.deadline and request.wanted:
                kept.append(entry)
                continue
            self._rows -= request.rows
            if request.wanted:
                late.append(done)
        self._waiting = kept
        for done in late:
            done(_late())
        return self._waiting

    def _run(self, requests: list[InferenceRequest], options: Any) -> tuple[Result, float, float]:
        """Run requests together, or one by one where that fails; on the loop or in a thread."""
        start = time.monotonic()
        model, outputs = requests[0].model, requests[0].outputs
        result: Result
        try:
            if len(requests) == 1:
                result = [model.run(requests[0].inputs, outputs, options)]
            else:
                joined = model.run(self._joiner.join(requests), outputs, options)
                result = [*split(joined, requests)]
        except InferenceFailed as error:
            # One request's values must not fail its neighbours.
            if len(requests) == 1:
                result = [error]
            else:
                result = [self._run([request], options)[0][0] for request in requests]
        return result, start, time.monotonic() - start

    def _work(self, batch: list[Waiting], options: Any) -> None:
        """Run a batch in a thread."""
        try:
            ran = self._run([request for request, _, _ in batch], options)
        except Exception as error:  # noqa: BLE001  # a thread must not die with requests unanswered
            failed = InferenceFailed("the server failed on this request", detail=repr(error))
            ran = ([failed] * len(batch), time.monotonic(), 0.0)
        self._loop.call_soon_threadsafe(self._ran, batch, ran)

    def _ran(self, batch: list[Waiting], ran: tuple[Result, float, float]) -> None:
        self._running = [entry for entry in self._running if entry[0] is not batch]
        if self._waiting and not self._scheduled:
            self._scheduled = True
            self._loop.call_soon(self._flush)
        self._finish(batch, *ran)

    def _finish(self, batch: list[Waiting], result: Result, start: float, seconds: float) -> None:
        if self._on_run is not None:
            self._on_run(batch[0][0].model, [request for request, _, _ in batch], start, seconds)
        end = start + seconds
        for (request, done, _), value in zip(batch, result, strict=True):
            request.started, request.ended = start, end
            if request.wanted:
                request.wanted = False
                done(value)

    def _tick_later(self) -> None:
        if not self._ticking:
            self._ticking = True
            self._loop.call_later(TICK_SECONDS, self._tick)

    def _tick(self) -> None:
        """Answer what is late while threads run, and stop runs that nobody waits for."""
        self._ticking = False
        now = time.monotonic()
        if self._waiting:
            self._without_late(now)
        for batch, options in self._running:
            for request, done, _ in batch:
                if request.wanted and now > request.deadline:
                    request.wanted = False
                    done(_late())
            if not any(request.wanted for request, _, _ in batch):
                options.terminate = True
        if self._running:
            self._tick_later()


def _late() -> DeadlineExceeded:
    return DeadlineExceeded("the answer took longer than this request may take")
