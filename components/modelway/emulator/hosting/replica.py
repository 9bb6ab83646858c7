"""One instance of a variant: a container that is started, watched, restarted and stopped.

Takes a way to launch it, gives a state and a connection pool. A thread of its own pings /ping about
once a second, as SageMaker does, and starts the container again when it has ended. Must not know
of fleets, traffic or endpoints.
"""

import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Sequence
from enum import StrEnum

import urllib3

from modelway.emulator.hosting import timing
from modelway.emulator.hosting.launch import LogSink, Running
from modelway.errors import ModelwayError

TAIL_LINES = 40
"""Last log lines kept for `modelway emulator status`."""

_POOL_CONNECTIONS = 64
"""Idle connections kept to one container; more requests at once open more for their own use."""


class State(StrEnum):
    """What a replica is doing."""

    STARTING = "starting"
    HEALTHY = "healthy"
    UNHEALTHY = "unhealthy"
    STOPPED = "stopped"


class Replica:
    """One instance of a variant.

    Args:
        launch: starts the container, given where its log lines go.
        log: takes the container's log lines, with the instance's id.
        changed: called after every change of `state` or `exits`, from the replica's own thread.
        startup_seconds: real time for the first passed health check of a container that is started
            again; then it is replaced. Default: SageMaker's own.
        exited: called after every end of a container that nobody asked for, from the same thread.
            Default: nobody is told.
    """

    def __init__(
        self,
        launch: Callable[["Replica", LogSink], Running],
        log: Callable[[str, Sequence[str]], None],
        changed: Callable[[], None],
        startup_seconds: float = timing.STARTUP_SECONDS,
        exited: Callable[["Replica"], None] = lambda _: None,
    ) -> None:
        # Not `random`: the emulator seeds that one to make moto's ids reproducible.
        self.instance_id = f"i-{uuid.uuid4().hex[:17]}"
        self.state = State.STARTING
        self.exits = 0
        """How often the container ended since it was last healthy."""
        self.restarts = 0
        """How often it was started again."""
        self.tail: deque[str] = deque(maxlen=TAIL_LINES)
        self.pool: urllib3.HTTPConnectionPool | None = None
        """Connections to the container that runs now."""
        self.running: Running | None = None
        self.last_exit_status: int | None = None
        self.ever_healthy = False
        self._launch, self._log, self._changed = launch, log, changed
        self._startup_seconds = startup_seconds
        self._exited = exited
        self._stopping = threading.Event()
        self._flight = threading.Condition()
        self._in_flight = 0
        self._suspect = threading.Event()
        self._thread = threading.Thread(target=self._watch, name=self.instance_id, daemon=True)

    def start(self) -> None:
        """Start the container; returns at once."""
        self._thread.start()

    @property
    def in_flight(self) -> int:
        """Requests that were taken and not released."""
        return self._in_flight

    def take(self) -> None:
        """Count one more request."""
        with self._flight:
            self._in_flight += 1

    def release(self) -> None:
        """Count one request less."""
        with self._flight:
            self._in_flight -= 1
            self._flight.notify_all()

    def suspect(self) -> None:
        """Say that a connection failed: out of routing until the next passed health check."""
        if self.state is State.HEALTHY:
            self._become(State.UNHEALTHY)
        self._suspect.set()

    def drain(self, seconds: float, hurry: threading.Event) -> None:
        """Wait until no request is in flight; nothing may route to this replica any more.

        Args:
            seconds: longest real time to wait.
            hurry: ends the wait when it is set.
        """
        deadline = time.monotonic() + seconds
        with self._flight:
            while self._in_flight and time.monotonic() < deadline and not hurry.is_set():
                self._flight.wait(0.2)

    def stop(self) -> None:
        """Send SIGTERM, then SIGKILL 30 s later; returns when nothing is left."""
        self._stopping.set()
        self._suspect.set()
        if self._thread.ident is not None:
            self._thread.join()
        self._become(State.STOPPED)

    def _watch(self) -> None:
        while not self._stopping.is_set():
            try:
                running = self._launch(self, self._lines)
            except (ModelwayError, OSError) as error:
                self._lines([f"the container could not be started: {error}"])
            else:
                self._attend(running)
            if self._stopping.is_set():
                return
            self.exits += 1
            self._exited(self)
            self._changed()
            pauses = timing.RESTART_PAUSES_SECONDS
            self._stopping.wait(pauses[min(self.exits - 1, len(pauses) - 1)])
            self.restarts += 1

    def _attend(self, running: Running) -> None:
        """Ping one container until it has ended or is to end."""
        self.running = running
        pool = urllib3.HTTPConnectionPool(
            "127.0.0.1", running.port, maxsize=_POOL_CONNECTIONS, retries=False
        )
        self.pool = pool
        failed = 0
        healthy_once = False
        deadline = time.monotonic() + self._startup_seconds
        try:
            while running.exit_status() is None and not self._stopping.is_set():
                # The second look: another process may answer on a port that this one lost to it.
                if _ping(pool) and running.exit_status() is None:
                    failed, self.exits, healthy_once = 0, 0, True
                    self.ever_healthy = True
                    self._become(State.HEALTHY)
                elif healthy_once:
                    failed += 1
                    if failed >= timing.PINGS_BEFORE_UNHEALTHY:
                        self._become(State.UNHEALTHY)
                    if failed >= timing.PINGS_BEFORE_RESTART:
                        return
                elif time.monotonic() > deadline:
                    return
                self._pause(timing.PING_INTERVAL_SECONDS if healthy_once else None)
        finally:
            if not self._stopping.is_set():
                self._become(State.UNHEALTHY if self.ever_healthy else State.STARTING)
            self._end(running)
            pool.close()

    def _pause(self, seconds: float | None) -> None:
        """Wait until the next health check; a failed connection brings it forward."""
        if self._suspect.wait(timing.FIRST_PINGS_SECONDS if seconds is None else seconds):
            self._suspect.clear()
            if not self._stopping.is_set():
                time.sleep(timing.FIRST_PINGS_SECONDS)

    def _end(self, running: Running) -> None:
        if running.exit_status() is None:
            running.terminate()
            if not running.wait(timing.STOP_SECONDS):
                running.kill()
        running.wait(timing.STOP_SECONDS)
        self.last_exit_status = running.exit_status()
        if not self._stopping.is_set():
            self._lines([f"the container ended with exit status {self.last_exit_status}"])

    def _become(self, state: State) -> None:
        if self.state is not state:
            self.state = state
            self._changed()

    def _lines(self, lines: Sequence[str]) -> None:
        self.tail.extend(lines)
        self._log(self.instance_id, lines)


def _ping(pool: urllib3.HTTPConnectionPool) -> bool:
    try:
        answer = pool.request(
            "GET",
            "/ping",
            timeout=urllib3.Timeout(timing.PING_TIMEOUT_SECONDS),
        )
    except (urllib3.exceptions.HTTPError, OSError):
        return False
    return answer.status == 200  # noqa: PLR2004 - HTTP's OK
