"""Profile a model in a process of its own.

Takes a `Subject`, gives a `Profile`; is told each cell as it is measured. Must not import
onnxruntime.
"""

import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from modelway.errors import PackageError
from modelway.package.optimise.apart import save_arrays
from modelway.profile.measurement import Cell, OperatorTime, Profile
from modelway.profile.subject import Subject

ROWS = (1, 8, 16, 32, 64)
"""Of a run: the server joins up to 64 rows unless told otherwise."""

GRACE_SECONDS = 120
"""For starting, loading, and runs that take longer than their share."""


def usable_cpus() -> int:
    """Give the CPUs that this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:  # not on this operating system
        return os.cpu_count() or 1


def thread_counts(cpus: int) -> tuple[int, ...]:
    """Give the numbers of threads that are tried: 1, 2, 4 and so on, and all CPUs."""
    return tuple(sorted({*(2**power for power in range(10) if 2**power < cpus), cpus}))


def profile_model(
    subject: Subject, seconds: float, tell: Callable[[Cell], None] = lambda _cell: None
) -> Profile:
    """Measure.

    Args:
        subject: a model that onnxruntime loads.
        seconds: of measuring, all together.
        tell: is told each cell.

    Raises:
        PackageError: the model does not take the rows, or the process died or took too long.
    """
    cpus = usable_cpus()
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        save_arrays(
            folder / "inputs.npz",
            {
                name: np.resize(array, (ROWS[-1], *array.shape[1:]))
                for name, array in subject.inputs.items()
            },
        )
        request = {
            "model": str(subject.model.absolute()),
            "rows": ROWS,
            "threads": thread_counts(cpus),
            "seconds": seconds,
        }
        (folder / "request.json").write_text(json.dumps(request))
        cells, rest = _follow(folder, subject, seconds, tell)
    rest["operators"] = tuple(OperatorTime(**each) for each in rest["operators"])
    return Profile(cpus=cpus, cells=tuple(cells), **rest)


def _follow(
    folder: Path, subject: Subject, seconds: float, tell: Callable[[Cell], None]
) -> tuple[list[Cell], dict[str, Any]]:
    """Read what the process tells, line by line."""
    cells: list[Cell] = []
    rest: dict[str, Any] | None = None
    with (folder / "errors").open("w+") as errors:
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "modelway.profile.process", str(folder)],
            env={**os.environ, "ORT_DISABLE_TELEMETRY": "1"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
        )
        limit = threading.Timer(seconds + GRACE_SECONDS, process.kill)
        limit.start()
        try:
            for line in process.stdout or ():
                said = json.loads(line)
                if "cell" in said:
                    cells.append(Cell(**said["cell"]))
                    tell(cells[-1])
                else:
                    rest = said["rest"]
            process.wait()
        finally:
            limit.cancel()
            if process.poll() is None:
                process.kill()
                process.wait()
        errors.seek(0)
        last = (errors.read().strip().splitlines() or ["it was stopped"])[-1]
    if rest is None:
        raise PackageError(
            f"profiling the model {subject.model} with {subject.rows_from} ended with exit status "
            f"{process.returncode}: {last}. Give rows that it takes with --samples, or more time "
            "with --seconds"
        )
    return cells, rest
