"""Read the inputs and outputs of an ONNX file with onnxruntime.

Takes a path, gives `modelway.spec.Tensor`s. Loading is also the proof that the file is a model that
the server can serve. onnxruntime is imported at the first call, not with this module.
"""

import os
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from modelway.errors import ArtifactError
from modelway.spec.model_file import Datatype, Tensor

PROTOBUF_LIMIT_BYTES = 2 * 1024**3 - 1
"""Greatest size of an ONNX file that is one protobuf message (protobuf's own limit)."""

ONNXRUNTIME_TYPES = {
    "tensor(bool)": Datatype.BOOL,
    "tensor(uint8)": Datatype.UINT8,
    "tensor(uint16)": Datatype.UINT16,
    "tensor(uint32)": Datatype.UINT32,
    "tensor(uint64)": Datatype.UINT64,
    "tensor(int8)": Datatype.INT8,
    "tensor(int16)": Datatype.INT16,
    "tensor(int32)": Datatype.INT32,
    "tensor(int64)": Datatype.INT64,
    "tensor(float16)": Datatype.FP16,
    "tensor(float)": Datatype.FP32,
    "tensor(double)": Datatype.FP64,
    "tensor(string)": Datatype.BYTES,
}
"""onnxruntime's names of element types, and the Open Inference Protocol's."""

_FATAL_ONLY = 4
_EXTERNAL_FOLDER = "session.model_external_initializers_file_folder_path"
_ONNXRUNTIME_PREFIX = re.compile(r"^\[ONNXRuntimeError\] : \d+ : [A-Z_]+ : ")


def read_tensors(
    path: Path, external_folder: Path | None = None
) -> tuple[tuple[Tensor, ...], tuple[Tensor, ...]]:
    """Load an ONNX file and give its inputs and outputs; axes that vary have size -1.

    Args:
        path: the file.
        external_folder: where its external data lies, as far as that was checked. Default: it may
            have none.

    Raises:
        ArtifactError: the file is missing, cannot be loaded, keeps weights in other files, or has
            inputs or outputs that are no tensors, such as scikit-learn's zipmap.
    """
    session = _session(path, external_folder)
    inputs = tuple(_tensor(path, "input", node) for node in session.get_inputs())
    outputs = tuple(_tensor(path, "output", node) for node in session.get_outputs())
    return inputs, outputs


def tensor_differences(field: str, wanted: Sequence[Tensor], found: Sequence[Tensor]) -> list[str]:
    """Compare the spec's tensors with the file's, by name; an empty list in the spec says nothing.

    Args:
        field: `inputs` or `outputs`, for the messages.
        wanted: what the spec says.
        found: what the file has.
    """
    if not wanted:
        return []
    differences: list[str] = []
    real = {tensor.name: tensor for tensor in found}
    for tensor in wanted:
        other = real.pop(tensor.name, None)
        if other is None:
            names = ", ".join(f"`{tensor.name}`" for tensor in found)
            differences.append(f"model.{field} has `{tensor.name}`, but the file has {names}")
            continue
        if other.datatype is not tensor.datatype:
            differences.append(
                f"`{tensor.name}` is {tensor.datatype} in the spec and {other.datatype} in the file"
            )
        if other.shape != tensor.shape:
            differences.append(
                f"`{tensor.name}` has shape {list(tensor.shape)} in the spec and "
                f"{list(other.shape)} in the file"
            )
    differences += [f"model.{field} lacks `{name}`, which the file has" for name in real]
    return differences


def _session(path: Path, external_folder: Path | None) -> Any:
    """Load the file from its bytes, as the one file that is deployed."""
    # onnxruntime 1.29 and later report usage from Linux unless this is set before the import.
    os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
    import onnxruntime  # a third of a second that most commands do not need

    try:
        size_bytes = path.stat().st_size
        if size_bytes > PROTOBUF_LIMIT_BYTES:
            raise ArtifactError(
                f"the model file {path} has {size_bytes} bytes; an ONNX file cannot exceed "
                f"{PROTOBUF_LIMIT_BYTES}, so it is damaged or no ONNX file"
            )
        content = path.read_bytes()
    except OSError as error:
        raise ArtifactError(
            f"the model file {path} cannot be read: {error.strerror}; correct `model.path`"
        ) from None
    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
    options.intra_op_num_threads = 1
    options.log_severity_level = _FATAL_ONLY
    try:
        with tempfile.TemporaryDirectory() as empty:
            # Weights in other files would not be deployed. onnxruntime looks for them in the
            # working directory unless told another folder: one where nothing is.
            folder = empty if external_folder is None else str(external_folder)
            options.add_session_config_entry(_EXTERNAL_FOLDER, folder)
            providers = ["CPUExecutionProvider"]
            return onnxruntime.InferenceSession(content, options, providers=providers)
    except Exception as error:  # noqa: BLE001 - its errors have no other common base
        raise ArtifactError(
            f"the model file {path} cannot be loaded by onnxruntime: {_reason(error)}. "
            "Export the model again to ONNX, as one file with its weights inside"
        ) from None


def _reason(error: Exception) -> str:
    """Give the first line of onnxruntime's message, without its own error numbers."""
    lines = str(error).strip().splitlines()
    text = lines[0] if lines else type(error).__name__
    return _ONNXRUNTIME_PREFIX.sub("", text).removesuffix(".")


def _tensor(path: Path, side: str, node: Any) -> Tensor:
    """Translate one input or output."""
    datatype = ONNXRUNTIME_TYPES.get(node.type)
    if datatype is not None:
        shape = tuple(axis if isinstance(axis, int) else -1 for axis in node.shape)
        return Tensor(name=node.name, datatype=datatype, shape=shape)
    if "map(" in node.type or node.type.startswith("seq("):
        way_out = (
            'convert again without the zipmap: skl2onnx.to_onnx(model, ..., options={"zipmap": '
            "False}), so that probabilities are one tensor"
        )
    else:
        way_out = f"cast it to one of {', '.join(Datatype)}"
    raise ArtifactError(
        f"the {side} `{node.name}` of the model file {path} is of type {node.type}, which cannot "
        f"be served; {way_out}"
    )
