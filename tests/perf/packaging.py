"""Measure how long packaging takes: the demo's model, from joblib, by the command.

Prints a table in the README's style, with the processor's time of both processes beside the
clock's; asserts nothing. Run by `make bench`.
"""

import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from pathlib import Path

import joblib
import numpy as np
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

RUNS = 5


def main() -> None:
    """Print the median and the range."""
    rows, labels = load_digits(return_X_y=True)
    network = MLPClassifier(hidden_layer_sizes=(64,), max_iter=60, random_state=7)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rounds that end before convergence
        model = make_pipeline(StandardScaler(), network).fit(rows[360:], labels[360:])
    command = str(Path(sys.executable).parent / "modelway")
    seconds: list[float] = []
    worked: list[float] = []
    with tempfile.TemporaryDirectory() as folder:
        joblib.dump(model, Path(folder) / "digits.joblib")
        np.savetxt(Path(folder) / "held_out.csv", rows[:360], delimiter=",", fmt="%g")
        for run in range(RUNS):
            begun, before = time.perf_counter(), processor_seconds()
            options = ["--trust", "--samples", "held_out.csv", "--version", str(run)]
            subprocess.run(
                [command, "package", "digits.joblib", *options],
                cwd=folder,
                check=True,
                capture_output=True,
            )
            seconds.append(time.perf_counter() - begun)
            worked.append(processor_seconds() - before)
    lines = ["| package the demo's model (seconds) | median | least | most |", "|---|---|---|---|"]
    for what, values in (("by the clock", seconds), ("of the processor", worked)):
        figures = (statistics.median(values), min(values), max(values))
        lines.append(f"| {what} | {' | '.join(f'{each:.2f}' for each in figures)} |")
    print("\n".join(lines))  # noqa: T201 - the result


def processor_seconds() -> float:
    """Give what all processes that were waited for have used."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


if __name__ == "__main__":
    main()
