"""How long a run takes, and whether it may be done on the event loop."""

import time

import numpy as np
from onnx import TensorProto as T
from onnx import helper

BATCH = [("x", T.FLOAT, ["batch", 4])]


def test_times_of_runs_are_measured_between_which_others_are_estimated(load, linear_model):
    model = load(linear_model(), max_rows=8)

    model._seconds = [1.0, 1.0, 2.0, 2.5, 3.0]

    assert [model.run_seconds(rows) for rows in (1, 2, 3, 4)] == [1.0, 2.0, 2.5, 3.0]
    assert model.run_seconds(8) == 6.0


def test_all_sizes_up_to_the_largest_batch_are_measured(load, linear_model):
    assert len(load(linear_model(), max_rows=8)._seconds) == 9
    assert len(load(linear_model())._seconds) == 65


def test_a_model_is_quick_where_a_run_is_expected_under_a_millisecond(load, linear_model):
    model = load(linear_model())

    model._seconds = [0.0004, 0.0004, 0.0008]

    assert [model.is_quick(rows) for rows in (1, 2, 3)] == [True, True, False]


def given(name):
    return helper.make_tensor_value_info(name, T.FLOAT, ["batch", 4])


def counted():
    """y = x, in a loop of two turns."""
    body = helper.make_graph(
        [helper.make_node("Identity", ["go"], ["on"]), helper.make_node("Identity", ["v"], ["w"])],
        "body",
        [
            helper.make_tensor_value_info("turn", T.INT64, []),
            helper.make_tensor_value_info("go", T.BOOL, []),
            given("v"),
        ],
        [helper.make_tensor_value_info("on", T.BOOL, []), given("w")],
    )
    return helper.make_node("Loop", ["turns", "", "x"], ["y"], body=body)


def test_a_model_with_loops_is_never_quick_for_its_input_may_say_how_often(load, graph):
    model = load(graph(BATCH, [counted()], [("y", T.FLOAT, ["batch", 4])], ("turns", np.array(2))))

    assert model.row_seconds < 0.001
    assert not model.is_quick(1)


def test_a_model_of_sequences_of_any_length_is_never_quick(load, graph):
    model = load(
        graph(
            [("x", T.FLOAT, ["batch", "length"])],
            [("Neg", ["x"], ["y"])],
            [("y", T.FLOAT, ["batch", "length"])],
        )
    )

    assert model.row_seconds < 0.001
    assert not model.is_quick(1)


def test_slow_runs_move_a_model_off_the_loop_and_short_ones_bring_it_back(load, linear_model):
    model = load(linear_model())
    model._seconds = [0.0005, 0.0005]
    rows = {"x": np.ones((1, 4), np.float32)}
    quick = model._run
    model._run = lambda *given: (time.sleep(0.02), quick(*given))[1]

    model.run(rows)

    assert not model.is_quick(1)
    model._run = quick
    for _ in range(60):
        model.run(rows)
    assert model.is_quick(1)
