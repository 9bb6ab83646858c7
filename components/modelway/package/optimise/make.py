"""The process that makes variants: `python -m ...optimise.make FOLDER`.

Takes `original/model.onnx`, `calibration.npz` and `request.json` from the folder, leaves a file a
variant and `answer.json` with the reasons why others are not there. onnxruntime's own tools do it.
The same model and calibration rows give the same bytes: ranges that were calibrated are widened to
8 binary digits, since the last ones of float32 sums differ between kinds of processors. Started by
`apart` alone.
"""

import contextlib
import json
import logging
import math
import sys
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto

from modelway.package.inference import load_onnxruntime
from modelway.package.optimise.apart import (
    ANSWER_NAME,
    CALIBRATION_NAME,
    ORIGINAL_NAME,
    REQUEST_NAME,
    load_arrays,
)
from modelway.package.optimise.measure import open_session
from modelway.package.optimise.variants import PRODUCTS, STATIC, Variant, why_not
from modelway.package.tensors import PROTOBUF_LIMIT_BYTES

PASSING = ("AveragePool", "Clip", "Flatten", "MaxPool", "Relu", "Reshape", "Squeeze", "Transpose")
"""Operators between products through which 8 bits pass as they are."""

CALIBRATION_BATCH = 32

RANGE_DIGITS = 8
"""Binary digits of a calibrated range: a 256th more at most, half a step of 8 bits."""

TYPED_NAME = "typed.onnx"
"""The simplified model with the types of all that flows in it."""

ELEMENTS = {
    "tensor(bool)": TensorProto.BOOL,
    "tensor(double)": TensorProto.DOUBLE,
    "tensor(float)": TensorProto.FLOAT,
    "tensor(float16)": TensorProto.FLOAT16,
    "tensor(int32)": TensorProto.INT32,
    "tensor(int64)": TensorProto.INT64,
    "tensor(string)": TensorProto.STRING,
    "tensor(uint8)": TensorProto.UINT8,
}
"""onnxruntime's names of elements; others have nothing to be made smaller."""

_SILENT = 4


def main(folder: Path) -> None:
    """Answer one request."""
    logging.disable(logging.ERROR)  # advice for those who call the tools by hand
    wanted = [Variant(each) for each in json.loads((folder / REQUEST_NAME).read_text())]
    refused: dict[str, str] = {}
    try:
        operators = _simplify(folder)
    except Exception as error:  # noqa: BLE001 - whatever onnxruntime says goes into the answer
        refused = dict.fromkeys(wanted, f"its graph cannot be simplified: {_first_line(error)}")
        wanted = []
    for variant in wanted:
        reason = why_not(variant, operators)
        if reason is None:
            try:
                _MAKERS[variant](folder)
            except Exception as error:  # noqa: BLE001 - the tools' errors have no common base
                said = _first_line(error).replace(f"{folder}/", "")
                reason = f"onnxruntime cannot make it: {said}"
        if reason is not None:
            refused[variant] = reason
    (folder / ANSWER_NAME).write_text(json.dumps(refused))


def _path(folder: Path, variant: Variant) -> Path:
    return folder / f"{variant}.onnx"


def _simplify(folder: Path) -> set[str]:
    """Write the simplified model as one file, and give its operators. The others are made of it."""
    whole = folder / "whole.onnx"
    model = onnx.load(folder / ORIGINAL_NAME)  # with its external data
    size_bytes = model.ByteSize()
    if size_bytes > PROTOBUF_LIMIT_BYTES:
        raise ValueError(f"{size_bytes} bytes are more than one file of ONNX holds")
    before = {each.domain: each.version for each in model.opset_import}
    _write(model, whole)
    runtime = load_onnxruntime()
    options = runtime.SessionOptions()
    options.log_severity_level = _SILENT
    options.intra_op_num_threads = 1
    options.graph_optimization_level = runtime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    simplified = folder / "simplified.onnx"
    options.optimized_model_filepath = str(simplified)
    runtime.InferenceSession(whole, options, ["CPUExecutionProvider"])
    made = onnx.load(simplified)
    # onnxruntime names all sets that it knows.
    used = {node.domain for node in made.graph.node} | {""}
    kept = [each for each in made.opset_import if each.domain in used]
    for each in kept:
        each.version = before.get(each.domain, each.version)
    del made.opset_import[:]
    made.opset_import.extend(sorted(kept, key=lambda each: each.domain))
    _write(made, _path(folder, Variant.GRAPH))
    _write(_typed(made, folder / "typed-outputs.onnx"), folder / TYPED_NAME)
    return {node.op_type for node in made.graph.node}


def _typed(model: onnx.ModelProto, scratch: Path) -> onnx.ModelProto:
    """Write down the type of everything that flows, as onnxruntime knows it.

    onnx infers none of ai.onnx.ml's, such as of a Scaler, and the tools need them.
    """
    model = onnx.ModelProto.FromString(model.SerializeToString())
    told = {each.name for each in (*model.graph.input, *model.graph.output)}
    names = [name for node in model.graph.node for name in node.output if name and name not in told]
    asking = onnx.ModelProto.FromString(model.SerializeToString())
    asking.graph.output.extend(onnx.ValueInfoProto(name=name) for name in names)
    _write(asking, scratch)
    session = open_session(scratch, 1)
    del model.graph.value_info[:]
    for each in session.get_outputs():
        kind = ELEMENTS.get(each.type)
        if each.name in names and kind is not None:
            # An unknown rank is told as that of a scalar.
            shape = each.shape or None
            model.graph.value_info.append(
                onnx.helper.make_tensor_value_info(each.name, kind, shape)
            )
    return model


def _half(folder: Path) -> None:
    """Convert to half precision."""
    from onnxruntime.quantization.onnx_model import ONNXModel
    from onnxruntime.transformers.float16 import DEFAULT_OP_BLOCK_LIST, convert_float_to_float16

    model = onnx.load(folder / TYPED_NAME)
    # Only what holds weights and what lies between: scaling and classes of scikit-learn's
    # pipelines stay in float32, where inputs over 65504 are numbers still.
    between = {*PRODUCTS, *PASSING, "Add", "Mul", "Sigmoid", "Tanh", "Softmax", "Gelu", "Erf"}
    blocked = {node.op_type for node in model.graph.node} - between
    half = convert_float_to_float16(
        model, keep_io_types=True, op_block_list=sorted({*blocked, *DEFAULT_OP_BLOCK_LIST})
    )
    _without_detours(half)
    ordered = ONNXModel(half)
    ordered.topological_sort()
    _write_variant(ordered.model, _path(folder, Variant.FP16))


def _without_detours(model: onnx.ModelProto) -> None:
    """Read float32 where it is, and not after a way through float16 and back, which rounds it."""
    halved: dict[str, str] = {}
    back: dict[str, str] = {}
    for node in model.graph.node:
        if node.op_type == "Cast":
            kind = onnx.helper.get_node_attr_value(node, "to")
            if kind == TensorProto.FLOAT16:
                halved[node.output[0]] = node.input[0]
            elif kind == TensorProto.FLOAT:
                back[node.output[0]] = node.input[0]
    outputs = {each.name for each in model.graph.output}
    direct = {
        name: halved[source]
        for name, source in back.items()
        if source in halved and name not in outputs
    }
    for node in model.graph.node:
        for index, name in enumerate(node.input):
            node.input[index] = direct.get(name, name)
    used = {name for node in model.graph.node for name in node.input} | outputs
    unused = [node for node in model.graph.node if not used & set(node.output)]
    for node in unused:
        if node.op_type == "Cast":
            model.graph.node.remove(node)


def _dynamic(folder: Path) -> None:
    from onnxruntime.quantization import QuantType, quantize_dynamic

    path = _path(folder, Variant.INT8_DYNAMIC)
    quantize_dynamic(
        folder / TYPED_NAME,
        path,
        op_types_to_quantize=["Attention", "LSTM", "MatMul"],  # a Gemm becomes MatMul and Add
        reduce_range=True,
        weight_type=QuantType.QInt8,
    )
    _write_variant(onnx.load(path), path)


def _static(folder: Path) -> None:
    from onnxruntime.quantization import QuantFormat, QuantType, quantize_static

    path = _path(folder, Variant.INT8_STATIC)
    operators = [*STATIC, *PASSING]
    ranges = folder / "ranges.json"
    _calibrate(folder, operators, ranges)
    quantize_static(
        folder / TYPED_NAME,
        path,
        calibration_cache_path=ranges,
        quant_format=QuantFormat.QDQ,
        op_types_to_quantize=operators,
        # Seven bits of weights: with eight, processors without VNNI saturate sums of two products
        # at 16 bits, and what is measured here would not hold there.
        reduce_range=True,
        activation_type=QuantType.QUInt8,
        weight_type=QuantType.QInt8,
    )
    model = onnx.load(path)
    _without_last_rounding(model.graph, operators)
    _write_variant(model, path)


def _without_last_rounding(graph: onnx.GraphProto, operators: list[str]) -> None:
    """Leave what a product gives in float32 where nothing with 8 bits reads it.

    Else scores would have 256 different values, and gain nothing for it.
    """
    made = {name: node for node in graph.node for name in node.output}
    outputs = {each.name for each in graph.output}
    for node in [each for each in graph.node if each.op_type == "DequantizeLinear"]:
        quantize = made.get(node.input[0])
        product = None if quantize is None else made.get(quantize.input[0])
        readers = [each for each in graph.node if node.output[0] in each.input]
        if product is None or product.op_type not in ("Gemm", "MatMul"):
            continue
        if any(each.op_type in operators for each in readers):
            continue
        others = [each for each in graph.node if product.output[0] in each.input]
        # The quantized values themselves may be read by another node.
        whole = [each for each in graph.node if node.input[0] in each.input]
        if others != [quantize] or whole != [node] or product.output[0] in outputs:
            continue
        product.output[0] = node.output[0]
        graph.node.remove(node)
        graph.node.remove(quantize)


def _calibrate(folder: Path, operators: list[str], ranges: Path) -> None:
    """Write the range of everything that flows between the operators."""
    from onnxruntime.quantization.calibrate import (
        CalibrationMethod,
        TensorsData,
        create_calibrator,
        save_tensors_data,
    )

    calibrator = create_calibrator(
        folder / TYPED_NAME,
        operators,
        augmented_model_path=str(folder / "augmented.onnx"),
        calibrate_method=CalibrationMethod.MinMax,
    )
    calibrator.collect_data(_Rows(load_arrays(folder / CALIBRATION_NAME)))
    found = calibrator.compute_data()
    widened = {
        name: (
            _outwards(float(np.min(data.lowest)), down=True),
            _outwards(float(np.max(data.highest)), down=False),
        )
        for name, data in sorted(found.items())
    }
    save_tensors_data(TensorsData(CalibrationMethod.MinMax, widened), ranges)


def _outwards(value: float, *, down: bool) -> Any:
    """Round to the next number of `RANGE_DIGITS` binary digits, away from the range."""
    part, exponent = math.frexp(value)
    scaled = part * 2**RANGE_DIGITS
    whole = math.floor(scaled) if down else math.ceil(scaled)
    return np.array(math.ldexp(whole, exponent - RANGE_DIGITS), dtype=np.float32)


class _Rows:
    """Calibration rows as onnxruntime's tools take them."""

    def __init__(self, inputs: dict[str, Any]) -> None:
        count = len(next(iter(inputs.values())))
        self._parts = iter(
            {name: array[at : at + CALIBRATION_BATCH] for name, array in inputs.items()}
            for at in range(0, count, CALIBRATION_BATCH)
        )

    def get_next(self) -> dict[str, Any] | None:
        """Give the next rows; None when there are no more."""
        return next(self._parts, None)

    def __iter__(self) -> Any:
        return self._parts


def _write_variant(model: onnx.ModelProto, path: Path) -> None:
    """Write a finished variant, without the types that only its making needed."""
    del model.graph.value_info[:]
    _write(model, path)


def _write(model: onnx.ModelProto, path: Path) -> None:
    path.write_bytes(model.SerializeToString(deterministic=True))


def _first_line(error: Exception) -> str:
    text = str(error).strip()
    return text.splitlines()[0] if text else type(error).__name__


_MAKERS = {
    Variant.GRAPH: lambda _folder: None,
    Variant.FP16: _half,
    Variant.INT8_DYNAMIC: _dynamic,
    Variant.INT8_STATIC: _static,
}


if __name__ == "__main__":
    with contextlib.suppress(BrokenPipeError):
        main(Path(sys.argv[1]))
