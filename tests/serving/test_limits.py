"""What a hostile or careless caller can send: huge, deep, endless, pickled."""

import io
import json
import pickle
import socket
import time
from pathlib import Path

import numpy as np
import psutil
import pytest

from modelway.image.context import serving_image_directory

LIMIT_BYTES = 6 * 1024 * 1024


def body_of(size):
    """Valid JSON of exactly that many bytes: spaces mean nothing."""
    body = b'{"instances":[[1,2,3,4]]}'
    return body + b" " * (size - len(body))


def nested(levels):
    """A document of that many levels, the outer object being the first."""
    return b'{"instances":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


@pytest.mark.parametrize("size", [LIMIT_BYTES - 1, LIMIT_BYTES])
def test_a_body_up_to_the_limit_is_served(serve, size):
    reply = serve("regressor").post(body_of(size))

    assert reply.status == 200


@pytest.mark.parametrize("framing", ["length", "chunked", "length, then closed"])
def test_a_body_of_one_byte_more_is_refused(serve, framing):
    body = body_of(LIMIT_BYTES + 1)
    parts = (body[start : start + 65536] for start in range(0, len(body), 65536))
    close = {"connection": "close"} if framing.endswith("closed") else {}

    reply = serve("regressor").post(parts if framing == "chunked" else body, **close)

    assert reply.status == 413
    assert reply.json()["code"] == "RESOURCE_EXHAUSTED"
    assert "6291456 bytes" in reply.json()["error"]
    assert serve("regressor").ping().status == 200


def test_the_body_limit_is_a_setting(serve):
    server = serve("regressor", MODEL_SERVER_MAX_BODY_BYTES=100)

    assert server.post(body_of(100)).status == 200
    assert server.post(body_of(101)).status == 413


def test_an_announced_body_over_the_limit_is_refused_before_it_is_sent(serve):
    server = serve("regressor")
    head = (
        b"POST /invocations HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
        b"expect: 100-continue\r\ncontent-length: 1000000000000\r\n\r\n"
    )

    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
        raw.sendall(head)
        answer = raw.recv(65536)

    assert answer.startswith(b"HTTP/1.1 413 ")


@pytest.mark.parametrize(
    ("levels", "words"),
    [
        (100, "is an empty list|a list is needed|takes numbers"),
        (101, "nested deeper than 100 levels"),
        (1_000, "nested deeper than 100 levels"),
        (1_000_000, "nested deeper than 100 levels"),
    ],
)
def test_json_is_read_up_to_a_hundred_levels(serve, levels, words):
    server = serve("regressor")

    start = time.perf_counter()
    reply = server.post(nested(levels))
    seconds = time.perf_counter() - start

    said = " ".join([reply.json()["error"], *reply.json().get("problems", [])])
    assert reply.status == 400
    assert any(word in said for word in words.split("|"))
    assert ("nested deeper" in said) == (levels > 100)
    # 0.1 s is the aim; the bound leaves room for a busy machine.
    assert seconds < 1.0
    assert server.ping().status == 200


def test_memory_stays_bounded_under_bodies_over_the_limit(run_server, models):
    server = run_server(models / "regressor")
    server.wait()
    server.post(body_of(LIMIT_BYTES))
    process = psutil.Process(server.process.pid)
    before = process.memory_info().rss

    for _ in range(10):
        megabyte = b" " * 2**20
        assert server.post(megabyte for _ in range(40)).status == 413

    assert process.memory_info().rss - before < 2 * LIMIT_BYTES


class Trap:
    """Unpickling this writes a file."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (Path.touch, (Path(self.path),))


def test_nothing_is_ever_unpickled(run_server, models, tmp_path):
    # The audit hook stops the process at the first unpickling call of its life.
    (tmp_path / "sitecustomize.py").write_text(
        "import os, sys\n"
        "def hook(event, args):\n"
        "    if event.startswith('pickle.'):\n"
        "        os.write(1, b'UNPICKLED')\n"
        "        os._exit(66)\n"
        "sys.addaudithook(hook)\n"
    )
    server = run_server(
        models / "echo",
        PYTHONPATH=f"{tmp_path}:{serving_image_directory()}",
    )
    server.wait()
    file = tmp_path / "trap"
    bait = pickle.dumps(Trap(str(file)))
    objects = io.BytesIO()
    np.save(objects, np.array([[Trap(str(file))]], dtype=object), allow_pickle=True)

    statuses = [
        server.post(data, kind).status
        for data in (bait, objects.getvalue(), b"\x93NUMPY" + bait)
        for kind in ("application/x-npy", "application/x-pickle", "text/csv", "application/json")
    ]

    assert statuses == [400, 415, 400, 400] * 3
    assert not file.exists()
    assert server.process.poll() is None
    assert server.stop() == 0


def test_requests_over_the_concurrency_limit_are_turned_away_at_once(serve):
    server = serve("slow", MODEL_SERVER_MAX_CONCURRENCY=1, MODEL_SERVER_THREADS=1)
    body = json.dumps({"inputs": [[8000]]}).encode()
    head = b"POST /invocations HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
    request = head + b"content-length: %d\r\n\r\n%s" % (len(body), body)
    server.post({"inputs": [[2000]]})  # learns that it is slow

    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as first:
        first.sendall(request)
        time.sleep(0.1)
        second = server.post({"inputs": [[1]]})
        answer = first.recv(65536)

    assert second.status == 503
    assert second.headers["retry-after"] == "1"
    assert second.json()["code"] == "UNAVAILABLE"
    assert answer.startswith(b"HTTP/1.1 200 ")


def test_a_run_over_its_time_is_stopped_with_504(serve):
    server = serve("slow", MODEL_SERVER_INVOKE_SECONDS=0.5, MODEL_SERVER_THREADS=1)
    server.post({"inputs": [[2000]]})  # learns that it is slow

    start = time.perf_counter()
    reply = server.post({"inputs": [[1_000_000]]})
    seconds = time.perf_counter() - start

    assert reply.status == 504
    assert reply.json()["code"] == "DEADLINE_EXCEEDED"
    assert 0.4 < seconds < 3.0
    # The only thread is free again: the run ended, it is not merely forgotten.
    assert server.post({"inputs": [[10]]}).status == 200


def test_a_body_that_never_comes_is_answered_with_408(serve):
    server = serve("regressor", MODEL_SERVER_INVOKE_SECONDS=0.5)

    with socket.create_connection(("127.0.0.1", server.port), timeout=5) as raw:
        raw.sendall(
            b"POST /invocations HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
            b"content-length: 100\r\n\r\n{"
        )
        answer = raw.recv(65536)

    assert answer.startswith(b"HTTP/1.1 408 ")
