"""Waiting for the emulator's lock without standing in the way of its end.

Whoever stops or resets the emulator may hold `services.lock` and wait for hosting's threads; a
thread of hosting that waited for the lock without an end would never let it.
"""

import threading
from collections.abc import Generator
from contextlib import contextmanager

_STEP_SECONDS = 0.1


class Stopped(Exception):  # noqa: N818 - not a fault
    """The work was given up because the emulator stops or is reset."""


@contextmanager
def locked(lock: "threading.RLock", stopping: threading.Event) -> Generator[None]:
    """Hold the lock within this block.

    Raises:
        Stopped: `stopping` was set before the lock was free.
    """
    while not lock.acquire(timeout=_STEP_SECONDS):
        if stopping.is_set():
            raise Stopped
    try:
        yield
    finally:
        lock.release()
