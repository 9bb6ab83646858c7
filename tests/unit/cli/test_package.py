"""`modelway package` and `modelway inspect`, on an ONNX file."""

import json

import onnx
import pytest
from onnx import TensorProto, helper

from modelway.cli.inspect import inspect
from modelway.cli.package import package
from modelway.errors import PackageError


@pytest.fixture
def source(tmp_path, monkeypatch):
    """A model file in the working directory."""
    monkeypatch.chdir(tmp_path)
    shape = ("batch", 2)
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, shape)],
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), "fraud_model.onnx")
    return tmp_path


def test_the_package_is_named_after_the_file_and_lies_here(source, run_command):
    result = run_command(package, "fraud_model.onnx", "--version", "7")

    assert result.exit_code == 0
    assert result.stdout.startswith("package: fraud-model-7\ndigest:  sha256:")
    assert (source / "fraud-model-7/package.json").is_file()


def test_json_has_the_manifest_and_the_archive(source, run_command):
    result = run_command(
        package,
        "fraud_model.onnx",
        *("--name", "fraud", "--out", "made", "--archive", "model.tar.gz", "--json"),
        *("--metric", "auc=0.93", "--metric", "f1 = 0.8", "--licence", "MIT"),
    )

    found = json.loads(result.stdout)
    assert (found["package"], found["archive"], found["unchanged"]) == (
        "made",
        "model.tar.gz",
        False,
    )
    assert found["manifest"]["metrics"] == {"auc": 0.93, "f1": 0.8}
    assert found["manifest"]["licence"] == "MIT"
    assert found["parity"] is None
    assert (source / "model.tar.gz").is_file()


@pytest.mark.parametrize("what", ["made", "model.tar.gz"])
def test_inspect_shows_all_of_a_folder_and_of_an_archive(what, source, run_command):
    made = run_command(
        package,
        "fraud_model.onnx",
        *("--name", "fraud", "--out", "made", "--archive", "model.tar.gz", "--json"),
        *("--metric", "auc=0.93", "--training-job", "run-7"),
    )

    shown = run_command(inspect, what)
    plain = json.loads(run_command(inspect, what, "--json").stdout)

    assert shown.exit_code == 0
    for text in ("fraud 1", "run-7", "not stated", "auc", "0.93", "model.onnx", "FP32", "[-1, 2]"):
        assert text in shown.stdout
    assert plain["digest"] == json.loads(made.stdout)["digest"]
    assert plain["digest"] in shown.stdout
    assert (plain["signed"], plain["evidence"]) == (False, {})
    assert plain["manifest"]["name"] == "fraud"


def test_labels_that_nearly_all_agree_are_not_shown_as_all(source, run_command):
    made = run_command(package, "fraud_model.onnx", "--out", "made", "--json")
    label = {"name": "label", "kind": "label", "values": 10000, "agreement": 0.9996}
    evidence = {
        "schema": "modelway.parity/1",
        "subject": json.loads(made.stdout)["digest"],
        "rows": 10000,
        "outputs": [label],
    }
    (source / "made/evidence").mkdir()
    (source / "made/evidence/parity.json").write_text(json.dumps(evidence))

    shown = run_command(inspect, "made").stdout

    assert "against its source, on 10000 rows" in shown
    assert "99.96%" in shown


def test_names_and_metrics_that_no_manifest_has_are_told_at_once(source, run_command):
    (source / "fraud_model.onnx").rename(source / "über.onnx")

    result = run_command(package, "über.onnx", "--version", "", "--metric", "auc=nan")

    assert isinstance(result.exception, PackageError)
    assert str(result.exception) == (
        "the source über.onnx is not packaged: 'über' is no name for a model (--name): letters, "
        "digits and hyphens, alphanumeric at both ends, up to 63; '' is no version (--version): "
        "printable text, such as 7; auc=nan is no metric (--metric): a name and a finite number"
    )


def test_a_metric_that_is_no_number_is_refused(source, run_command):
    result = run_command(package, "fraud_model.onnx", "--metric", "auc:0.9")

    assert result.exit_code == 2
    assert "is not NAME=NUMBER" in result.stderr


def test_a_source_that_is_refused_ends_with_status_1(source, run_command):
    (source / "model.h5").write_bytes(b"\x89HDF\r\n\x1a\n")

    result = run_command(package, "model.h5")

    assert isinstance(result.exception, PackageError)
    assert result.exception.exit_status == 1
    assert not (source / "model-1").exists()
