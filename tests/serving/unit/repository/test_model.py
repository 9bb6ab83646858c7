"""A loaded model: what it says of itself, whether rows may share a run."""

import hashlib
import threading
import time

import numpy as np
import onnx
import pytest
from onnx import TensorProto as T
from onnx import helper

from model_server.core import probe
from model_server.core.errors import InferenceFailed, ModelUnusable
from model_server.core.model import load_model
from model_server.settings.execution import ExecutionSettings

BATCH = [("x", T.FLOAT, ["batch", 4])]


def test_a_model_says_what_it_is(save, linear_model):
    data = linear_model().SerializeToString()
    folder = save(data, file="fraud.onnx")

    model = load_model(folder, 1, name="fraud", version="7")

    assert (model.name, model.version, model.file) == ("fraud", "7", "fraud.onnx")
    assert model.digest == "sha256:" + hashlib.sha256(data).hexdigest()
    assert model.size_bytes == len(data)


def test_a_model_without_a_name_is_called_as_its_file(save, linear_model):
    assert load_model(save(linear_model(), file="fraud.onnx"), 1).name == "fraud.onnx"


def test_a_run_gives_the_outputs_asked_for_by_name(load, graph):
    model = load(
        graph(
            BATCH,
            [("Neg", ["x"], ["a"]), ("Abs", ["x"], ["b"])],
            [("a", T.FLOAT, ["batch", 4]), ("b", T.FLOAT, ["batch", 4])],
        )
    )
    rows = {"x": np.array([[1, -2, 3, -4]], np.float32)}

    assert {name: array.tolist() for name, array in model.run(rows).items()} == {
        "a": [[-1, 2, -3, 4]],
        "b": [[1, 2, 3, 4]],
    }
    assert list(model.run(rows, ["b"])) == ["b"]
    assert list(model.run(rows, ("b", "a"))) == ["b", "a"]


def test_a_run_that_is_told_to_stop_ends(load, graph):
    body = helper.make_graph(
        [
            helper.make_node("Identity", ["go"], ["on"]),
            helper.make_node("MatMul", ["s", "m"], ["t"]),
        ],
        "body",
        [
            helper.make_tensor_value_info("i", T.INT64, []),
            helper.make_tensor_value_info("go", T.BOOL, []),
            helper.make_tensor_value_info("s", T.FLOAT, [64, 64]),
        ],
        [
            helper.make_tensor_value_info("on", T.BOOL, []),
            helper.make_tensor_value_info("t", T.FLOAT, [64, 64]),
        ],
    )  # fmt: skip
    model = load(
        graph(
            [("n", T.INT64, [])],
            [("Loop", ["n", "", "m"], ["y"], {"body": body})],
            [("y", T.FLOAT, [64, 64])],
            ("m", np.eye(64, dtype=np.float32)),
        )
    )
    options = model.run_options()
    failures: list[InferenceFailed] = []

    def run():
        try:
            model.run({"n": np.array(2**40)}, None, options)
        except InferenceFailed as error:
            failures.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    time.sleep(0.1)
    options.terminate = True
    thread.join(10)

    assert not thread.is_alive()
    assert "terminate flag" in failures[0].detail
    assert model.run({"n": np.array(1)})["y"].shape == (64, 64)


def test_a_failing_run_keeps_its_reason_for_the_log(load, graph):
    table = ("table", np.array([1.0, 2.0], np.float32))
    nodes = [("Gather", ["table", "x"], ["y"])]
    model = load(graph([("x", T.INT64, ["n", 1])], nodes, [("y", T.FLOAT, ["n", 1])], table))

    with pytest.raises(InferenceFailed, match="the server's log has the reason") as told:
        model.run({"x": np.array([[9]])})

    assert "out of data bounds" in told.value.detail


def test_problems_are_those_of_the_tensors_then_those_of_the_rules(load, linear_model):
    class Rules:
        def problems(self, inputs):
            return ["too large"] if inputs["x"].max() > 1 else []

    model = load(linear_model())
    model.rules = Rules()

    assert model.problems({"x": np.ones((1, 4), np.float32)}) == []
    assert model.problems({"x": np.full((1, 4), 2, np.float32)}) == ["too large"]
    assert "takes float32, not int64" in model.problems({"x": np.full((1, 4), 2)})[0]


def test_nothing_is_known_of_a_model_before_its_warm_up(save, linear_model):
    model = load_model(save(linear_model()), 1)

    assert (model.row_seconds, model.run_seconds(9), model.batches) == (None, 0.0, False)
    assert not model.is_quick(1)


def joined(graph, nodes, output=("y", T.FLOAT, ["batch", 4]), inputs=BATCH, *constants):
    return graph(inputs, nodes, [output], *constants)


def test_requests_for_independent_rows_may_be_joined(load, linear_model, graph):
    assert load(linear_model()).batches
    assert load(joined(graph, [("Softmax", ["x"], ["y"], {"axis": 1})])).batches


@pytest.mark.parametrize(
    "kind",
    [T.FLOAT, T.DOUBLE, T.FLOAT16, T.INT8, T.INT64, T.UINT8, T.UINT64, T.BOOL, T.STRING],
    ids=T.DataType.Name,
)
def test_every_datatype_can_be_proved(load, graph, kind):
    shape = ["batch", 3]
    nodes = [("Identity", ["x"], ["y"])]

    assert load(graph([("x", kind, shape)], nodes, [("y", kind, shape)])).batches


def test_sequences_of_free_length_are_proved_at_one_length(load, graph):
    shape = ["batch", "length"]
    model = graph([("x", T.FLOAT, shape)], [("Softmax", ["x"], ["y"])], [("y", T.FLOAT, shape)])

    assert load(model).batches


@pytest.mark.parametrize(
    ("nodes", "reason"),
    [
        ([("Softmax", ["x"], ["y"], {"axis": 0})], "depends on the other rows"),
        ([("ReduceMean", ["x"], ["m"], {"axes": [0]}), ("Sub", ["x", "m"], ["y"])], "depends on"),
        ([("RandomNormalLike", ["x"], ["y"])], "depends on the other rows"),
        ([("CumSum", ["x", "zero"], ["y"])], "depends on the other rows"),
        ([("Mul", ["x", "nothing"], ["y"])], "of all rows that were tried are equal"),
        ([("Slice", ["x", "one", "end", "zero_"], ["y"])], "one entry for each row"),
        ([("Slice", ["x", "last", "before", "zero_", "back"], ["y"])], "depends on the other rows"),
        ([("ReduceSum", ["x"], ["y"], {"keepdims": 1})], "first axis of output 'y' is not free"),
    ],
    ids=["softmax", "mean", "noise", "running sum", "constant", "one less", "reversed", "sum"],
)  # fmt: skip
def test_rows_that_depend_on_each_other_are_noticed(load, graph, nodes, reason):
    constants = [
        ("zero", np.array(0)),
        ("nothing", np.array(0, np.float32)),
        ("zero_", np.array([0])),
        ("one", np.array([1])),
        ("end", np.array([2**62])),
        ("last", np.array([-1])),
        ("before", np.array([-(2**62)])),
        ("back", np.array([-1])),
    ]

    model = load(joined(graph, nodes, ("y", T.FLOAT, ["rows", None]), BATCH, *constants))

    assert not model.batches
    assert reason in model.batches_reason


def test_dynamic_quantisation_over_the_whole_batch_is_noticed(load, graph):
    nodes = [
        ("DynamicQuantizeLinear", ["x"], ["q", "s", "z"]),
        ("DequantizeLinear", ["q", "s", "z"], ["y"]),
    ]

    assert "depends on the other rows" in load(joined(graph, nodes)).batches_reason


@pytest.mark.parametrize(
    ("inputs", "output", "tensor"),
    [
        ([("x", T.FLOAT, [1, 4])], ("y", T.FLOAT, [1, 4]), "input 'x'"),
        ([("x", T.FLOAT, [])], ("y", T.FLOAT, []), "input 'x'"),
        (BATCH, ("y", T.FLOAT, [1, 4]), "output 'y'"),
    ],
)  # fmt: skip
def test_a_first_axis_that_is_not_free_is_the_reason(load, graph, inputs, output, tensor):
    model = load(graph(inputs, [("Identity", ["x"], ["y"])], [output]))

    assert model.batches_reason == f"the first axis of {tensor} is not free"


def test_indices_into_a_small_table_are_found_by_trying(load, graph):
    table = ("table", np.array([1.0, 2.0], np.float32))
    nodes = [("Gather", ["table", "x"], ["y"])]

    assert load(graph([("x", T.INT64, ["n", 3])], nodes, [("y", T.FLOAT, ["n", 3])], table)).batches


def test_a_deep_network_is_joined_in_spite_of_rounding(load, graph):
    generator = np.random.default_rng(0)
    nodes, constants = [], []
    for number in range(4):
        constants.append((f"w{number}", generator.standard_normal((64, 64)).astype(np.float32)))
        nodes.append(
            ("MatMul", ["x" if number == 0 else f"r{number - 1}", f"w{number}"], [f"h{number}"])
        )
        nodes.append(("Relu", [f"h{number}"], [f"r{number}"]))
    constants.append(("last", generator.standard_normal((64, 1000)).astype(np.float32)))
    nodes.append(("MatMul", ["r3", "last"], ["y"]))
    shape = [("x", T.FLOAT, ["batch", 64])]

    model = load(graph(shape, nodes, [("y", T.FLOAT, ["batch", 1000])], *constants))

    assert (model.batches, model.batches_reason) == (True, "")


def test_joining_is_not_proved_where_it_is_switched_off(load, linear_model):
    assert "switched off" in load(linear_model(), max_rows=1).batches_reason


def test_a_slow_model_is_not_tried(load, graph, linear_model, save):
    model = load_model(save(linear_model()), 1)
    model._time = lambda inputs, runs: 0.5

    model.warm_up()

    assert model.batches_reason == "one row takes over 0.2 s"
    assert model.run_seconds(4) == 2.0


def test_a_model_that_fails_on_zeros_is_unusable_where_only_rows_are_free(save, graph):
    nodes = [("Reshape", ["x", "shape"], ["y"])]
    constants = ("shape", np.array([5, 1]))
    bad = graph(BATCH, nodes, [("y", T.FLOAT, ["a", "b"])], constants)

    with pytest.raises(ModelUnusable, match=r"fails on one row of zeros"):
        load_model(save(bad), 1).warm_up()


def test_a_model_with_other_free_axes_may_fail_on_zeros(save, graph):
    shape = ["batch", "length"]
    nodes = [("Reshape", ["x", "shape"], ["y"])]
    constants = ("shape", np.array([-1, 5]))
    model = load_model(
        save(graph([("x", T.FLOAT, shape)], nodes, [("y", T.FLOAT, ["a", "b"])], constants)), 1
    )

    assert "Reshape" in model.warm_up()
    assert model.row_seconds is None
    assert model.run({"x": np.ones((1, 10), np.float32)})["y"].shape == (2, 5)


def test_a_model_over_the_memory_limit_is_refused_before_it_is_loaded(save, graph):
    weights = ("w", np.zeros((4, 2**17), np.float32))
    large = graph(
        BATCH, [("MatMul", ["x", "w"], ["y"])], [("y", T.FLOAT, ["batch", None])], weights
    )

    with pytest.raises(ModelUnusable, match="over the limit of 1 MiB for models"):
        load_model(save(large), 1, ExecutionSettings(model_memory_mib=1))


def test_a_message_of_onnxruntime_names_files_without_folders(save, tmp_path):
    broken = onnx.ModelProto(ir_version=8)
    broken.graph.node.add(op_type="NoSuchOperator", output=["y"])
    broken.opset_import.add(version=17)

    with pytest.raises(ModelUnusable, match=r"model\.onnx could not be loaded") as told:
        load_model(save(broken), 1)

    assert str(tmp_path) not in told.value.message


@pytest.mark.parametrize(
    ("apart", "equal"),
    [
        ([[10000.0, 0.001]], True),
        ([[10000.9, 0.001]], True),
        ([[10000.0, 0.05]], True),
        ([[10000.0, 0.5]], False),
        ([[10002.0, 0.001]], False),
        ([[10000.0, np.nan]], False),
        ([[np.inf, 0.001]], False),
    ],
)
def test_rounding_is_judged_by_the_size_of_the_row(apart, equal):
    together = np.array([[10000.0, 0.001]], np.float32)

    assert probe._equal(together, np.array(apart, np.float32)) is equal


def test_a_file_that_changes_while_it_is_loaded_is_refused(save, linear_model, monkeypatch):
    from model_server.core import model as module

    folder = save(linear_model())
    real = module.open_session

    def slow(path, *more):
        session = real(path, *more)
        save(linear_model(2))
        return session

    monkeypatch.setattr(module, "open_session", slow)

    with pytest.raises(ModelUnusable, match=r"model\.onnx was changed while it was loaded"):
        load_model(folder, 1)
