"""Instances that start, answer and end at once, in place of containers with their threads.

Takes what the emulator's fleets ask of a replica; gives the same states without sockets and without
real time. A container answers as its image does: well, late or with errors.
"""

import contextlib
import itertools
import threading
from collections import deque
from types import SimpleNamespace
from typing import Self

from modelway.emulator.hosting import timing
from modelway.emulator.hosting.replica import State
from rollout_model.stepped import SteppedClock

ANSWER_SECONDS = 0.005
LATE_SECONDS = 0.5
RESTART_SECONDS = 8.0

_NUMBERS = itertools.count()


class ProcessTime:
    """What the emulator measures instead of real time."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def perf_counter(self) -> float:
        return self.seconds


class Images:
    """How each image's containers answer."""

    def __init__(self, time: ProcessTime) -> None:
        self.late: set[str] = set()
        self.failing: set[str] = set()
        self.time = time

    def answer(self, image: str) -> SimpleNamespace:
        self.time.seconds += LATE_SECONDS if image in self.late else ANSWER_SECONDS
        status = 500 if image in self.failing else 200
        return SimpleNamespace(status=status, headers={}, data=b"{}")


class Container:
    """One container; `ended` is told when somebody kills it."""

    pid = 1
    port = 1
    scratch = ()

    def __init__(self, image: str, images: Images) -> None:
        self._image, self._images = image, images
        self._status: int | None = None
        self.ended = lambda: None

    def request(self, *_call: object, **_options: object) -> SimpleNamespace:
        return self._images.answer(self._image)

    def exit_status(self) -> int | None:
        return self._status

    def kill(self) -> None:
        if self._status is None:
            self._status = -9
            self.ended()


class Launcher:
    """Starts containers."""

    def __init__(self, images: Images) -> None:
        self._images = images

    def start(self, order, _log) -> Container:
        return Container(order.image, self._images)

    def close(self) -> None:
        pass


class Condition:
    """Stands for a condition variable where only one piece of work runs at a time."""

    def __init__(self, clock: SteppedClock) -> None:
        self._clock = clock

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_error: object) -> None:
        pass

    def wait(self, _seconds: float) -> None:
        self._clock.sleep(1.0)

    def notify_all(self) -> None:
        pass


class OneByOne:
    """Stands for a pool of threads."""

    def __init__(self, *_size: int, **_options: str) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_error: object) -> None:
        pass

    def map(self, function, values):
        return [function(each) for each in values]


class InstantReplica:
    """Stands for a replica, without its thread."""

    def __init__(
        self, clock, launch, log, changed, startup_seconds=0.0, exited=lambda _: None
    ) -> None:
        self.instance_id = f"i-{next(_NUMBERS):017x}"
        self.state = State.STARTING
        self.exits = self.restarts = self.in_flight = 0
        self.tail: deque[str] = deque(maxlen=10)
        self.pool = self.running = self.last_exit_status = None
        self.ever_healthy = False
        self._clock = clock
        self._launch, self._changed, self._exited = launch, changed, exited

    def start(self) -> None:
        for _ in range(timing.EXITS_BEFORE_GIVING_UP):
            running = self._launch(self, self.tail.extend)
            self.running = self.pool = running
            if running.exit_status() is None:
                running.ended = self._crashed
                self.exits, self.ever_healthy = 0, True
                self._become(State.HEALTHY)
                return
            self._count_exit(running)
        self._clock.after(RESTART_SECONDS, self._again)

    def take(self) -> None:
        self.in_flight += 1

    def release(self) -> None:
        self.in_flight -= 1

    def suspect(self) -> None:
        pass

    def drain(self, _seconds, _hurry) -> None:
        assert self.in_flight == 0

    def stop(self) -> None:
        self._become(State.STOPPED)

    def _crashed(self) -> None:
        if self.state is State.STOPPED:
            return
        self._count_exit(self.running)
        self._become(State.UNHEALTHY)
        self._clock.after(RESTART_SECONDS, self._again)

    def _again(self) -> None:
        if self.state is not State.STOPPED:
            self.restarts += 1
            self.start()

    def _count_exit(self, running) -> None:
        self.exits += 1
        self.last_exit_status = running.exit_status()
        self._exited(self)

    def _become(self, state) -> None:
        if self.state is not state:
            self.state = state
            self._changed()


@contextlib.contextmanager
def locked(_lock, _stopping):
    """Stand for the emulator's lock: only one piece of work runs at a time."""
    yield


def threads(clock: SteppedClock) -> SimpleNamespace:
    """Give what a module of the emulator sees as `threading`."""
    return SimpleNamespace(Condition=lambda: Condition(clock), Event=threading.Event)
