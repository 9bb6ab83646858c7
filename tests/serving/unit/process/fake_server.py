"""The process in front with workers that load nothing; started by the tests as a program.

Takes one argument, a JSON object: settings of the front, and what the workers do.
"""

import asyncio
import json
import os
import signal
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from model_server.log import Log
from model_server.process import parent
from model_server.process.supervisor import supervise
from model_server.settings.process import ProcessSettings

GIVEN = json.loads(sys.argv[1])


def given(name, default):
    return GIVEN.get(name, default)


class Connection(asyncio.Protocol):
    def __init__(self, worker):
        self.worker = worker
        self.task = None

    def connection_made(self, transport):
        self.transport = transport
        self.worker.connections.add(self)

    def connection_lost(self, _):
        self.worker.connections.discard(self)

    def data_received(self, data):
        path = data.split(b" ", 2)[1].decode()
        if path.startswith("/sleep/"):
            self.worker.busy += 1
            seconds = float(path.removeprefix("/sleep/"))
            asyncio.get_running_loop().call_later(seconds, self.finish)
        elif path == "/block":
            time.sleep(3600)
        elif path == "/orphan":
            self.answer(str(make_orphan()))
        elif path == "/counts":
            counts = self.worker.sockets.connections
            self.answer(f"{counts.get(0)} {counts.get(1)}")
        else:
            self.answer(str(os.getpid()))

    def finish(self):
        self.worker.busy -= 1
        self.answer("slept")

    def answer(self, text):
        status = b"200 OK" if self.worker.state == "ready" else b"503 Service Unavailable"
        text = (text if self.worker.state == "ready" else self.worker.state).encode()
        self.transport.write(
            b"HTTP/1.1 %s\r\ncontent-length: %d\r\n\r\n%s" % (status, len(text), text)
        )


def make_orphan():
    """Leave a process whose parent is gone; it ends a moment later."""
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        grandchild = os.fork()
        if grandchild == 0:
            time.sleep(0.2)
            os._exit(0)
        os.write(write, str(grandchild).encode())
        os._exit(0)
    os.waitpid(child, 0)
    number = int(os.read(read, 20))
    os.close(read)
    os.close(write)
    return number


class Worker:
    def __init__(self, sockets, channel, slot):
        self.sockets, self.channel, self.slot = sockets, channel, slot
        self.connections = set()
        self.busy = 0
        self.state = "loading"
        self.stop = asyncio.Event()

    def told(self):
        if given("ignore_signals", False):
            return
        self.state = "ready" if self.state == "ready" else "stopping"
        self.stop.set()

    async def live(self):
        from model_server.process.acceptor import Acceptor

        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self.told)
        loop.add_signal_handler(signal.SIGHUP, self.note, "hup")
        self.channel.open()
        acceptor = Acceptor(
            self.sockets.http,
            lambda: Connection(self),
            self.sockets.connections,
            self.slot,
            count=lambda: len(self.connections),
        )
        if self.channel.terms.answers_while_loading:
            await acceptor.start()
        if self.channel.terms.failure is not None:
            return await self.unusable(self.channel.terms.failure)
        loading = asyncio.create_task(self.load(acceptor))
        await self.stop.wait()
        loading.cancel()
        if isinstance(self.stop_status, int):
            return self.stop_status
        return await self.drain(acceptor)

    stop_status = None

    async def load(self, acceptor):
        await asyncio.sleep(given("load_seconds", 0.0))
        if self.unusable_now():
            self.channel.failed("the file is broken")
            if self.channel.terms.answers_while_loading:
                self.stop_status = await self.unusable("the file is broken")
            else:
                self.stop_status = 3
            self.stop.set()
            return
        if self.channel.plan is None:
            from model_server.process.plan import Measured

            fields = {"cpus": 2, "threads": 1, "run_seconds": 1e-5, "model_bytes": 1000}
            await self.channel.measured(Measured(**{**fields, **given("measured", {})}))
        self.state = "ready"
        if not self.channel.terms.answers_while_loading:
            await acceptor.start()
        if self.channel.plan.workers > 1:
            acceptor.share()
        self.channel.ready()

    def unusable_now(self):
        path = given("unusable_file", None)
        return path is not None and Path(path).exists()

    async def unusable(self, reason):
        self.state = f"failed: {reason}"
        await asyncio.sleep(given("failure_seconds", 0.3))
        return 3

    async def drain(self, acceptor):
        end = time.monotonic() + given("worker_drain_seconds", given("drain_seconds", 5.0))
        await asyncio.sleep(given("linger_seconds", 0.05))
        await acceptor.finish()
        await asyncio.sleep(given("answering_seconds", 0.0))
        while self.busy and time.monotonic() < end:  # noqa: ASYNC110  # as simple as can be
            await asyncio.sleep(0.01)
        self.channel.stopped(self.busy)
        return given("stop_status", 1 if self.busy else 0)

    def note(self, text):
        with Path(given("notes", "/dev/null")).open("a") as file:
            file.write(f"{text} {self.slot}\n")


def run_worker(sockets, channel, slot):
    crash = given("crash", None)
    if crash is not None and (channel.terms.failure is None or crash == "always"):
        time.sleep(given("crash_after", 0.0))
        if crash == "raise":
            raise RuntimeError("a fault of the worker")
        if crash == "hang":
            time.sleep(3600)
        if isinstance(crash, int):
            return crash
        os.kill(os.getpid(), signal.SIGKILL)

    async def live():
        return await Worker(sockets, channel, slot).live()

    if given("uvloop", False):
        import uvloop

        return uvloop.run(live())
    return asyncio.run(live())


def main():
    before = set(sys.modules)
    assert not before & {"numpy", "onnxruntime", "uvloop"}
    if given("subreaper", False):  # as process 1 of a container is for all
        import ctypes

        ctypes.CDLL(None).prctl(36, 1, 0, 0, 0)
    if given("silent_kernel", False):  # as one that knows no prctl
        parent.PR_SET_PDEATHSIG = 0
    settings = SimpleNamespace(
        host="127.0.0.1",
        port=given("port", 0),
        drain_seconds=given("drain_seconds", 5.0),
        threads=given("threads", None),
        process=ProcessSettings(
            workers=given("workers", None),
            worker_timeout_seconds=given("worker_timeout_seconds", 30.0),
        ),
    )
    log = Log()
    deaths = given("deaths", None)

    def on_death(slot):
        if deaths is not None:
            with Path(deaths).open("a") as file:
                file.write(f"{slot}\n")

    os._exit(supervise(settings, log, run_worker, on_death=on_death))


if __name__ == "__main__":
    main()
