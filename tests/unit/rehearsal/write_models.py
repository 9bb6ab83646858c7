"""Write the small models that shipped scenarios deploy; run this file as a program.

Version K answers a row of four numbers with their mean (`score`) and with K (`version`).
"""

from pathlib import Path

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper

FOLDER = Path(__file__).parents[3] / "components/modelway/rehearsal/scenarios/models"


def model(version: int):
    """Build one version."""
    nodes = [
        helper.make_node("ReduceMean", ["x"], ["score"], axes=[1], keepdims=0),
        helper.make_node("Mul", ["score", "zero"], ["nothing"]),
        helper.make_node("Add", ["nothing", "number"], ["whole"]),
        helper.make_node("Cast", ["whole"], ["version"], to=TensorProto.INT64),
    ]
    graph = helper.make_graph(
        nodes,
        "rehearsed",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 4])],
        [
            helper.make_tensor_value_info("score", TensorProto.FLOAT, ["batch"]),
            helper.make_tensor_value_info("version", TensorProto.INT64, ["batch"]),
        ],
        [
            numpy_helper.from_array(np.array(0, np.float32), "zero"),
            numpy_helper.from_array(np.array(version, np.float32), "number"),
        ],
    )
    made = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8, producer_name="modelway"
    )
    checker.check_model(made)
    return made


if __name__ == "__main__":
    FOLDER.mkdir(parents=True, exist_ok=True)
    for number, name in ((1, "one"), (2, "two")):
        (FOLDER / f"{name}.onnx").write_bytes(model(number).SerializeToString(deterministic=True))
