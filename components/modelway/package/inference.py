"""Run an ONNX file on rows, as the model server runs it.

Takes a file and arrays, gives the outputs. Must not change the file.
"""

import os
from pathlib import Path
from typing import Any

import numpy as np

from modelway.errors import PackageError
from modelway.package.samples import Arrays

ROWS_AT_ONCE = 1024
"""So that the memory does not grow with the number of samples."""

_FATAL_ONLY = 4


def run_model(
    path: Path, inputs: Arrays, rows_at_once: int = ROWS_AT_ONCE
) -> dict[str, "np.ndarray[Any, Any]"]:
    """Give every output by name, in the model's order.

    Args:
        path: the model; external data lies beside it.
        inputs: one array an input, all with as many rows.
        rows_at_once: of a run, where the model leaves them free.

    Raises:
        PackageError: onnxruntime does not load it, or does not take the rows.
    """
    onnxruntime = load_onnxruntime()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = _FATAL_ONLY
    # The same numbers on every machine, and one processor is left to others.
    options.intra_op_num_threads = 1
    try:
        session: Any = onnxruntime.InferenceSession(path, options, ["CPUExecutionProvider"])
        names = [output.name for output in session.get_outputs()]
        first = session.get_inputs()[0].shape[:1]
        at_once = first[0] if first and isinstance(first[0], int) and first[0] > 0 else rows_at_once
        count = len(next(iter(inputs.values())))
        parts = [
            session.run(names, {name: array[at : at + at_once] for name, array in inputs.items()})
            for at in range(0, count, at_once)
        ]
    except Exception as error:  # noqa: BLE001 - its errors have no other common base
        reason = (str(error).strip() or type(error).__name__).splitlines()[0]
        raise PackageError(
            f"onnxruntime cannot run the model {path.name} on the sample rows: {reason}"
        ) from None
    return {
        name: np.concatenate([np.asarray(part[index]) for part in parts])
        for index, name in enumerate(names)
    }


def load_onnxruntime() -> Any:
    """Import onnxruntime, which takes a third of a second and then reports nothing to anybody."""
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime

    return onnxruntime
