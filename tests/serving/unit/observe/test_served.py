"""The whole server, as a process: what it tells of real requests."""

import contextlib
import json
import os
import signal
import time

import pytest
import urllib3
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

GOOD = {"instances": [[1, 2, 3, 4]]}
OPENMETRICS = "application/openmetrics-text"


def scraped(server):
    reply = server.request("GET", "/metrics", accept=OPENMETRICS)
    assert reply.status == 200
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample
        for family in text_string_to_metric_families(reply.body.decode())
        for sample in family.samples
    }


def answered(server):
    return sum(
        sample.value for key, sample in scraped(server).items()
        if key[0] == "model_server_requests_total"
    )  # fmt: skip


def until(condition, seconds=20):
    end = time.monotonic() + seconds
    while True:
        with contextlib.suppress(urllib3.exceptions.HTTPError):  # of a worker that was killed
            if condition():
                return
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.05)


def test_a_scrape_tells_of_requests_runs_and_the_model(run_server, models):
    server = run_server(models / "classifier")
    server.wait()
    for number in range(3):
        server.post(GOOD, X_Request_Id=f"r-{number}")
    server.post(b"{}")

    seen = scraped(server)

    name = "model_server_requests_total"
    assert seen[name, "model", "rest", "/invocations", "200"].value == 3
    assert seen[name, "model", "rest", "/invocations", "400"].value == 1
    assert seen["model_server_request_errors_total", "model", "invalid_input"].value == 1
    assert seen["model_server_request_duration_seconds_count", "model", "/invocations"].value == 4
    assert seen["model_server_inference_seconds_count", "model"].value == 3
    assert seen["model_server_batch_rows_sum", "model"].value == 3
    assert seen["model_server_queue_seconds_count", "model"].value == 3
    assert seen["model_server_requests_in_flight",].value == 0
    named = [
        sample.exemplar.labels["request_id"]
        for key, sample in seen.items()
        if key[0] == "model_server_request_duration_seconds_bucket" and sample.exemplar
    ]
    assert named
    [info] = [key for key in seen if key[0] == "model_server_model_info"]
    assert info[1].startswith("sha256:")
    assert info[2:] == ("model", "1")
    assert seen["model_server_model_load_seconds", "model", "1"].value > 0
    assert seen["process_resident_memory_bytes",].value > 30_000_000


def test_every_answer_is_a_line_of_the_prediction_log_when_the_server_has_stopped(
    run_server, models, tmp_path
):
    server = run_server(models / "classifier", MODEL_SERVER_PREDICTION_LOG=tmp_path / "log")
    server.wait()
    replies = {}
    for number in range(200):
        body = {"instances": [[number, 2, 3, 4]]} if number % 10 else {"instances": [[number]]}
        replies[f"r-{number}"] = body, server.post(body, X_Request_Id=f"r-{number}")
    seen = scraped(server)

    assert server.stop() == 0

    [path] = (tmp_path / "log").iterdir()
    assert path.suffix == ".jsonl"
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    assert [line["id"] for line in lines] == list(replies)
    for line in lines:
        body, reply = replies[line["id"]]
        assert line["request"] == body
        assert line["response"] == reply.json()
        assert line["status"] == reply.status
        assert line["model"] == "model"
        assert line["digest"].startswith("sha256:")
    assert {line["status"] for line in lines} == {200, 400}
    assert seen["model_server_prediction_log_dropped_total", "full"].value == 0


def test_a_killed_worker_takes_no_published_count_with_it(run_server, models):
    server = run_server(models / "classifier", MODEL_SERVER_WORKERS=2)
    server.wait()
    for _ in range(50):
        server.post(GOOD)
    until(lambda: answered(server) == 50)
    time.sleep(1.5)  # every worker has published by now
    children = f"/proc/{server.process.pid}/task/{server.process.pid}/children"
    with open(children) as file:  # noqa: PTH123  # of proc
        workers = [int(pid) for pid in file.read().split()]
    assert len(workers) == 2

    os.kill(workers[0], signal.SIGKILL)
    until(lambda: scraped(server)["model_server_worker_restarts_total",].value == 1)
    server.wait()

    assert answered(server) == 50
    server.post(GOOD)
    until(lambda: answered(server) == 51)
    assert server.stop() == 0


def test_a_request_is_a_trace_in_the_caller_s_own(run_server, models, stub):
    server = run_server(
        models / "classifier", MODEL_SERVER_OTLP_ENDPOINT=stub.url, OTEL_SERVICE_NAME="scoring"
    )
    server.wait()
    caller = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"

    server.post(GOOD, traceparent=caller)
    assert server.stop() == 0

    bodies = [call.body for call in stub.calls if call.path == "/v1/traces"]
    spans = [
        span
        for body in bodies
        for resource in ExportTraceServiceRequest.FromString(body).resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]
    assert [span.name for span in spans] == ["POST /invocations", "queue", "inference"]
    assert {span.trace_id.hex() for span in spans} == {"4bf92f3577b34da6a3ce929d0e0e4736"}
    assert spans[0].parent_span_id.hex() == "00f067aa0ba902b7"
    request, queue, inference = spans
    assert request.start_time_unix_nano <= queue.start_time_unix_nano
    assert queue.end_time_unix_nano == inference.start_time_unix_nano
    assert inference.end_time_unix_nano <= request.end_time_unix_nano + 1_000_000


def test_cloudwatch_lines_are_in_the_log(run_server, models):
    server = run_server(
        models / "classifier",
        MODEL_SERVER_EMF_NAMESPACE="Serving",
        MODEL_SERVER_EMF_DIMENSIONS="Endpoint=fraud",
        MODEL_SERVER_EMF_SECONDS="1",
    )
    server.wait()
    server.post(GOOD)

    def lines():
        found = [json.loads(line) for line in server.log.read_text().splitlines()]
        return [line for line in found if "_aws" in line and line.get("Requests") == 1]

    until(lines)
    assert lines()[0]["Endpoint"] == "fraud"
    assert lines()[0]["Model"] == "model"
    assert server.stop() == 0


@pytest.mark.parametrize(
    ("variable", "value", "reason"),
    [
        ("MODEL_SERVER_PREDICTION_LOG", "somewhere", "it takes stdout, an absolute folder"),
        ("MODEL_SERVER_PREDICTION_LOG", "/dev/null/log", "cannot be made: Not a directory"),
        ("MODEL_SERVER_OTLP_ENDPOINT", "collector", "it takes an address"),
    ],
)
def test_what_cannot_work_is_told_at_the_start(run_server, models, variable, value, reason):
    server = run_server(models / "classifier", **{variable: value})

    assert server.process.wait(20) == 2

    assert reason in server.log.read_text()
