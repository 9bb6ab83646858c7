"""Columns of several kinds, and text: how sample rows become the model's inputs."""

import re

import numpy as np
import onnxruntime
import pandas as pd
import pytest
from sklearn import datasets
from sklearn.compose import ColumnTransformer, make_column_selector
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.feature_extraction.text import CountVectorizer, TfidfVectorizer
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from modelway.errors import PackageError


def run(made, inputs):
    path = made.folder / "model.onnx"
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(None, inputs)


def inputs_of(made):
    return {each.name: (str(each.datatype), each.shape) for each in made.manifest.model.inputs}


@pytest.fixture
def patients():
    """scikit-learn's patients with diabetes: numbers, a whole number and two columns of text."""
    data = datasets.load_diabetes(as_frame=True)
    frame = data.frame[["age", "bmi", "bp"]].astype("float32")
    frame["glucose level"] = pd.cut(data.frame["s6"], 3, labels=["low", "usual", "high"]).astype(
        object
    )
    frame["sex"] = np.where(data.frame["sex"] > 0, "m", "f").astype(object)
    frame["ward"] = np.arange(len(frame)) % 4
    return frame, data.target > 140


@pytest.fixture
def by_name(patients):
    """A pipeline that scales and encodes columns that it knows by name."""
    frame, worse = patients
    columns = ColumnTransformer(
        [
            ("scaled", StandardScaler(), ["age", "bmi", "bp"]),
            ("encoded", OneHotEncoder(handle_unknown="ignore"), ["sex", "glucose level"]),
            ("wards", OneHotEncoder(), ["ward"]),
        ]
    )
    return make_pipeline(columns, LogisticRegression()).fit(frame, worse.astype(int))


def test_columns_that_are_known_by_name_become_inputs_of_their_own(
    patients, by_name, save, write_csv, package
):
    frame, _ = patients

    made = package(save(by_name), write_csv(frame.values, list(frame.columns)))

    assert made.compared.passed
    assert inputs_of(made) == {
        "age": ("FP32", (-1, 1)),
        "bmi": ("FP32", (-1, 1)),
        "bp": ("FP32", (-1, 1)),
        "glucose level": ("BYTES", (-1, 1)),
        "sex": ("BYTES", (-1, 1)),
        "ward": ("INT64", (-1, 1)),
    }
    label, _ = run(made, {name: frame[[name]].to_numpy() for name in frame})
    assert (label == by_name.predict(frame)).all()
    assert made.manifest.environment["pandas"] == pd.__version__


def test_json_lines_do_as_well_in_any_order_and_columns_nobody_knows_are_told(
    patients, by_name, save, write_json_lines, package
):
    frame, worse = patients
    rows = frame.assign(worse=worse)[["worse", *reversed(frame.columns)]].to_dict("records")

    made = package(save(by_name), write_json_lines(rows))

    assert made.compared.passed
    assert made.notes[1] == "columns of the samples that the model does not take: worse"
    first = (made.folder / "samples.jsonl").read_text().splitlines()[0]
    assert first == (
        '{"age":[0.038075905],"bmi":[0.061696205],"bp":[0.021872386],'
        '"glucose level":["usual"],"sex":["m"],"ward":[0]}'
    )


def test_a_column_that_is_not_there_is_named(patients, by_name, save, write_csv, package):
    frame = patients[0].drop(columns=["bp", "sex"])

    with pytest.raises(PackageError, match="lack the columns bp, sex, which the model was trained"):
        package(save(by_name), write_csv(frame.values, list(frame.columns)))


def test_a_missing_text_is_refused(patients, by_name, save, write_json_lines, package):
    rows = patients[0].to_dict("records")
    rows[7]["sex"] = None

    with pytest.raises(PackageError, match="have no text in the column sex of some rows"):
        package(save(by_name), write_json_lines(rows))


def test_a_missing_number_reaches_an_imputer(save, write_csv, package):
    rows, labels = datasets.load_iris(return_X_y=True)
    rows = rows.astype(np.float32)
    rows[::7, 2] = np.nan
    model = make_pipeline(SimpleImputer(), LogisticRegression(max_iter=500)).fit(rows, labels)
    written = [["" if np.isnan(value) else value for value in row] for row in rows]

    made = package(save(model), write_csv(written))

    assert made.compared.outputs[0].agreement == 1.0
    assert (made.folder / "samples.jsonl").read_text().startswith('{"input":[5.1,3.5,null,0.2]}\n')


def test_columns_of_text_alone_are_one_input(patients, save, write_csv, package):
    frame, worse = patients
    rows = frame[["sex", "glucose level"]].to_numpy()
    model = make_pipeline(OrdinalEncoder(), HistGradientBoostingClassifier(max_iter=5))
    model.fit(rows, worse.astype(int))

    made = package(save(model), write_csv(rows, ["sex", "level"]), input_name="words")

    assert made.compared.passed
    assert inputs_of(made) == {"words": ("BYTES", (-1, 2))}


def test_columns_of_two_kinds_without_names_in_the_model_get_those_of_the_samples(
    patients, save, write_csv, package
):
    frame, worse = patients
    rows = frame[["bmi", "sex"]].to_numpy()
    columns = ColumnTransformer([("number", StandardScaler(), [0]), ("text", OneHotEncoder(), [1])])
    model = make_pipeline(columns, LogisticRegression()).fit(rows, worse.astype(int))

    made = package(save(model), write_csv(rows, ["bmi", "sex"]))

    assert made.compared.passed
    assert inputs_of(made) == {"bmi": ("FP32", (-1, 1)), "sex": ("BYTES", (-1, 1))}


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (slice(0, 1), slice(1, None)),
        ([True, False], [False, True]),
        (["bmi"], "sex"),
        (lambda frame: ["bmi"], make_column_selector(dtype_include=object)),
    ],
)
def test_columns_may_be_chosen_in_every_way(number, text, patients, save, write_csv, package):
    """An encoder's column stays text, although here every text is a number."""
    frame = patients[0][["bmi", "sex"]].replace({"m": "1", "f": "2"}).astype({"sex": object})
    columns = ColumnTransformer(
        [
            ("number", StandardScaler(), number),
            ("text", OneHotEncoder(), [text] if isinstance(text, str) else text),
        ]
    )
    model = make_pipeline(columns, LogisticRegression()).fit(frame, patients[1].astype(int))

    # Functions of this test's own cannot be saved; once fitted, their columns are known.
    columns.transformers = [(name, part, [0]) for name, part, _ in columns.transformers]
    made = package(save(model), write_csv(frame.values, list(frame.columns)))

    assert inputs_of(made) == {"bmi": ("FP32", (-1, 1)), "sex": ("BYTES", (-1, 1))}
    assert made.compared.passed


@pytest.fixture
def sentences():
    """Sentences of scikit-learn's descriptions of two data sets, and of which one each is."""
    texts, labels = [], []
    for name, load in (("iris", datasets.load_iris), ("wine", datasets.load_wine)):
        found = re.findall(r"[A-Za-z][a-z ,]{20,200}", load().DESCR)
        texts += found
        labels += [name] * len(found)
    return texts, labels


@pytest.mark.parametrize("vectorizer", [TfidfVectorizer(), CountVectorizer(ngram_range=(1, 2))])
def test_a_pipeline_of_text_takes_one_text_a_row(
    vectorizer, sentences, save, write_json_lines, package
):
    texts, labels = sentences
    texts = [*texts, "Ein Wein für Übermütige", "A b c"]
    labels = [*labels, "wine", "iris"]
    model = make_pipeline(vectorizer, LogisticRegression()).fit(texts, labels)

    made = package(
        save(model), write_json_lines([{"text": text} for text in texts]), input_name="text"
    )

    label, _ = run(made, {"text": np.array(texts, dtype=object).reshape(-1, 1)})
    assert list(label) == list(model.predict(texts))
    assert inputs_of(made) == {"text": ("BYTES", (-1, 1))}
    assert [(each.name, str(each.datatype)) for each in made.manifest.model.outputs] == [
        ("label", "BYTES"),
        ("probabilities", "FP32"),
    ]


def test_rows_with_another_number_of_columns_are_refused(save, write_csv, package):
    rows, labels = datasets.load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(rows, labels)

    with pytest.raises(PackageError, match="have 5 columns, and the model was trained on 4"):
        package(save(model), write_csv(np.c_[rows, labels]))


def test_rows_as_the_server_takes_them_do_as_well(save, write_json_lines, package):
    rows, labels = datasets.load_iris(return_X_y=True)
    model = LogisticRegression(max_iter=500).fit(rows, labels)

    made = package(save(model), write_json_lines([{"flower": row} for row in rows.tolist()]))

    assert made.compared.passed
    assert made.compared.rows == 150
