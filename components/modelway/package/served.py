"""The model that a package serves: an ONNX source as it is, or what another source becomes.

Takes a request and writes `model.onnx` into the package's folder, with external data where there is
some; gives what the manifest says of it, and how it compares with its source. What is outside the
tolerance is refused. Must not write anything else into that folder.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np

from modelway.errors import ArtifactError, PackageError
from modelway.package import parity
from modelway.package.contents import CHUNK_BYTES
from modelway.package.inference import load_onnxruntime, run_model
from modelway.package.manifest import MODEL_NAME, PackagedModel, Source, SourceFormat
from modelway.package.request import PackageRequest
from modelway.package.samples import Arrays, Rows, read_samples, take_labels, tensor_array
from modelway.package.sources import isolation
from modelway.package.tensors import read_tensors
from modelway.spec.model_file import Tensor

Tell = Callable[[str], None]
"""Is told each step, in a few words."""


@dataclass(frozen=True)
class ServedModel:
    """A model in the package's folder, before the rest is."""

    model: PackagedModel
    source: Source
    environment: dict[str, str]
    inputs: Arrays
    """Of the sample rows; none when there are none."""
    compared: parity.Parity | None
    notes: tuple[str, ...]
    labels: tuple[Any, ...] | None = None
    """What is true of each sample row, where that was said."""


def copied_model(request: PackageRequest, folder: Path, tell: Tell) -> ServedModel:
    """Take an ONNX file as it is, with its external data."""
    from modelway.package.sources import onnx_model

    tell("copying the model")
    path = folder / MODEL_NAME
    sha256 = _copy(request.source, path)
    graph = onnx_model.read_graph(path)
    external = onnx_model.external_files(graph, request.source)
    listing = [f"{sha256}  {MODEL_NAME}\n"]
    for location, file in external.items():
        (folder / location).parent.mkdir(parents=True, exist_ok=True)
        listing.append(f"{_copy(file, folder / location)}  {location}\n")
    if external:
        sha256 = hashlib.sha256("".join(listing).encode()).hexdigest()
    model = _described(path, graph, folder if external else None)
    inputs: Arrays = {}
    labels: tuple[Any, ...] | None = None
    if request.samples is not None:
        tell("running the model on the samples")
        rows, labels = take_labels(read_samples(request.samples), request.labels)
        inputs = model_inputs(model.inputs, rows)
        run_model(path, inputs)
    source = Source(format=SourceFormat.ONNX, sha256=sha256)
    return ServedModel(model, source, onnx_model.producer(graph), inputs, None, (), labels)


def model_inputs(tensors: Sequence[Tensor], rows: Rows) -> Arrays:
    """Make an ONNX model's inputs of rows: by name, or by position for one input of columns.

    Raises:
        PackageError: the rows are not such as the inputs are.
    """
    if rows.columns is not None and {tensor.name for tensor in tensors} <= set(rows.columns):
        return {
            tensor.name: tensor_array(tensor, rows.column(rows.columns.index(tensor.name)), rows)
            for tensor in tensors
        }
    if len(tensors) == 1:
        return {tensors[0].name: tensor_array(tensors[0], rows.values, rows)}
    wanted = ", ".join(tensor.name for tensor in tensors)
    raise rows.refused(f"must have the model's inputs as columns: {wanted}")


def converted_model(
    request: PackageRequest, found: SourceFormat, folder: Path, tell: Tell
) -> ServedModel:
    """Convert a source, and compare the model with it."""
    assert request.samples is not None  # noqa: S101 - checked before
    rows, labels = take_labels(read_samples(request.samples), request.labels)
    work = folder.parent / "work"
    work.mkdir()
    copy = work / f"source{request.source.suffix}"
    sha256 = _copy(request.source, copy)
    tell("converting the model in a process of its own")
    answer = isolation.convert_apart(
        isolation.WorkerRequest(
            source=copy,
            shown=str(request.source),
            format=found,
            trusted_types=request.trusted_types,
            input_name=request.input_name,
            columns=rows.columns,
            values=rows.values,
            samples=rows.where,
            limits=request.limits,
        ),
        work,
        meanwhile=load_onnxruntime,
    )
    tell("comparing the model with its source")
    graph, inputs, wanted = _read_answer(work, answer, request.source)
    path = folder / MODEL_NAME
    given = _settled(graph, path, inputs, wanted)
    compared = parity.compare(wanted, given, answer.labels, request.tolerance)
    if not compared.passed:
        raise PackageError(
            f"the converted model does not answer as the source {request.source} does on "
            f"{compared.rows} rows: {parity.outside_sentence(compared)}. Nothing was written. "
            "Allow more with --tolerance-absolute, --tolerance-relative or --label-agreement if "
            "that is good enough, or train with another estimator"
        )
    notes: tuple[str, ...] = (
        f"the source was read apart, kept from the network: {answer.network}",
    )
    if answer.unused_columns:
        unused = ", ".join(answer.unused_columns)
        notes += (f"columns of the samples that the model does not take: {unused}",)
    source = Source(format=found, sha256=sha256, class_name=answer.class_name)
    model = _described(path, graph, None)
    return ServedModel(model, source, answer.versions, inputs, compared, notes, labels)


def _read_answer(
    work: Path, answer: isolation.WorkerAnswer, source: Path
) -> tuple[Any, Arrays, Arrays]:
    """Give the graph, the inputs and the source's outputs that the worker left."""
    from google.protobuf.message import DecodeError

    from modelway.package.sources import onnx_model

    try:
        with np.load(work / isolation.INPUTS_NAME, allow_pickle=False) as file:
            inputs = {
                each.name: _array(file[str(number)]) for number, each in enumerate(answer.inputs)
            }
        with np.load(work / isolation.OUTPUTS_NAME, allow_pickle=False) as file:
            wanted = {name: file[str(number)] for number, name in enumerate(answer.outputs)}
        return onnx_model.read_graph(work / isolation.MODEL_NAME), inputs, wanted
    except (OSError, ValueError, KeyError, BadZipFile, DecodeError) as error:
        raise PackageError(
            f"converting the source {source} left no whole answer ({type(error).__name__}); what "
            "is in it interfered with the process that converts. Save the model again"
        ) from None


def _settled(
    graph: Any, path: Path, inputs: Arrays, wanted: Arrays
) -> "dict[str, np.ndarray[Any, Any]]":
    """Write the model with the names and shapes of its source's outputs, and give its outputs."""
    from modelway.package.sources import onnx_model

    onnx_model.name_inputs(graph, [*inputs])
    onnx_model.name_outputs(graph, [*wanted])
    path.write_bytes(graph.SerializeToString(deterministic=True))
    given = run_model(path, inputs)
    for name, output in wanted.items():
        if output.ndim == 1 and given[name].shape == (len(output), 2):
            # Of two classes scikit-learn gives one score, the second's. The converters give two,
            # and disagree on which is which.
            apart = np.abs(given[name] - output[:, None]).max(axis=0)
            onnx_model.keep_column(graph, name, int(apart.argmin()))
            given[name] = given[name][:, [int(apart.argmin())]]
    onnx_model.declare_shapes(graph, given, len(next(iter(inputs.values()))))
    path.write_bytes(graph.SerializeToString(deterministic=True))
    return run_model(path, inputs)


def _array(array: Any) -> Any:
    """Give text as onnxruntime takes it."""
    return array.astype(object) if array.dtype.kind == "U" else array


def described(path: Path, *, variant: str) -> PackagedModel:
    """Describe a variant of a model, which is one file."""
    from modelway.package.sources import onnx_model

    model = _described(path, onnx_model.read_graph(path), None)
    return model.model_copy(update={"variant": variant})


def _described(path: Path, graph: Any, external_folder: Path | None) -> PackagedModel:
    """Describe a model file, which is loaded once for it."""
    from modelway.package.sources import onnx_model

    try:
        inputs, outputs = read_tensors(path, external_folder)
    except ArtifactError as error:
        raise PackageError(str(error)) from None
    return PackagedModel(inputs=inputs, outputs=outputs, opset=onnx_model.opsets(graph))


def _copy(source: Path, destination: Path) -> str:
    """Copy a file and give the SHA-256 of what was copied."""
    sha = hashlib.sha256()
    with source.open("rb") as read, destination.open("xb") as written:
        while chunk := read.read(CHUNK_BYTES):
            sha.update(chunk)
            written.write(chunk)
    return sha.hexdigest()
