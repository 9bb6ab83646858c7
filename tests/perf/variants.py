"""Measure what variants of a model are worth: the demo's, and a network of 1.3 MB.

Prints a table in the README's style: size, time as a share of the original's, and what is lost on
held-out rows; asserts nothing. Run by `make bench`.
"""

import tempfile
import warnings
from pathlib import Path

import numpy as np
from skl2onnx import to_onnx
from sklearn.datasets import load_digits
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelway.package.assemble import make_package
from modelway.package.request import Optimisation, PackageRequest

HELD_OUT = 720

NETWORKS = {"the demo's model": (64,), "two layers of 512": (512, 512)}


def main() -> None:
    """Print a row a variant."""
    rows, labels = load_digits(return_X_y=True)
    lines = [
        "| variant | KiB | points lost | 1 row | 32 rows | joined |",
        "|---|---|---|---|---|---|",
    ]
    for name, layers in NETWORKS.items():
        network = MLPClassifier(hidden_layer_sizes=layers, max_iter=60, random_state=7)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of rounds that end before convergence
            model = make_pipeline(StandardScaler(), network).fit(rows[HELD_OUT:], labels[HELD_OUT:])
        lines += [f"| {name}: {line}" for line in measured(model, rows, labels)]
    print("\n".join(lines))  # noqa: T201 - the result


def measured(model, rows, labels) -> list[str]:
    """Package a model with variants, and give their figures."""
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        (folder / "model.onnx").write_bytes(
            to_onnx(
                model, rows[:1].astype(np.float32), options={"zipmap": False}, target_opset=17
            ).SerializeToString()
        )
        np.savetxt(folder / "held_out.csv", rows[:HELD_OUT], delimiter=",", fmt="%g")
        np.savetxt(folder / "labels.txt", labels[:HELD_OUT], fmt="%d")
        request = PackageRequest(
            source=folder / "model.onnx",
            name="digits",
            samples=folder / "held_out.csv",
            labels=str(folder / "labels.txt"),
            optimisation=Optimisation(),
        )
        found = make_package(request, folder / "package").optimised
    assert found is not None
    original = next(each.speed for each in found.candidates if each.variant == "original")
    lines: list[str] = []
    for each in found.candidates:
        if each.speed is None or original is None:
            lines.append(f"{each.variant} | - | {each.refused} | - | - | - |")
            continue
        lines.append(
            f"{each.variant} | {each.size_bytes / 1024:.0f} | {each.lost_points:.2f} | "
            f"{each.speed.row_p50_us / original.row_p50_us:.2f} | "
            f"{each.speed.batch_p50_us / original.batch_p50_us:.2f} | "
            f"{'yes' if each.joins else 'no'} |"
        )
    return lines


if __name__ == "__main__":
    main()
