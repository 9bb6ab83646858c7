"""Traces and logs, as a collector on loopback receives them."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from opentelemetry.proto.collector.logs.v1.logs_service_pb2 import ExportLogsServiceRequest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from model_server.observe import otlp
from model_server.observe.errors import ObserveUnusable
from model_server.observe.families import SPANS_DROPPED
from model_server.observe.metrics import Metrics
from model_server.observe.otlp_logs import OtlpLogs
from model_server.observe.traces import Traces, parse_traceparent
from model_server.settings.observe import TraceSettings

CALLER = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
START = 1_795_575_600_000_000_000


@pytest.fixture
def traces_to(log):
    made = []

    def make(endpoint, kind=Traces, **settings):
        traces = kind(TraceSettings(endpoint, **settings), log)
        traces.start()
        made.append(traces)
        return traces

    yield make
    for traces in made:
        traces.close(5)


def spans_of(stub):
    found = []
    for call in stub.calls:
        assert call.path == "/v1/traces"
        assert call.headers["content-type"] == "application/x-protobuf"
        for resource in ExportTraceServiceRequest.FromString(call.body).resource_spans:
            found += [span for scope in resource.scope_spans for span in scope.spans]
    return found


def record(traces, traceparent=None, **changes):
    arguments = {
        "name": "POST /invocations",
        "start_ns": START,
        "end_ns": START + 3_000_000,
        "attributes": {"http.response.status_code": 200, "model.name": "fraud"},
        "children": [
            ("queue", START + 100_000, START + 900_000),
            ("inference", START + 900_000, START + 2_000_000),
        ],
    }
    return traces.record(traceparent, **(arguments | changes))


def test_a_request_is_a_span_of_the_server_with_its_parts_as_children(stub, traces_to):
    traces = traces_to(f"{stub.url}/", service="scoring")

    trace_id = record(traces)
    assert traces.flush(10) is True

    [request, queue, inference] = spans_of(stub)
    assert trace_id == request.trace_id.hex() == queue.trace_id.hex() == inference.trace_id.hex()
    assert len(trace_id) == 32
    assert (request.name, queue.name, inference.name) == ("POST /invocations", "queue", "inference")
    assert request.kind == 2  # server
    assert request.parent_span_id == b""
    assert queue.parent_span_id == inference.parent_span_id == request.span_id
    assert len({request.span_id, queue.span_id, inference.span_id}) == 3
    assert (request.start_time_unix_nano, request.end_time_unix_nano) == (START, START + 3_000_000)
    assert (queue.start_time_unix_nano, queue.end_time_unix_nano) == (
        START + 100_000,
        START + 900_000,
    )
    attributes = {item.key: item.value for item in request.attributes}
    assert attributes["http.response.status_code"].int_value == 200
    assert attributes["model.name"].string_value == "fraud"
    assert request.status.code == 0


def test_the_collector_is_told_which_service_it_is(stub, traces_to, monkeypatch):
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "deployment.environment=prod")
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_HEADERS", "x-token=abc")
    traces = traces_to(stub.url, service="scoring")

    record(traces)
    traces.flush(10)

    [resource] = ExportTraceServiceRequest.FromString(stub.calls[0].body).resource_spans
    named = {item.key: item.value.string_value for item in resource.resource.attributes}
    assert named["service.name"] == "scoring"
    assert named["deployment.environment"] == "prod"
    assert resource.scope_spans[0].scope.name == "model-server"
    assert stub.calls[0].headers["x-token"] == "abc"


def test_a_caller_s_trace_goes_on(stub, traces_to):
    traces = traces_to(stub.url)

    trace_id = record(traces, CALLER, children=[])
    traces.flush(10)

    [span] = spans_of(stub)
    assert trace_id == span.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert span.parent_span_id.hex() == "00f067aa0ba902b7"
    assert span.flags & 0x200  # the parent is another process'


def test_a_failure_of_the_server_is_seen_as_one(stub, traces_to):
    traces = traces_to(stub.url)

    record(traces, children=[], failed=True)
    traces.flush(10)

    assert spans_of(stub)[0].status.code == 2


def test_a_caller_that_does_not_trace_is_not_traced(stub, traces_to):
    traces = traces_to(stub.url, ratio=1.0)

    assert record(traces, CALLER[:-2] + "00") == ""

    traces.flush(10)
    assert stub.calls == []


def test_a_caller_that_traces_is_traced_whatever_the_share(stub, traces_to):
    traces = traces_to(stub.url, ratio=0.0)

    assert record(traces) == ""
    assert record(traces, CALLER) == "4bf92f3577b34da6a3ce929d0e0e4736"


def test_a_share_of_the_rest_is_traced(log):
    traces = Traces(TraceSettings("http://127.0.0.1:9", ratio=0.25), log)

    traced = sum(bool(record(traces)) for _ in range(4000))

    assert 850 < traced < 1150


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (CALLER, ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", True)),
        (
            CALLER[:-2] + "02",
            ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", False),
        ),
        (
            "cc" + CALLER[2:] + "-what-the-future-will-be-like",
            ("4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7", True),
        ),
        (CALLER + "-more", None),
        ("ff" + CALLER[2:], None),
        (CALLER.upper(), None),
        (CALLER + "\n", None),
        ("00-" + "0" * 32 + CALLER[35:], None),
        (CALLER[:36] + "0" * 16 + "-01", None),
        ("", None),
        ("00", None),
        ("x" * 100_000, None),
    ],
)
def test_a_traceparent_is_read_as_w3c_says(text, expected):
    assert parse_traceparent(text) == expected


def test_a_traceparent_that_is_not_valid_starts_a_new_trace(stub, traces_to):
    traces = traces_to(stub.url)

    trace_id = record(traces, "nonsense", children=[])
    traces.flush(10)

    [span] = spans_of(stub)
    assert span.trace_id.hex() == trace_id
    assert span.parent_span_id == b""


def test_many_requests_go_out_in_batches(stub, traces_to):
    traces = traces_to(stub.url)

    for _ in range(600):
        record(traces)
    traces.flush(20)

    assert len(spans_of(stub)) == 1800
    assert 3 <= len(stub.calls) <= 5


def test_what_the_collector_refuses_is_dropped_counted_and_told(stub, traces_to, log):
    stub.answer = lambda call: (400, {}, b"")
    traces = traces_to(stub.url)
    metrics = Metrics()
    traces.show_in(metrics)

    for _ in range(3):
        record(traces)
    assert traces.flush(10) is True

    assert metrics.totals().series[SPANS_DROPPED.name, "traces"] == [3.0]
    assert log.names() == ["telemetry_fails"]
    assert log.events[0][1]["signal"] == "traces"


def test_a_collector_that_hangs_holds_up_nobody_and_costs_traces(stub, traces_to, monkeypatch):
    monkeypatch.setattr(otlp, "MAX_WAITING", 100)
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_TIMEOUT", "1")
    stub.answer = lambda call: time.sleep(1.5) or (200, {}, b"")
    traces = traces_to(stub.url)

    start = time.perf_counter()
    for _ in range(1000):
        record(traces)
    took = time.perf_counter() - start

    assert took < 0.5
    assert traces._batches.dropped >= 800


def test_ending_sends_what_is_there(stub, log):
    traces = Traces(TraceSettings(stub.url), log)
    traces.start()
    record(traces)

    traces.close(10)

    assert len(spans_of(stub)) == 3


def test_without_the_packages_it_is_said_how_to_get_them(log, monkeypatch):
    monkeypatch.setattr(otlp, "find_spec", lambda name: None)

    with pytest.raises(ObserveUnusable, match=r"pip install 'model-server\[telemetry\]'"):
        Traces(TraceSettings("http://127.0.0.1:9"), log)


def test_the_log_goes_to_the_collector_too(stub, traces_to):
    logs = traces_to(stub.url, OtlpLogs)

    logs.write(
        "error",
        "invocation",
        {
            "status": 500,
            "request_id": "r-1",
            "inputs": ["x"],
            "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        },
    )
    assert logs.flush(10) is True

    [call] = stub.calls
    assert call.path == "/v1/logs"
    [resource] = ExportLogsServiceRequest.FromString(call.body).resource_logs
    [record] = resource.scope_logs[0].log_records
    assert record.body.string_value == "invocation"
    assert record.event_name == "invocation"
    assert record.severity_number == 17  # error
    assert record.severity_text == "ERROR"
    assert record.trace_id.hex() == "4bf92f3577b34da6a3ce929d0e0e4736"
    attributes = {item.key: item.value for item in record.attributes}
    assert attributes["status"].int_value == 500
    assert attributes["request_id"].string_value == "r-1"
    assert attributes["inputs"].string_value == "['x']"


def test_what_the_exporter_says_of_its_own_failures_is_not_sent(stub, traces_to):
    logs = traces_to(stub.url, OtlpLogs)

    logs.write("error", "library", {"logger": "opentelemetry.exporter.otlp", "message": "x"})
    logs.write("warning", "telemetry_fails", {"signal": "logs"})
    logs.flush(10)

    assert stub.calls == []


def test_nothing_heavy_is_imported_before_it_is_switched_on():
    code = """
import sys
import model_server.observe.emf, model_server.observe.log_destination
import model_server.observe.metrics, model_server.observe.otlp_logs, model_server.observe.traces
import model_server.settings.observe
from model_server.log import Log
from model_server.settings.observe import TraceSettings
model_server.observe.traces.Traces(TraceSettings("http://127.0.0.1:9"), Log())
heavy = ("opentelemetry.sdk", "botocore", "pyarrow", "prometheus_client", "numpy", "onnxruntime")
print([name for name in heavy if name in sys.modules])
"""
    root = Path(otlp.__file__).parents[2]

    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(root)}, capture_output=True, check=True
    )

    assert done.stdout == b"[]\n"
