"""Records, a log that keeps what it was told, and servers on loopback that stand in for others."""

import threading
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from model_server.observe.errors import SinkFailed
from model_server.observe.prediction_log import RECORD_BYTES
from model_server.observe.records import Record, Source

SOURCE = Source("rest", "fraud", "3", "sha256:ab", {"x": ()}, {"y": ()})

MOMENT = 1_795_575_600.123456
"""2026-11-25T03:00:00.123456Z"""


def a_record(request=b'{"instances":[[1]]}', response=b'{"predictions":[0.5]}', **changes):
    fields = {
        "time": MOMENT,
        "source": SOURCE,
        "status": 200,
        "seconds": 0.0012345,
        "id": "r-1",
        "request_type": "application/json",
        "request": request,
        "response_type": "application/json",
        "response": response,
        "caller": "scoring",
        "trace_id": "",
        "cost": RECORD_BYTES + len(request or b"") + len(response or b""),
    }
    return Record(**(fields | changes))


class FakeLog:
    """A server's log that keeps its events."""

    def __init__(self):
        self.events = []

    def info(self, event, **fields):
        self.events.append((event, fields))

    warning = error = debug = info

    def names(self):
        return [event for event, _ in self.events]


@pytest.fixture
def log():
    return FakeLog()


@pytest.fixture
def source():
    return SOURCE


@pytest.fixture
def record():
    return a_record


@dataclass
class Call:
    method: str
    path: str
    headers: dict
    body: bytes


@dataclass
class Stub:
    """An HTTP server that keeps its calls and answers as `answer` says."""

    port: int = 0
    calls: list = field(default_factory=list)
    answer: object = None

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"


@pytest.fixture
def stub():
    """Give a server; set ``answer`` to a function of a call that gives (status, headers, body)."""
    found = Stub()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self):
            body = self.read()
            headers = {name.lower(): value for name, value in self.headers.items()}
            call = Call(self.command, self.path, headers, body)
            found.calls.append(call)
            status, headers, answer = found.answer(call) if found.answer else (200, {}, b"")
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(answer)))
            self.end_headers()
            self.wfile.write(answer)

        do_PUT = do_POST  # noqa: N815  # the name that http.server looks for

        def read(self):
            if self.headers.get("Transfer-Encoding") != "chunked":
                return self.rfile.read(int(self.headers.get("Content-Length", 0)))
            body = b""
            while size := int(self.rfile.readline().partition(b";")[0], 16):
                body += self.rfile.read(size)
                self.rfile.readline()
            while self.rfile.readline().strip():
                pass
            return body

        def log_message(self, *args):
            pass

    class Server(ThreadingHTTPServer):
        def handle_error(self, request, client_address):
            pass  # a caller that did not wait for its answer

    server = Server(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    found.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    yield found
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def aws(monkeypatch):
    """Credentials and a region, as a container has them; nothing of this machine's."""
    for name in ("AWS_PROFILE", "AWS_SESSION_TOKEN", "AWS_ENDPOINT_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIDEXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "dummy")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")  # the one that the guard lets through
    monkeypatch.setenv("AWS_CONFIG_FILE", "/dev/null")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", "/dev/null")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")


class MemorySink:
    """A sink that fails or waits as it is told."""

    batch_bytes = 1 << 20

    def __init__(self):
        self.safe = self.lost = 0
        self.taken = []
        self.written = []
        self.failures = 0
        self.puts = 0
        self.gate = threading.Event()
        self.gate.set()
        self.closed = False

    @property
    def pending(self):
        return len(self.taken)

    def open(self):
        pass

    def add(self, fields):
        self.taken.append(fields)

    def due(self, now):
        return bool(self.taken)

    def put(self):
        self.puts += 1
        self.gate.wait()
        if self.failures:
            self.failures -= 1
            raise SinkFailed("the disk is full")
        self.written += self.taken
        self.safe += len(self.taken)
        self.taken = []

    def idle(self, now):
        pass

    def abandon(self):
        given_up, self.taken = len(self.taken), []
        return given_up

    def close(self):
        self.closed = True


@pytest.fixture
def sink():
    sink = MemorySink()
    yield sink
    sink.gate.set()
