"""Whether a worker still answers, and what its threads did when it no longer does.

Takes turns of the process in front and answers of a worker, gives whether it hangs. Must not look
at a clock: where the whole machine stood still for an hour, one turn has passed and not an hour.

A worker that hangs, as in a handler of the user's own that never ends, still holds its connections
and still takes its share of new ones, so nothing but its end helps. It is ended with SIGABRT first,
to which the interpreter answers with what every thread was doing; that goes into the log.
"""

import contextlib
import faulthandler
import os
import resource
import signal

TURNS = 5
"""Turns without an answer after which a worker hangs; one turn is a fifth of the time allowed."""

MAX_BYTES = 16 * 1024
"""Of what is kept of a worker's last words; a frame takes some 60 bytes."""


class Watchdog:
    """Watches one worker."""

    def __init__(self) -> None:
        self._unanswered = 0

    def answered(self) -> None:
        """The worker answered."""
        self._unanswered = 0

    def turn(self) -> bool:
        """Count one more question; True: the worker has left `TURNS` before it without answer."""
        self._unanswered += 1
        return self._unanswered > TURNS

    @property
    def signal(self) -> signal.Signals:
        """What ends a worker that hangs; where SIGABRT did not within a turn, the kernel does."""
        return signal.SIGKILL if self._unanswered > TURNS + 1 else signal.SIGABRT


class LastWords:
    """Where the interpreter of a worker writes what its threads do, when a signal ends it."""

    def __init__(self) -> None:
        # Memory, not a file: the container's file system may be read-only. Linux alone has it.
        make = getattr(os, "memfd_create", None)
        self._descriptor: int | None = make("last-words") if make is not None else None

    @property
    def descriptors(self) -> list[int]:
        """What it keeps open."""
        return [] if self._descriptor is None else [self._descriptor]

    def write_here(self) -> None:
        """Have this process' interpreter write into it from now on; in the worker.

        It leaves no core file: that would be all of the model and of what callers sent, on a disk
        that may be too small for it.
        """
        resource.setrlimit(resource.RLIMIT_CORE, (0, resource.getrlimit(resource.RLIMIT_CORE)[1]))
        if self._descriptor is not None:
            faulthandler.enable(self._descriptor, all_threads=True)

    def read(self) -> str:
        """Give what was written; empty where nothing was, or nothing could be."""
        if self._descriptor is None:
            return ""
        return os.pread(self._descriptor, MAX_BYTES, 0).decode(errors="replace").strip()

    def close(self) -> None:
        """Forget it."""
        if self._descriptor is not None:
            with contextlib.suppress(OSError):
                os.close(self._descriptor)
            self._descriptor = None
