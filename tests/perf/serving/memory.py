"""Free memory that stays with the machine while something is measured.

A virtual machine may hand its free memory back to the host (free page reporting of virtio's
balloon). Pages used anew then wait for the host, 1.4 to 3 ms a MiB where 0.2 ms is usual, and much
memory set free stops the machine for 20 to 30 ms two seconds later: measured on Firecracker with
Linux 6.18. Both fall on whoever writes files, such as a log, and none of it is the server's doing.

Gives a reserve that has its pages already, and lets go of as much as others take and takes what
they set free: the memory that is free stays the same, and the host has nothing to do. Must not be
used where free memory stays with the machine anyway, as on most.
"""

import mmap
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BALLOONS = Path("/sys/bus/virtio/drivers/virtio_balloon")
REPORTING = 5
"""``VIRTIO_BALLOON_F_REPORTING``: Virtio 1.2, section 5.5.3."""

RESERVE_MIB = 4096
"""What three tries of a cell write to the log, twice over."""

PIECE_MIB = 4
SLACK_MIB = 8
TICK_SECONDS = 0.02
"""In which a server writes 4 MiB."""

POPULATE_WRITE = 23
"""``MADV_POPULATE_WRITE``, which Python's ``mmap`` does not name; kernels before 5.14 refuse it."""


@contextmanager
def kept() -> Iterator[str]:
    """Keep the memory that is free constant, where the host would take it, and say what is done."""
    if not _is_reported():
        yield "what is free stays with the machine"
        return
    if _free_mib() < 2 * RESERVE_MIB:
        yield f"what is free goes to the host, and is too little for a reserve of {RESERVE_MIB} MiB"
        return
    try:
        pieces = [_piece() for _ in range(RESERVE_MIB // PIECE_MIB)]
    except OSError as error:
        yield f"what is free goes to the host, and a reserve cannot be made: {error.strerror}"
        return
    over = threading.Event()
    thread = threading.Thread(target=_balance, args=(pieces, over), daemon=True)
    thread.start()
    try:
        yield f"what is free would go to the host: a reserve of {RESERVE_MIB} MiB keeps it constant"
    finally:
        over.set()
        thread.join()


def _balance(pieces: list[mmap.mmap], over: threading.Event) -> None:
    constant = _free_mib()
    while not over.wait(TICK_SECONDS):
        missing = constant - _free_mib()
        for _ in range(abs(missing) // PIECE_MIB if abs(missing) > SLACK_MIB else 0):
            if missing < 0:
                pieces.append(_piece())
            elif pieces:
                pieces.pop().close()


def _piece() -> mmap.mmap:
    memory = mmap.mmap(-1, PIECE_MIB << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_HUGEPAGE)  # the unit in which free memory is handed back
    memory.madvise(POPULATE_WRITE)
    return memory


def _is_reported() -> bool:
    features = (path.read_text() for path in BALLOONS.glob("virtio*/features"))
    return any(text[REPORTING : REPORTING + 1] == "1" for text in features)


def _free_mib() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemFree:"):
            return int(line.split()[1]) >> 10
    return 0
