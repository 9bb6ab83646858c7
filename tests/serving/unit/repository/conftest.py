"""Small ONNX models, made where a test needs them."""

import os

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper, numpy_helper

from model_server.core.model import load_model
from onnx_models import SECRET

WEIGHTS = np.arange(12, dtype=np.float32).reshape(4, 3)


def build(inputs, nodes, outputs, *constants):
    """A model from (name, type, shape), (operator, inputs, outputs, attributes), arrays."""
    values = [[helper.make_tensor_value_info(*each) for each in part] for part in (inputs, outputs)]
    made = [
        node
        if isinstance(node, onnx.NodeProto)
        else helper.make_node(node[0], node[1], node[2], **(node[3] if len(node) > 3 else {}))
        for node in nodes
    ]
    initializers = [
        each if isinstance(each, onnx.TensorProto) else numpy_helper.from_array(each[1], each[0])
        for each in constants
    ]
    graph = helper.make_graph(made, "tests", *values, initializers)
    versions = [helper.make_opsetid("", 17), helper.make_opsetid("ai.onnx.ml", 3)]
    return helper.make_model(graph, opset_imports=versions, ir_version=8)


def linear(scale=1.0):
    """y = x W, float32 (batch, 4) to (batch, 3)."""
    return build(
        [("x", T.FLOAT, ["batch", 4])],
        [("MatMul", ["x", "w"], ["y"])],
        [("y", T.FLOAT, ["batch", 3])],
        ("w", WEIGHTS * np.float32(scale)),
    )


@pytest.fixture
def graph():
    return build


@pytest.fixture
def save(tmp_path):
    """Write a model into a folder of its own, and give the folder."""

    def write(model, folder="model", file="model.onnx"):
        target = tmp_path / folder
        target.mkdir(parents=True, exist_ok=True)
        data = model if isinstance(model, bytes) else model.SerializeToString()
        (target / file).write_bytes(data)
        return target

    return write


@pytest.fixture
def load(save):
    """Load a model and warm it."""

    def get(model, **warm_up):
        loaded = load_model(save(model), 1)
        loaded.warm_up(**warm_up)
        return loaded

    return get


@pytest.fixture
def linear_model():
    return linear


class Events:
    """A log that remembers: (event, fields)."""

    def __init__(self):
        self.lines = []

    def _note(self, event, **fields):
        self.lines.append((event, fields))

    debug = info = warning = error = _note

    def names(self):
        return [event for event, _ in self.lines]

    def of(self, name):
        return [fields for event, fields in self.lines if event == name]


@pytest.fixture
def log():
    return Events()


@pytest.fixture
def loader(log):
    from model_server.core.loader import Loader
    from model_server.settings.execution import ExecutionSettings

    made = []

    def make(**settings):
        made.append(Loader(ExecutionSettings(**settings), 1, log, max_batch_rows=2))
        return made[-1]

    yield make
    for each in made:
        each.close()


@pytest.fixture
def answer():
    """What a linear model gives for a row of ones: the sum of its first column of weights."""

    def of(model):
        return float(model.run({"x": np.ones((1, 4), np.float32)})["y"][0, 0])

    return of


@pytest.fixture
def folder(tmp_path):
    """A model folder with links, pipes and devices in it, and a secret beside it."""
    made = tmp_path / "model"
    (made / "inner").mkdir(parents=True)
    (tmp_path / "secret.bin").write_bytes(SECRET)
    (made / "weights.bin").write_bytes(SECRET)
    (made / "link.bin").symlink_to(tmp_path / "secret.bin")
    (made / "twice.bin").symlink_to("link.bin")
    (made / "up").symlink_to("..")
    (made / "dangling.bin").symlink_to(tmp_path / "nothing")
    (made / "circle.bin").symlink_to("circle.bin")
    os.link(tmp_path / "secret.bin", made / "hard.bin")
    os.mkfifo(made / "pipe")
    (made / "zero").symlink_to("/dev/zero")
    return made
