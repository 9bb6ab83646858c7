"""Sources that are refused once they are loaded, or before; nothing is ever left behind."""

import importlib.util
import pickle
import sys

import joblib
import numpy as np
import pytest
import skops.io
from sklearn import base, datasets
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.neighbors import NearestCentroid
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer
from sklearn.tree import DecisionTreeClassifier

from modelway.errors import PackageError
from modelway.package.parity import Tolerance
from modelway.package.sources import convert


@pytest.fixture
def iris():
    rows, labels = datasets.load_iris(return_X_y=True)
    return rows.astype(np.float32), labels


@pytest.fixture
def samples(iris, write_csv):
    return write_csv(iris[0])


@pytest.fixture
def refusal(package, samples, tmp_path):
    def refused(source, **options):
        with pytest.raises(PackageError) as caught:
            package(source, options.pop("samples", samples), **options)
        assert not [path for path in tmp_path.iterdir() if "package" in path.name]
        return str(caught.value)

    return refused


class Payload:
    """Runs when it is unpickled."""

    def __reduce__(self):
        return sys.exit, ("a pickle was read",)


@pytest.mark.parametrize(
    "dump", [joblib.dump, lambda value, path: path.write_bytes(pickle.dumps(value))]
)
def test_a_pickle_without_trust_is_not_read(dump, tmp_path, refusal):
    path = tmp_path / "model"
    dump(Payload(), path)

    message = refusal(path, trust=False)

    assert "reading one runs whatever is in it: say --trust if you know who made it" in message
    assert "save the model with skops" in message


def test_everything_that_is_missing_is_told_at_once(iris, save, refusal):
    message = refusal(save(LinearRegression().fit(*iris)), trust=False, samples=None)

    assert "say --trust" in message
    assert "give some with --samples FILE" in message


@pytest.mark.parametrize(
    ("lacking", "way_out"),
    [
        ({"lightgbm"}, "it needs lightgbm: pip install lightgbm"),
        ({"skl2onnx", "sklearn"}, "it needs sklearn, skl2onnx: pip install 'modelway[package]'"),
        (
            {"lightgbm", "skl2onnx"},
            (
                "it needs lightgbm: pip install lightgbm; it needs skl2onnx: pip install "
                "'modelway[package]'"
            ),
        ),
    ],
)
def test_libraries_that_are_not_installed_are_named(
    lacking, way_out, tmp_path, refusal, monkeypatch
):
    (tmp_path / "model.txt").write_bytes(b"tree\nversion=v4\nnum_class=1\n")
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name in lacking else name)

    assert refusal(tmp_path / "model.txt").endswith(f"is not packaged: {way_out}")


def test_without_the_library_of_onnx_nothing_unknown_is_taken_for_it(
    tmp_path, refusal, monkeypatch
):
    (tmp_path / "model").write_bytes(b"\x08\x0a")
    monkeypatch.setitem(sys.modules, "onnx", None)

    assert refusal(tmp_path / "model").endswith("is not installed: pip install 'modelway[package]'")


def test_skops_with_types_of_its_own_needs_no_trust(iris, samples, tmp_path, package):
    skops.io.dump(LogisticRegression(max_iter=500).fit(*iris), tmp_path / "model.skops")

    made = package(tmp_path / "model.skops", samples, trust=False)

    assert made.manifest.source.class_name == "sklearn.linear_model._logistic.LogisticRegression"
    assert made.manifest.environment["skops"] == skops.__version__


def test_other_types_in_skops_are_named_and_can_be_trusted(iris, tmp_path, refusal):
    model = make_pipeline(FunctionTransformer(np.linalg.norm), LinearRegression())
    skops.io.dump(model, tmp_path / "model.skops")

    message = refusal(tmp_path / "model.skops")
    assert message.endswith(
        "makes objects of types that skops does not trust by itself: numpy.linalg.norm. If you "
        "know them, say so: --trust-type numpy.linalg.norm"
    )
    trusted = refusal(tmp_path / "model.skops", trusted_types=("numpy.linalg.norm",))
    assert "numpy.linalg.norm" not in trusted


@pytest.mark.parametrize("held", [{"model": 1}, [1, 2], "text", np.zeros(3)])
def test_what_is_no_estimator_is_refused_by_its_class(held, save, refusal):
    message = refusal(save(held))

    assert f"holds an object of {type(held).__module__}.{type(held).__name__}" in message
    assert "save the fitted estimator or pipeline itself" in message


def test_an_estimator_without_a_converter_is_refused(iris, save, refusal):
    message = refusal(save(NearestCentroid().fit(*iris)))

    assert "NearestCentroid cannot be converted to ONNX (skl2onnx " in message
    assert "): Unable to find a shape calculator" in message
    assert "package the ONNX file" in message


def test_an_estimator_that_was_not_fitted_is_refused(save, refusal):
    message = refusal(save(LogisticRegression()))

    assert "does not take the samples" in message
    assert "NotFittedError" in message


def test_several_labels_a_row_are_refused(iris, save, refusal):
    rows, labels = iris
    model = DecisionTreeClassifier().fit(rows, np.c_[labels, labels])

    assert "gives several labels a row, and a package gives one" in refusal(save(model))


def test_another_minor_version_of_scikit_learn_is_refused(iris, save, refusal, monkeypatch):
    model = LinearRegression().fit(*iris)
    monkeypatch.setattr(base, "__version__", "1.2.1")
    source = save(model)
    monkeypatch.undo()

    assert "was saved with scikit-learn 1.2.1, and 1." in refusal(source)


def test_a_damaged_file_is_refused(iris, save, refusal):
    source = save(LinearRegression().fit(*iris))
    source.write_bytes(source.read_bytes()[:-30])

    assert "cannot be loaded: " in refusal(source)


@pytest.fixture
def another_model(iris, monkeypatch):
    """The converter gives a model that was trained otherwise."""
    rows, labels = iris
    other = DecisionTreeClassifier(max_depth=1).fit(rows, labels)
    real = convert.convert
    monkeypatch.setattr(convert, "convert", lambda _model, inputs: real(other, inputs))


def test_a_model_that_answers_otherwise_is_refused(iris, another_model, save, refusal):
    message = refusal(save(DecisionTreeClassifier(random_state=0).fit(*iris)))

    assert "does not answer as the source" in message
    assert "on 150 rows: `label` agrees on 66.67% of the rows, and 100.00% are asked for" in message
    assert (
        "`probabilities` is outside the tolerance in 200 of 450 values, by 0.5 at most" in message
    )
    assert "Nothing was written" in message


def test_what_the_user_allows_is_packaged(iris, another_model, save, samples, package):
    source = save(DecisionTreeClassifier(random_state=0).fit(*iris))

    made = package(source, samples, tolerance=Tolerance(1.0, 0.0, 0.6))

    label, probabilities = made.compared.outputs
    assert label.agreement == pytest.approx(2 / 3)
    assert probabilities.largest_difference == 0.5
