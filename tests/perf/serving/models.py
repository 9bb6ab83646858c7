"""The benchmark's three models and their rows.

Takes a folder, gives ONNX files with fixed weights, rows for requests, and the numbers that
onnxruntime itself computes for them. Must not know any server.

- ``mlp``: 784-512-512-10, 2.7 MB; one row is 6.2 kB of JSON or 3.1 kB of bytes
- ``gb``: gradient boosting, 100 trees over 20 floats; some 5 us a run
- ``tfm``: a text encoder of six layers over 64 tokens, 21 MB; some 5 to 10 ms a run
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

SEED = 20260101
DISTINCT = 1000
"""Request bodies of a cell: so many that neither caches nor branch predictors learn them."""

VOCABULARY = 2000
OPSET = 17
IR_VERSION = 10


@dataclass(frozen=True)
class Model:
    """One model on disk."""

    name: str
    path: Path
    input: str
    output: str
    width: int
    """Values of one row."""

    dtype: str
    """float32 or int64."""

    low: float
    high: float
    """Every value of a row lies between these two; they are the input rule of our server."""

    @property
    def mib(self) -> float:
        """Size of the file."""
        return self.path.stat().st_size / 2**20

    def rows(self, requests: int, rows: int) -> np.ndarray:
        """Give different inputs, (requests, rows, width): always the same ones."""
        random = np.random.default_rng(SEED + rows)
        shape = (requests, rows, self.width)
        if self.dtype == "int64":
            return random.integers(int(self.low), int(self.high), shape, endpoint=True)
        # Five decimals, as people send them; float64, so that JSON writes them as short.
        return np.round(random.uniform(self.low, self.high, shape), 5)

    def session(self) -> onnxruntime.InferenceSession:
        """Give onnxruntime's own session of this model, with one thread."""
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        return onnxruntime.InferenceSession(
            str(self.path), options, providers=["CPUExecutionProvider"]
        )


def build(folder: Path) -> dict[str, Model]:
    """Write the models."""
    folder.mkdir(parents=True, exist_ok=True)
    return {
        "mlp": _saved(folder, _mlp(), "mlp", "x", "y", 784, "float32", 0.0, 1.0),
        "gb": _saved(folder, _trees(), "gb", "x", "variable", 20, "float32", -3.0, 3.0),
        "tfm": _saved(folder, _encoder(), "tfm", "ids", "y", 64, "int64", 0, VOCABULARY - 1),
    }


def _saved(folder: Path, proto: Any, name: str, *rest: Any) -> Model:
    path = folder / name / "model.onnx"
    path.parent.mkdir(exist_ok=True)
    onnx.checker.check_model(proto)
    onnx.save(proto, path)
    return Model(name, path, *rest)


def _mlp() -> Any:
    graph = _Graph()
    value = "x"
    for number, (inner, outer) in enumerate(((784, 512), (512, 512), (512, 10))):
        value = graph.linear(value, inner, outer, f"layer{number}")
        if number < 2:
            value = graph.node("Relu", value)
    graph.node("Softmax", value, output="y", axis=1)
    return graph.model(("x", TensorProto.FLOAT, ["batch", 784]), ["batch", 10])


def _trees() -> Any:
    from skl2onnx import convert_sklearn
    from skl2onnx.common.data_types import FloatTensorType
    from sklearn.ensemble import GradientBoostingRegressor

    random = np.random.default_rng(SEED)
    x = random.uniform(-3.0, 3.0, (2000, 20)).astype(np.float32)
    y = x[:, 0] * x[:, 1] + np.sin(x[:, 2]) + random.normal(0, 0.1, 2000)
    trees = GradientBoostingRegressor(n_estimators=100, max_depth=3, random_state=0).fit(x, y)
    types = [("x", FloatTensorType([None, 20]))]
    return convert_sklearn(trees, initial_types=types, target_opset=OPSET)


def _encoder() -> Any:
    """Give the encoder: embeddings, six layers of attention and feed-forward, mean, ten logits."""
    width, heads, tokens, layers = 256, 4, 64, 6
    graph = _Graph()
    table = graph.weight((VOCABULARY, width), "embedding", scale=0.05)
    position = graph.weight((tokens, width), "position", scale=0.05)
    value = graph.node("Add", graph.node("Gather", table, "ids"), position)
    split = graph.constant(np.array([0, tokens, heads, width // heads], np.int64))
    joined = graph.constant(np.array([0, tokens, width], np.int64))
    scale = graph.constant(np.array(1 / np.sqrt(width // heads), np.float32))
    for number in range(layers):
        name = f"layer{number}"
        q, k, v = (
            graph.node("Reshape", graph.linear(value, width, width, f"{name}.{part}"), split)
            for part in "qkv"
        )
        q, v = (graph.node("Transpose", part, perm=[0, 2, 1, 3]) for part in (q, v))
        k = graph.node("Transpose", k, perm=[0, 2, 3, 1])
        scores = graph.node("Mul", graph.node("MatMul", q, k), scale)
        mixed = graph.node("MatMul", graph.node("Softmax", scores, axis=-1), v)
        mixed = graph.node("Reshape", graph.node("Transpose", mixed, perm=[0, 2, 1, 3]), joined)
        mixed = graph.linear(mixed, width, width, f"{name}.out")
        value = graph.normal(graph.node("Add", value, mixed), width, f"{name}.norm1")
        inner = graph.node("Relu", graph.linear(value, width, 4 * width, f"{name}.up"))
        inner = graph.linear(inner, 4 * width, width, f"{name}.down")
        value = graph.normal(graph.node("Add", value, inner), width, f"{name}.norm2")
    pooled = graph.node("ReduceMean", value, axes=[1], keepdims=0)
    graph.linear(pooled, width, 10, "head", output="y")
    return graph.model(("ids", TensorProto.INT64, ["batch", tokens]), ["batch", 10])


class _Graph:
    """An ONNX graph that is being put together."""

    def __init__(self) -> None:
        self._random = np.random.default_rng(SEED)
        self._nodes: list[Any] = []
        self._weights: list[Any] = []

    def weight(self, shape: tuple[int, ...], name: str, scale: float) -> str:
        return self.constant(self._random.normal(0, scale, shape).astype(np.float32), name)

    def constant(self, array: np.ndarray, name: str = "") -> str:
        name = name or f"constant{len(self._weights)}"
        self._weights.append(numpy_helper.from_array(array, name))
        return name

    def node(self, kind: str, *inputs: str, output: str = "", **attributes: Any) -> str:
        output = output or f"{kind.lower()}{len(self._nodes)}"
        self._nodes.append(helper.make_node(kind, list(inputs), [output], **attributes))
        return output

    def linear(self, value: str, inner: int, outer: int, name: str, output: str = "") -> str:
        weight = self.weight((inner, outer), f"{name}.weight", 1 / np.sqrt(inner))
        bias = self.weight((outer,), f"{name}.bias", 0.05)
        return self.node("Add", self.node("MatMul", value, weight), bias, output=output)

    def normal(self, value: str, width: int, name: str) -> str:
        scale = self.constant(np.ones(width, np.float32), f"{name}.scale")
        bias = self.constant(np.zeros(width, np.float32), f"{name}.bias")
        return self.node("LayerNormalization", value, scale, bias, axis=-1)

    def model(self, taken: tuple[str, int, list[Any]], answered: list[Any]) -> Any:
        graph = helper.make_graph(
            self._nodes,
            "benchmark",
            [helper.make_tensor_value_info(*taken)],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, answered)],
            self._weights,
        )
        opset = [helper.make_opsetid("", OPSET)]
        return helper.make_model(graph, opset_imports=opset, ir_version=IR_VERSION)


def input_rules(model: Model) -> str:
    """Give the content of ``input_rules.json``, the range of every value of a row."""
    limits = {"min": model.low, "max": model.high}
    return json.dumps({"version": 1, "inputs": {model.input: limits}})
