"""onnxruntime's profile, added up by operator."""

from modelway.profile.measurement import OperatorTime
from modelway.profile.operators import operator_times


def node(name, operator, microseconds):
    return {
        "cat": "Node",
        "name": f"{name}_kernel_time",
        "dur": microseconds,
        "args": {"op_name": operator},
    }


def test_the_work_of_nodes_counts_and_nothing_else():
    events = [
        {"cat": "Session", "name": "model_run", "dur": 500},
        {"cat": "Node", "name": "first_fence_before", "dur": 9, "args": {"op_name": "Gemm"}},
        node("first", "Gemm", 60),
        node("second", "Gemm", 20),
        node("third", "Relu", 20),
        node("first", "Gemm", 60),
        node("second", "Gemm", 20),
        node("third", "Relu", 20),
    ]

    assert operator_times(events, 2) == (
        OperatorTime("Gemm", share=0.8, nodes=2, mean_us=80.0),
        OperatorTime("Relu", share=0.2, nodes=1, mean_us=20.0),
    )


def test_a_profile_without_nodes_has_no_operators():
    assert operator_times([], 0) == ()
