"""The process in front: it listens, forks the workers, and replaces those that die.

Takes `Settings` and the function that a worker is, gives the server's exit status:

- 0: told to stop, and every accepted request was answered
- 1: told to stop, and a worker did not answer everything, or had to be killed
- 3: the model cannot be loaded
- 4: an address cannot be listened on

It never accepts, never sees a request, and imports neither onnxruntime nor numpy nor an event
loop: what does nothing does not fail, so the address is listened on as long as the server lives.
It must stay single-threaded, because a fork copies one thread only and `die_with` is about the
thread that forked.
"""

import os
import select
import signal
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import asdict
from itertools import chain

from model_server.log import Log
from model_server.process.connections import OpenConnections
from model_server.process.forking import RunWorker, fork_worker
from model_server.process.listening import Address, AddressTaken, Sockets, listen
from model_server.process.messages import Ended, Message
from model_server.process.plan import Measured, Plan, Terms, plan_processes
from model_server.process.signals import SignalPipe, name_of
from model_server.process.slot import Slot
from model_server.process.status import FATAL, Status
from model_server.process.watchdog import TURNS, LastWords
from model_server.settings import Settings
from model_server.settings.process import MAX_WORKERS

FIRST_LOADS = 3
"""Workers that may die while the first load is under way, as of too little memory. Then the model
counts as unusable; a model that has served is tried for ever."""

GRACE_SECONDS = 1.0
"""Beyond the drain time until a worker that is still there is killed. With the default of 25 s this
is before SageMaker kills all, 30 s after SIGTERM."""

UNKNOWN_FAILURE = "the model could not be loaded"


def supervise(
    settings: Settings,
    log: Log,
    run_worker: RunWorker,
    *,
    on_death: Callable[[int], None] | None = None,
    addresses: Sequence[Address] = (),
) -> int:
    """Listen, and have workers serve until told to stop.

    Args:
        settings: host, port, drain time, and how many processes and threads.
        log: gets all events of processes.
        run_worker: called in each worker with the sockets, its channel and its slot; what it
            returns is the worker's exit status.
        on_death: called in this process with the slot of a worker that died, before it is filled
            again.
        addresses: to listen on beside the one of ``settings``.

    Returns:
        The server's exit status.
    """
    http = Address("http", settings.host, settings.port, "SAGEMAKER_BIND_TO_PORT")
    try:
        listener, *others = [listen(address) for address in (http, *addresses)]
    except AddressTaken as error:
        address = error.address
        log.error(
            "not_listening",
            host=address.host,
            port=address.port,
            reason=error.reason,
            hint=f"choose another port with {address.variable}",
        )
        return Status.ADDRESS_TAKEN
    log.info("listening", host=settings.host, port=listener.getsockname()[1])
    named = {address.name: other for address, other in zip(addresses, others, strict=True)}
    sockets = Sockets(listener, named, OpenConnections(MAX_WORKERS))
    return _Supervisor(settings, log, sockets, run_worker, on_death).run()


class _Supervisor:
    """Everything between listening sockets and an exit status."""

    def __init__(
        self,
        settings: Settings,
        log: Log,
        sockets: Sockets,
        run_worker: RunWorker,
        on_death: Callable[[int], None] | None,
    ) -> None:
        self._settings = settings
        self._log = log
        self._sockets = sockets
        self._run_worker = run_worker
        self._on_death = on_death
        self._poll = select.poll()
        self._signals = SignalPipe()
        self._slots: list[Slot] = [Slot(0)]
        self._plan: Plan | None = None
        self._served = False
        """Whether a worker was ever ready."""
        self._first_deaths = 0
        self._failure: str | None = None
        """Why the next worker shall only say that the model cannot be served."""
        self._status: int = Status.CLEAN
        self._stopping: float | None = None
        """When it was told to stop; None: it was not."""
        self._turn_seconds = settings.process.worker_timeout_seconds / TURNS
        self._turn: float | None = time.monotonic() if self._turn_seconds else None
        """When workers are asked next whether they are alive; None: they are not."""
        self._late = False
        """The time to stop is over, and what was left was killed."""
        self._lost = 0
        self._died_stopping = 0

    def run(self) -> int:
        """Live, and give the exit status."""
        self._poll.register(self._signals, select.POLLIN)
        self._signals.catch()
        self._slots[0].due = time.monotonic()
        while True:
            now = time.monotonic()
            for slot in self._slots:
                if slot.due is not None and slot.due <= now:
                    self._start(slot)
            if self._stopping is None:
                self._watch(now)
            elif any(slot.alive for slot in self._slots):
                self._kill_the_late(now)
            else:
                break
            for descriptor, _ in self._poll.poll(self._milliseconds()):
                if descriptor == self._signals.fileno():
                    self._read_signals()
                else:
                    self._read_messages(descriptor)
            self._reap()
        self._sockets.close()
        if self._stopping is not None and self._status <= Status.REQUESTS_LOST:
            self._say_stopped(time.monotonic() - self._stopping)
        return int(self._status)

    def _read_signals(self) -> None:
        numbers = self._signals.take()
        for number in (signal.SIGTERM, signal.SIGINT):
            if number in numbers and self._stopping is None:
                self._log.info("stopping", signal=signal.Signals(number).name)
                self._stop(number)
        if signal.SIGHUP in numbers and self._stopping is None:
            self._tell_all(signal.SIGHUP)

    def _stop(self, number: int) -> None:
        self._stopping = time.monotonic()
        # From here on the workers alone hold the sockets. The last of them to close accepts what
        # waits and closes at once, so no caller is left in a queue that nobody reads.
        self._sockets.close()
        for slot in self._slots:
            slot.due = None
        self._tell_all(number)

    def _tell_all(self, number: int) -> None:
        for slot in self._slots:
            if slot.pid is not None:
                # Not reaped yet, so the number is still this worker's and no other process'.
                os.kill(slot.pid, number)

    def _kill_the_late(self, now: float) -> None:
        if self._late or now < self._end():
            return
        self._late = True
        for slot in self._slots:
            if slot.pid is not None:
                self._log.error("worker_killed", slot=slot.number, pid=slot.pid)
        self._tell_all(signal.SIGKILL)

    def _end(self) -> float:
        return (self._stopping or 0.0) + self._settings.drain_seconds + GRACE_SECONDS

    def _watch(self, now: float) -> None:
        """Ask workers that serve whether they are alive, and end one that never answers."""
        if self._turn is None or now < self._turn:
            return
        # Not from the last turn on: where all stood still, the turns that were missed do not count.
        self._turn = now + self._turn_seconds
        for slot in self._slots:
            if slot.pid is None or slot.pipe is None or not slot.ready:
                continue
            self._read_slot(slot)  # an answer that nobody has read yet counts
            if slot.watchdog.turn():
                self._log.error("worker_hangs", slot=slot.number, pid=slot.pid)
                os.kill(slot.pid, slot.watchdog.signal)
            else:
                slot.pipe.send({"kind": "ask"})

    def _milliseconds(self) -> int | None:
        """Give the time until something is due; None: nothing is."""
        times = [slot.due for slot in self._slots if slot.due is not None]
        if self._stopping is not None and not self._late:
            times.append(self._end())
        if self._turn is not None and self._stopping is None:
            times.append(self._turn)
        if not times:
            return None
        return max(0, int((min(times) - time.monotonic()) * 1000) + 1)

    def _start(self, slot: Slot) -> None:
        now = time.monotonic()
        # Where nothing has served yet, callers shall hear why; where one has, they wait.
        answers = not self._served or self._failure is not None
        theirs = [other.descriptors for other in self._slots]
        last_words = LastWords()
        try:
            pid, pipe = fork_worker(
                self._run_worker,
                self._sockets,
                slot.number,
                self._log,
                terms=Terms(self._plan, answers, self._failure),
                close=[*chain.from_iterable(theirs), *self._signals.descriptors],
                last_words=last_words,
            )
        except OSError as error:
            last_words.close()
            delay = slot.restart(now)
            self._log.error(
                "worker_not_started",
                slot=slot.number,
                reason=error.strerror,
                restart_seconds=round(delay, 3),
            )
            return
        slot.filled(pid, pipe, now, answers_while_loading=answers, last_words=last_words)
        self._poll.register(pipe.fileno(), select.POLLIN)
        self._log.info("worker_started", slot=slot.number, pid=pid)

    def _read_messages(self, descriptor: int) -> None:
        for slot in self._slots:
            if slot.pipe is not None and slot.pipe.fileno() == descriptor:
                self._read_slot(slot)
                return

    def _read_slot(self, slot: Slot) -> None:
        if slot.pipe is None:
            return
        try:
            messages = slot.pipe.receive()
        except Ended:
            with suppress(KeyError):
                self._poll.unregister(slot.pipe.fileno())
            return
        for message in messages:
            self._heed(slot, message)

    def _heed(self, slot: Slot, message: Message) -> None:
        kind = message["kind"]
        if kind == "measured":
            fields = {name: value for name, value in message.items() if name != "kind"}
            self._tell_plan(slot, Measured(**fields))
        elif kind == "ready":
            self._is_ready(slot)
        elif kind == "alive":
            slot.watchdog.answered()
        elif kind == "failed":
            slot.failure = message["reason"]
        elif kind == "stopped":
            slot.lost = message["requests_lost"]

    def _tell_plan(self, slot: Slot, measured: Measured) -> None:
        if self._plan is None:
            chosen = self._settings.process.workers
            self._plan = plan = plan_processes(measured, chosen, self._settings.threads)
            seconds = measured.run_seconds
            fields: dict[str, object] = {
                "workers": plan.workers,
                "threads": plan.threads,
                "reason": plan.reason,
                "cpus": measured.cpus,
                "row_ms": None if seconds is None else round(seconds * 1000, 3),
                "model_mib": _mib(measured.model_bytes),
                "worker_mib": _mib(measured.memory_bytes),
                "memory_limit_mib": _mib(measured.memory_limit_bytes),
            }
            if plan.warning is None:
                self._log.info("processes", **fields)
            else:
                self._log.warning("processes", **fields, warning=plan.warning)
        if slot.pipe is not None:
            slot.pipe.send({"kind": "plan", **asdict(self._plan)})

    def _is_ready(self, slot: Slot) -> None:
        now = time.monotonic()
        slot.ready = True
        fields: dict[str, object] = {"seconds": round(now - slot.started, 3)}
        if slot.died is not None:
            fields["down_seconds"] = round(now - slot.died, 3)
        self._log.info("worker_ready", slot=slot.number, pid=slot.pid, **fields)
        self._served = True
        self._failure = None
        # The others come after the first, so that it is not slowed down while nothing answers.
        wanted = 1 if self._plan is None else self._plan.workers
        for number in range(len(self._slots), wanted):
            other = Slot(number)
            other.due = None if self._stopping is not None else now
            self._slots.append(other)

    def _reap(self) -> None:
        """Take note of processes that ended, with those of others that process 1 inherits."""
        while True:
            try:
                pid, how = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            for slot in self._slots:
                if slot.pid == pid:
                    self._died(slot, os.waitstatus_to_exitcode(how))

    def _died(self, slot: Slot, code: int) -> None:
        now, pid = time.monotonic(), slot.pid
        self._read_slot(slot)  # its last words
        if slot.pipe is not None:
            with suppress(KeyError):
                self._poll.unregister(slot.pipe.fileno())
        self._sockets.connections.withdraw(slot.number)
        if self._on_death is not None:
            self._on_death(slot.number)
        told: dict[str, object] = {"slot": slot.number, "pid": pid}
        if slot.last_words is not None and (trace := slot.last_words.read()):
            told["trace"] = trace
        slot.emptied(now)
        if code < 0:
            told["signal"] = name_of(-code)
        else:
            told["status"] = code
        told["seconds"] = round(now - slot.started, 3)
        if self._stopping is not None:
            self._ended(slot, code, told)
        else:
            self._replace(slot, code, now, told)

    def _ended(self, slot: Slot, code: int, told: dict[str, object]) -> None:
        """A worker ended after all were told to."""
        self._lost += slot.lost
        if code == Status.CLEAN:
            return
        if code == Status.REQUESTS_LOST or (code in FATAL and not self._served):
            self._status = max(self._status, code)
            return
        self._died_stopping += 1
        self._status = max(self._status, Status.REQUESTS_LOST)
        self._log.error("worker_died", **told)

    def _replace(self, slot: Slot, code: int, now: float, told: dict[str, object]) -> None:
        """A worker ended that nobody had told to."""
        others = any(other.alive for other in self._slots)
        if code in FATAL and not others and (slot.answered_while_loading or not self._served):
            # Its log and /ping have told why.
            self._status = code
            self._stop(signal.SIGTERM)
            return
        if code == Status.MODEL_UNUSABLE and not others:
            self._failure = slot.failure or UNKNOWN_FAILURE
        elif not self._served:
            self._first_deaths += 1
            if self._first_deaths >= FIRST_LOADS:
                self._failure = f"{self._first_deaths} processes died while they loaded the model"
                self._log.error("model_unusable", reason=self._failure)
        delay = slot.restart(now)
        self._log.error("worker_died", **told, restart_seconds=round(delay, 3))

    def _say_stopped(self, seconds: float) -> None:
        fields: dict[str, object] = {
            "requests_lost": self._lost,
            "drain_seconds": round(seconds, 3),
        }
        if self._died_stopping:
            fields["workers_killed"] = self._died_stopping
        level = self._log.info if self._status == Status.CLEAN else self._log.error
        level("stopped", **fields)


def _mib(count: int | None) -> float | None:
    return None if count is None else round(count / 2**20, 1)
