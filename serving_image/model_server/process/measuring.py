"""What the first worker measures, for the plan.

Takes a loaded model's figures, gives `Measured`. Called once, in the worker: the process in front
reads no files of ``/proc``.
"""

from pathlib import Path

from model_server.core.memory import resident_bytes, usable_bytes
from model_server.core.threads import usable_cpus
from model_server.process.plan import Measured


def measure(
    *, run_seconds: float | None, threads: int, model_bytes: int, alone: str | None = None
) -> Measured:
    """Put together what the plan needs.

    Args:
        run_seconds: time of a run on one row; None where it is not known.
        threads: of that run.
        model_bytes: size of the model's files.
        alone: why there can be one process only; None: there can be several.
    """
    return Measured(
        cpus=usable_cpus(),
        threads=threads,
        run_seconds=run_seconds,
        model_bytes=model_bytes,
        memory_bytes=own_bytes(),
        memory_limit_bytes=usable_bytes(),
        alone=alone,
    )


def own_bytes(root: Path = Path("/")) -> int | None:
    """Give the memory that one more process like this would take; None where it is not known.

    Its anonymous memory: pages of files, such as those of libraries, are there once for all.

    Args:
        root: where ``proc`` is; another folder in tests.
    """
    try:
        lines = (root / "proc/self/smaps_rollup").read_text().splitlines()
        return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("Anonymous:"))
    except (OSError, ValueError, IndexError, StopIteration):
        return resident_bytes() or None
