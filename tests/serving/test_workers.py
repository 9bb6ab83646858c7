"""Several processes behind one address: how many there are, and what one's death costs (S14)."""

import contextlib
import json
import os
import signal
import socket
import threading
import time
from collections import Counter

import numpy as np
import onnx
import psutil
from onnx import TensorProto as T
from onnx import helper, numpy_helper

from modelway.image.context import serving_image_directory

KILLS = int(os.environ.get("WORKER_KILLS", "4"))
"""Workers that are killed; the long form of S14 is 30 of them, one every 10 s for 5 minutes."""

KILL_SECONDS = float(os.environ.get("WORKER_KILL_SECONDS", "2"))

RESPAWN_SECONDS = 5.0

BODY = json.dumps({"instances": [[1, 2, 3, 4]]}).encode()
REQUEST = (
    b"POST /invocations HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\n"
    b"content-length: %d\r\n\r\n%s" % (len(BODY), BODY)
)


def wait_for(server, event, count, seconds=30.0):
    until = time.monotonic() + seconds
    while len(found := server.events(event)) < count:
        assert server.process.poll() is None, server.log.read_text()
        assert time.monotonic() < until, server.log.read_text()
        time.sleep(0.02)
    return found


def living(server):
    """The workers that live, by slot."""
    alive = {child.pid for child in psutil.Process(server.process.pid).children()}
    started = {event["slot"]: event["pid"] for event in server.events("worker_started")}
    return {slot: pid for slot, pid in started.items() if pid in alive}


def gone(pid):
    """Whether a process has ended; one that nobody has reaped yet counts as ended."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def accepts(port):
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=5):
            return True
    except OSError:
        return False


def invoke(raw):
    """Ask over an open connection, and give the status; 0 where the connection breaks."""
    try:
        raw.sendall(REQUEST)
        data = b""
        while b"\r\n\r\n" not in data:
            part = raw.recv(65536)
            if not part:
                return 0
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            part = raw.recv(65536)
            if not part:
                return 0
            body += part
    except OSError:
        return 0
    return int(head.split()[1])


class Caller(threading.Thread):
    """Asks over one connection, and connects again when it breaks."""

    def __init__(self, port, over):
        super().__init__()
        self.port, self.over = port, over
        self.statuses = Counter()
        self.broken_at = []
        self.refused = 0
        self.longest = 0.0

    def run(self):
        while not self.over.is_set():
            begun = time.monotonic()
            try:
                raw = socket.create_connection(("127.0.0.1", self.port), timeout=30)
            except OSError:
                self.refused += 1
                continue
            with raw:
                while not self.over.is_set():
                    status = invoke(raw)
                    self.longest = max(self.longest, time.monotonic() - begun)
                    if status == 0:
                        self.broken_at.append(time.monotonic())
                        break
                    self.statuses[status] += 1
                    time.sleep(0.01)
                    begun = time.monotonic()


def test_killed_workers_cost_their_own_requests_and_are_back_within_5_seconds(run_server, models):
    server = run_server(models / "regressor", MODEL_SERVER_WORKERS=2)
    wait_for(server, "worker_ready", 2)
    over = threading.Event()
    callers = [Caller(server.port, over) for _ in range(8)]
    pings = []

    def ping():
        while not over.is_set():
            begun = time.monotonic()
            try:
                raw = socket.create_connection(("127.0.0.1", server.port), timeout=30)
            except OSError:
                pings.append((b"refused", 0.0))
                continue
            with raw:
                # A ping of the worker that dies at that moment breaks as any request does.
                line = b"broken"
                with contextlib.suppress(OSError):
                    raw.sendall(b"GET /ping HTTP/1.1\r\nhost: a\r\n\r\n")
                    line = raw.recv(65536).split(b"\r\n")[0] or line
            pings.append((line, time.monotonic() - begun))
            time.sleep(0.02)

    pinger = threading.Thread(target=ping)
    for thread in [*callers, pinger]:
        thread.start()
    kills = []
    for turn in range(KILLS):
        time.sleep(KILL_SECONDS)
        victims = living(server)
        kills.append(time.monotonic())
        os.kill(victims[turn % 2], signal.SIGKILL)
        wait_for(server, "worker_ready", 3 + turn)
    over.set()
    for thread in [*callers, pinger]:
        thread.join()

    statuses = sum((caller.statuses for caller in callers), Counter())
    assert set(statuses) == {200}
    assert statuses[200] > 100
    assert sum(caller.refused for caller in callers) == 0
    # Each break belongs to a kill, and a kill breaks a connection of each caller at most once.
    for caller in callers:
        assert len(caller.broken_at) <= len(kills)
        assert all(any(0 <= at - kill < 1 for kill in kills) for at in caller.broken_at)
    # The other worker answers meanwhile: nobody waits for the replacement.
    assert max(caller.longest for caller in callers) < 2.0
    assert {line for line, _ in pings} <= {b"HTTP/1.1 200 OK", b"broken"}
    assert sum(line == b"broken" for line, _ in pings) <= len(kills)
    assert max(seconds for _, seconds in pings) < 2.0
    downs = [event["down_seconds"] for event in server.events("worker_ready")[2:]]
    assert len(downs) == KILLS
    assert max(downs) <= RESPAWN_SECONDS
    assert server.stop() == 0


def test_the_only_worker_is_replaced_while_callers_wait(run_server, models):
    server = run_server(models / "regressor", MODEL_SERVER_WORKERS=1)
    server.wait()

    (pid,) = living(server).values()
    os.kill(pid, signal.SIGKILL)
    wait_for(server, "worker_died", 1)
    with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
        status = invoke(raw)

    assert status == 200
    # The answer may come before the server's line about its new worker.
    (_, replaced) = wait_for(server, "worker_ready", 2)
    assert replaced["down_seconds"] <= RESPAWN_SECONDS


def test_a_small_model_is_served_by_a_process_for_each_cpu(run_server, models):
    server = run_server(models / "regressor", MODEL_SERVER_WORKERS="")
    server.wait()
    cpus = len(psutil.Process().cpu_affinity())

    (event,) = wait_for(server, "processes", 1)
    wait_for(server, "worker_ready", event["workers"])

    assert (event["workers"], event["threads"]) == (cpus, 1)
    assert sorted(living(server)) == list(range(cpus))


def test_every_worker_gives_the_same_answers(run_server, models):
    server = run_server(models / "classifier", MODEL_SERVER_WORKERS=3)
    wait_for(server, "worker_ready", 3)

    held = [socket.create_connection(("127.0.0.1", server.port), timeout=30) for _ in range(12)]
    answers = set()
    for raw in held:
        raw.sendall(REQUEST)
    for raw in held:
        answers.add(raw.recv(65536).partition(b"\r\n\r\n")[2])
        raw.close()

    assert len(answers) == 1
    assert b"predictions" in answers.pop()


def long_model():
    """A chain of products that no optimisation can shorten: some ms a row, in 64 KiB."""
    size, steps = 128, 400
    weights = np.random.default_rng(1).standard_normal((size, size)).astype(np.float32)
    weights /= np.linalg.norm(weights, 2)
    nodes = [helper.make_node("Add", ["x", "weights"], ["h0"])]
    nodes += [
        helper.make_node("MatMul", [f"h{step}", "weights"], [f"h{step + 1}"])
        for step in range(steps)
    ]
    nodes.append(helper.make_node("ReduceSum", [f"h{steps}"], ["y"], keepdims=0))
    graph = helper.make_graph(
        nodes,
        "long",
        [helper.make_tensor_value_info("x", T.FLOAT, ["batch", 1])],
        [helper.make_tensor_value_info("y", T.FLOAT, [])],
        [numpy_helper.from_array(weights, "weights")],
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def test_a_long_model_is_served_by_one_process_with_all_cpus(run_server, tmp_path):
    onnx.save(long_model(), tmp_path / "model.onnx")
    server = run_server(tmp_path, MODEL_SERVER_WORKERS="")
    server.wait()
    cpus = len(psutil.Process().cpu_affinity())

    (event,) = server.events("processes")

    assert (event["workers"], event["threads"]) == (1, cpus)
    assert event["row_ms"] >= 1.0
    assert list(living(server)) == [0]
    assert server.post({"inputs": [[1.0]]}).status == 200


def test_a_draining_server_with_several_workers_loses_nothing(run_server, models):
    server = run_server(models / "regressor", MODEL_SERVER_WORKERS=2)
    wait_for(server, "worker_ready", 2)
    statuses = []

    def ask():
        with socket.create_connection(("127.0.0.1", server.port), timeout=30) as raw:
            statuses.append(invoke(raw))

    server.process.send_signal(signal.SIGTERM)
    for _ in range(40):
        ask()
        time.sleep(0.02)

    assert statuses == [200] * 40
    assert server.process.wait(20) == 0
    (event,) = server.events("stopped")
    assert event["requests_lost"] == 0


def test_nothing_is_left_when_the_process_in_front_is_killed(run_server, models):
    server = run_server(models / "regressor", MODEL_SERVER_WORKERS=2)
    wait_for(server, "worker_ready", 2)
    workers = list(living(server).values())

    server.process.kill()
    server.process.wait()

    until = time.monotonic() + 5
    while not all(gone(pid) for pid in workers) or accepts(server.port):
        assert time.monotonic() < until
        time.sleep(0.02)


def test_a_model_that_kills_its_process_while_it_loads_is_told_as_unusable(
    run_server, models, tmp_path
):
    # As a native fault, or the system when memory is short.
    (tmp_path / "onnxruntime").mkdir()
    (tmp_path / "onnxruntime" / "__init__.py").write_text("import os; os.kill(os.getpid(), 9)\n")
    server = run_server(
        models / "regressor",
        PYTHONPATH=f"{tmp_path}:{serving_image_directory()}",
        MODEL_SERVER_FAILURE_SECONDS=1,
    )

    wait_for(server, "model_unusable", 1)
    told = server.wait(503)

    assert told.json()["status"] == "failed"
    assert "3 processes died while they loaded the model" in told.json()["error"]
    assert server.process.wait(20) == 3
    assert len(server.events("worker_died")) == 3


def test_the_process_in_front_takes_less_than_14_mib(run_server, models):
    server = run_server(models / "regressor", MODEL_SERVER_WORKERS=1)
    server.wait()

    front = psutil.Process(server.process.pid)

    assert front.memory_full_info().uss < 14 * 2**20
    assert front.num_threads() == 1
