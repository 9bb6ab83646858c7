"""The lock of a stack: who holds it, and whether the holder is provably dead.

Takes the lock files of a file backend and this machine's processes, gives `StackLock` and
`Holder`. It must never call a holder dead without proof: two engines on one stack lose state.
"""

import contextlib
import getpass
import json
import os
import socket
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path

import psutil

from modelway.errors import StackLocked

CLOCK_SLACK_SECONDS = 2.0
"""How far a process's start time may be off: the kernel gives the boot time in whole seconds."""


class Holder(StrEnum):
    """What is known of the process that took a lock."""

    ALIVE = "alive"
    DEAD = "dead"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class StackLock:
    """One lock file."""

    file: Path
    """Where it lies."""
    stack: str
    """`organization/project/stack`."""
    pid: int
    """The engine's process id on its own machine; 0 when the file cannot be read."""
    username: str
    """Who ran the engine."""
    hostname: str
    """Where it ran."""
    since: datetime | None
    """When it took the lock; None when the file cannot be read."""

    def __str__(self) -> str:
        """Name the holder as the engine's own message does."""
        since = "an unknown time" if self.since is None else self.since.isoformat(" ", "seconds")
        return f"{self.username}@{self.hostname} (pid {self.pid}) since {since}"


@dataclass(frozen=True)
class Verdict:
    """Whether a lock's holder lives, and what shows it."""

    holder: Holder
    evidence: str
    """A clause for people, for example `no process 4711 on this machine`."""


def read_lock(file: Path, stack: str) -> StackLock:
    """Read one lock file; one that is not the engine's JSON gives a lock of unknown holder."""
    try:
        content = json.loads(file.read_bytes())
        since = datetime.fromisoformat(content["timestamp"])
        return StackLock(
            file,
            stack,
            int(content["pid"]),
            str(content["username"]),
            str(content["hostname"]),
            since if since.tzinfo else since.replace(tzinfo=UTC),
        )
    except (ValueError, KeyError, TypeError):
        return StackLock(file, stack, 0, "unknown", "unknown", None)


def read_locks(directory: Path, stack: str) -> tuple[StackLock, ...]:
    """Read all locks of a stack; normally none or one."""
    locks = []
    for file in sorted(directory.glob("*.json")):
        with contextlib.suppress(FileNotFoundError):  # released meanwhile
            locks.append(read_lock(file, stack))
    return tuple(locks)


def examine(lock: StackLock) -> Verdict:
    """Find out whether the process that took a lock is still the one with its process id."""
    if lock.since is None:
        return Verdict(Holder.UNKNOWN, "the lock file cannot be read")
    if lock.hostname != socket.gethostname():
        return Verdict(Holder.UNKNOWN, f"its holder ran on another machine, {lock.hostname}")
    try:
        process = psutil.Process(lock.pid)
        started = process.create_time()
        if process.status() == psutil.STATUS_ZOMBIE:
            return Verdict(Holder.DEAD, f"process {lock.pid} has ended and was not yet collected")
    except psutil.NoSuchProcess:
        return Verdict(Holder.DEAD, f"no process {lock.pid} on this machine")
    if started > lock.since.timestamp() + CLOCK_SLACK_SECONDS:
        when = datetime.fromtimestamp(started, UTC).isoformat(" ", "seconds")
        return Verdict(
            Holder.DEAD,
            f"process {lock.pid} is another one, started at {when}, after the lock was taken",
        )
    return Verdict(Holder.ALIVE, f"process {lock.pid} is running")


def refusal(lock: StackLock, verdict: Verdict) -> StackLocked:
    """Word why a lock is left alone, and what to do."""
    if verdict.holder is Holder.ALIVE:
        advice = "wait until it has ended, or stop it with SIGTERM"
    elif lock.since is None:
        advice = "if no engine works on this stack, run `pulumi cancel`"
    else:
        advice = (
            f"run this on {lock.hostname}, or, if that machine is gone and nothing works on the "
            "stack, run `pulumi cancel`"
        )
    return StackLocked(
        f"repairing stack {lock.stack!r}: it is locked by {lock}, and {verdict.evidence}; {advice}"
    )


@contextlib.contextmanager
def held(directory: Path, stack: str) -> Iterator[tuple[StackLock, ...]]:
    """Hold a stack's lock beside the locks of dead engines, which keep other engines away.

    Takes the lock as the engine does: look, write, look again.

    Args:
        directory: the stack's lock directory.
        stack: `organization/project/stack`.

    Yields:
        The locks of dead engines.

    Raises:
        StackLocked: somebody else holds it, or may hold it.
    """

    def others() -> tuple[StackLock, ...]:
        locks = tuple(lock for lock in read_locks(directory, stack) if lock.file != own)
        for lock in locks:
            verdict = examine(lock)
            if verdict.holder is not Holder.DEAD:
                raise refusal(lock, verdict)
        return locks

    own = directory / f"{uuid.uuid4()}.json"
    others()
    content = {
        "pid": os.getpid(),
        "username": getpass.getuser(),
        "hostname": socket.gethostname(),
        "timestamp": datetime.now(UTC).isoformat(),
    }
    directory.mkdir(parents=True, exist_ok=True)
    # Not by way of a temporary file: whatever lies in this directory is a lock to the engine.
    own.write_text(json.dumps(content), encoding="utf-8")
    try:
        yield others()
    finally:
        own.unlink(missing_ok=True)
