"""A connection without a network: bytes in, bytes out, and a service that answers as told."""

import asyncio

import pytest

from model_server.rest.errors import UnknownPath
from model_server.rest.http import Answer, Route
from model_server.rest.http1 import Connection


class Transport:
    def __init__(self):
        self.written = b""
        self.closed = False
        self.reading = True

    def get_extra_info(self, name):
        return ("127.0.0.1", 4000) if name == "peername" else None

    def write(self, data):
        assert not self.closed
        self.written += data

    def pause_reading(self):
        self.reading = False

    def resume_reading(self):
        self.reading = True

    def close(self):
        self.closed = True


class Service:
    """Echoes bodies on /echo; keeps what /hold asks until the test answers it."""

    def __init__(self):
        self.connections = set()
        self.max_body_bytes = 1000
        self.body_seconds = 5.0
        self.draining = False
        self.date = b"date: now\r\n"
        self.requests = []
        self.held = []
        self.answers = []
        self.gone = []

    def accept(self, request):
        if request.path == "/nowhere":
            raise UnknownPath("there is no such path")
        return Route(request.method, request.path, self.echo)

    def dispatch(self, request, route):
        self.requests.append(request)
        route.handler(request)

    def echo(self, request):
        if request.path == "/hold":
            self.held.append(request)
        else:
            request.answer(Answer(200, request.body, b"text/plain"))

    def answer(self, body):
        return Answer(200, body, b"text/plain")

    def answered(self, request, answer, body_bytes):
        self.answers.append((request.path, answer.status, body_bytes))

    def abandoned(self, request):
        self.gone.append(request.path)


class Wire:
    def __init__(self, service):
        self.transport = Transport()
        self.service = service
        self.connection = Connection(service)
        self.connection.connection_made(self.transport)

    def send(self, data):
        """As a transport does: into the connection's buffer, as much at a time as it holds."""
        while data:
            buffer = self.connection.get_buffer(-1)
            count = min(len(data), len(buffer))
            buffer[:count] = data[:count]
            self.connection.buffer_updated(count)
            data = data[count:]

    @property
    def out(self):
        return self.transport.written

    def statuses(self):
        return [int(part[:3]) for part in self.out.split(b"HTTP/1.1 ")[1:]]


@pytest.fixture
def service():
    return Service()


@pytest.fixture
def wire(service):
    return Wire(service)


@pytest.fixture(scope="session")
def dial():
    """Open a connection to a service of its own."""
    return lambda: Wire(Service())


@pytest.fixture
def run():
    """Run a coroutine function on a loop of its own."""
    return asyncio.run
