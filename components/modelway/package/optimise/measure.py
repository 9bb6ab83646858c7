"""The process that measures one model: `python -m ...optimise.measure MODEL INPUTS ROW BATCH`.

Prints the figures of `choice.Speed` as JSON. The session is the model server's own
(`model_server.core.providers`), with one thread. What memory grows by
is the model's: all else is loaded before. Started by `apart` alone.
"""

import contextlib
import json
import os
import resource
import statistics
import sys
import time
from pathlib import Path
from typing import Any

import onnxruntime

from modelway.package.optimise.apart import load_arrays

MEASURE_SECONDS = 0.25
"""Of each number of rows."""

LEAST_RUNS, MOST_RUNS, WARM_UP_RUNS = 5, 5000, 5

_SILENT = 4
_MIB = 2**20


def open_session(model: Path, threads: int, profile: Path | None = None) -> Any:
    """Open a model as the server does.

    Args:
        model: the file.
        threads: of one run.
        profile: where onnxruntime is to write what each operator took. Default: nowhere.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = _SILENT
    options.add_session_config_entry("session.load_model_format", "ONNX")
    if profile is not None:
        options.enable_profiling = True
        options.profile_file_prefix = str(profile)
    return onnxruntime.InferenceSession(
        str(model), options, providers=["CPUExecutionProvider"], read_config_from_model=0
    )


def run_seconds(session: Any, inputs: dict[str, Any], rows: int, seconds: float) -> list[float]:
    """Give the times of runs on so many rows."""
    given = {name: array[:rows] for name, array in inputs.items()}
    for _ in range(WARM_UP_RUNS):
        session.run(None, given)
    times: list[float] = []
    end = time.perf_counter() + seconds
    while len(times) < LEAST_RUNS or (time.perf_counter() < end and len(times) < MOST_RUNS):
        begun = time.perf_counter()
        session.run(None, given)
        times.append(time.perf_counter() - begun)
    return times


def forget_peak() -> None:
    """Let the peak of memory begin anew, where the kernel permits it."""
    with contextlib.suppress(OSError):
        Path("/proc/self/clear_refs").write_text("5")


def resident_mib() -> float:
    """Give the memory that this process has now; 0 where the system does not say."""
    with contextlib.suppress(OSError):
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / _MIB
    return 0.0


def peak_mib() -> float:
    """Give the most memory that this process had."""
    with contextlib.suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                return int(line.split()[1]) / 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main(model: Path, inputs_path: Path, rows: list[int]) -> None:
    """Measure."""
    inputs = load_arrays(inputs_path)
    forget_peak()
    before = resident_mib()
    begun = time.perf_counter()
    session = open_session(model, 1)
    loaded = time.perf_counter()
    row, batch = (
        statistics.median(run_seconds(session, inputs, each, MEASURE_SECONDS)) * 1e6
        for each in rows
    )
    found = {
        "row_p50_us": row,
        "batch_p50_us": batch,
        "batch_rows": rows[1],
        "load_ms": (loaded - begun) * 1000,
        "peak_memory_mib": max(peak_mib() - before, 0.0),
    }
    sys.stdout.write(json.dumps(found))


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]), [int(each) for each in sys.argv[3:]])
