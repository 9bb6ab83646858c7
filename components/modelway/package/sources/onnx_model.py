"""ONNX files: their external data, their operator sets, and the outputs of converted ones.

Takes a file, gives what a package needs of it. The graph is only read as data here; onnxruntime
decides whether it is a model. External data must lie in the model's folder: a name that leads out,
or through a link, is refused (CVE-2022-25882, CVE-2024-27318).
"""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import onnx

from modelway.errors import PackageError
from modelway.package.contents import is_detached, is_plain_path
from modelway.package.manifest import (
    CARD_NAME,
    ENVIRONMENT_NAME,
    MANIFEST_NAME,
    MODEL_NAME,
    SAMPLES_NAME,
)

RESERVED = (CARD_NAME, ENVIRONMENT_NAME, MANIFEST_NAME, MODEL_NAME, SAMPLES_NAME)
"""Names of a package's own files, in any spelling that a file system may take for them."""


def read_graph(path: Path) -> onnx.ModelProto:
    """Read a file without its external data."""
    return onnx.load(path, load_external_data=False)


def opsets(model: onnx.ModelProto) -> dict[str, int]:
    """Give the versions of the operator sets by domain."""
    found = {each.domain: each.version for each in model.opset_import}
    return dict(sorted(found.items()))


def producer(model: onnx.ModelProto) -> dict[str, str]:
    """Give the exporter and its version, as far as the file says."""
    name, version = model.producer_name.strip(), model.producer_version.strip()
    return {name: version} if name and version else {}


def external_files(model: onnx.ModelProto, source: Path) -> dict[str, Path]:
    """Give the files that the model keeps weights in, by their names.

    Raises:
        PackageError: one is missing, or lies elsewhere; all problems at once.
    """
    locations = sorted({location for tensor in _tensors(model) for location in _location(tensor)})
    files: dict[str, Path] = {}
    problems: list[str] = []
    for location in locations:
        path = source.parent / location
        problem = _problem(location, path, source.parent)
        if problem:
            problems.append(f"`{location}` {problem}")
        files[location] = path
    if problems:
        raise PackageError(
            f"the external data of the source {source} cannot be packaged: {'; '.join(problems)}. "
            "Save the model again with its data beside it: onnx.save(model, path, "
            "save_as_external_data=True, location='weights.bin')"
        )
    return files


def name_outputs(model: onnx.ModelProto, names: Sequence[str]) -> None:
    """Give the first outputs new names, and take further ones from the graph's outputs.

    Raises:
        PackageError: there are fewer.
    """
    graph = model.graph
    if len(graph.output) < len(names):
        raise PackageError(
            f"the converted model gives {len(graph.output)} outputs and its source "
            f"{len(names)} ({', '.join(names)}); this estimator cannot be packaged with these "
            "converters"
        )
    del graph.output[len(names) :]
    renamed = {
        output.name: name
        for output, name in zip(graph.output, names, strict=True)
        if output.name != name
    }
    _free(graph, set(renamed.values()))
    _rename(graph, renamed)
    for output in graph.output:
        output.name = renamed.get(output.name, output.name)


def name_inputs(model: onnx.ModelProto, names: Sequence[str]) -> None:
    """Give the inputs the names of the columns; converters put other characters into some."""
    graph = model.graph
    if len(graph.input) == len(names):
        _rename(graph, dict(zip((each.name for each in graph.input), names, strict=True)))
        for each, name in zip(graph.input, names, strict=True):
            each.name = name


def keep_column(model: onnx.ModelProto, name: str, column: int) -> None:
    """Give one column of an output of two axes in its place."""
    whole, index = f"{name}_all", f"{name}_column"
    _rename(model.graph, {name: whole})
    model.graph.initializer.append(
        onnx.helper.make_tensor(index, onnx.TensorProto.INT64, [1], [column])
    )
    model.graph.node.append(onnx.helper.make_node("Gather", [whole, index], [name], axis=1))


def declare_shapes(model: onnx.ModelProto, outputs: Mapping[str, Any], rows: int) -> None:
    """Write the outputs' real shapes into the graph; converters guess, and the server believes.

    Args:
        model: changed.
        outputs: of `rows` rows, as onnxruntime gave them.
        rows: their number.

    Raises:
        PackageError: an output has not one entry a row.
    """
    for output in model.graph.output:
        real = outputs[output.name].shape
        if not real or real[0] != rows:
            raise PackageError(
                f"the output `{output.name}` of the converted model has shape {list(real)} for "
                f"{rows} rows; this estimator cannot be packaged with these converters"
            )
        shape = output.type.tensor_type.shape
        del shape.dim[:]
        shape.dim.add().dim_param = "batch"
        for size in real[1:]:
            shape.dim.add().dim_value = size
    for each in model.graph.input:
        first = each.type.tensor_type.shape.dim[0]
        if not first.HasField("dim_value"):
            first.dim_param = "batch"


def _problem(location: str, path: Path, folder: Path) -> str | None:
    if not is_plain_path(location):
        return "is no plain path inside the folder"
    if is_detached(location) or location.casefold() in {name.casefold() for name in RESERVED}:
        return "is a name that packages use themselves"
    step = folder
    for part in Path(location).parts:
        step /= part
        if step.is_symlink():
            return "is, or lies behind, a symbolic link"
    try:
        found = os.lstat(path)
    except OSError as error:
        return f"cannot be read: {error.strerror}"
    return None if stat.S_ISREG(found.st_mode) else "is no regular file"


def _location(tensor: onnx.TensorProto) -> Iterator[str]:
    if tensor.data_location == onnx.TensorProto.EXTERNAL:
        yield from (each.value for each in tensor.external_data if each.key == "location")


def _tensors(model: onnx.ModelProto) -> Iterator[onnx.TensorProto]:
    """Give every tensor in a model that may have external data."""
    waiting: list[Any] = [model.graph, *model.functions]
    while waiting:
        graph = waiting.pop()
        yield from getattr(graph, "initializer", ())
        for sparse in getattr(graph, "sparse_initializer", ()):
            yield from (sparse.values, sparse.indices)
        for node in graph.node:
            for attribute in node.attribute:
                yield attribute.t
                yield from attribute.tensors
                sparse_ones = (attribute.sparse_tensor, *attribute.sparse_tensors)
                for sparse in sparse_ones:
                    yield from (sparse.values, sparse.indices)
                waiting += [attribute.g, *attribute.graphs]


def _free(graph: onnx.GraphProto, wanted: set[str]) -> None:
    """Rename inner values that have a name that an output is to have."""
    outputs = {output.name for output in graph.output}
    inner = {name for node in graph.node for name in node.output if name in wanted - outputs}
    _rename(graph, {name: f"{name}_inner" for name in inner})


def _rename(graph: onnx.GraphProto, names: Mapping[str, str]) -> None:
    for node in graph.node:
        for field in (node.input, node.output):
            for index, name in enumerate(field):
                field[index] = names.get(name, name)
    for value in graph.value_info:
        value.name = names.get(value.name, value.name)
