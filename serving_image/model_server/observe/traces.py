"""One trace for each request: a span of the server, with its waiting and its run as children.

Takes a request when it is over, with its times, gives spans to an OpenTelemetry collector over
OTLP/HTTP. Whether a request is traced is decided by its caller's ``traceparent`` where there is
one (https://www.w3.org/TR/trace-context/), and by a share of the rest. Nothing is done while a
request runs: what the hot path pays is one call, and nothing at all where traces are off.
"""

import re
from collections.abc import Mapping, Sequence
from random import getrandbits
from typing import TYPE_CHECKING, Any

from model_server.log import Log
from model_server.observe.families import SPANS_DROPPED
from model_server.observe.otlp import Batches, Export, need_opentelemetry, resource
from model_server.settings.observe import TraceSettings

if TYPE_CHECKING:
    from model_server.observe.metrics import Metrics

Child = tuple[str, int, int]
"""Name, start and end of a part of a request, in nanoseconds since 1970."""

Attributes = Mapping[str, str | int | float | bool]

_TRACEPARENT = re.compile(
    r"(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-[0-9a-f]([0-9a-f])"
)
"""The trace, the span, and the half of the flags that says whether it is sampled."""

_LENGTH = 55
"""Of version 00; later versions may be longer."""

_SAMPLED = frozenset("13579bdf")

_HALF = 2**64


def parse_traceparent(text: str) -> tuple[str, str, bool] | None:
    """Read a ``traceparent`` header.

    Returns:
        The trace's id, the id of the caller's span, and whether the caller traces; None where the
        header is not valid, which starts a new trace.
    """
    found = _TRACEPARENT.match(text)
    if found is None:
        return None
    if len(text) > _LENGTH and (text[_LENGTH] != "-" or text.startswith("00")):
        return None
    trace_id, span_id, flags = found.groups()
    return trace_id, span_id, flags in _SAMPLED


_Request = tuple[str, str, str, int, int, Attributes, Sequence[Child], bool]
"""Trace, caller's span ("" where there is none), name, start, end, attributes, children, failed; a
plain tuple, as one is made for each request."""


class Traces:
    """Traces of requests, on their way to a collector.

    `record` is called on one thread, the event loop's.

    Args:
        settings: where they go, and which share.
        log: told when the collector does not take them.

    Raises:
        ObserveUnusable: OpenTelemetry's packages are not installed.
    """

    def __init__(self, settings: TraceSettings, log: Log) -> None:
        need_opentelemetry()
        self._settings = settings
        # As OpenTelemetry's TraceIdRatioBased: a trace of that id is sampled alike everywhere.
        self._bound = round(settings.ratio * _HALF)
        self._batches: Batches[_Request] = Batches("traces", self._connect, self._spans, log)
        self._offer = self._batches.offer
        self._resource: Any = None
        self._scope: Any = None

    def start(self) -> None:
        """Start the thread; to be called after the last fork."""
        self._batches.start()

    def record(
        self,
        traceparent: str | None,
        name: str,
        start_ns: int,
        end_ns: int,
        attributes: Attributes,
        children: Sequence[Child] = (),
        *,
        failed: bool = False,
    ) -> str:
        """Take a request that is over; costs 1 to 2 us.

        Args:
            traceparent: the caller's header, or None.
            name: such as ``POST /v2/models/{name}/infer``; a route, never a caller's path.
            start_ns: in nanoseconds since 1970.
            end_ns: likewise.
            attributes: by OpenTelemetry's names, such as ``http.response.status_code``; kept as
                they are, so they must not be changed later.
            children: parts of it, such as ``("queue", start_ns, end_ns)``.
            failed: whether it is to be seen as an error: the server's, never the caller's.

        Returns:
            The trace's id for exemplars and logs; ``""`` where the request is not traced.
        """
        parent = None if traceparent is None else parse_traceparent(traceparent)
        if parent is not None:
            trace_id, parent_id, sampled = parent
            if not sampled:
                return ""
        else:
            number = getrandbits(128)
            if number % _HALF >= self._bound:
                return ""
            trace_id, parent_id = f"{number:032x}", ""
        self._offer((trace_id, parent_id, name, start_ns, end_ns, attributes, children, failed))
        return trace_id

    def show_in(self, metrics: "Metrics") -> None:
        """Let the metrics read what was dropped."""
        metrics.add_source(SPANS_DROPPED, lambda: {("traces",): self._batches.dropped})

    def flush(self, seconds: float) -> bool:
        """Send everything recorded before; not to be called on the event loop."""
        return self._batches.flush(seconds)

    def close(self, seconds: float) -> None:
        """Send what is there and end; not to be called on the event loop."""
        self._batches.close(seconds)

    def _connect(self) -> "tuple[Export, Any]":
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.sdk.trace.export import SpanExportResult
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        from model_server import __version__

        self._resource = resource(self._settings.service)
        self._scope = InstrumentationScope("model-server", __version__)
        endpoint = f"{self._settings.endpoint.rstrip('/')}/v1/traces"
        exporter = OTLPSpanExporter(endpoint=endpoint)

        def export(spans: Sequence[Any]) -> bool:
            return exporter.export(spans) is SpanExportResult.SUCCESS

        return export, exporter.shutdown

    def _spans(self, request: _Request) -> list[Any]:
        from opentelemetry.sdk.trace import ReadableSpan
        from opentelemetry.trace import SpanContext, SpanKind, Status, StatusCode, TraceFlags

        trace, caller, name, start_ns, end_ns, attributes, children, failed = request
        trace_id = int(trace, 16)
        flags = TraceFlags(TraceFlags.SAMPLED)
        own = SpanContext(trace_id, getrandbits(64) or 1, is_remote=False, trace_flags=flags)
        parent = None
        if caller:
            parent = SpanContext(trace_id, int(caller, 16), is_remote=True, trace_flags=flags)
        spans = [
            ReadableSpan(
                name,
                context=own,
                parent=parent,
                resource=self._resource,
                attributes=attributes,
                kind=SpanKind.SERVER,
                status=Status(StatusCode.ERROR if failed else StatusCode.UNSET),
                start_time=start_ns,
                end_time=end_ns,
                instrumentation_scope=self._scope,
            )
        ]
        spans += [
            ReadableSpan(
                child,
                context=SpanContext(
                    trace_id, getrandbits(64) or 1, is_remote=False, trace_flags=flags
                ),
                parent=own,
                resource=self._resource,
                start_time=child_start_ns,
                end_time=child_end_ns,
                instrumentation_scope=self._scope,
            )
            for child, child_start_ns, child_end_ns in children
        ]
        return spans
