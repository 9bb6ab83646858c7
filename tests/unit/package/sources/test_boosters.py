"""XGBoost and LightGBM: their own files, their estimators, and pipelines with them."""

import lightgbm
import numpy as np
import onnxruntime
import pytest
import xgboost
from sklearn import datasets
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelway.package.manifest import SourceFormat


def answers(made, rows):
    path = made.folder / "model.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    names = [each.name for each in session.get_outputs()]
    return dict(zip(names, session.run(None, {"input": rows}), strict=True))


def data(load):
    rows, wanted = load(return_X_y=True)
    return rows.astype(np.float32), wanted


@pytest.mark.parametrize("load", [datasets.load_iris, datasets.load_breast_cancer])
@pytest.mark.parametrize("suffix", ["json", "ubj"])
def test_an_xgboost_classifier_in_its_own_file(load, suffix, tmp_path, write_csv, package):
    rows, labels = data(load)
    model = xgboost.XGBClassifier(n_estimators=12).fit(rows, labels)
    path = tmp_path / f"model.{suffix}"
    model.save_model(path)

    made = package(path, write_csv(rows), trust=False)

    found = answers(made, rows)
    assert made.manifest.source.format is SourceFormat.XGBOOST
    assert made.manifest.source.class_name == "xgboost.sklearn.XGBClassifier"
    assert (found["label"] == model.predict(rows)).all()
    assert np.abs(found["probabilities"] - model.predict_proba(rows)).max() < 1e-5


def test_an_xgboost_booster_with_names_of_its_features(tmp_path, write_csv, package):
    rows, values = data(datasets.load_diabetes)
    names = datasets.load_diabetes().feature_names
    matrix = xgboost.DMatrix(rows, values, feature_names=names)
    booster = xgboost.train({"objective": "reg:squarederror"}, matrix, 12)
    path = tmp_path / "booster.json"
    booster.save_model(path)

    made = package(path, write_csv(rows, names), trust=False)

    found = answers(made, rows)["prediction"][:, 0]
    np.testing.assert_allclose(found, booster.predict(matrix), rtol=1e-4)


def test_lightgbm_classifiers_and_regressors_in_their_own_files(tmp_path, write_csv, package):
    found = {}
    for name, load, kind in (
        ("three classes", datasets.load_iris, lightgbm.LGBMClassifier),
        ("two classes", datasets.load_breast_cancer, lightgbm.LGBMClassifier),
        ("values", datasets.load_diabetes, lightgbm.LGBMRegressor),
    ):
        rows, wanted = data(load)
        model = kind(n_estimators=12, verbose=-1).fit(rows, wanted)
        path = tmp_path / f"{name}.txt"
        model.booster_.save_model(path)
        made = package(path, write_csv(rows), trust=False)
        found[name] = (answers(made, rows), model, rows, made)
        made.folder.rename(tmp_path / name)

    for name in ("three classes", "two classes"):
        answer, model, rows, made = found[name]
        assert (answer["label"] == model.predict(rows)).all()
        assert np.abs(answer["probabilities"] - model.predict_proba(rows)).max() < 1e-5
        assert made.manifest.source.class_name == "lightgbm.basic.Booster"
        assert [tuple(each.shape) for each in made.manifest.model.outputs] == [
            (-1,),
            (-1, answer["probabilities"].shape[1]),
        ]
    answer, model, rows, _ = found["values"]
    np.testing.assert_allclose(answer["prediction"][:, 0], model.predict(rows), rtol=1e-4)


@pytest.mark.parametrize(
    "model",
    [
        xgboost.XGBClassifier(n_estimators=8),
        lightgbm.LGBMClassifier(n_estimators=8, verbose=-1),
    ],
)
def test_a_pipeline_that_ends_with_one(model, save, write_csv, package):
    rows, labels = data(datasets.load_iris)
    pipeline = make_pipeline(StandardScaler(), model).fit(rows, labels)

    made = package(save(pipeline), write_csv(rows))

    assert (answers(made, rows)["label"] == pipeline.predict(rows)).all()
    assert made.compared.passed


def test_versions_of_the_library_are_in_the_package(tmp_path, write_csv, package):
    rows, labels = data(datasets.load_iris)
    path = tmp_path / "model.json"
    xgboost.XGBClassifier(n_estimators=2).fit(rows, labels).save_model(path)

    made = package(path, write_csv(rows), trust=False)

    assert made.manifest.environment["xgboost"] == xgboost.__version__
    assert "onnxmltools" in made.manifest.environment
