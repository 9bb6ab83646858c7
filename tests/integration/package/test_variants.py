"""Variants of real models: what they lose, that they are served, and that they come out the same.

They are made and measured in processes of their own, as by the command; one round of measuring.
"""

import json
import warnings
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper, numpy_helper
from sklearn import datasets
from sklearn.neural_network import MLPClassifier, MLPRegressor

from model_server.core.model import load_model
from modelway.errors import PackageError
from modelway.package.assemble import make_package
from modelway.package.inference import run_model
from modelway.package.optimise import run
from modelway.package.optimise.variants import Variant
from modelway.package.request import Optimisation, PackageRequest

pytestmark = pytest.mark.integration


@pytest.fixture(autouse=True)
def _one_round(monkeypatch):
    monkeypatch.setattr(run, "ROUNDS", 1)


@pytest.fixture(scope="module")
def digits():
    return datasets.load_digits(return_X_y=True)


def dense(layers, inputs, output):
    """A chain of Gemm, with Relu between them."""
    nodes, weights, name = [], [], "x"
    for at, (matrix, bias) in enumerate(layers):
        last = at == len(layers) - 1
        weights += [
            numpy_helper.from_array(np.asarray(matrix, np.float32), f"w{at}"),
            numpy_helper.from_array(np.asarray(bias, np.float32), f"b{at}"),
        ]
        made = output if last else f"h{at}"
        nodes.append(helper.make_node("Gemm", [name, f"w{at}", f"b{at}"], [made]))
        name = made
        if not last:
            nodes.append(helper.make_node("Relu", [made], [f"r{at}"]))
            name = f"r{at}"
    return model_of(nodes, weights, ["batch", inputs], ["batch", layers[-1][0].shape[1]], output)


def model_of(nodes, weights, given, made, output):
    graph = helper.make_graph(
        nodes,
        "variants",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, given)],
        [helper.make_tensor_value_info(output, TensorProto.FLOAT, made)],
        weights,
    )
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)


def trained(network, rows, truth):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of rounds that end before convergence
        network.fit(rows, truth)
    return list(zip(network.coefs_, network.intercepts_, strict=True))


def linear(digits):
    """Ridge regression on one column a digit: a linear model that is the same everywhere."""
    rows, labels = digits
    known = rows[:900] / 16
    wanted = np.eye(10)[labels[:900]] - 0.1
    matrix = np.linalg.solve(known.T @ known + 10 * np.eye(64), known.T @ wanted)
    return dense([(matrix / 16, np.full(10, 0.1))], 64, "scores"), rows[900:], labels[900:]


def network(digits):
    rows, labels = digits
    known = (rows[:900] - 8) / 8
    layers = trained(MLPClassifier((64,), max_iter=40, random_state=7), known, labels[:900])
    model = dense(layers, 64, "scores")
    # As pipelines have it; onnx infers no type of what it gives.
    model.graph.node[0].input[0] = "scaled"
    scaler = helper.make_node(
        "Scaler", ["x"], ["scaled"], domain="ai.onnx.ml", offset=[8.0], scale=[0.125]
    )
    model.graph.node.insert(0, scaler)
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    return model, rows[900:], labels[900:]


def regression(_digits):
    rows, truth = datasets.load_diabetes(return_X_y=True)
    rows = rows * 20
    fitted = trained(
        MLPRegressor(hidden_layer_sizes=(128, 128), max_iter=300, random_state=7), rows, truth
    )
    return dense(fitted, 10, "progression"), rows, truth


def convolution(digits):
    """Filters and classes of random but fixed numbers, judged by agreement alone."""
    generator = np.random.default_rng(7)
    weights = [
        numpy_helper.from_array(generator.normal(size=shape).astype(np.float32), name)
        for name, shape in (("filters", (8, 1, 3, 3)), ("classes", (72, 10)), ("bias", (10,)))
    ]
    nodes = [
        helper.make_node("Conv", ["x", "filters"], ["c"], kernel_shape=[3, 3]),
        helper.make_node("Relu", ["c"], ["r"]),
        helper.make_node("MaxPool", ["r"], ["p"], kernel_shape=[2, 2], strides=[2, 2]),
        helper.make_node("Flatten", ["p"], ["f"]),
        helper.make_node("Gemm", ["f", "classes", "bias"], ["scores"]),
    ]
    model = model_of(nodes, weights, ["batch", 1, 8, 8], ["batch", 10], "scores")
    return model, digits[0].reshape(-1, 1, 8, 8)[:600], None


@pytest.fixture
def package(tmp_path):
    """Package a model with variants; gives what was made."""

    def make(built, folder="package", *, points=1.0, variant=None, save=onnx.save):
        model, rows, labels = built
        source, samples = tmp_path / "model.onnx", tmp_path / "samples.jsonl"
        if not source.exists():
            save(model, source)
        samples.write_text("".join(f"{json.dumps({'x': row.tolist()})}\n" for row in rows))
        if labels is not None:
            (tmp_path / "labels.txt").write_text("".join(f"{each}\n" for each in labels))
        request = PackageRequest(
            source=source,
            name="digits",
            samples=samples,
            labels=None if labels is None else str(tmp_path / "labels.txt"),
            optimisation=Optimisation(points, variant),
        )
        return make_package(request, tmp_path / folder)

    return make


MODELS = {
    "a linear model": (linear, "accuracy", 1.0, -100 / 641),
    "a network": (network, "accuracy", 1.0, None),
    "a larger network of numbers": (regression, "R2", 1.0, None),
    "a convolution": (convolution, "agreement with the original", 2.0, 400 / 344),
}
"""What is built, how it is judged, the points that may be lost, and those that static 8 bits lose
where nothing is trained: one row of 641 more is right, and 4 of 344 differ."""


@pytest.mark.parametrize("name", MODELS)
def test_variants_keep_their_accuracy_within_the_loss(name, digits, package):
    build, measure, points, lost = MODELS[name]

    found = package(build(digits), points=points).optimised

    assert found.measure.name == measure
    by_name = {str(each.variant): each for each in found.candidates}
    quantised = ["int8-static", "int8-dynamic"]
    for each in ("original", "graph", "fp16", *quantised):
        assert by_name[each].refused is None, each
        assert by_name[each].lost_points <= points, each
        assert by_name[each].speed.row_p50_us > 0
    assert by_name["graph"].lost_points == 0.0
    assert by_name["int8-static"].joins
    if lost is not None:
        assert by_name["int8-static"].lost_points == pytest.approx(lost)
    assert by_name["int8-static"].size_bytes < by_name["original"].size_bytes


def test_a_variant_that_is_named_is_the_same_to_the_byte_wherever_it_is_made(digits, package):
    built = network(digits)

    first = package(built, "first", variant=Variant.INT8_STATIC)
    second = package(built, "second", variant=Variant.INT8_STATIC)

    assert first.digest == second.digest
    assert first.manifest.model.variant == "int8-static"
    assert (first.folder / "model.onnx").read_bytes() == (second.folder / "model.onnx").read_bytes()
    evidence = json.loads((first.folder / "evidence/variants.json").read_text())
    assert (evidence["subject"], evidence["chosen"]) == (first.digest, "int8-static")


def test_the_server_answers_as_onnxruntime_does_with_the_variant(digits, package):
    built = network(digits)
    made = package(built, variant=Variant.INT8_STATIC)
    rows = built[1][:50].astype(np.float32)

    served = load_model(made.folder, 1)
    served.warm_up()

    assert served.digest == f"sha256:{dict_of(made)['model.onnx']}"
    assert served.batches, served.batches_reason
    expected = run_model(made.folder / "model.onnx", {"x": rows})["scores"]
    assert served.run({"x": rows})["scores"].tolist() == expected.tolist()


def dict_of(made):
    return {file.path: file.sha256 for file in made.manifest.files}


def test_the_server_does_not_join_rows_that_are_scaled_together(digits, package):
    made = package(network(digits), points=5.0, variant=Variant.INT8_DYNAMIC)

    served = load_model(made.folder, 1)
    served.warm_up()

    assert not made.optimised.candidates[1].joins
    assert served.batches_reason == "output 'scores' of a row depends on the other rows of a run"


def test_a_model_with_external_data_becomes_one_file(digits, package, tmp_path):
    def save(model, path):
        onnx.save(model, path, save_as_external_data=True, location="weights.bin", size_threshold=0)

    made = package(linear(digits), points=2.0, variant=Variant.INT8_STATIC, save=save)

    assert (tmp_path / "weights.bin").stat().st_size > 2560
    assert not (made.folder / "weights.bin").exists()
    assert "weights.bin" not in dict_of(made)


def test_a_named_variant_that_loses_too_much_is_not_packaged(digits, package, tmp_path):
    # One column is a million times as large as the others: 8 bits leave nothing of these.
    generator = np.random.default_rng(7)
    matrix = generator.normal(size=(64, 10))
    matrix[0] = 0
    rows = np.array(digits[0][:400])
    rows[:, 0] = np.arange(400) * 1e6
    built = dense([(matrix, np.zeros(10))], 64, "scores"), rows, None

    with pytest.raises(PackageError, match=r"int8-static \(--variant\) loses .* 1 may be lost"):
        package(built, variant=Variant.INT8_STATIC)
    assert not (tmp_path / "package").exists()


def test_when_nothing_qualifies_the_package_is_that_of_the_original(write_trees, tmp_path):
    source, samples = write_trees

    def made(folder, optimisation):
        request = PackageRequest(
            source=source, name="trees", samples=samples, optimisation=optimisation
        )
        return make_package(request, tmp_path / folder)

    plain, optimised = made("plain", None), made("optimised", Optimisation(0.0))

    by_name = {str(each.variant): each for each in optimised.optimised.candidates}
    assert by_name["int8-static"].refused.startswith("it has no Conv, Gemm or MatMul, but ")
    assert "TreeEnsembleRegressor" in by_name["int8-dynamic"].refused
    if optimised.optimised.choice.variant is Variant.ORIGINAL:
        assert optimised.digest == plain.digest


@pytest.fixture
def write_trees(tmp_path) -> tuple[Path, Path]:
    """A tree with two leaves, which has nothing to quantise."""
    node = helper.make_node(
        "TreeEnsembleRegressor",
        ["x"],
        ["price"],
        domain="ai.onnx.ml",
        n_targets=1,
        nodes_treeids=[0, 0, 0],
        nodes_nodeids=[0, 1, 2],
        nodes_featureids=[0, 0, 0],
        nodes_modes=["BRANCH_LEQ", "LEAF", "LEAF"],
        nodes_values=[0.5, 0.0, 0.0],
        nodes_truenodeids=[1, 0, 0],
        nodes_falsenodeids=[2, 0, 0],
        nodes_missing_value_tracks_true=[0, 0, 0],
        target_treeids=[0, 0],
        target_nodeids=[1, 2],
        target_ids=[0, 0],
        target_weights=[1.0, 2.0],
    )
    model = model_of([node], [], ["batch", 1], ["batch", 1], "price")
    model.opset_import.append(helper.make_opsetid("ai.onnx.ml", 3))
    onnx.save(model, tmp_path / "trees.onnx")
    samples = tmp_path / "samples.csv"
    samples.write_text("".join(f"{each / 40}\n" for each in range(40)))
    return tmp_path / "trees.onnx", samples
