"""The server in a process of its own, which is how it is set up there and not beside a client."""

import contextlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import grpc
import numpy as np
import pytest

import model_server
from model_server.grpc_v2.open_inference_pb2_grpc import GRPCInferenceServiceStub

PROGRAM = """
import asyncio, signal, sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import uvloop

from model_server.core.dataplane import Dataplane
from model_server.core.model import load_model
from model_server.core.readiness import Readiness
from model_server.grpc_v2.server import GrpcServer
from model_server.settings.grpc import GrpcSettings


class Shelf:
    def __init__(self, model):
        self._model = model

    def get(self, name=None, version=None):
        return self._model

    def models(self):
        return [self._model]


async def main():
    model = load_model(Path(sys.argv[1]), 1, name="model")
    model.warm_up()
    readiness, pool, stop = Readiness(), ThreadPoolExecutor(2), asyncio.Event()
    readiness.loaded()
    server = GrpcServer(
        GrpcSettings(port=int(sys.argv[2])), host="127.0.0.1", repository=Shelf(model),
        dataplane=Dataplane(pool), readiness=readiness, executor=pool,
        max_body_bytes=6 * 2**20, max_concurrency=1024, invoke_seconds=30.0,
    )
    port = await server.start()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    print(port, flush=True)
    await stop.wait()
    readiness.drain()
    print(await server.drain(10.0), flush=True)


uvloop.run(main())
"""

ROW = np.array([1.0, 2.0], dtype="<f4").tobytes()


@pytest.fixture
def process(model, tmp_path_factory):
    """Start a process that serves the model "FP32" and give it with its port."""
    model("FP32")  # builds the file
    started = []

    def start(port=0):
        folder = next(tmp_path_factory.getbasetemp().glob("models*/FP32"))
        process = subprocess.Popen(
            [sys.executable, "-c", PROGRAM, str(folder), str(port)],
            env={
                "PATH": os.environ["PATH"],
                "PYTHONPATH": str(Path(model_server.__file__).parent.parent),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process, int(process.stdout.readline())

    yield start
    for each in started:
        each.kill()
        each.communicate()


def stubs(port, number):
    """Give clients with a connection each."""
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.insecure_channel(f"127.0.0.1:{port}", options) for _ in range(number)]
    return channels, [GRPCInferenceServiceStub(channel) for channel in channels]


def test_it_answers_many_callers_and_loses_none_when_it_stops(process, ask):
    server, port = process()
    channels, clients = stubs(port, 8)
    sent = ask(("x", "FP32", [1, 2]), raw=[ROW])

    calls = [client.ModelInfer.future(sent, timeout=30) for _ in range(100) for client in clients]
    answers = [call.result().raw_output_contents[0] for call in calls]
    server.send_signal(signal.SIGTERM)
    out, err = server.communicate(timeout=30)

    assert answers == [ROW] * 800
    assert out == "0\n"
    assert err == ""
    assert server.returncode == 0
    for channel in channels:
        channel.close()


def test_answers_under_way_are_given_while_it_stops(process, ask):
    server, port = process()
    channels, (client,) = stubs(port, 1)
    sent = ask(("x", "FP32", [1000, 1000]), raw=[bytes(4_000_000)])
    client.ModelInfer(sent, timeout=30)

    calls = [client.ModelInfer.future(sent, timeout=30) for _ in range(20)]
    calls[0].result()
    server.send_signal(signal.SIGTERM)
    out, _ = server.communicate(timeout=30)

    # What had come is answered; what came between gRPC's farewell and its receipt never reached
    # the server's own code, and grpcio cancels it.
    codes = [call.code() for call in calls]
    assert set(codes) <= {
        grpc.StatusCode.OK, grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED
    }  # fmt: skip
    assert codes[0] is grpc.StatusCode.OK
    assert out == "0\n"
    channels[0].close()


def test_one_of_two_processes_on_a_port_may_die(process, ask):
    first, port = process()
    process(port)
    channels, clients = stubs(port, 16)
    sent = ask(("x", "FP32", [1, 2]), raw=[ROW])
    for client in clients:
        client.ModelInfer(sent, timeout=30, wait_for_ready=True)

    first.kill()
    first.wait()

    for client in clients:
        with contextlib.suppress(grpc.RpcError):
            client.ModelInfer(sent, timeout=30)  # hears that its connection is gone
    answers = [client.ModelInfer(sent, timeout=30, wait_for_ready=True) for client in clients]
    assert [answer.raw_output_contents[0] for answer in answers] == [ROW] * 16
    for channel in channels:
        channel.close()
