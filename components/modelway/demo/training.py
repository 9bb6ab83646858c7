"""The demo's model: scikit-learn's handwritten digits, as ONNX.

Takes nothing from outside (the data set ships inside scikit-learn), gives a model file and the
held-out rows. It trains the same model from the same rows every time; it must not know of AWS.

The data are the 1 797 test images of UCI's "Optical Recognition of Handwritten Digits": 8 x 8
pixels with values 0 to 16, ten classes.
"""

import warnings
from dataclasses import dataclass
from pathlib import Path

import numpy as np

SEED = 7
HELD_OUT = 0.2
"""Share of the rows that the model never sees: 360 of 1 797."""
OPSET = 17
"""ONNX operator set; onnxruntime has supported 17 since 1.12."""


@dataclass(frozen=True)
class HeldOut:
    """The rows to predict, and what is right."""

    pixels: np.ndarray
    """float32 (360, 64), values 0 to 16."""
    labels: np.ndarray
    """int64 (360,), values 0 to 9."""


def held_out() -> HeldOut:
    """Give the rows kept back from training."""
    _, pixels, _, labels = _split()
    return HeldOut(pixels, labels)


def train(destination: Path) -> Path:
    """Write the trained classifier as ONNX to `destination`; an existing file is kept.

    The graph takes `pixels`, FP32 (batch, 64), and gives `label`, INT64 (batch,), and
    `probabilities`, FP32 (batch, 10). Scaling of the pixels is part of the graph.
    """
    if destination.exists():
        return destination
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.neural_network import MLPClassifier
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    pixels, _, labels, _ = _split()
    network = MLPClassifier(hidden_layer_sizes=(64,), max_iter=60, random_state=SEED)
    with warnings.catch_warnings():
        # Sixty rounds stop before full convergence on purpose: 97 % in a quarter of a second.
        warnings.simplefilter("ignore")
        classifier = make_pipeline(StandardScaler(), network).fit(pixels, labels)
        model = to_onnx(
            classifier,
            initial_types=[("pixels", FloatTensorType([None, pixels.shape[1]]))],
            options={"zipmap": False},
            target_opset=OPSET,
        )
    model.graph.name = "digits"
    destination.parent.mkdir(parents=True, exist_ok=True)
    partial = destination.with_suffix(".partial")
    partial.write_bytes(model.SerializeToString(deterministic=True))
    partial.replace(destination)
    return destination


def _split() -> list[np.ndarray]:
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    pixels, labels = load_digits(return_X_y=True)
    return train_test_split(
        pixels.astype(np.float32),
        labels.astype(np.int64),
        test_size=HELD_OUT,
        random_state=SEED,
        stratify=labels,
    )
