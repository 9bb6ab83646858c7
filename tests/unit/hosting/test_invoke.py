"""InvokeEndpoint against containers that misbehave."""

import json
import socket
import threading
import time
from types import SimpleNamespace

import pytest
import urllib3

from modelway.emulator.clock import Clock
from modelway.emulator.hosting import timing
from modelway.emulator.hosting.invoke import Invoker
from modelway.emulator.hosting.routing import Router
from modelway.emulator.services import Disturbance, NoFaults, Services, Settings

OK = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/csv\r\nContent-Length: 3\r\n"
    b"X-Amzn-SageMaker-Custom-Attributes: c=d\r\nX-Secret: 1\r\n\r\n1,2"
)


class RawServer:
    """Reads one request per connection, then does what it is told: bytes to send, or nothing."""

    def __init__(self, *answers: bytes | None) -> None:
        self.requests: list[bytes] = []
        self._answers = list(answers)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.port = self._listening.getsockname()[1]
        self._hold = threading.Event()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        for answer in self._answers:
            try:
                connection, _ = self._listening.accept()
            except OSError:
                return
            with connection:
                received = connection.recv(65536)
                while received.endswith(b"\r\n\r\n") and b"Content-Length: 0" not in received:
                    received += connection.recv(65536)
                self.requests.append(received)
                if answer is None:
                    self._hold.wait(5)
                else:
                    connection.sendall(answer)

    def close(self) -> None:
        self._hold.set()
        self._listening.close()


class Recorder:
    def __init__(self) -> None:
        self.values: dict[str, float] = {}

    def record(self, namespace, name, dimensions, value, unit, timestamp=None):
        if "EndpointConfigName" not in dimensions:
            self.values[name] = value


@pytest.fixture
def services(tmp_path):
    made = Services(Settings(port=0, state_dir=tmp_path), Clock())
    made.metrics = Recorder()
    return made


@pytest.fixture
def serve():
    made = []

    def make(*answers):
        made.append(RawServer(*answers))
        return made[-1]

    yield make
    for each in made:
        each.close()


def replica(port, exit_status=None):
    made = SimpleNamespace(
        in_flight=0,
        suspected=0,
        pool=urllib3.HTTPConnectionPool("127.0.0.1", port, maxsize=4, retries=False),
        running=SimpleNamespace(exit_status=lambda: exit_status),
        take=lambda: None,
        release=lambda: None,
    )

    def suspect():
        made.suspected += 1

    made.suspect = suspect
    return made


def invoke(services, *replicas, status="InService", **headers):
    endpoint = SimpleNamespace(
        record=SimpleNamespace(
            endpoint_status=status,
            endpoint_name="fraud",
            region="us-east-1",
            account_id="123456789012",
        ),
        router=Router(),
        fleets=(),
        resumed=threading.Event(),
    )
    endpoint.resumed.set()
    fleet = SimpleNamespace(
        config_name="config", weights=lambda: {"primary": 1.0}, healthy=lambda _: list(replicas)
    )
    endpoint.router.route([(fleet, 1.0)])
    status_code, answer_headers, body = Invoker(services).invoke(
        "123456789012", "fraud", endpoint, b"1,2,3", headers
    )
    return status_code, answer_headers, body


def error(answer):
    _, headers, body = answer
    return headers["x-amzn-ErrorType"], json.loads(body)


def test_only_the_headers_of_the_contract_pass_in_both_directions(services, serve):
    server = serve(OK)

    status, headers, body = invoke(
        services,
        replica(server.port),
        **{
            "content-type": "text/csv",
            "x-amzn-sagemaker-custom-attributes": "a=b",
            "authorization": "secret",
        },
    )

    assert (status, body) == (200, b"1,2")
    assert headers["x-Amzn-Invoked-Production-Variant"] == "primary"
    assert headers["X-Amzn-SageMaker-Custom-Attributes"] == "c=d"
    assert "X-Secret" not in headers
    assert b"X-Amzn-SageMaker-Custom-Attributes: a=b" in server.requests[0]
    assert b"secret" not in server.requests[0]


def test_a_container_that_dies_under_a_request_is_a_model_error(services, serve):
    made = replica(serve(b"").port, exit_status=-9)

    answer = invoke(services, made)

    assert answer[0] == 424
    kind, fields = error(answer)
    assert kind == "ModelError"
    assert fields["OriginalStatusCode"] == 0
    assert fields["OriginalMessage"] == (
        "The connection to container primary was lost before it answered."
    )
    assert made.suspected == 1
    assert services.metrics.values["Invocation5XXErrors"] == 1.0
    assert services.metrics.values["InvocationModelErrors"] == 1.0


def test_a_connection_that_a_living_server_closed_while_idle_is_tried_once_more(services, serve):
    server = serve(b"", OK)

    answer = invoke(services, replica(server.port))

    assert answer[0] == 200
    assert len(server.requests) == 2


def test_a_refused_connection_goes_to_another_replica(services, serve):
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        dead = replica(closed.getsockname()[1])
        alive = replica(serve(OK).port)

        answer = invoke(services, dead, alive)

    assert answer[0] == 200
    assert dead.suspected == 1


def test_silence_ends_as_awss_time_out(services, serve, monkeypatch):
    monkeypatch.setattr(timing, "INVOKE_SECONDS", 0.2)

    answer = invoke(services, replica(serve(None).port))

    assert error(answer)[1]["Message"].startswith(
        'Received server error (0) from primary with message "Your invocation timed out while '
        "waiting for a response from container primary."
    )


def test_no_healthy_replica_is_service_unavailable(services):
    answer = invoke(services)

    assert answer[0] == 503
    assert error(answer)[0] == "ServiceUnavailable"
    assert services.metrics.values["Invocation5XXErrors"] == 1.0


@pytest.mark.parametrize("status", ["Creating", "Failed", "Deleting"])
def test_an_endpoint_that_does_not_serve_is_not_found(services, status):
    answer = invoke(services, status=status)

    assert answer[0] == 400
    assert error(answer) == (
        "ValidationError",
        {"Message": "Endpoint fraud of account 123456789012 not found."},
    )
    assert services.metrics.values == {}


class Disturbed(NoFaults):
    def __init__(self, **disturbance):
        self._disturbance = Disturbance(**disturbance)

    def disturbance(self, endpoint, config):
        assert (endpoint, config) == ("fraud", "config")
        return self._disturbance


def test_a_slow_fleets_delay_is_real_and_counts_as_model_latency(services, serve):
    services.faults = Disturbed(delay_ms=200)
    begun = time.perf_counter()

    answer = invoke(services, replica(serve(OK).port))

    assert answer[0] == 200
    assert time.perf_counter() - begun >= 0.2
    assert 200_000 <= services.metrics.values["ModelLatency"] < 2_000_000


def test_a_delay_beyond_sagemakers_limit_is_its_time_out(services, serve, monkeypatch):
    monkeypatch.setattr(timing, "INVOKE_SECONDS", 0.2)
    services.faults = Disturbed(delay_ms=10_000)
    begun = time.perf_counter()

    answer = invoke(services, replica(serve(OK).port))

    assert error(answer)[1]["OriginalStatusCode"] == 0
    assert "Your invocation timed out" in error(answer)[1]["OriginalMessage"]
    assert time.perf_counter() - begun < 5


@pytest.mark.parametrize(("status", "counted"), [(500, "5XX"), (503, "5XX"), (429, "4XX")])
def test_an_answer_replaced_by_an_error_is_a_model_error(services, serve, status, counted):
    services.faults = Disturbed(status=status)
    server = serve(OK)

    answer = invoke(services, replica(server.port))

    kind, fields = error(answer)
    assert (answer[0], kind, fields["OriginalStatusCode"]) == (424, "ModelError", status)
    assert len(server.requests) == 1
    other = {"4XX": "5XX", "5XX": "4XX"}[counted]
    assert services.metrics.values[f"Invocation{counted}Errors"] == 1.0
    assert services.metrics.values[f"Invocation{other}Errors"] == 0.0
    assert services.metrics.values["InvocationModelErrors"] == 1.0
