"""Models are measured in sessions like the model server's.

The two never import each other, so this test compares what both ask of onnxruntime.
"""

import onnx
import onnxruntime
import pytest
from onnx import TensorProto, helper

from model_server.core import providers
from model_server.settings.execution import ExecutionSettings
from modelway.package.optimise import measure


@pytest.fixture
def model(tmp_path):
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "identity",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch"])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch"])],
    )
    path = tmp_path / "model.onnx"
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), path)
    return path


def test_options_are_those_of_the_server(model):
    measured = measure.open_session(model, 2)
    served = providers.open_session(model, 2, ExecutionSettings())

    def asked(session):
        options = session.get_session_options()
        return {
            "intra_op_num_threads": options.intra_op_num_threads,
            "inter_op_num_threads": options.inter_op_num_threads,
            "graph_optimization_level": options.graph_optimization_level,
            "execution_mode": options.execution_mode,
            "enable_cpu_mem_arena": options.enable_cpu_mem_arena,
            "format": options.get_session_config_entry("session.load_model_format"),
            "providers": session.get_providers(),
        }

    assert asked(measured) == asked(served)
    assert asked(served)["graph_optimization_level"] == (
        onnxruntime.GraphOptimizationLevel.ORT_ENABLE_ALL
    )
