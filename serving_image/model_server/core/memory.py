"""How much memory this process has and may have.

Takes the files of ``/proc`` and ``/sys/fs/cgroup``, gives counts of bytes. Must not start anything.
"""

import ctypes
import os
from pathlib import Path

_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def resident_bytes() -> int:
    """Give the memory that this process has now; 0 where the system does not say."""
    try:
        with Path("/proc/self/statm").open("rb") as file:
            return int(file.read().split()[1]) * _PAGE_BYTES
    except (OSError, ValueError, IndexError):
        return 0


def usable_bytes(root: Path = Path("/")) -> int | None:
    """Give the memory this process may have: the smaller of its cgroup's limit and the machine's.

    Args:
        root: where ``proc`` and ``sys`` are; another folder in tests.

    Returns:
        Bytes, or None where the system does not say.
    """
    limits = [*_cgroup_limits(root)]
    try:
        lines = (root / "proc/meminfo").read_text().splitlines()
        limits += [int(line.split()[1]) * 1024 for line in lines if line.startswith("MemTotal:")]
    except (OSError, ValueError, IndexError):
        pass
    return min(limits, default=None)


def give_back() -> None:
    """Return freed memory to the system.

    The allocator of the C library keeps what lies between blocks in use: some MiB a model.
    """
    try:
        ctypes.CDLL(None).malloc_trim(0)
    except (OSError, AttributeError):  # another C library
        return


def _cgroup_limits(root: Path) -> list[int]:
    """Give the limits on the way from this process's cgroup up."""
    found: list[int] = []
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return found
    for line in lines:
        _, _, rest = line.partition(":")
        controllers, _, group = rest.partition(":")
        if controllers == "":
            base, file = root / "sys/fs/cgroup", "memory.max"
        elif "memory" in controllers.split(","):
            base, file = root / "sys/fs/cgroup/memory", "memory.limit_in_bytes"
        else:
            continue
        folder = base / group.lstrip("/")
        # Inside a container the path may be the host's and absent here; the walk ends at the base.
        while True:
            try:
                text = (folder / file).read_text().strip()
                found += [] if text == "max" else [int(text)]
            except (OSError, ValueError):
                pass
            if folder == base or base not in folder.parents:
                break
            folder = folder.parent
    return found
