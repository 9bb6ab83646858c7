"""Processes that a dead engine has left: providers, language hosts and what they started.

Takes this machine's processes, gives those without an engine, and stops them. It must not touch a
process of another user, of another backend, or of an engine that lives.
"""

import contextlib
import os
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import psutil

from modelway.engine.backend import FileBackend
from modelway.errors import EngineError

STOP_SECONDS = 5.0
"""How long a process may take to end after SIGTERM; the engine gives its plugins as long."""

_PLUGIN = re.compile(
    r"pulumi-(resource|language|analyzer)-[\w.-]+|pulumi\.dynamic|modelway\.engine\.hosts\.\w+"
)
_ADDRESS = re.compile(r"127\.0\.0\.1:(\d+)")


@dataclass(frozen=True)
class Orphan:
    """A plugin whose engine is gone."""

    pid: int
    started: float
    """Seconds since the epoch; together with the pid it names one process."""
    name: str
    """What it is, for example `pulumi-resource-pulumi-python`."""
    project: str | None
    """The project that it served, where the process tells."""


def find_orphans(backend: FileBackend, project: str | None = None) -> tuple[Orphan, ...]:
    """Find the plugins that no engine serves any more.

    The proof: the engine gives each plugin its own address as the last argument, and listens there
    as long as it lives; a plugin none of whose ancestors listens there has lost its engine.

    Args:
        backend: only plugins that were started for this backend.
        project: only plugins of this project, and those that do not tell theirs.
    """
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error):
            orphan = _as_orphan(process, backend, project)
            if orphan is not None:
                found.append(orphan)
    return tuple(found)


def stop_orphans(orphans: Iterable[Orphan]) -> tuple[Orphan, ...]:
    """Stop orphans and the processes that they started: SIGTERM, then SIGKILL.

    Returns:
        Those that were still there.

    Raises:
        EngineError: a process does not even end on SIGKILL.
    """
    stopped = []
    processes: list[psutil.Process] = []
    for orphan in orphans:
        with contextlib.suppress(psutil.NoSuchProcess):
            process = psutil.Process(orphan.pid)
            if process.create_time() == orphan.started:
                processes += [process, *process.children(recursive=True)]
                stopped.append(orphan)
    for process in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, left = psutil.wait_procs(processes, STOP_SECONDS)
    for process in left:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    _, left = psutil.wait_procs(left, STOP_SECONDS)
    if left:
        pids = ", ".join(str(process.pid) for process in left)
        raise EngineError(
            f"stopping the processes that an engine left: {pids} did not end on SIGKILL; they wait "
            "for the kernel (a hung disk or network mount), run this again later"
        )
    return tuple(stopped)


def _as_orphan(process: psutil.Process, backend: FileBackend, project: str | None) -> Orphan | None:
    """Describe a process if it is an orphan of this backend, else give None."""
    if process.uids().real != os.getuid():
        return None
    line = process.cmdline()
    names = [match[0] for part in line if (match := _PLUGIN.fullmatch(Path(part).name))]
    address = _ADDRESS.fullmatch(line[-1]) if line else None
    if not names or address is None:
        return None
    environment = process.environ()
    theirs = environment.get("PULUMI_PROJECT")
    if not _serves(environment.get("PULUMI_BACKEND_URL"), backend, theirs, project):
        return None
    port = int(address[1])
    if any(_listens(ancestor, port) for ancestor in process.parents()):
        return None
    return Orphan(process.pid, process.create_time(), names[0], theirs)


def _serves(url: str | None, backend: FileBackend, theirs: str | None, project: str | None) -> bool:
    """Say whether a plugin with this backend URL and project worked for ours."""
    if project is not None and theirs is not None and theirs != project:
        return False
    if url is None:  # the user logged in with `pulumi login`; then only the project can tell
        return theirs is not None and theirs == project
    try:
        return FileBackend.from_url(url) == backend
    except EngineError:
        return False


def _listens(process: psutil.Process, port: int) -> bool:
    """Say whether a process listens on a port; one that we may not ask is not our engine."""
    try:
        connections = process.net_connections("tcp")
    except psutil.Error:
        return False
    return any(
        connection.status == psutil.CONN_LISTEN and connection.laddr.port == port
        for connection in connections
    )
