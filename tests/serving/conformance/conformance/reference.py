"""The models that the cases expect, as ONNX files.

- ``echo_<datatype>``, such as ``echo_fp32``: one input ``x`` of that datatype and of two axes of
  any length, and an output ``y`` that is the same.
- ``several``: inputs ``a`` (FP32, two axes, the second of length 2), ``b`` (INT64, one axis) and
  ``c`` (BYTES, two axes), of equal first axes; outputs ``a_out``, ``b_out`` and ``c_out`` that are
  the same, and ``sums`` (FP32, one axis), the sum of each row of ``a``.

``python -m conformance.reference FOLDER`` writes each one to ``FOLDER/NAME/model.onnx``. Needs the
package ``onnx``.
"""

import sys
from pathlib import Path
from typing import Any

from conformance.tensors import DATATYPES


def names() -> list[str]:
    """Give the names of all models."""
    return [*(f"echo_{datatype.lower()}" for datatype in DATATYPES), "several"]


def model(name: str) -> Any:
    """Make one of them."""
    from onnx import TensorProto, helper

    kinds = {
        "BOOL": TensorProto.BOOL,
        "UINT8": TensorProto.UINT8,
        "UINT16": TensorProto.UINT16,
        "UINT32": TensorProto.UINT32,
        "UINT64": TensorProto.UINT64,
        "INT8": TensorProto.INT8,
        "INT16": TensorProto.INT16,
        "INT32": TensorProto.INT32,
        "INT64": TensorProto.INT64,
        "FP16": TensorProto.FLOAT16,
        "FP32": TensorProto.FLOAT,
        "FP64": TensorProto.DOUBLE,
        "BYTES": TensorProto.STRING,
    }
    if name == "several":
        tensors = [
            ("a", "FP32", ["rows", 2]),
            ("b", "INT64", ["rows"]),
            ("c", "BYTES", ["rows", "width"]),
        ]
        nodes = [helper.make_node("Identity", [own], [f"{own}_out"]) for own, _, _ in tensors]
        nodes.append(
            helper.make_node("ReduceSum", ["a", "last"], ["sums"], keepdims=0, name="sums")
        )
        results = [(f"{own}_out", kind, shape) for own, kind, shape in tensors]
        results.append(("sums", "FP32", ["rows"]))
        constants = [helper.make_tensor("last", TensorProto.INT64, [1], [1])]
    else:
        datatype = name.removeprefix("echo_").upper()
        tensors = [("x", datatype, ["rows", "columns"])]
        nodes = [helper.make_node("Identity", ["x"], ["y"])]
        results = [("y", datatype, ["rows", "columns"])]
        constants = []
    values = [
        [helper.make_tensor_value_info(own, kinds[kind], shape) for own, kind, shape in part]
        for part in (tensors, results)
    ]
    graph = helper.make_graph(nodes, name, *values, constants)
    # Old enough for every runtime that serves the protocol.
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def write(folder: Path) -> list[Path]:
    """Write all models, each in a folder of its own name, and give their files."""
    files = []
    for name in names():
        file = folder / name / "model.onnx"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(model(name).SerializeToString())
        files.append(file)
    return files


if __name__ == "__main__":
    for path in write(Path(sys.argv[1])):
        print(path)  # noqa: T201  # this is a program
