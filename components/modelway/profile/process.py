"""The process that profiles one model: `python -m modelway.profile.process FOLDER`.

Takes `request.json` and `inputs.npz` from the folder; prints a line of JSON a cell, and one with
all the rest. Sessions are the server's (`optimise.measure.open_session`). Started by `run` alone.
"""

import json
import statistics
import sys
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

from modelway.package.optimise.accuracy import same_numbers
from modelway.package.optimise.apart import load_arrays
from modelway.package.optimise.measure import (
    forget_peak,
    open_session,
    peak_mib,
    resident_mib,
    run_seconds,
)
from modelway.profile.operators import operator_times

JOINED_ROWS = 8

PROFILED_RUNS = 50

_MARK = 0.99


def main(folder: Path) -> None:
    """Measure, and tell of it line by line."""
    request: dict[str, Any] = json.loads((folder / "request.json").read_text())
    inputs = load_arrays(folder / "inputs.npz")
    model, rows = Path(request["model"]), request["rows"]
    end = time.perf_counter() + request["seconds"]
    # One share is for the operators.
    share = request["seconds"] / (len(rows) * len(request["threads"]) + 1)
    found: dict[str, Any] = {"joins": True, "complete": True}
    for threads in request["threads"]:
        forget_peak()
        before, begun = resident_mib(), time.perf_counter()
        session = open_session(model, threads)
        loaded = time.perf_counter()
        for each in rows:
            if time.perf_counter() > end:
                found["complete"] = False
                break
            _tell({"cell": _cell(run_seconds(session, inputs, each, share), each, threads)})
        if threads == 1:
            found["load_ms"] = (loaded - begun) * 1000
            found["peak_memory_mib"] = max(peak_mib() - before, 0.0)
            found["joins"] = _joins(session, inputs)
    found["operators"] = _operators(folder, model, inputs, rows[-1], share)
    _tell({"rest": found})


def _cell(times: list[float], rows: int, threads: int) -> dict[str, Any]:
    ordered = sorted(times)
    return {
        "rows": rows,
        "threads": threads,
        "runs": len(times),
        "p50_us": statistics.median(ordered) * 1e6,
        "p99_us": ordered[min(int(len(ordered) * _MARK), len(ordered) - 1)] * 1e6,
    }


def _joins(session: Any, inputs: dict[str, Any]) -> bool:
    """Run rows together and apart."""
    names = [output.name for output in session.get_outputs()]
    few = {name: array[:JOINED_ROWS] for name, array in inputs.items()}
    try:
        together = dict(zip(names, session.run(None, few), strict=True))
        for index in range(len(next(iter(few.values())))):
            row = {name: array[index : index + 1] for name, array in few.items()}
            alone = dict(zip(names, session.run(None, row), strict=True))
            mine = {name: values[index : index + 1] for name, values in together.items()}
            if not same_numbers(mine, alone):
                return False
    except Exception:  # noqa: BLE001 - a model that takes one number of rows alone
        return False
    return True


def _operators(
    folder: Path, model: Path, inputs: dict[str, Any], rows: int, seconds: float
) -> list[dict[str, Any]]:
    session = open_session(model, 1, folder / "onnxruntime")
    given = {name: array[:rows] for name, array in inputs.items()}
    end = time.perf_counter() + seconds
    runs = 0
    while runs == 0 or (runs < PROFILED_RUNS and time.perf_counter() < end):
        session.run(None, given)
        runs += 1
    events = json.loads(Path(session.end_profiling()).read_text())
    return [asdict(each) for each in operator_times(events, runs)]


def _tell(said: dict[str, Any]) -> None:
    sys.stdout.write(f"{json.dumps(said)}\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
