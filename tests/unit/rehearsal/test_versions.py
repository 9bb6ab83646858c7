"""Which version answered, told from the answer."""

import json

import onnxruntime
import pytest

from modelway.errors import RehearsalError
from modelway.rehearsal.labels import version_labels
from modelway.rehearsal.versions import Versions
from modelway.spec import parse_spec

ROWS = [{"x": [1.0, 2.0, 3.0, 4.0]}, {"x": [0.0, 0.0, 0.0, 2.0]}]


def answer(score, version):
    return json.dumps({"predictions": [{"score": score, "version": version}]}).encode()


@pytest.fixture
def versions(models):
    made = Versions(ROWS)
    made.add("1", models / "one.onnx")
    made.add("2", models / "two.onnx")
    return made


def test_each_version_is_known_by_its_own_answer_to_the_row(versions):
    assert versions.names == ("1", "2")
    assert versions.tell(0, answer(2.5, 1)) == "1"
    assert versions.tell(0, answer(2.5, 2)) == "2"
    assert versions.tell(1, answer(0.5, 2)) == "2"


def test_an_answer_that_no_version_gives_is_unknown(versions):
    assert versions.tell(0, answer(0.5, 1)) == "unknown"
    assert versions.tell(0, answer(2.5, 3)) == "unknown"
    assert versions.tell(0, b'{"predictions": []}') == "unknown"
    assert versions.tell(0, b"not json") == "unknown"


def test_the_last_bits_of_a_number_do_not_count(versions):
    assert versions.tell(0, answer(2.5000002, 1)) == "1"
    assert versions.tell(0, answer(2.51, 1)) == "unknown"


def test_versions_that_answer_alike_are_all_named(versions, models):
    versions.add("1b", models / "one.onnx")

    assert versions.tell(0, answer(2.5, 1)) == "1|1b"


def test_one_label_for_two_files_is_refused(versions, models):
    with pytest.raises(RehearsalError, match="give each model a `version` of its own"):
        versions.add("1", models / "two.onnx")


def test_rows_that_the_model_does_not_take_are_told(models):
    with pytest.raises(RehearsalError, match=r"does not take the rows.*traffic\.rows"):
        Versions([{"x": [1.0]}]).add("1", models / "one.onnx")


def test_labels_are_the_specs_versions_or_file_names_where_those_are_the_same():
    def spec(path, version):
        return parse_spec({"name": "m", "model": {"path": path, "version": version}})

    assert version_labels([spec("/a/one.onnx", "1"), spec("/a/two.onnx", "2")]) == {
        "/a/one.onnx": "1",
        "/a/two.onnx": "2",
    }
    assert version_labels([spec("/a/one.onnx", "1"), spec("/a/two.onnx", "1")]) == {
        "/a/one.onnx": "one",
        "/a/two.onnx": "two",
    }


def test_the_models_that_ship_answer_with_the_mean_and_their_own_number(models):
    for name, version in (("one.onnx", 1), ("two.onnx", 2)):
        session = onnxruntime.InferenceSession(models / name, providers=["CPUExecutionProvider"])
        score, number = session.run(None, {"x": [[1.0, 2.0, 3.0, 4.0], [0.0, 0.0, 0.0, 2.0]]})
        assert score.tolist() == [2.5, 0.5]
        assert number.tolist() == [version, version]
