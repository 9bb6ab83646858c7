"""How many CPUs this process may use, from its affinity and its cgroup quota.

onnxruntime's own default (0 threads = one a core of the machine) heeds neither, and two threads
on one CPU halve the speed of every model that was measured.

Takes the files of ``/proc`` and ``/sys/fs/cgroup``, gives a count. Must not start anything.
"""

import os
from pathlib import Path


def usable_cpus(root: Path = Path("/")) -> int:
    """Give the number of whole CPUs this process may use, at least 1.

    A quota of 1.5 CPUs counts as 1: a second thread would be throttled half of the time.

    Args:
        root: where ``proc`` and ``sys`` are; another folder in tests.
    """
    try:
        count = len(os.sched_getaffinity(0))
    except AttributeError:  # not on this operating system
        count = os.cpu_count() or 1
    quota = _quota_cpus(root)
    if quota is not None:
        count = min(count, int(quota))
    return max(count, 1)


def _quota_cpus(root: Path) -> float | None:
    """Give the smallest quota on the way from this process's cgroup up, in CPUs."""
    quotas: list[float] = []
    for controllers, group in _groups(root):
        unified = controllers == ""
        if not unified and "cpu" not in controllers.split(","):
            continue
        base = root / "sys/fs/cgroup" / ("" if unified else "cpu")
        folder = base / group.lstrip("/")
        # Inside a container the group's path may be the host's and absent here; its own limits
        # are then at the base, which the walk ends with.
        while True:
            quota = _unified_quota(folder) if unified else _legacy_quota(folder)
            if quota is not None:
                quotas.append(quota)
            if folder == base or base not in folder.parents:
                break
            folder = folder.parent
    return min(quotas, default=None)


def _groups(root: Path) -> list[tuple[str, str]]:
    try:
        lines = (root / "proc/self/cgroup").read_text().splitlines()
    except OSError:
        return []
    parts = [line.split(":", 2) for line in lines]
    return [(part[1], part[2]) for part in parts if len(part) == 3]


def _unified_quota(folder: Path) -> float | None:
    try:
        quota, period = (folder / "cpu.max").read_text().split()
    except (OSError, ValueError):
        return None
    return None if quota == "max" else int(quota) / int(period)


def _legacy_quota(folder: Path) -> float | None:
    try:
        quota = int((folder / "cpu.cfs_quota_us").read_text())
        period = int((folder / "cpu.cfs_period_us").read_text())
    except (OSError, ValueError):
        return None
    return None if quota <= 0 or period <= 0 else quota / period
