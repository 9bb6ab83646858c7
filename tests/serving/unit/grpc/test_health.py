import threading

import grpc
import pytest
from grpc_health.v1 import health_pb2
from grpc_health.v1.health_pb2_grpc import HealthStub

UNKNOWN = health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
SERVING = health_pb2.HealthCheckResponse.SERVING
NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING


def check(server, service=""):
    return (
        HealthStub(server.channel)
        .Check(health_pb2.HealthCheckRequest(service=service), timeout=30)
        .status
    )


def watch(server, service=""):
    """Give a call and the list that its states come to."""
    states = []
    call = HealthStub(server.channel).Watch(health_pb2.HealthCheckRequest(service=service))

    def read():
        try:
            states.extend(answer.status for answer in call)
        except grpc.RpcError as error:
            states.append(error.code())

    threading.Thread(target=read, daemon=True).start()
    return call, states


@pytest.mark.parametrize("service", ["", "inference.GRPCInferenceService", "model"])
def test_health_follows_the_model_and_the_server(serve, model, service):
    server = serve()
    assert check(server, service) == NOT_SERVING

    server.on_loop(server.shelf.put, model("FP32"))
    server.on_loop(server.readiness.loaded)
    assert check(server, service) == SERVING

    server.on_loop(server.readiness.drain)
    assert check(server, service) == NOT_SERVING


def test_an_unknown_service_is_not_found(serve, model):
    server = serve(model("FP32"))

    with pytest.raises(grpc.RpcError) as raised:
        check(server, "other")

    assert raised.value.code() is grpc.StatusCode.NOT_FOUND
    assert raised.value.details() == "there is no such service or model"


def test_bytes_that_are_no_message_are_refused(serve, model):
    server = serve(model("FP32"))

    with pytest.raises(grpc.RpcError) as raised:
        server.channel.unary_unary("/grpc.health.v1.Health/Check")(b"\xff", timeout=30)

    assert raised.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert raised.value.details() == "the message is no HealthCheckRequest"


def test_a_watcher_hears_of_every_change_and_of_the_end(serve, model, wait_for):
    server = serve()
    _, states = watch(server)
    wait_for(lambda: states == [NOT_SERVING])

    server.on_loop(server.shelf.put, model("FP32"))
    server.on_loop(server.readiness.loaded)
    wait_for(lambda: states == [NOT_SERVING, SERVING])

    server.on_loop(server.readiness.drain)
    assert server.run(server.server.drain(5.0)) == 0
    wait_for(lambda: len(states) == 4)
    assert states[2:] == [NOT_SERVING, grpc.StatusCode.UNAVAILABLE]


def test_a_watcher_of_an_unknown_model_is_told_so_and_then_hears_of_it(serve, model, wait_for):
    server = serve(model("FP32"))
    _, states = watch(server, "later")
    wait_for(lambda: states == [UNKNOWN])

    server.on_loop(server.shelf.put, model("FP32", served="later"))

    wait_for(lambda: len(states) == 2)
    assert states == [UNKNOWN, SERVING]


def test_a_watcher_that_goes_away_is_forgotten(serve, model, wait_for):
    server = serve(model("FP32"))
    call, states = watch(server)
    wait_for(lambda: states == [SERVING])

    call.cancel()

    wait_for(lambda: server.server._transport.active == 0)
    assert server.server._health._watchers == {}


def test_one_watcher_too_many_is_refused_and_a_check_is_not(serve, model, wait_for):
    server = serve(model("FP32"))
    calls = [watch(server) for _ in range(64)]
    wait_for(lambda: all(states == [SERVING] for _, states in calls))

    _, refused = watch(server)

    wait_for(lambda: refused == [grpc.StatusCode.UNAVAILABLE])
    assert check(server) == SERVING
