"""Words to the engine, over a real gRPC server in this process."""

import sys
from concurrent.futures import ThreadPoolExecutor

import grpc
import pytest
from google.protobuf import empty_pb2
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from modelway import engine_log


class Engine(engine_pb2_grpc.EngineServicer):
    def __init__(self):
        self.heard = []

    def Log(self, request, context):  # noqa: N802 - gRPC's name
        self.heard.append(request)
        return empty_pb2.Empty()


@pytest.fixture
def engine(monkeypatch):
    servicer = Engine()
    server = grpc.server(ThreadPoolExecutor(1))
    engine_pb2_grpc.add_EngineServicer_to_server(servicer, server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    monkeypatch.setattr(sys, "argv", ["plugin", f"127.0.0.1:{port}"])
    yield servicer
    server.stop(None).wait()


def test_a_step_is_shown_while_it_lasts_and_a_note_stays(engine):
    engine_log.step("baking 10 %, 30 s left")
    engine_log.note("baking 10 %")

    assert [(each.message, each.ephemeral) for each in engine.heard] == [
        ("baking 10 %, 30 s left", True),
        ("baking 10 %", False),
    ]
    assert {each.severity for each in engine.heard} == {engine_pb2.LogSeverity.INFO}


def test_an_engine_that_is_gone_does_not_stop_a_deployment(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["plugin", "127.0.0.1:1"])

    engine_log.note("nobody hears this")

    assert engine_log.engine_address(["plugin", "127.0.0.1:1"]) == "127.0.0.1:1"


@pytest.mark.parametrize("arguments", [["plugin"], ["plugin", ""], ["pytest", "-q"]])
def test_without_an_engine_there_is_no_address(arguments):
    assert engine_log.engine_address(arguments) is None
