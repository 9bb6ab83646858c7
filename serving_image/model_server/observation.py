"""What one process tells of its requests: metrics, prediction log, lines for CloudWatch.

Takes answered requests and runs of models, on the event loop, and hands them to `observe`. What a
route and a model have in common is settled once and kept with the model. Must not decide anything
about a request, and must not wait.
"""

import asyncio
import re
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from model_server.core.cache import AnswerCache
from model_server.core.errors import ModelServerError
from model_server.core.inference import InferenceRequest
from model_server.log import Log
from model_server.observe.emf import Emf
from model_server.observe.families import CACHE_HITS, CACHE_MISSES, IN_FLIGHT, INPUT_VALUES
from model_server.observe.log_destination import prediction_log
from model_server.observe.metrics import Metrics
from model_server.observe.prediction_log import PredictionLog
from model_server.observe.scoreboard import Scoreboard
from model_server.rest.http import Answer, Request, Route, asynchronous
from model_server.settings.observe import ObserveSettings, TraceSettings

if TYPE_CHECKING:
    # onnxruntime, which comes with it, is imported in the thread that loads the model.
    from model_server.core.model import Model
    from model_server.core.repository import Repository
    from model_server.observe.children import ObserveRequest
    from model_server.observe.otlp_logs import OtlpLogs
    from model_server.observe.records import Source
    from model_server.observe.traces import Traces

KNOWN_TEXTS = 256
"""Media types that are remembered as text."""

Counts = dict[tuple[str, str, str], float]
"""Numbers by model, field and kind."""

_WORDS = re.compile(r"(?<=[a-z])(?=[A-Z])")


class Observation:
    """Counts and writes down what a process does."""

    def __init__(
        self,
        settings: ObserveSettings,
        log: Log,
        scoreboard: Scoreboard | None = None,
        slot: int = 0,
    ) -> None:
        """Make it; nothing runs before `start`.

        Args:
            settings: what is told.
            log: told when the prediction log fails.
            scoreboard: the memory shared with other processes; None where there are none.
            slot: this process' slot in it.

        Raises:
            ObserveUnusable: a package is missing, or a folder cannot be written.
        """
        self.metrics = Metrics(scoreboard, slot) if settings.metrics else None
        chosen = settings.prediction_log
        self.predictions: PredictionLog | None = None
        if chosen is not None:
            self.predictions = prediction_log(chosen, log)
            if self.metrics is not None:
                self.predictions.show_in(self.metrics)
        self._traces: Traces | None = None
        self._otlp_logs: OtlpLogs | None = None
        if settings.traces is not None:
            self._trace(settings.traces, log)
        self._emf: Emf | None = None
        if settings.emf is not None and self.metrics is not None and slot == 0:
            # One process tells for all of them.
            metrics = self.metrics
            self._emf = Emf(settings.emf, lambda: metrics.totals().series, log.raw)
            self._emf_seconds, self._emf_due = settings.emf.seconds, 0.0
        self._texts: dict[bytes, str] = {}
        self._reasons: dict[type[ModelServerError], str] = {}
        self._input_values: Counts = {}
        """Of models that are gone: counters do not fall."""
        self._without_model: dict[str, Any] = {}
        """As `Model.kept`, for requests that did not get so far."""

    def _trace(self, settings: TraceSettings, log: Log) -> None:
        from model_server.observe.traces import Traces

        self._traces = Traces(settings, log)
        if self.metrics is not None:
            self._traces.show_in(self.metrics)
        if settings.logs:
            from model_server.observe.otlp_logs import OtlpLogs

            self._otlp_logs = OtlpLogs(settings, log)
            log.tee = self._otlp_logs.write

    def start(self) -> None:
        """Start the threads that write and send; after the last fork."""
        for part in (self.predictions, self._traces, self._otlp_logs):
            if part is not None:
                part.start()

    def stop(self, seconds: float) -> None:
        """Write and send what is still to be; waits, so not on the event loop."""
        end = time.monotonic() + seconds
        for part in (self.predictions, self._traces, self._otlp_logs):
            if part is not None:
                part.close(max(0.1, end - time.monotonic()))

    def watch(
        self, in_flight: Callable[[], float], repository: "Repository", cache: AnswerCache | None
    ) -> None:
        """Read from others what they count."""
        if self.metrics is None:
            return
        self.metrics.add_source(IN_FLIGHT, in_flight)
        self.metrics.add_source(INPUT_VALUES, lambda: self._all_input_values(repository))
        if cache is not None:
            self.metrics.add_source(CACHE_HITS, lambda: {("",): cache.hits})
            self.metrics.add_source(CACHE_MISSES, lambda: {("",): cache.misses})
        repository.subscribe(self)

    def added(self, model: "Model") -> None:
        """A model was loaded."""
        if self.metrics is not None:
            self.metrics.model_loaded(model.name, model.version, model.digest, model.load_seconds)

    def removed(self, model: "Model") -> None:
        """A model is not given out any more."""
        if self.metrics is not None:
            self.metrics.model_unloaded(model.name, model.version)
            _add_input_values(self._input_values, model)

    def _all_input_values(self, repository: "Repository") -> Counts:
        counts = dict(self._input_values)
        for model in repository.models():
            _add_input_values(counts, model)
        return counts

    def tick(self) -> None:
        """Show this process' counts to the others; to be called about once a second."""
        if self.metrics is not None:
            self.metrics.publish()
        if self._emf is not None and time.monotonic() >= self._emf_due:
            self._emf_due = time.monotonic() + self._emf_seconds
            self._emf.tick()

    def answered(self, request: Request, answer: Answer, seconds: float, body_bytes: int) -> None:
        """Tell of an inference that was answered."""
        identity = request.identity
        given = request.headers.get(b"content-type") or b""
        trace_id = ""
        if self._traces is not None:
            trace_id = self._traced(self._traces, request, answer, seconds)
        self.called(
            request.route,
            request.model,
            answer.status,
            seconds,
            request.id,
            answer.error,
            (
                self._text(given),
                request.body,
                # What left in parts was not kept.
                answer.body if body_bytes == len(answer.body) else None,
            ),
            "" if identity is None else identity.name,
            self._text(answer.media_type),
            trace_id,
        )

    def called(
        self,
        route: str,
        model: "Model | None",
        status: int,
        seconds: float,
        request_id: str,
        error: ModelServerError | None,
        bodies: tuple[str, bytes, bytes | None],
        caller: str,
        answer_type: str | None = None,
        trace_id: str = "",
    ) -> None:
        """Tell of an inference, whatever its protocol.

        Args:
            route: the pattern of an HTTP route, or a gRPC method's name.
            model: which answered; None: it did not come so far.
            status: HTTP's number for what came of it.
            seconds: from its head to its answer.
            request_id: its id.
            error: what went wrong; None: nothing.
            bodies: the request's media type and body, and the answer's body.
            caller: name of whoever asked.
            answer_type: the answer's media type; None: the request's.
            trace_id: of its trace.
        """
        observe, source = self._kept(route, model)
        if self.metrics is not None:
            observe(status, seconds, request_id, trace_id)
            if error is not None:
                self.metrics.error("" if model is None else model.name, self._reason(error))
        if self.predictions is not None and source is not None:
            media_type, asked, answered = bodies
            self.predictions.offer(
                source,
                status,
                seconds,
                request_id,
                media_type,
                asked,
                media_type if answer_type is None else answer_type,
                answered,
                caller,
                trace_id,
            )

    def ran(
        self, model: "Model", requests: Sequence[InferenceRequest], start: float, seconds: float
    ) -> None:
        """Tell of a run of a model."""
        if self.metrics is None:
            return
        observe = model.kept.get("batch")
        if observe is None:
            observe = model.kept["batch"] = self.metrics.batch(model.name).observe
        rows = 0
        waited = []
        for request in requests:
            rows += request.rows
            waited.append(start - request.submitted)
        observe(rows, len(requests), waited, seconds)

    def route(self) -> Route:
        """Give ``GET /metrics``."""
        metrics = self.metrics
        assert metrics is not None  # asked for by the caller only then

        async def expose(request: Request) -> Answer:
            accept = request.headers.text(b"accept") or ""
            media_type, body = await asyncio.to_thread(metrics.expose, accept)
            return Answer(200, body, media_type.encode())

        return Route("GET", "/metrics", asynchronous(expose), "metrics", "Figures for Prometheus.")

    def _traced(self, traces: "Traces", request: Request, answer: Answer, seconds: float) -> str:
        """Tell of a request as a trace, and give the trace's id."""
        end = time.time_ns()
        start = end - int(seconds * 1e9)
        # What the monotonic clock says, in the other one's numbers.
        offset = end - int((request.received + seconds) * 1e9)
        children = []
        asked = request.inference
        if asked is not None and asked.started:
            began = offset + int(asked.started * 1e9)
            queued = offset + int(asked.submitted * 1e9)
            ended = offset + int(asked.ended * 1e9)
            children = [("queue", queued, began), ("inference", began, ended)]
        model = request.model
        attributes: dict[str, str | int] = {
            "http.request.method": request.method,
            "http.route": request.route,
            "http.response.status_code": answer.status,
            "model_server.request_id": request.id,
        }
        if model is not None:
            attributes["model_server.model"] = model.name
            attributes["model_server.model_version"] = model.version
        return traces.record(
            request.headers.text(b"traceparent"),
            f"{request.method} {request.route}",
            start,
            end,
            attributes,
            children,
            failed=answer.status >= 500,
        )

    def _kept(self, route: str, model: "Model | None") -> "tuple[ObserveRequest, Source | None]":
        """Give what is settled once for a route and a model."""
        where = self._without_model if model is None else model.kept
        found = where.get(route)
        if found is None:
            found = where[route] = self._make(route, model)
        return found

    def _make(self, route: str, model: "Model | None") -> "tuple[ObserveRequest, Source | None]":
        protocol = "rest" if route.startswith("/") else "grpc"
        name = "" if model is None else model.name
        observe = (
            _nothing
            if self.metrics is None
            else self.metrics.request_child(protocol, route, name).observe
        )
        source = None
        if model is not None and self.predictions is not None:
            ruled = {} if model.rules is None else model.rules.tensors
            source = self.predictions.source(
                protocol,
                model.name,
                model.version,
                model.digest,
                {
                    spec.name: ruled[spec.name].columns if spec.name in ruled else ()
                    for spec in model.contract.inputs
                },
                {spec.name: () for spec in model.contract.outputs},
            )
        return observe, source

    def _text(self, media_type: bytes) -> str:
        found = self._texts.get(media_type)
        if found is None:
            if len(self._texts) >= KNOWN_TEXTS:
                self._texts.clear()
            found = self._texts[media_type] = media_type.decode("latin-1")
        return found

    def _reason(self, error: ModelServerError) -> str:
        kind = type(error)
        found = self._reasons.get(kind)
        if found is None:
            found = self._reasons[kind] = _WORDS.sub("_", kind.__name__).lower()
        return found


def _add_input_values(counts: Counts, model: "Model") -> None:
    if model.rules is not None:
        for (name, kind), number in model.rules.counts().items():
            key = model.name, name, kind
            counts[key] = counts.get(key, 0) + number


def _nothing(_status: int, _seconds: float, _request_id: str = "", _trace_id: str = "") -> None:
    return
