"""Limits of number and time, callers that go away, and the server's end."""

import os
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import grpc
import numpy as np
import pytest

import model_server
from model_server.grpc_v2 import open_inference_pb2 as pb
from model_server.grpc_v2.grpcio_core import Unusable
from model_server.settings.grpc import GrpcSettings

ROW = np.array([1.0, 2.0], dtype="<f4").tobytes()
X = ("x", "FP32", [1, 2])
METHOD = "/inference.GRPCInferenceService/ModelInfer"


def times(ask, number):
    return ask(("times", "INT64", [1, 1], {"contents": {"int64_contents": [number]}}))


def started(server, ask, held, number=1):
    """Send calls and wait until the dataplane has them."""
    calls = [server.stub.ModelInfer.future(ask(X, raw=[ROW])) for _ in range(number)]
    until = time.monotonic() + 10.0
    while len(held.requests) < number:
        assert time.monotonic() < until
        time.sleep(0.01)
    return calls


def test_one_inference_too_many_is_unavailable_and_the_others_are_not(
    serve, model, ask, held, metadata_of
):
    server = serve(model("FP32"), dataplane=held, max_concurrency=2)
    calls = started(server, ask, held, 2)

    error = server.refused(ask(X, raw=[ROW]))

    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert error.details() == ("2 requests are being worked on; try again later or add replicas")
    assert metadata_of(error) == {"retry-after": "1"}
    assert server.stub.ServerReady(pb.ServerReadyRequest(), timeout=30).ready
    server.on_loop(held.release)
    assert [call.result(30).raw_output_contents[0] for call in calls] == [ROW, ROW]
    assert server.server.in_flight == 0


def test_the_settings_own_number_goes_before_the_servers(serve, model, ask, held):
    server = serve(
        model("FP32"), dataplane=held, max_concurrency=2, settings=GrpcSettings(max_concurrency=1)
    )
    started(server, ask, held)

    error = server.refused(ask(X, raw=[ROW]))

    assert error.details() == "1 requests are being worked on; try again later or add replicas"
    server.on_loop(held.release)


def test_calls_that_send_nothing_are_bounded_and_end(serve, model, ask, wait_for):
    told = []

    class Observer:
        def answered(self, exchange):
            told.append(exchange.code)

    server = serve(model("FP32"), max_concurrency=1, invoke_seconds=1.0, observer=Observer())
    other = grpc.insecure_channel(
        f"127.0.0.1:{server.port}", options=[("grpc.use_local_subchannel_pool", 1)]
    )
    silence = threading.Event()

    def nothing():
        silence.wait(30)
        yield from ()

    calls = [server.channel.stream_unary(METHOD).future(nothing()) for _ in range(129)]
    wait_for(lambda: server.server._transport.active == 129)

    with pytest.raises(grpc.RpcError) as raised:
        other.unary_unary(METHOD)(ask(X, raw=[ROW]).SerializeToString(), timeout=30)
    assert raised.value.code() is grpc.StatusCode.UNAVAILABLE
    wait_for(lambda: told == ["UNAVAILABLE"])

    error = calls[0].exception(30)
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert error.details() == "the request did not arrive in time"
    wait_for(lambda: server.server._transport.active == 0)
    silence.set()
    other.close()


def test_a_call_that_ends_without_a_message_is_refused(serve, model):
    server = serve(model("FP32"))

    with pytest.raises(grpc.RpcError) as raised:
        server.channel.stream_unary(METHOD)(iter(()), timeout=30)

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert raised.value.details() == "the call ended before its message was complete"


def test_an_answer_that_takes_too_long_is_deadline_exceeded(serve, model, ask):
    server = serve(model("slow"), invoke_seconds=0.5)
    server.infer(times(ask, 40))  # which moves it off the event loop

    with pytest.raises(grpc.RpcError) as raised:
        server.stub.ModelInfer(times(ask, 50_000_000))

    assert raised.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert raised.value.details() == "the answer took longer than this request may take"
    assert server.stub.ServerReady(pb.ServerReadyRequest(), timeout=30).ready


def test_a_callers_deadline_stops_the_run(serve, model, ask, wait_for):
    server = serve(model("slow"))
    server.infer(times(ask, 40))  # which moves it off the event loop

    error = server.refused(times(ask, 50_000_000), timeout=0.3)

    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    wait_for(lambda: server.server.in_flight == 0, 5.0)
    assert server.infer(times(ask, 1)).outputs[0].contents.fp32_contents == [256.0]


def test_an_inference_whose_caller_goes_away_is_not_wanted_any_more(
    serve, model, ask, held, wait_for
):
    told = []

    class Observer:
        def answered(self, exchange):
            told.append(exchange.code)

    server = serve(model("FP32"), dataplane=held, observer=Observer())
    (call,) = started(server, ask, held)
    time.sleep(0.5)  # until it is watched

    call.cancel()

    wait_for(lambda: told == ["CANCELLED"])
    assert not held.requests[0].wanted
    assert server.server.in_flight == 0
    server.on_loop(held.release)
    assert server.server._transport.active == 0


def test_a_caller_that_goes_away_at_once_harms_nobody(serve, model, ask, held, wait_for):
    server = serve(model("FP32"), dataplane=held)
    calls = started(server, ask, held, 20)

    for call in calls:
        call.cancel()
    server.on_loop(held.release)

    wait_for(lambda: server.server._transport.active == 0)
    assert server.server.in_flight == 0


def test_callers_that_go_away_while_their_message_is_read_harm_nobody(serve, model, ask, wait_for):
    server = serve(model("FP32"))
    sent = ask(("x", "FP32", [1000, 1000]), raw=[bytes(4_000_000)])

    for number in range(20):
        call = server.stub.ModelInfer.future(sent)
        time.sleep(number / 1000)
        call.cancel()

    wait_for(lambda: server.server._transport.active == 0)
    wait_for(lambda: server.server.in_flight == 0)
    assert server.infer(ask(X, raw=[ROW])).raw_output_contents == [ROW]


def test_a_connection_that_breaks_off_harms_nobody(serve, model, ask, held, wait_for):
    server = serve(model("FP32"), dataplane=held)
    channel = grpc.insecure_channel(
        f"127.0.0.1:{server.port}", options=[("grpc.use_local_subchannel_pool", 1)]
    )
    call = channel.unary_unary(METHOD).future(ask(X, raw=[ROW]).SerializeToString())
    wait_for(lambda: len(held.requests) == 1)

    channel.close()
    server.on_loop(held.release)

    wait_for(lambda: server.server._transport.active == 0)
    assert call.done()


@pytest.mark.parametrize("garbage", [b"", b"GET / HTTP/1.1\r\n\r\n", b"\0" * 1000])
def test_what_is_no_http2_harms_nobody(serve, model, ask, garbage):
    server = serve(model("FP32"))

    with socket.create_connection(("127.0.0.1", server.port)) as connection:
        connection.sendall(garbage)

    assert server.infer(ask(X, raw=[ROW])).raw_output_contents == [ROW]


def test_draining_waits_for_what_is_under_way_and_takes_no_more(serve, model, ask, held):
    server = serve(model("FP32"), dataplane=held)
    (call,) = started(server, ask, held)
    drained = []
    thread = threading.Thread(target=lambda: drained.append(server.run(server.server.drain(20.0))))

    thread.start()
    time.sleep(0.3)
    refused = server.refused(ask(X, raw=[ROW]), timeout=5)
    server.on_loop(held.release)
    thread.join(20)

    assert call.result(30).raw_output_contents == [ROW]
    assert refused.code() is grpc.StatusCode.UNAVAILABLE
    assert drained == [0]
    assert len(held.requests) == 1


def test_what_is_under_way_after_the_time_to_drain_is_cut_off_and_counted(serve, model, ask, held):
    server = serve(model("FP32"), dataplane=held)
    calls = started(server, ask, held, 3)

    lost = server.run(server.server.drain(0.2))

    assert lost == 3
    assert {call.exception(30).code() for call in calls} <= {
        grpc.StatusCode.CANCELLED, grpc.StatusCode.UNAVAILABLE
    }  # fmt: skip
    server.on_loop(held.release)  # late answers go nowhere


def test_an_idle_server_drains_at_once_with_a_client_connected(serve, model, ask):
    server = serve(model("FP32"))
    server.infer(ask(X, raw=[ROW]))
    begun = time.monotonic()

    assert server.run(server.server.drain(20.0)) == 0
    assert time.monotonic() - begun < 5.0


def test_draining_twice_does_nothing(serve, model):
    server = serve(model("FP32"))

    assert server.run(server.server.drain(5.0)) == 0
    assert server.run(server.server.drain(5.0)) == 0


def test_two_servers_share_a_port(serve, model, ask):
    first = serve(model("FP32"))
    second = serve(model("FP32"), settings=GrpcSettings(port=first.port))

    assert second.port == first.port
    assert second.infer(ask(X, raw=[ROW])).raw_output_contents == [ROW]


def test_a_port_that_somebody_else_has_is_said(serve, model):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]

        with pytest.raises(Unusable) as raised:
            serve(model("FP32"), settings=GrpcSettings(port=port))

    assert str(raised.value) == (
        f"127.0.0.1:{port} cannot be listened on; choose another MODEL_SERVER_GRPC_PORT"
    )


def test_the_time_of_the_last_inference_is_known(serve, model, ask):
    server = serve(model("FP32"))
    before = time.monotonic()

    server.infer(ask(X, raw=[ROW]))

    assert before <= server.server.last_request <= time.monotonic()
    assert server.server.in_flight == 0


def test_importing_the_server_loads_neither_grpc_nor_protobuf():
    code = (
        "import sys, model_server.grpc_v2.server, model_server.settings.grpc\n"
        "heavy = ('grpc', 'google.protobuf', 'onnxruntime')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    folder = Path(model_server.__file__).parent.parent

    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(folder), "PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout == "[]\n"


def test_a_grpcio_with_another_interface_is_said(serve, model, monkeypatch):
    from grpc._cython import cygrpc

    monkeypatch.delattr(cygrpc, "ReceiveCloseOnServerOperation")

    with pytest.raises(Unusable, match=r"^the installed grpcio has another inner interface"):
        serve(model("FP32"))


def test_a_missing_package_is_said(serve, model, monkeypatch):
    monkeypatch.setitem(sys.modules, "grpc_health.v1", None)
    monkeypatch.delitem(sys.modules, "model_server.grpc_v2.health", raising=False)
    monkeypatch.delattr("model_server.grpc_v2.health", raising=False)

    with pytest.raises(Unusable, match=r"^gRPC needs the package grpc_health.v1; install"):
        serve(model("FP32"))
