"""`modelway profile` as a user runs it: tables, JSON, and settings that the server takes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper

from model_server.settings import Settings
from modelway.testing import child_environment

pytestmark = pytest.mark.integration


@pytest.fixture
def model(tmp_path):
    """A product of matrices, and a model that divides by the largest value of all rows."""
    weights = numpy_helper.from_array(np.ones((16, 4), np.float32), "weights")

    def write(name, nodes):
        graph = helper.make_graph(
            nodes,
            "profiled",
            [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 16])],
            [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 4])],
            [weights],
        )
        opsets = [helper.make_opsetid("", 17)]
        onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / name)
        return name

    return write


PRODUCT = helper.make_node("MatMul", ["x", "weights"], ["y"])


def modelway(folder, *arguments):
    return subprocess.run(
        [str(Path(sys.executable).parent / "modelway"), "profile", *arguments],
        cwd=folder,
        env=child_environment({}),
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def test_what_it_proposes_is_what_the_server_takes(model, tmp_path):
    done = modelway(tmp_path, model("product.onnx", [PRODUCT]), "--seconds", "2", "--json")

    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["rows_from"] == "made-up rows"
    assert [cell["rows"] for cell in said["cells"][:5]] == [1, 8, 16, 32, 64]
    assert [each["operator"] for each in said["operators"]] == ["MatMul"]
    assert said["joins"]
    proposed = {each["name"]: each["value"] for each in said["settings"]}
    settings = Settings.from_environment(proposed)
    assert settings.threads == int(proposed["MODEL_SERVER_THREADS"])
    assert settings.process.workers == int(proposed["MODEL_SERVER_WORKERS"])


def test_rows_that_depend_on_each_other_are_found(model, tmp_path):
    nodes = [
        helper.make_node("MatMul", ["x", "weights"], ["product"]),
        helper.make_node("ReduceMax", ["product"], ["largest"], keepdims=0),
        helper.make_node("Div", ["product", "largest"], ["y"]),
    ]

    done = modelway(tmp_path, model("scaled.onnx", nodes), "--seconds", "1")

    assert done.returncode == 0, done.stderr
    assert 'MODEL_SERVER_BATCHING: "false"  # a row\'s answer depends on the rows' in done.stdout
    for text in ("rows a second", "ReduceMax", "MiB at its peak", "MODEL_SERVER_THREADS"):
        assert text in done.stdout


def test_rows_that_the_model_does_not_take_are_told_of(model, tmp_path):
    (tmp_path / "rows.csv").write_text("1,2,3\n")

    done = modelway(tmp_path, model("product.onnx", [PRODUCT]), "--samples", "rows.csv")

    assert done.returncode == 1
    assert done.stderr.startswith("error: the samples rows.csv have values of shape [3]")
