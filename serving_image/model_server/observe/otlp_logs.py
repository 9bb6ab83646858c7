"""The server's own log, sent to an OpenTelemetry collector beside its lines on standard output.

Takes events as `model_server.log.Log` writes them, gives log records over OTLP/HTTP.
"""

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from model_server.log import Log
from model_server.observe.families import SPANS_DROPPED
from model_server.observe.otlp import Batches, Export, need_opentelemetry, resource
from model_server.settings.observe import TraceSettings

if TYPE_CHECKING:
    from model_server.observe.metrics import Metrics

Event = tuple[int, str, str, Mapping[str, object]]
"""Time in nanoseconds since 1970, level, name, fields."""

_OWN_LOGGERS = ("opentelemetry", "urllib3", "requests")
"""What the exporter itself says of a failure is not sent: sending would fail, and be said again."""


class OtlpLogs:
    """Log records on their way to a collector.

    Args:
        settings: where they go.
        log: told when the collector does not take them.

    Raises:
        ObserveUnusable: OpenTelemetry's packages are not installed.
    """

    def __init__(self, settings: TraceSettings, log: Log) -> None:
        need_opentelemetry()
        self._settings = settings
        self._batches: Batches[Event] = Batches("logs", self._connect, self._record, log)
        self._resource: Any = None
        self._scope: Any = None

    def start(self) -> None:
        """Start the thread; to be called after the last fork."""
        self._batches.start()

    def write(self, level: str, event: str, fields: Mapping[str, object]) -> None:
        """Take an event; never waits.

        Args:
            level: debug, info, warning or error.
            event: its name.
            fields: must not be changed later; a field ``trace_id`` joins it to its trace.
        """
        if event == "telemetry_fails" or str(fields.get("logger", "")).startswith(_OWN_LOGGERS):
            return
        self._batches.offer((time.time_ns(), level, event, fields))

    def show_in(self, metrics: "Metrics") -> None:
        """Let the metrics read what was dropped."""
        metrics.add_source(SPANS_DROPPED, lambda: {("logs",): self._batches.dropped})

    def flush(self, seconds: float) -> bool:
        """Send everything written before; not to be called on the event loop."""
        return self._batches.flush(seconds)

    def close(self, seconds: float) -> None:
        """Send what is there and end; not to be called on the event loop."""
        self._batches.close(seconds)

    def _connect(self) -> "tuple[Export, Any]":
        # OpenTelemetry for Python still calls its modules for logs experimental.
        from opentelemetry.exporter.otlp.proto.http._log_exporter import OTLPLogExporter
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope

        from model_server import __version__

        self._resource = resource(self._settings.service)
        self._scope = InstrumentationScope("model-server", __version__)
        exporter = OTLPLogExporter(endpoint=f"{self._settings.endpoint.rstrip('/')}/v1/logs")

        def export(records: Sequence[Any]) -> bool:
            return exporter.export(records).name == "SUCCESS"

        return export, exporter.shutdown

    def _record(self, item: Event) -> list[Any]:
        from opentelemetry._logs import LogRecord, SeverityNumber
        from opentelemetry.context import Context
        from opentelemetry.sdk._logs import ReadableLogRecord
        from opentelemetry.trace import (
            NonRecordingSpan,
            SpanContext,
            TraceFlags,
            set_span_in_context,
        )

        moment, level, event, fields = item
        trace_id = fields.get("trace_id")
        context = Context()
        if isinstance(trace_id, str) and len(trace_id) == 32:
            # A span's id of 0 is not valid, and the server's span is not known here: the record
            # is joined to the trace, not to a span of it.
            span = SpanContext(
                int(trace_id, 16), 0, is_remote=False, trace_flags=TraceFlags(TraceFlags.SAMPLED)
            )
            context = set_span_in_context(NonRecordingSpan(span), context)
        severity = {
            "debug": SeverityNumber.DEBUG,
            "info": SeverityNumber.INFO,
            "warning": SeverityNumber.WARN,
            "error": SeverityNumber.ERROR,
        }[level]
        record = LogRecord(
            timestamp=moment,
            observed_timestamp=moment,
            context=context,
            severity_text=level.upper(),
            severity_number=severity,
            body=event,
            attributes={
                name: value
                if isinstance(value, (str, bool, int, float))
                else str(value)
                for name, value in fields.items()
                if name != "trace_id"
            },
            event_name=event,
        )  # fmt: skip
        return [ReadableLogRecord(record, self._resource, self._scope)]
