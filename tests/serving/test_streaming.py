"""Answers that leave in parts: long batches row by row, and sequences step by step."""

import json
import socket

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper


def counter():
    """Adds `step` to a state of one number a row, at every step."""
    nodes = [helper.make_node("Add", ["state", "step"], ["next"])]
    inputs = [
        helper.make_tensor_value_info("state", T.FLOAT, ["batch", 1]),
        helper.make_tensor_value_info("step", T.FLOAT, ["batch", 1]),
    ]
    outputs = [helper.make_tensor_value_info("next", T.FLOAT, ["batch", 1])]
    graph = helper.make_graph(nodes, "counter", inputs, outputs)
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def speller():
    """Gives token + 1; the likeliest of five, so that 4 is the last."""
    table = np.roll(np.eye(5, dtype=np.float32), 1, axis=1)
    nodes = [helper.make_node("Gather", ["table", "ids"], ["logits"])]
    graph = helper.make_graph(
        nodes,
        "speller",
        [helper.make_tensor_value_info("ids", T.INT64, ["batch", "length"])],
        [helper.make_tensor_value_info("logits", T.FLOAT, ["batch", "length", 5])],
        [numpy_helper.from_array(table, "table")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


@pytest.fixture(scope="module")
def serve_sequence(run_server, tmp_path_factory):
    """Start a server of a model with its generation.json."""

    def start(model, generation, **settings):
        folder = tmp_path_factory.mktemp("sequence")
        onnx.save(model, folder / "model.onnx")
        (folder / "generation.json").write_text(json.dumps(generation))
        server = run_server(folder, **settings)
        server.wait()
        return server

    return start


@pytest.fixture(scope="module")
def counting(serve_sequence):
    return serve_sequence(counter(), {"states": {"state": "next"}, "max_steps": 5})


def rows(count):
    return b"".join(b"[%d, 0, 0, 1]\n" % number for number in range(count))


def test_a_long_batch_of_lines_is_answered_in_parts_and_in_order(serve):
    server = serve("echo")

    reply = server.post(rows(1000), "application/jsonlines")

    assert reply.status == 200
    assert reply.headers["transfer-encoding"] == "chunked"
    assert [json.loads(line)[0] for line in reply.body.splitlines()] == [*map(float, range(1000))]


def test_a_short_batch_of_lines_is_answered_whole(serve):
    reply = serve("echo").post(rows(3), "application/x-ndjson")

    assert reply.headers["content-length"] == "54"
    assert reply.body == b"[0.0,0.0,0.0,1.0]\n[1.0,0.0,0.0,1.0]\n[2.0,0.0,0.0,1.0]\n"


def test_the_first_lines_are_there_before_the_last_rows_ran(serve):
    server = serve("echo")
    body = rows(50_000)
    head = (
        f"POST /invocations HTTP/1.1\r\nhost: a\r\ncontent-type: application/jsonlines\r\n"
        f"content-length: {len(body)}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        raw.sendall(head.encode() + body)
        first = raw.recv(65536)

    assert b"200 OK" in first
    assert b"49999" not in first
    assert server.ping().status == 200


def test_a_sequence_is_one_document_unless_asked_for_in_parts(counting):
    reply = counting.post({"inputs": {"step": [[2.0]]}})

    assert reply.json() == {
        "steps": [{"step": n, "outputs": {"next": [[2.0 * (n + 1)]]}} for n in range(5)]
    }


def test_a_sequence_comes_as_server_sent_events(counting):
    reply = counting.request(
        "POST",
        "/invocations?max_steps=2",
        json.dumps({"inputs": {"step": [[1.0]]}}),
        content_type="application/json",
        accept="text/event-stream",
    )

    assert (reply.status, reply.headers["content-type"]) == (200, "text/event-stream"), reply.body
    assert reply.headers["transfer-encoding"] == "chunked"
    assert reply.body == (
        b'data: {"step":0,"outputs":{"next":[[1.0]]}}\n\n'
        b'data: {"step":1,"outputs":{"next":[[2.0]]}}\n\n'
    )


def test_a_sequence_comes_as_lines(counting):
    reply = counting.request(
        "POST",
        "/invocations?max_steps=1",
        json.dumps({"inputs": {"step": [[1.0]]}}),
        content_type="application/json",
        accept="application/jsonlines",
    )

    assert reply.body == b'{"step":0,"outputs":{"next":[[1.0]]}}\n'


@pytest.mark.parametrize(
    ("query", "words"),
    [
        ("max_steps=0", "max_steps is '0'"),
        ("max_steps=many", "max_steps is 'many'"),
        ("outputs=nothing", "outputs names 'nothing'"),
    ],
)
def test_a_wrong_parameter_of_a_sequence_is_told(counting, query, words):
    reply = counting.request(
        "POST",
        f"/invocations?{query}",
        json.dumps({"inputs": {"step": [[1.0]]}}),
        content_type="application/json",
    )

    assert reply.status == 400
    assert words in reply.json()["problems"][0]


def test_tokens_are_given_until_the_stop_token(serve_sequence):
    server = serve_sequence(
        speller(), {"token_input": "ids", "logits_output": "logits", "stop_tokens": [4]}
    )

    reply = server.post({"inputs": [[0, 1]]})

    assert [step["tokens"] for step in reply.json()["steps"]] == [[2], [3], [4]]
