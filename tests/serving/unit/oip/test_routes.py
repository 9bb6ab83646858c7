import json
import threading

import numpy as np
import pytest

from model_server.core.errors import InferenceFailed
from model_server.rest.oip.infer import BINARY_BODY_BYTES, QUICK_BODY_BYTES, SLOW_BODY_BYTES

BODY = {"inputs": [{"name": "x", "shape": [1, 2], "datatype": "FP32", "data": [1.5, 2]}]}


@pytest.fixture
def pair(echo, contract):
    own = contract("x float32 batch,2", outputs=("y float32 batch,2",))
    return echo(own, version="1"), echo(own, version="3")


@pytest.mark.parametrize("path", ["/v2", "/v2/"])
def test_the_server_says_what_it_is(served, pair, path):
    reply = served(*pair).request("GET", path)

    assert reply.status == 200
    assert reply.json() == {
        "name": "model-server",
        "version": "0.1.0",
        "extensions": ["binary_tensor_data"],
    }


def test_live_is_always_true(served, pair):
    server = served(*pair, loading=("echo",))

    assert server.request("GET", "/v2/health/live").json() == {"live": True}


def test_ready_while_the_model_is_there_and_the_server_goes_on(served, pair):
    server = served(*pair)
    ready = "/v2/health/ready", "/v2/models/echo/ready", "/v2/models/echo/versions/1/ready"

    assert server.request("GET", ready[0]).json() == {"live": True, "ready": True}
    assert server.request("GET", ready[1]).json() == {"name": "echo", "ready": True}
    assert server.request("GET", ready[2]).json() == {"name": "echo", "ready": True}

    server.readiness.drain()

    for path in ready:
        reply = server.request("GET", path)
        assert reply.status == 503
        assert reply.json()["ready"] is False
        assert reply.json()["error"] == "not ready: the server is stopping"
        assert reply.json()["code"] == "UNAVAILABLE"
        assert reply.headers["retry-after"] == "1"
    # What was accepted is still answered.
    assert server.infer(BODY).status == 200


def test_not_ready_while_the_model_loads(served, pair):
    server = served(*pair, loading=("echo",))

    assert server.request("GET", "/v2/health/ready").status == 503
    assert server.request("GET", "/v2/models/echo/ready").status == 503
    assert server.infer(BODY).status == 503
    assert server.infer(BODY).json()["code"] == "UNAVAILABLE"


@pytest.mark.parametrize("path", ["/v2/models/echo", "/v2/models/echo/versions/1"])
def test_a_model_says_its_versions_and_tensors(served, echo, contract, path):
    own = contract(
        "a float32 batch,4",
        "s string batch,w",
        outputs=("label int64 batch", "odds map batch", "f float16"),
    )
    reply = served(echo(own, version="1"), echo(own, version="2")).request("GET", path)

    assert reply.status == 200
    assert reply.json() == {
        "name": "echo",
        "versions": ["1", "2"],
        "platform": "onnx_onnxv1",
        "inputs": [
            {"name": "a", "datatype": "FP32", "shape": [-1, 4]},
            {"name": "s", "datatype": "BYTES", "shape": [-1, -1]},
        ],
        "outputs": [
            {"name": "label", "datatype": "INT64", "shape": [-1]},
            {"name": "f", "datatype": "FP16", "shape": []},
        ],
    }


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v2/models/other"),
        ("GET", "/v2/models/other/ready"),
        ("GET", "/v2/models/echo/versions/9"),
        ("POST", "/v2/models/other/infer"),
        ("POST", "/v2/models/echo/versions/9/infer"),
    ],
)
def test_what_there_is_not_is_not_found(served, pair, method, path):
    reply = served(*pair).request(method, path, b"{}")

    assert reply.status == 404
    assert reply.json()["code"] == "NOT_FOUND"
    assert isinstance(reply.json()["error"], str)


@pytest.mark.parametrize(
    ("path", "version"),
    [("/v2/models/echo/infer", "3"), ("/v2/models/echo/versions/1/infer", "1")],
)
def test_an_answer_says_who_gave_it(served, pair, path, version):
    reply = served(*pair).infer(BODY | {"id": "a-1"}, path)

    assert reply.status == 200
    assert reply.media_type == "application/json"
    assert reply.json() == {
        "model_name": "echo",
        "model_version": version,
        "id": "a-1",
        "outputs": [{"name": "y", "datatype": "FP32", "shape": [1, 2], "data": [1.5, 2.0]}],
    }


def test_bytes_come_and_go_with_the_length_of_the_json_part(served, pair):
    item = {"name": "x", "shape": [1, 2], "datatype": "FP32"}
    document = {
        "inputs": [item | {"parameters": {"binary_data_size": 8}}],
        "parameters": {"binary_data_output": True},
    }
    text = json.dumps(document).encode()
    data = np.array([np.nan, -0.0], np.float32).tobytes()

    reply = served(*pair).infer(text + data, inference_header_content_length=str(len(text)))

    assert reply.status == 200
    assert reply.media_type == "application/octet-stream"
    length = int(reply.headers["inference-header-content-length"])
    assert json.loads(reply.body[:length])["outputs"] == [
        {"name": "y", "datatype": "FP32", "shape": [1, 2], "parameters": {"binary_data_size": 8}}
    ]
    assert reply.body[length:] == data


@pytest.mark.parametrize(
    "length", ["junk-80", "ten", "-5", "12345", "9" * 30, "", "0", "80 ", "80,80"]
)
def test_a_malformed_length_is_a_bad_request(served, pair, length):
    text = json.dumps(BODY).encode()

    reply = served(*pair).infer(text, inference_header_content_length=length)

    assert reply.status == 400
    assert reply.json()["code"] == "INVALID_ARGUMENT"


def test_what_does_not_fit_is_told_at_once(served, pair):
    body = {
        "inputs": [{"name": "x", "shape": [1, 3], "datatype": "FP32", "data": [1, 2, 3]}],
    }

    reply = served(*pair).infer(body)

    assert reply.status == 400
    assert reply.json() == {
        "error": "the request does not fit the model",
        "code": "INVALID_ARGUMENT",
        "problems": ["input 'x' takes 2 along axis 1 of (batch, 2), not 3"],
    }


def test_a_body_that_is_empty_or_compressed_is_refused(served, pair):
    server = served(*pair)

    assert server.infer(b"").status == 400
    assert server.infer(BODY, content_encoding="gzip").status == 415
    assert server.infer(BODY, content_encoding="identity").status == 200


def test_the_dataplane_is_asked_for_the_outputs_and_rows(served, pair):
    server = served(*pair)

    server.infer({"inputs": [{"name": "x", "shape": [3, 2], "datatype": "FP32", "data": [0] * 6}]})

    (asked,) = server.plane.seen
    assert (asked.model, asked.outputs, asked.rows) == (pair[1], ("y",), 3)


def test_a_model_that_fails_is_an_error_of_the_server(served, pair, monkeypatch):
    def fail(inputs, outputs):
        raise InferenceFailed("the model failed", detail="secret")

    monkeypatch.setattr(pair[1], "run", fail)

    reply = served(*pair).infer(BODY)

    assert reply.status == 500
    assert reply.json() == {"error": "the model failed", "code": "INTERNAL"}


def test_an_answer_that_cannot_be_written_is_an_error_of_the_server(served, pair, monkeypatch):
    monkeypatch.setattr(pair[1], "run", lambda inputs, outputs: {"y": np.array([1j])})

    reply = served(*pair).infer(BODY)

    assert reply.status == 500
    assert reply.json() == {"error": "the server failed on this request", "code": "INTERNAL"}


@pytest.fixture
def where(monkeypatch):
    """The threads in which requests are read."""
    import model_server.rest.oip.reader as module

    seen = []
    read = module.read_document

    def spy(*arguments):
        seen.append(threading.current_thread() is threading.main_thread())
        return read(*arguments)

    monkeypatch.setattr(module, "read_document", spy)
    return seen


def text_of(values, spaces=0):
    item = {"name": "x", "shape": [len(values) // 2, 2], "datatype": "FP32", "data": values}
    return json.dumps({"inputs": [item]}).encode() + b" " * spaces


def test_large_bodies_of_json_are_read_in_a_thread(served, pair, where):
    server = served(*pair)
    # A leading space takes the quick way out of the question.
    for size, on_loop in (SLOW_BODY_BYTES, True), (SLOW_BODY_BYTES + 1, False):
        body = b" " + text_of([1.5, 2])
        body += b" " * (size - len(body))
        where.clear()

        reply = server.infer(body)

        assert reply.json()["outputs"][0]["data"] == [1.5, 2.0]
        assert where == [on_loop]


def test_the_quick_way_is_taken_for_larger_bodies_too(served, pair, where):
    server = served(*pair)
    values = [1.5] * (QUICK_BODY_BYTES // 6)
    assert SLOW_BODY_BYTES < len(text_of(values)) < QUICK_BODY_BYTES

    reply = server.infer(text_of(values))

    assert reply.json()["outputs"][0]["data"] == values
    assert where == []


def test_large_bodies_of_bytes_are_read_on_the_loop_up_to_a_bound(served, pair, where):
    server = served(*pair)
    for rows, on_loop in (BINARY_BODY_BYTES // 8 - 100, True), (BINARY_BODY_BYTES // 8, False):
        item = {"name": "x", "shape": [rows, 2], "datatype": "FP32"}
        text = json.dumps(
            {"inputs": [item | {"parameters": {"binary_data_size": rows * 8}}]}
        ).encode()
        data = np.arange(rows * 2, dtype=np.float32).tobytes()
        where.clear()

        reply = server.infer(text + data, inference_header_content_length=str(len(text)))

        assert reply.json()["outputs"][0]["data"][-1] == rows * 2 - 1
        assert where == [on_loop]


def test_what_is_wrong_with_a_large_body_is_told_like_with_a_small_one(served, pair):
    values = [1.5] * 100_000
    values[77_777] = None

    reply = served(*pair).infer(text_of(values))

    assert reply.status == 400
    assert reply.json()["problems"] == [
        "inputs[0].data[77777] is null; input 'x' (float32 (100000,)) takes numbers"
    ]


def test_a_large_body_that_does_not_fit_the_model_is_refused(served, pair):
    item = {"name": "x", "shape": [1, 50_000], "datatype": "FP32", "data": [0.5] * 50_000}

    reply = served(*pair).infer({"inputs": [item], "id": "[" + "x" * 100_000})

    assert reply.status == 400
    assert reply.json()["problems"] == ["input 'x' takes 2 along axis 1 of (batch, 2), not 50000"]
