"""From start to exit: settings, loading, failing to load, draining, exit statuses."""

import json
import shutil
import signal
import socket
import subprocess
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest
import urllib3

from modelway.image.context import serving_image_directory

ONE_ROW = {"instances": [[1, 2, 3, 4]]}


def send(port, body):
    raw = socket.create_connection(("127.0.0.1", port), timeout=30)
    data = json.dumps(body).encode()
    raw.sendall(
        b"POST /invocations HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
        b"content-length: %d\r\n\r\n%s" % (len(data), data)
    )
    return raw


def read_status(raw):
    with raw:
        return int(raw.makefile("rb").readline().split()[1])


def test_every_line_of_the_log_is_an_object_with_time_level_and_event(serve):
    server = serve("echo", MODEL_SERVER_LOG_LEVEL="debug")
    server.post({"instances": [[1]]}, X_Amzn_SageMaker_Inference_Id="find-me")
    server.post(b"nonsense", X_Amzn_SageMaker_Custom_Attributes="for-the-log")

    events = server.events()

    assert all({"time", "level", "event"} <= event.keys() for event in events)
    names = [event["event"] for event in events]
    assert names.index("listening") < names.index("model_ready") < names.index("invocation")
    first, second = server.events("invocation")[:2]
    assert (first["request_id"], first["status"], first["level"]) == ("find-me", 200, "info")
    assert (second["status"], second["custom_attributes"]) == (400, "for-the-log")


def test_a_failing_model_is_logged_with_its_reason_and_request_id(serve):
    server = serve("lookup", MODEL_SERVER_LOG_LEVEL="warning")

    server.post({"instances": [[3]]}, X_Amzn_SageMaker_Inference_Id="who")

    (event,) = [each for each in server.events() if each.get("request_id") == "who"]
    assert event["level"] == "error"
    assert "indices element out of data bounds" in event["detail"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ({}, "it holds nothing"),
        ({"model.pkl": b"\x80\x04."}, "it holds model.pkl"),
        ({"model.onnx": b""}, "model.onnx is empty"),
        ({"model.onnx": b"not a model at all"}, "model.onnx could not be loaded"),
        ({"a.onnx": b"x", "b.onnx": b"x"}, "2 models (a.onnx, b.onnx)"),
        (None, "does not exist"),
    ],
)
def test_an_unusable_model_is_told_by_ping_then_by_the_exit(run_server, tmp_path, content, reason):
    folder = tmp_path / "model"
    if content is not None:
        folder.mkdir()
        for name, data in content.items():
            (folder / name).write_bytes(data)
    server = run_server(folder, MODEL_SERVER_FAILURE_SECONDS=1)

    until = time.monotonic() + 20
    reply = server.wait(503)
    while reply.json()["status"] == "loading" and time.monotonic() < until:
        reply = server.ping()
    refused = server.post(ONE_ROW)

    assert reply.json()["status"] == "failed"
    assert reason in reply.json()["error"]
    assert refused.status == 503
    assert str(tmp_path) not in reply.body.decode() + refused.body.decode()
    assert server.process.wait(20) == 3
    (event,) = server.events("model_unusable")
    assert reason in event["reason"]


def test_a_truncated_model_is_unusable(run_server, models, tmp_path):
    whole = (models / "classifier" / "model.onnx").read_bytes()
    (tmp_path / "model.onnx").write_bytes(whole[: len(whole) // 2])

    server = run_server(tmp_path, MODEL_SERVER_FAILURE_SECONDS=0)

    assert server.process.wait(20) == 3


def test_a_model_of_any_name_is_served_when_it_is_the_only_one(run_server, models, tmp_path):
    shutil.copy(models / "regressor" / "model.onnx", tmp_path / "fraud-v3.onnx")
    (tmp_path / "notes.txt").write_text("more")

    server = run_server(tmp_path)
    server.wait()

    assert server.events("model_ready")[0]["model"] == "fraud-v3.onnx"


def test_wrong_settings_are_all_named_at_once(run_server, models):
    server = run_server(
        models / "echo",
        SAGEMAKER_BIND_TO_PORT="8080",
        MODEL_SERVER_MAX_BODY_BYTES="much",
        MODEL_SERVER_DRAIN_SECONDS="nan",
        MODEL_SERVER_LOG_LEVEL="loud",
        MODEL_SERVER_THREADS="0",
    )

    assert server.process.wait(20) == 2
    (event,) = server.events("wrong_settings")
    text = " ".join(event["problems"])
    assert len(event["problems"]) == 4
    assert "MODEL_SERVER_MAX_BODY_BYTES is 'much'; it takes a number from 1 to" in text
    assert "MODEL_SERVER_DRAIN_SECONDS is 'nan'" in text
    assert "one of debug, info, warning, error" in text


def test_a_taken_port_is_a_clear_error(run_server, models):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        server = run_server(models / "echo", SAGEMAKER_BIND_TO_PORT=other.getsockname()[1])

        assert server.process.wait(20) == 4

    (event,) = server.events("not_listening")
    assert event["reason"] == "Address already in use"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_an_idle_server_quickly_with_status_0(run_server, models, number):
    server = run_server(models / "echo")
    server.wait()

    start = time.monotonic()
    server.process.send_signal(number)

    assert server.process.wait(20) == 0
    assert time.monotonic() - start < 2.5
    assert server.events("stopped")[0]["requests_lost"] == 0


def test_a_signal_while_the_model_loads_ends_the_server(run_server, models, endless_load):
    server = run_server(models / "classifier", PYTHONPATH=endless_load[0])
    server.wait(503)

    assert server.stop(20) == 0


def test_a_draining_server_is_not_ready_and_loses_no_accepted_request(run_server, models):
    server = run_server(models / "slow", MODEL_SERVER_THREADS=1)
    server.wait()
    server.post({"inputs": [[500]]})  # learns that it is slow
    sent: list[socket.socket] = []
    turned_away = threading.Event()

    def keep_sending():
        # 50 requests a second from a balancer that turns away at the first failed ping.
        while True:
            try:
                if server.ping().status == 503:
                    turned_away.set()
                    return
            except urllib3.exceptions.HTTPError:
                return
            sent.append(send(server.port, {"inputs": [[1]]}))
            time.sleep(0.02)

    in_flight = [send(server.port, {"inputs": [[100]]}) for _ in range(200)]
    with ThreadPoolExecutor(1) as pool:
        pool.submit(keep_sending)
        time.sleep(0.2)
        begun = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        # 1 s is the aim; the bound leaves room for a busy machine.
        assert turned_away.wait(5.0)

    statuses = [read_status(raw) for raw in in_flight + sent]

    assert statuses == [200] * len(statuses)
    assert len(statuses) >= 205
    assert server.process.wait(30) == 0
    assert time.monotonic() - begun < 25


def test_a_draining_server_accepts_while_requests_still_come(run_server, models):
    server = run_server(models / "regressor")
    server.wait()

    server.process.send_signal(signal.SIGTERM)
    statuses = []
    for _ in range(40):
        statuses.append(read_status(send(server.port, ONE_ROW)))
        time.sleep(0.02)

    assert statuses == [200] * 40
    assert server.process.wait(20) == 0


def test_answers_of_a_draining_server_close_their_connection(run_server, models):
    server = run_server(models / "slow", MODEL_SERVER_THREADS=1)
    server.wait()
    server.post({"inputs": [[500]]})
    busy = send(server.port, {"inputs": [[8000]]})
    time.sleep(0.1)

    server.process.send_signal(signal.SIGTERM)
    time.sleep(0.1)
    reply = server.ping()

    assert reply.status == 503
    assert reply.json()["status"] == "draining"
    assert reply.headers["connection"] == "close"
    assert read_status(busy) == 200
    assert server.process.wait(20) == 0


def test_requests_that_outlast_the_drain_are_reported_by_the_exit_status(run_server, models):
    server = run_server(models / "slow", MODEL_SERVER_THREADS=1, MODEL_SERVER_DRAIN_SECONDS=0.5)
    server.wait()
    server.post({"inputs": [[500]]})
    endless = send(server.port, {"inputs": [[10_000_000]]})
    time.sleep(0.2)

    server.process.send_signal(signal.SIGTERM)

    assert server.process.wait(20) == 1
    assert server.events("stopped")[0]["requests_lost"] == 1
    endless.close()


def test_wrong_use_says_how_to_use_it(run_server, models):
    server = run_server(models / "echo")
    arguments = [*server.process.args[:-1], "train"]

    done = subprocess.run(
        arguments,
        env={"PYTHONPATH": str(serving_image_directory())},
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )

    assert done.returncode == 2
    assert "usage: python -m model_server serve" in done.stderr


def test_a_model_file_may_be_named_with_a_port(models, tmp_path):
    # What a user types by hand: no environment at all.
    import os

    from modelway.image.runtime import server_python

    model = tmp_path / "mine.onnx"
    shutil.copy(models / "classifier" / "model.onnx", model)
    shutil.copy(models / "regressor" / "model.onnx", tmp_path / "another.onnx")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [str(server_python()), "-m", "model_server", "serve", str(model), "--port", str(port)],
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(serving_image_directory())},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    try:
        with urllib3.PoolManager() as pool:
            until = time.monotonic() + 30
            status = None
            while status != 200:
                assert time.monotonic() < until
                try:
                    status = pool.request("GET", f"http://127.0.0.1:{port}/ping").status
                except urllib3.exceptions.HTTPError:
                    time.sleep(0.05)
            reply = pool.request(
                "POST",
                f"http://127.0.0.1:{port}/invocations",
                body=json.dumps(ONE_ROW),
                headers={"content-type": "application/json"},
            )
    finally:
        process.terminate()
        process.communicate(timeout=30)

    assert reply.status == 200
    assert reply.json()["predictions"][0]["label"] == 2
