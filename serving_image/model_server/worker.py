"""The life of one serving process: load, answer, drain.

Takes `Settings`, the sockets that listen and the line to the process in front, gives an exit
status (`process.status.Status`).

The model loads in a thread, so ``/ping`` answers from the first moment. SIGTERM and SIGINT turn
``/ping`` to 503 at once; requests are accepted until none has come for `QUIET_SECONDS` or the
linger time is over; then the socket closes and what is under way is finished. SIGHUP has the model
folder looked at again.
"""

import asyncio
import gc
import signal
import time
from typing import TYPE_CHECKING

from model_server.core.errors import ModelUnusable
from model_server.core.readiness import Readiness, State
from model_server.core.threads import usable_cpus
from model_server.log import Log
from model_server.process.acceptor import Acceptor
from model_server.process.channel import Channel
from model_server.process.listening import Sockets
from model_server.process.measuring import measure
from model_server.process.plan import Plan, first_threads
from model_server.process.status import Status
from model_server.settings import Settings

if TYPE_CHECKING:
    from model_server.assembly import Assembly
    from model_server.observe.scoreboard import Scoreboard

QUIET_SECONDS = 0.3

TICK_SECONDS = 0.5
"""How often time-outs of connections are looked at."""

GARBAGE_THRESHOLD = 20_000
"""Objects made before garbage is looked for. Requests leave no cycles, and looking among the young
ones every 700, as Python does by itself, costs some percent of a small request."""


class Worker:
    """Everything between listening sockets and an exit status."""

    def __init__(
        self,
        settings: Settings,
        log: Log,
        sockets: Sockets,
        channel: Channel,
        slot: int,
        scoreboard: "Scoreboard | None",
    ) -> None:
        self._settings = settings
        self._log = log
        self._sockets = sockets
        self._channel = channel
        self._slot = slot
        self._scoreboard = scoreboard
        self._readiness = Readiness()
        self._stop = asyncio.Event()
        self._failed = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def live(self) -> int:
        """Serve until told to stop, and give the exit status."""
        # Here, and not above: the process in front has imported this module too.
        from model_server.assembly import Assembly
        from model_server.rest.http1 import Connection

        channel = self._channel
        channel.open()
        plan = channel.plan
        threads = self._first_threads() if plan is None else plan.threads
        share = 1.0 if plan is None else 1.0 / plan.workers
        parts = Assembly(
            self._settings, self._log, self._readiness, threads, share, self._scoreboard, self._slot
        )
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._told_to_stop)
        loop.add_signal_handler(signal.SIGHUP, self._refresh, parts)
        app = parts.app
        acceptor = Acceptor(
            self._sockets.http,
            lambda: Connection(app),
            self._sockets.connections,
            self._slot,
            count=lambda: len(app.connections),
            tls=None if parts.tls is None else parts.tls.current,
        )
        parts.start()
        self._spawn(_tick(parts))
        grpc = self._spawn(self._start_grpc(parts))
        if channel.terms.answers_while_loading:
            await acceptor.start()
        self._spawn(self._load(parts, acceptor, grpc))
        await self._stop.wait()
        status = Status.MODEL_UNUSABLE if self._failed else await self._drain(parts, acceptor)
        for task in self._tasks:
            task.cancel()
        await parts.stop()
        return status

    def _first_threads(self) -> int:
        """Give the threads of the first run: the ones that the plan will most likely have."""
        try:
            files = list(self._settings.model_dir.glob("**/*.onnx*"))
            size = sum(path.stat().st_size for path in files)
        except OSError:
            size = 0
        settings = self._settings
        return first_threads(usable_cpus(), size, settings.process.workers, settings.threads)

    def _told_to_stop(self) -> None:
        if self._readiness.state is not State.DRAINING:
            self._readiness.drain()
            self._stop.set()

    async def _start_grpc(self, parts: "Assembly") -> None:
        try:
            await parts.start_grpc()
        except Exception as error:  # noqa: BLE001  # told as what keeps the server from serving
            self._log.error("grpc_unusable", reason=str(error))
            await self._cannot_serve(f"gRPC cannot be served: {error}")

    async def _load(
        self, parts: "Assembly", acceptor: Acceptor, grpc: "asyncio.Task[None]"
    ) -> None:
        channel = self._channel
        try:
            if channel.terms.failure is not None:
                raise ModelUnusable(channel.terms.failure)
            await parts.load()
            plan = channel.plan
            if plan is None:
                plan = await self._planned(parts)
            # Again: the plan may have another number of threads.
            await parts.settle(plan.threads, 1.0 / plan.workers)
        except ModelUnusable as error:
            await self._cannot_serve(error.message)
            return
        await grpc
        if self._failed:
            return
        # What lives now lives on: it is not looked at for garbage again.
        gc.collect()
        gc.freeze()
        gc.set_threshold(GARBAGE_THRESHOLD, 50, 50)
        if self._readiness.state is State.DRAINING:
            return
        if plan.workers > 1:
            acceptor.share()
        elif not channel.terms.answers_while_loading:
            await acceptor.start()
        self._readiness.loaded()
        channel.ready()
        seconds = self._settings.repository.watch_seconds
        while seconds:
            await asyncio.sleep(seconds)
            await self._look_again(parts)

    async def _planned(self, parts: "Assembly") -> Plan:
        models = parts.repository.models()
        model = models[0] if models else None
        alone = None
        if self._settings.repository.multi_model:
            alone = "models are loaded by request, and each process would have others"
        return await self._channel.measured(
            measure(
                run_seconds=None if model is None else model.row_seconds,
                threads=parts.threads,
                model_bytes=0 if model is None else model.size_bytes,
                alone=alone,
            )
        )

    async def _cannot_serve(self, reason: str) -> None:
        if self._readiness.state is not State.LOADING:
            return
        self._readiness.failed(reason)
        self._channel.failed(reason)
        self._failed = True
        if self._channel.terms.answers_while_loading:
            await asyncio.sleep(self._settings.failure_seconds)
        self._stop.set()

    def _refresh(self, parts: "Assembly") -> None:
        if self._readiness.state is State.READY:
            self._spawn(self._look_again(parts, retry=True))

    async def _look_again(self, parts: "Assembly", *, retry: bool = False) -> None:
        try:
            await parts.repository.refresh(retry=retry)
        except ModelUnusable as error:
            # The loader has said why; what was served before is served on.
            self._log.warning("not_refreshed", reason=error.message)

    async def _drain(self, parts: "Assembly", acceptor: Acceptor) -> Status:
        app = parts.app
        begun = time.monotonic()
        end = begun + self._settings.drain_seconds
        linger = min(self._settings.linger_seconds, self._settings.drain_seconds / 2)
        while time.monotonic() - begun < linger:
            quiet_since = max(parts.last_request, begun)
            if parts.in_flight == 0 and time.monotonic() - quiet_since >= QUIET_SECONDS:
                break
            await asyncio.sleep(0.02)
        await acceptor.finish()
        grpc = asyncio.create_task(parts.drain_grpc(end - time.monotonic()))
        app.close_idle(QUIET_SECONDS)
        while app.connections and time.monotonic() < end:
            await asyncio.sleep(0.01)
            app.close_idle(QUIET_SECONDS)
        lost = app.in_flight + await grpc
        self._channel.stopped(lost)
        return Status.REQUESTS_LOST if lost else Status.CLEAN

    def _spawn(self, coroutine: "asyncio._CoroutineLike[None]") -> "asyncio.Task[None]":
        task: asyncio.Task[None] = asyncio.get_running_loop().create_task(coroutine)
        self._tasks.add(task)  # a task that nobody holds may be collected while it runs
        task.add_done_callback(self._tasks.discard)
        return task


async def _tick(parts: "Assembly") -> None:
    while True:
        parts.app.tick()
        if parts.tls is not None:
            parts.tls.refresh()
        parts.observation.tick()
        await asyncio.sleep(TICK_SECONDS)
