"""How fast the machine is at this moment, and what else it does.

A virtual machine shares its host: the same work can take 1.7 times as much CPU time from one second
to the next. Takes a core, gives the CPU time of a fixed piece of work on it, which says whether a
figure measured just before or after can be compared with others; and the time that the core was
busy, of which the server's own is a part.
"""

import os
import statistics
import threading
import time
from pathlib import Path

PIECES = 9
STEPS = 40_000
"""Some 3 ms a piece."""


def probe(core: int) -> float:
    """Give the CPU seconds of the fixed work on this core."""
    found: list[float] = []
    thread = threading.Thread(target=_work, args=(core, found))
    thread.start()
    thread.join()
    return statistics.median(found)


def busy_seconds(core: int) -> float:
    """Give the time that this core has run processes or the kernel for them, since it started."""
    for line in Path("/proc/stat").read_text().splitlines():
        name, *ticks = line.split()
        if name == f"cpu{core}":
            user, nice, system = (int(tick) for tick in ticks[:3])
            return (user + nice + system) / os.sysconf("SC_CLK_TCK")
    return 0.0


def _work(core: int, found: list[float]) -> None:
    os.sched_setaffinity(0, {core})  # of this thread only
    for _ in range(PIECES):
        begun = time.thread_time()
        total = 0
        for number in range(STEPS):
            total += number * number % 7
        found.append(time.thread_time() - begun)
