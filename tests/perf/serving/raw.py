"""onnxruntime without any server: what its import, a load and a run cost by themselves.

    python raw.py MODEL INPUT WIDTH DTYPE LOW HIGH

Runs in the model server's own environment, pinned by whoever starts it, and imports nothing that is
not there. Prints one JSON object: seconds of the load, microseconds of CPU for a run of one row.
"""

import json
import statistics
import sys
import time

RUN_SECONDS = 1.0
REPEATS = 5


def main() -> None:
    """Measure."""
    path, name, width, dtype, low, high = sys.argv[1:7]
    import numpy as np
    import onnxruntime

    begun = time.perf_counter()
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    loaded = time.perf_counter()
    random = np.random.default_rng(1)
    rows = [random.uniform(float(low), float(high), (1, int(width))) for _ in range(100)]
    inputs = [row.astype(dtype) for row in rows]
    session.run(None, {name: inputs[0]})
    costs = []
    for _ in range(REPEATS):
        runs, until, cpu = 0, time.perf_counter() + RUN_SECONDS / REPEATS, time.process_time()
        while time.perf_counter() < until:
            session.run(None, {name: inputs[runs % 100]})
            runs += 1
        costs.append((time.process_time() - cpu) / runs)
    print(  # noqa: T201 - the result
        json.dumps(
            {
                "load_seconds": loaded - begun,
                "run_us": statistics.median(costs) * 1e6,
            }
        )
    )


if __name__ == "__main__":
    main()
