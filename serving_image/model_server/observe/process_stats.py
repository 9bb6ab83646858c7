"""What this process uses: CPU, memory, descriptors, threads.

Takes ``/proc/self``, gives series of the ``process_`` metrics, whose names and meaning are those
that Prometheus' client libraries share. Where there is no ``/proc``, the CPU time alone.
"""

import os
import time
from pathlib import Path

from model_server.observe.families import (
    PROCESS_CPU,
    PROCESS_FDS,
    PROCESS_MEMORY,
    PROCESS_START,
    PROCESS_THREADS,
)
from model_server.observe.snapshot import Key

_THREADS, _START, _PAGES = 17, 19, 21
"""Fields 20, 22 and 24 of proc(5)'s ``stat``, counted from the one after the process' name."""


class ProcessStats:
    """Reads the figures of the process that made it; about 50 us each time."""

    def __init__(self) -> None:
        self._page_bytes = os.sysconf("SC_PAGE_SIZE")
        self._started = _start_time()

    def series(self) -> dict[Key, list[float]]:
        """Give all of them now."""
        found: dict[Key, list[float]] = {(PROCESS_CPU.name,): [time.process_time()]}
        try:
            fields = _fields()
            found[PROCESS_MEMORY.name,] = [float(int(fields[_PAGES]) * self._page_bytes)]
            found[PROCESS_THREADS.name,] = [float(fields[_THREADS])]
            found[PROCESS_FDS.name,] = [float(_open_descriptors())]
        except (OSError, IndexError, ValueError):
            return found
        if self._started is not None:
            found[PROCESS_START.name,] = [self._started]
        return found


def _fields() -> list[bytes]:
    with open("/proc/self/stat", "rb", buffering=0) as file:  # noqa: PTH123  # no buffer
        # The name is in brackets and may hold spaces and brackets of its own.
        return file.read(4096).rpartition(b")")[2].split()


def _open_descriptors() -> int:
    # Linux 6.2 and later tell the count as the folder's size; before, it is 0.
    return os.stat("/proc/self/fd").st_size or len(os.listdir("/proc/self/fd"))  # noqa: PTH116, PTH208  # quicker than pathlib


def _start_time() -> float | None:
    try:
        ticks = int(_fields()[_START]) / os.sysconf("SC_CLK_TCK")
        for line in Path("/proc/stat").read_text().splitlines():
            if line.startswith("btime "):
                return float(line.split()[1]) + ticks
    except (OSError, IndexError, ValueError):
        pass
    return None
