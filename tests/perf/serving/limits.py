"""Our server under a limit of one CPU, with the thread count left to it.

onnxruntime's own default starts a thread for every core of the machine, and two threads on one CPU
halve the speed. So the capacity under each kind of limit is compared with the one that a thread
count set by hand gives. Takes a `Bench`, gives one row for each kind of limit.
"""

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import ours
from cells import CELLS
from models import Model
from processes import Tree
from runs import Bench, free_ports
from servers import Launch, Place

CELL = next(cell for cell in CELLS if cell.name == "mlp-json-1x8")
QUOTA = "cgroup quota of 1 CPU"
QUOTA_US = PERIOD_US = 100_000
TRIES = 3
CGROUPS = Path("/sys/fs/cgroup")


@dataclass(frozen=True)
class Limited:
    """Our server under one limit."""

    title: str
    cpu_us: float
    per_second: float
    p99_ms: float
    problem: str = ""


def measure(bench: Bench, model: Model, seconds: float) -> Iterator[Limited]:
    """Measure each kind of limit: a server started anew for each try, all kinds turn by turn."""
    core = bench.server_core
    with _one_cpu_group() as group:
        kinds = {
            "affinity to 1 CPU, 1 thread set by hand": {"core": core, "threads": 1},
            "affinity to 1 CPU": {"core": core},
            QUOTA: {"cgroup": group},
            "no limit (shares the cores with the load)": {},
        }
        tries: dict[str, list[Limited]] = {title: [] for title in kinds}
        for _ in range(TRIES):
            for title, limit in kinds.items():
                if title != QUOTA or group is not None:
                    tries[title].append(_run(bench, model, seconds, title, **limit))
    for title, measured in tries.items():
        if measured:
            # What else the machine does only adds to it.
            yield min(measured, key=lambda row: (bool(row.problem), row.cpu_us))
        else:
            yield Limited(title, 0, 0, 0, "no cgroup with a CPU quota can be made here")


def _run(
    bench: Bench,
    model: Model,
    seconds: float,
    title: str,
    *,
    core: int | None = None,
    threads: int | None = None,
    cgroup: Path | None = None,
) -> Limited:
    home = Path(tempfile.mkdtemp(prefix="limits-", dir=bench.folder))
    place = Place(home, *free_ports(3))
    variables = ours.prepare(
        model, home, ours.Ports(place.port, place.grpc_port), full=True, threads=threads
    )
    command = [str(ours.python(lambda _: None)), "-m", "model_server", "serve"]
    launch = Launch(command, variables, ours.HEADERS)
    tree = Tree(command, launch.whole_environment(), home, core, cgroup)
    try:
        tree.wait_ready(place.port, "/ping")
        bench.load(CELL, "instances", place, launch, 1.0)
        return _load(bench, tree, place, launch, seconds, title)
    finally:
        tree.stop()
        shutil.rmtree(home)


def _load(
    bench: Bench, tree: Tree, place: Place, launch: Launch, seconds: float, title: str
) -> Limited:
    before = tree.cpu_seconds()
    load = bench.load(CELL, "instances", place, launch, seconds)
    cpu = tree.cpu_seconds() - before
    failed = load.refused + load.errors
    return Limited(
        title,
        cpu / max(load.answers, 1) * 1e6,
        load.per_second,
        load.p99_ms,
        f"{failed} requests failed" if failed else "",
    )


@contextlib.contextmanager
def _one_cpu_group() -> Iterator[Path | None]:
    """Make a control group with a quota of one CPU beside this process's own one."""
    group = None
    with contextlib.suppress(OSError):
        group = _make_group()
    try:
        yield group
    finally:
        if group is not None:
            # The kernel takes a moment until a group whose processes have ended is empty.
            for _ in range(20):
                with contextlib.suppress(OSError):
                    group.rmdir()
                    break
                time.sleep(0.1)


def _make_group() -> Path | None:
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, own = line.split(":", 2)
        if "cpu" in controllers.split(","):
            base, unified = CGROUPS / "cpu", False
        elif controllers == "" and (CGROUPS / "cgroup.controllers").is_file():
            base, unified = CGROUPS, True
        else:
            continue
        parent = base / own.lstrip("/")
        if not parent.is_dir():
            parent = base
        group = parent / f"model-server-bench-{os.getpid()}"
        group.mkdir()
        try:
            if unified:
                (group / "cpu.max").write_text(f"{QUOTA_US} {PERIOD_US}")
            else:
                (group / "cpu.cfs_period_us").write_text(str(PERIOD_US))
                (group / "cpu.cfs_quota_us").write_text(str(QUOTA_US))
        except OSError:
            group.rmdir()
            raise
        return group
    return None
