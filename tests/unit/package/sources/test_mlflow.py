"""MLflow's model folders: the file inside is packaged, with what MLflow knows about it."""

import json
import pickle

import pytest
import yaml
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from modelway.errors import PackageError
from modelway.package.assemble import make_package
from modelway.package.manifest import SourceFormat
from modelway.package.request import PackageRequest
from modelway.package.sources.mlflow_folder import read_mlflow

MLMODEL = {
    "artifact_path": "model",
    "flavors": {
        "python_function": {
            "env": {"conda": "conda.yaml", "virtualenv": "python_env.yaml"},
            "loader_module": "mlflow.sklearn",
            "model_path": "model.pkl",
            "predict_fn": "predict",
            "python_version": "3.11.7",
        },
        "sklearn": {
            "code": None,
            "pickled_model": "model.pkl",
            "serialization_format": "pickle",
        },
    },
    "run_id": "0f1e2d3c4b5a",
    "saved_input_example_info": {
        "artifact_path": "input_example.json",
        "pandas_orient": "split",
        "type": "dataframe",
    },
}
"""As MLflow writes it, for the fields that are read."""

COLUMNS = ["sepal length (cm)", "sepal width (cm)", "petal length (cm)", "petal width (cm)"]


@pytest.fixture
def folder(tmp_path):
    """Write an MLflow folder of a classifier; keywords change its `MLmodel`."""
    measured, species = load_iris(return_X_y=True, as_frame=True)
    trained = LogisticRegression(max_iter=500).fit(measured, species)

    def write(example=None, **changes):
        path = tmp_path / "mlflow"
        path.mkdir()
        (path / "model.pkl").write_bytes(pickle.dumps(trained))
        rows = {"columns": COLUMNS, "data": measured.to_numpy()[::30].tolist()}
        (path / "input_example.json").write_text(json.dumps(example or rows))
        (path / "MLmodel").write_text(yaml.safe_dump(MLMODEL | changes))
        return path

    return write


def refusal(path):
    with pytest.raises(PackageError) as refused:
        read_mlflow(path)
    return str(refused.value)


def test_the_file_inside_is_packaged_and_compared_on_the_input_example(folder, package):
    path = folder()

    made = package(path)

    assert made.manifest.source.format is SourceFormat.SKLEARN_PICKLE
    assert made.manifest.source.class_name == "sklearn.linear_model._logistic.LogisticRegression"
    assert made.compared is not None
    assert made.compared.rows == 5
    assert made.manifest.lineage.training_job == "mlflow run 0f1e2d3c4b5a"
    assert made.notes[0] == (
        "the MLflow model's file is model.pkl; the samples are the 5 rows of its input example"
    )


def test_what_the_user_says_comes_before_what_mlflow_knows(folder, package, write_csv):
    samples = write_csv(load_iris().data[:7].tolist(), COLUMNS)

    made = package(folder(), samples, training_job="nightly")

    assert made.compared is not None
    assert made.compared.rows == 7
    assert made.manifest.lineage.training_job == "nightly"
    assert made.notes[0] == "the MLflow model's file is model.pkl"


def test_a_pickle_in_an_mlflow_folder_is_not_read_without_trust(folder, tmp_path):
    request = PackageRequest(source=folder(), name="iris")

    with pytest.raises(PackageError, match=r"mlflow/model\.pkl is not packaged: it is a pickle"):
        make_package(request, tmp_path / "package")

    assert not (tmp_path / "package").exists()


def test_onnx_is_chosen_before_other_flavors(folder):
    flavors = {**MLMODEL["flavors"], "onnx": {"data": "model.onnx"}}
    path = folder(flavors=flavors)
    (path / "model.onnx").touch()

    assert read_mlflow(path).source == path / "model.onnx"


@pytest.mark.parametrize("flavor", ["xgboost", "lightgbm"])
def test_boosters_are_named_by_their_data(flavor, folder):
    path = folder(flavors={flavor: {"data": "model.bin", "model_class": "x"}})
    (path / "model.bin").touch()

    assert read_mlflow(path).source == path / "model.bin"


def test_an_example_of_nested_lists_has_rows_without_names(folder):
    example = read_mlflow(folder([[1, 2], [3, 4]])).example

    assert example is not None
    assert example.columns is None
    assert example.values == ((1, 2), (3, 4))


@pytest.mark.parametrize(
    "example",
    [{"inputs": {"a": [1]}}, [1, 2], [[1], [1, 2]], {"columns": ["a"], "data": []}, "text"],
)
def test_an_example_that_is_no_rows_is_left_out(example, folder):
    assert read_mlflow(folder(example)).example is None


def test_a_model_without_an_example_has_none(folder):
    assert read_mlflow(folder(saved_input_example_info=None)).example is None


def test_flavors_that_cannot_be_packaged_are_named(folder):
    message = refusal(folder(flavors={"pytorch": {}, "python_function": {}}))

    assert (
        "its flavors are python_function, pytorch, and onnx, sklearn, xgboost, lightgbm" in message
    )
    assert "export it to ONNX where its code is" in message


@pytest.mark.parametrize("name", ["../model.pkl", "/etc/passwd", "a/../../b"])
def test_a_file_outside_of_the_folder_is_refused(name, folder):
    message = refusal(folder(flavors={"sklearn": {"pickled_model": name}}))

    assert (
        f"flavors.sklearn.pickled_model in its MLmodel is {name!r}, which lies outside" in message
    )


def test_a_link_to_outside_of_the_folder_is_refused(folder, tmp_path):
    (tmp_path / "secret").touch()
    path = folder()
    (path / "model.pkl").unlink()
    (path / "model.pkl").symlink_to(tmp_path / "secret")

    assert "'model.pkl', is a link to outside of it" in refusal(path)


def test_a_file_that_is_not_there_is_named(folder):
    path = folder()
    (path / "model.pkl").unlink()

    assert "names 'model.pkl', which is no file; fetch it whole" in refusal(path)


@pytest.mark.parametrize("text", ["{", "- a: ]", "\0"])
def test_an_mlmodel_that_is_no_yaml_is_refused(text, folder):
    path = folder()
    (path / "MLmodel").write_text(text)

    assert "its MLmodel is no YAML; save the model again" in refusal(path)


def test_an_example_that_is_no_json_is_refused_with_the_way_out(folder):
    path = folder()
    (path / "input_example.json").write_text("{")

    assert "its input example input_example.json is no JSON; give --samples" in refusal(path)
