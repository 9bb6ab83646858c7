"""Make and measure variants in processes of their own.

Takes files and numbers, gives what the processes found. One order of hashes, so that a variant has
the same bytes every time; one process a measurement, so that its peak of memory is its own. Must
not import what those processes import.
"""

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from modelway.errors import PackageError
from modelway.package.optimise.choice import Speed
from modelway.package.optimise.variants import Variant
from modelway.package.samples import Arrays

ORIGINAL_NAME, CALIBRATION_NAME = "original/model.onnx", "calibration.npz"
REQUEST_NAME, ANSWER_NAME = "request.json", "answer.json"
"""What the process that makes variants reads and writes in its folder."""

PREFIX = "tensor "
"""Of names in files of arrays."""

_LOG_TAIL = 400


def make_variants(
    folder: Path, wanted: Collection[Variant], calibration: Arrays, seconds: int
) -> dict[Variant, str]:
    """Make variants of `folder/original/model.onnx`, each as `folder/NAME.onnx`.

    Args:
        folder: nobody else's; `original` in it has the model and its external data.
        wanted: the variants.
        calibration: rows for those that are calibrated.
        seconds: it may take.

    Returns:
        Why some could not be made.

    Raises:
        PackageError: it took too long, or died.
    """
    (folder / REQUEST_NAME).write_text(json.dumps(list(wanted)))
    save_arrays(folder / CALIBRATION_NAME, calibration)
    run_apart("modelway.package.optimise.make", [str(folder)], "making variants", seconds)
    answer: Mapping[str, str] = json.loads((folder / ANSWER_NAME).read_text())
    return {Variant(name): reason for name, reason in answer.items()}


def measure(model: Path, inputs: Path, rows: Sequence[int], seconds: int) -> Speed:
    """Run a model as the server does, with one thread.

    Args:
        model: the file.
        inputs: arrays with at least the most of `rows`.
        rows: of a run: one, and some.
        seconds: it may take.

    Raises:
        PackageError: it took too long, or died.
    """
    arguments = [str(model), str(inputs), *map(str, rows)]
    said = run_apart("modelway.package.optimise.measure", arguments, "measuring a variant", seconds)
    found: dict[str, Any] = json.loads(said)
    return Speed(**found)


def run_apart(module: str, arguments: Sequence[str], what: str, seconds: int) -> str:
    """Run a module as a process, and give what it printed."""
    try:
        done = subprocess.run(
            [sys.executable, "-P", "-m", module, *arguments],
            env={
                **os.environ,
                "PYTHONHASHSEED": "0",
                "ORT_DISABLE_TELEMETRY": "1",
                "OMP_NUM_THREADS": "1",
                "OPENBLAS_NUM_THREADS": "1",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
    except subprocess.TimeoutExpired:
        raise PackageError(
            f"{what} took longer than {seconds} s and was stopped; give it more with "
            "--time-limit-seconds"
        ) from None
    if done.returncode != 0:
        tail = " ".join(done.stderr.strip()[-_LOG_TAIL:].split())
        raise PackageError(f"{what} ended with exit status {done.returncode}: {tail}")
    return done.stdout


def save_arrays(path: Path, arrays: Arrays) -> None:
    """Write tensors without pickles; text as numpy's own type."""
    plain = {
        # Some names are none that numpy's function takes beside its own arguments.
        f"{PREFIX}{name}": each.astype(str) if each.dtype.kind == "O" else each
        for name, each in arrays.items()
    }
    np.savez(path, **plain)  # type: ignore[arg-type]


def load_arrays(path: Path) -> Arrays:
    """Read what `save_arrays` wrote; text becomes Python's own."""
    with np.load(path, allow_pickle=False) as file:
        return {
            name.removeprefix(PREFIX): (
                file[name].astype(object) if file[name].dtype.kind == "U" else file[name]
            )
            for name in file.files
        }
