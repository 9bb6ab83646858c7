"""Free memory that stays with the machine while something is measured.

A virtual machine may hand its free memory back to the host (free page reporting of virtio's
balloon). Pages used anew then wait for the host, 1.4 to 3 ms a MiB where 0.2 ms is usual, and much
memory set free stops the machine for 20 to 30 ms two seconds later: measured on Firecracker with
Linux 6.18. Both fall on whoever writes files, such as a log, and none of it is the server's doing.

Only whole blocks of 2 MiB are handed back, and of the free blocks the kernel takes the smallest
first. So one page of each 2 MiB of a reserve is held and the rest is set free: that rest is what
servers and files then use, over and over, and it never makes a block that is handed back. Must not
be used where free memory stays with the machine anyway, as on most; must do nothing while something
is measured.
"""

import mmap
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

BALLOONS = Path("/sys/bus/virtio/drivers/virtio_balloon")
REPORTING = 5
"""``VIRTIO_BALLOON_F_REPORTING``: Virtio 1.2, section 5.5.3."""

RESERVE_MIB = 4096
"""What three tries of a cell write to the log, twice over."""

BLOCK_BYTES = 2 << 20
"""What is handed back at once: ``pageblock_order`` of Linux, mm/page_reporting.c."""

POPULATE_WRITE = 23
"""``MADV_POPULATE_WRITE``, which Python's ``mmap`` does not name; kernels before 5.14 refuse it."""


@contextmanager
def kept() -> Iterator[str]:
    """Keep free memory from the host, where it would take it, and say what is done."""
    if not _is_reported():
        yield "what is free stays with the machine"
        return
    if _free_mib() < 2 * RESERVE_MIB:
        yield f"what is free goes to the host, and is too little for a reserve of {RESERVE_MIB} MiB"
        return
    try:
        reserve = _reserve()
    except OSError as error:
        yield f"what is free goes to the host, and a reserve cannot be made: {error.strerror}"
        return
    with reserve:
        yield f"what is free would go to the host: {RESERVE_MIB} MiB of it are kept from that"


def _reserve() -> mmap.mmap:
    size = RESERVE_MIB << 20
    memory = mmap.mmap(-1, size, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    memory.madvise(mmap.MADV_NOHUGEPAGE)  # a huge page is freed as a whole or not at all
    memory.madvise(POPULATE_WRITE)
    for block in range(0, size, BLOCK_BYTES):
        memory.madvise(mmap.MADV_DONTNEED, block + mmap.PAGESIZE, BLOCK_BYTES - mmap.PAGESIZE)
    return memory


def _is_reported() -> bool:
    features = (path.read_text() for path in BALLOONS.glob("virtio*/features"))
    return any(text[REPORTING : REPORTING + 1] == "1" for text in features)


def _free_mib() -> int:
    for line in Path("/proc/meminfo").read_text().splitlines():
        if line.startswith("MemFree:"):
            return int(line.split()[1]) >> 10
    return 0
