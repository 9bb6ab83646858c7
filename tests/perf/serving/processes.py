"""A server's process tree: start it on one core, watch what it uses, end it.

Takes a command, gives CPU seconds and memory from ``/proc``. Every process that descends from the
command, or is of its session, is the server's. Linux only.
"""

import contextlib
import os
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

TICK_SECONDS = 1 / os.sysconf("SC_CLK_TCK")

START_SECONDS = 120.0
STOP_SECONDS = 20.0


class ServerFailedError(Exception):
    """A server did not start, or died."""


@dataclass(frozen=True)
class _Process:
    pid: int
    started: int
    """With the pid, it is nobody else's."""

    parent: int
    session: int
    ticks: int
    """User and system time of it and of the children that it has waited for."""


class Tree:
    """A running command and everything it started."""

    def __init__(
        self,
        command: list[str],
        environment: Mapping[str, str],
        folder: Path,
        core: int | None,
        cgroup: Path | None = None,
    ) -> None:
        """Start it.

        Args:
            command: what to run.
            environment: its whole environment.
            folder: where it runs, and where ``server.log`` goes.
            core: the only core it may use. Default: no limit.
            cgroup: a control group to run in.
        """
        if core is not None:
            command = ["taskset", "--cpu-list", str(core), *command]
        if cgroup is not None:
            # The shell's own pid stays the server's: exec.
            into = 'echo $$ > "$0" && exec "$@"'
            command = ["sh", "-c", into, str(cgroup / "cgroup.procs"), *command]
        self.log = folder / "server.log"
        self.started = time.perf_counter()
        with self.log.open("wb") as output:
            self._root = subprocess.Popen(
                command,
                env=dict(environment),
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._seen: dict[int, int] = {}

    def wait_ready(self, port: int, path: str) -> float:
        """Wait for a 200, and give the seconds since the start.

        Raises:
            ServerFailedError: it ended, or took longer than 120 s.
        """
        while time.perf_counter() - self.started < START_SECONDS:
            if self._root.poll() is not None:
                raise ServerFailedError(f"exit status {self._root.returncode}: {self.said()}")
            with contextlib.suppress(OSError, HTTPException):
                connection = HTTPConnection("127.0.0.1", port, timeout=5)
                try:
                    connection.request("GET", path)
                    if connection.getresponse().status == 200:
                        return time.perf_counter() - self.started
                finally:
                    connection.close()
            time.sleep(0.003)
        raise ServerFailedError(f"not ready after {START_SECONDS:.0f} s: {self.said()}")

    def said(self) -> str:
        """Give the end of its log."""
        return self.log.read_text(errors="replace")[-2000:]

    def cpu_seconds(self) -> float:
        """Give user plus system time of all its processes until now, in steps of 10 ms."""
        return sum(process.ticks for process in self._processes()) * TICK_SECONDS

    def rss_mib(self) -> float:
        """Give the resident memory of all its processes; what they share is counted once (PSS)."""
        total_kib = 0
        for process in self._processes():
            with contextlib.suppress(OSError, StopIteration):
                lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()
                total_kib += int(next(line for line in lines if line.startswith("Pss:")).split()[1])
        return total_kib / 1024

    def stop(self) -> None:
        """End it: politely, then for good."""
        self._processes()
        self._root.terminate()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._root.wait(STOP_SECONDS)
        for process in self._processes():
            with contextlib.suppress(ProcessLookupError):
                os.kill(process.pid, signal.SIGKILL)
        self._root.wait()

    def _processes(self) -> list[_Process]:
        everything = _all_processes()
        members = {
            pid: process
            for pid, process in everything.items()
            if process.session == self._root.pid or self._seen.get(pid) == process.started
        }
        grown = True
        while grown:
            more = {
                pid: process
                for pid, process in everything.items()
                if process.parent in members and pid not in members
            }
            members |= more
            grown = bool(more)
        self._seen = {pid: process.started for pid, process in members.items()}
        return list(members.values())


def _all_processes() -> dict[int, _Process]:
    found = {}
    for entry in os.scandir("/proc"):
        if not entry.name.isdigit():
            continue
        try:
            text = Path(entry.path, "stat").read_text()
        except OSError:  # it has just ended
            continue
        # The name in brackets may hold anything; see proc(5) for the fields after it.
        fields = text.rpartition(")")[2].split()
        pid = int(entry.name)
        found[pid] = _Process(
            pid=pid,
            started=int(fields[19]),
            parent=int(fields[1]),
            session=int(fields[3]),
            ticks=sum(int(field) for field in fields[11:15]),
        )
    return found
