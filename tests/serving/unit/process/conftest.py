"""Real processes, forked by the real process in front, that serve nothing but their own number."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

from modelway.image.context import serving_image_directory

PROGRAM = Path(__file__).with_name("fake_server.py")


class Front:
    """A running process in front."""

    def __init__(self, log, **given):
        self.log = log
        with log.open("wb") as out:
            self.process = subprocess.Popen(
                [sys.executable, str(PROGRAM), json.dumps(given)],
                env={"PATH": os.environ["PATH"], "PYTHONPATH": str(serving_image_directory())},
                stdout=out,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
            )
        self.pid = self.process.pid

    def events(self, name=None):
        events = []
        for line in self.log.read_text().splitlines():
            with contextlib.suppress(json.JSONDecodeError):  # half written, or no line of the log
                events.append(json.loads(line))
        return events if name is None else [event for event in events if event["event"] == name]

    def wait_for(self, name, count=1, seconds=20.0):
        until = time.monotonic() + seconds
        while len(found := self.events(name)) < count:
            assert time.monotonic() < until, f"no {count} of {name}: {self.log.read_text()}"
            time.sleep(0.005)
        return found

    @property
    def port(self):
        return self.wait_for("listening")[0]["port"]

    def connect(self, seconds=20.0):
        return socket.create_connection(("127.0.0.1", self.port), timeout=seconds)

    def ask(self, path="/", seconds=20.0):
        with self.connect(seconds) as raw:
            return self.ask_over(raw, path)

    def ask_over(self, raw, path="/"):
        """Send a request over an open connection; give its status and text."""
        self.send(raw, path)
        return self.answer(raw)

    @staticmethod
    def send(raw, path):
        raw.sendall(f"GET {path} HTTP/1.1\r\n\r\n".encode())

    @staticmethod
    def answer(raw):
        data = b""
        while b"\r\n\r\n" not in data:
            part = raw.recv(65536)
            if not part:
                raise ConnectionError("closed before an answer")
            data += part
        head, _, body = data.partition(b"\r\n\r\n")
        length = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        while len(body) < length:
            body += raw.recv(65536)
        return int(head.split()[1]), body.decode()

    @staticmethod
    def gone(pid):
        """Whether a process has ended; one that nobody has reaped yet counts as ended."""
        try:
            return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
        except psutil.NoSuchProcess:
            return True

    def wait_until_gone(self, *pids, seconds=5.0):
        until = time.monotonic() + seconds
        while not all(self.gone(pid) for pid in pids):
            assert time.monotonic() < until, "a worker outlived the process in front"
            time.sleep(0.01)

    def workers(self):
        """The processes of the workers that live now, by slot."""
        alive = {each.pid for each in psutil.Process(self.pid).children()}
        started = {event["slot"]: event["pid"] for event in self.events("worker_started")}
        return {slot: pid for slot, pid in started.items() if pid in alive}

    def stop(self, number=signal.SIGTERM, seconds=20.0):
        self.process.send_signal(number)
        return self.process.wait(seconds)


@pytest.fixture
def front(tmp_path):
    """Start a process in front; `front(workers=2, load_seconds=0.1)`."""
    started = []

    def start(**given):
        server = Front(tmp_path / f"log-{len(started)}", **given)
        started.append(server)
        return server

    yield start
    for server in started:
        pids = [event["pid"] for event in server.events("worker_started")]
        if server.process.poll() is None:
            server.process.kill()
            server.process.wait()
        server.wait_until_gone(*pids)
