"""Starting an emulator with options or on ports that make no sense."""

import os
import socket
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest

from modelway.emulator.process import find, require, start
from modelway.errors import EmulatorError, EmulatorNotRunning, PortTaken


@pytest.fixture
def web_server():
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_error(404)

        def log_message(self, *_):
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_all_senseless_options_are_named_at_once():
    with pytest.raises(EmulatorError) as caught:
        start(port=70000, time_scale=0, runtime="vm")

    message = str(caught.value)
    assert "port is 70000; allowed: 0 (any free one) to 65535" in message
    assert "time scale is 0; it must be above 0" in message
    assert "runtime is 'vm'; allowed: process, docker" in message


def test_a_port_taken_by_another_program_names_it(web_server, tmp_path):
    with pytest.raises(PortTaken, match=f"port {web_server} is taken by process {os.getpid()}"):
        start(port=web_server, state=tmp_path)


def test_a_web_server_that_is_no_emulator_is_not_found_as_one(web_server):
    assert find(web_server) is None


def test_a_missing_emulator_is_a_clear_error():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        port = unused.getsockname()[1]

        with pytest.raises(EmulatorNotRunning, match=f"modelway emulator start --port {port}"):
            require(port)


def test_docker_is_refused_where_no_daemon_answers(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(EmulatorError, match="needs a Docker daemon, and none answers"):
        start(port=0, runtime="docker", state=tmp_path)
