"""The model that is profiled, and rows for it.

Takes a package's folder or an ONNX file, gives the file and inputs. Must not run the model.
"""

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from modelway.errors import PackageError
from modelway.package.artifact import model_file
from modelway.package.manifest import MANIFEST_NAME, SAMPLES_NAME
from modelway.package.samples import DTYPES, Arrays, read_samples
from modelway.package.served import model_inputs
from modelway.package.tensors import read_tensors
from modelway.spec.model_file import Datatype, Tensor


@dataclass(frozen=True)
class Subject:
    """A model and rows for it."""

    model: Path
    inputs: Arrays
    rows_from: str
    """Where the rows are from, for people."""


def find_subject(path: Path, samples: Path | None) -> Subject:
    """Find model and rows.

    Args:
        path: a package's folder, which is checked, or an ONNX file.
        samples: rows. Default: those of the package; else made-up ones.

    Raises:
        ModelwayError: the package is not what its manifest says, the model cannot be loaded, or
            the rows are not such as it takes.
    """
    model = model_file(path)
    is_package = os.path.lexists(path / MANIFEST_NAME)
    # A package's external data was checked; of a file it lies beside it.
    inputs, _ = read_tensors(model, model.parent)
    if samples is None and is_package and (path / SAMPLES_NAME).is_file():
        samples = path / SAMPLES_NAME
    if samples is None:
        return Subject(model, _made_up(inputs), "made-up rows")
    return Subject(model, model_inputs(inputs, read_samples(samples)), str(samples))


def _made_up(tensors: tuple[Tensor, ...]) -> Arrays:
    """Give a few rows; axes that are free inside a row get the length 1."""
    generator = np.random.default_rng(7)
    made: Arrays = {}
    for tensor in tensors:
        if not tensor.shape:
            raise PackageError(
                f"profiling needs rows of the input `{tensor.name}`, which has no axes: give some "
                "with --samples"
            )
        shape = (8, *(max(size, 1) for size in tensor.shape[1:]))
        if tensor.datatype is Datatype.BYTES:
            made[tensor.name] = np.full(shape, "a", dtype=object)
        elif tensor.datatype in (Datatype.FP16, Datatype.FP32, Datatype.FP64):
            made[tensor.name] = generator.normal(size=shape).astype(DTYPES[tensor.datatype])
        else:
            made[tensor.name] = np.zeros(shape, dtype=DTYPES[tensor.datatype])
    return made
