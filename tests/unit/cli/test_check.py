"""`modelway check`."""

import json
from pathlib import Path

import onnx
import pytest
from onnx import TensorProto, helper

from modelway.cli.check import check

IMAGE = "repository.example/server@sha256:" + "a" * 64


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    """A working directory with one good model file."""
    graph = helper.make_graph(
        [helper.make_node("Identity", ["pixels"], ["scores"])],
        "identity",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["batch", 4])],
        [helper.make_tensor_value_info("scores", TensorProto.FLOAT, ["batch", 4])],
    )
    opsets = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), tmp_path / "m.onnx")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def write(name: str, text: str) -> str:
    Path(name).write_text(text, encoding="utf-8")
    return name


def test_a_good_spec_is_ok_in_all_its_environments(folder, run_command):
    spec = write(
        "fraud.yaml",
        f"name: fraud\nmodel: {{path: m.onnx}}\nimage: {IMAGE}\n"
        "environments: {local: , prod: }\n",
    )

    result = run_command(check, spec)

    assert (result.exit_code, result.stdout) == (0, "fraud.yaml: ok (local, prod)\n")
    assert result.stderr == ""


def test_all_problems_of_all_specs_go_to_stdout_and_the_count_to_stderr(folder, run_command):
    first = write("a.yaml", "name: a\nmodel: {path: m.onnx}\nlogging: {retention_days: 2}\n")
    second = write("b.yaml", "name: b\nmodel: {path: none.onnx}\ncolor: red\n")
    third = write("c.yaml", "name: c\nmodel: {path: none.onnx}\n")
    good = write("d.yaml", "name: d\nmodel: {path: m.onnx}\n")

    result = run_command(check, first, second, third, good)

    assert result.exit_code == 2
    lines = result.stdout.splitlines()
    assert [line.split(": ")[:2] for line in lines] == [
        ["a.yaml:3", "logging.retention_days"],
        ["b.yaml:2", "model.path"],
        ["b.yaml:3", "color"],
        ["c.yaml:2", "model.path"],
        ["d.yaml", "ok (local)"],
    ]
    assert "none.onnx does not exist; export the model there" in lines[3]
    assert result.stderr == "4 problems in 3 of 4 specs\n"


def test_only_the_environment_asked_for_is_checked(folder, run_command):
    spec = write("a.yaml", "name: a\nmodel: {path: m.onnx}\nenvironments: {local: , dev: }\n")

    assert run_command(check, spec, "--env", "local").exit_code == 0
    result = run_command(check, spec, "--env", "dev")

    assert result.exit_code == 2
    assert result.stdout.startswith("a.yaml:1: image: is missing: only environment `local`")
    assert "docker build --platform linux/amd64" in result.stdout
    assert result.stderr == "1 problem in 1 spec\n"


def test_an_environment_that_the_spec_does_not_mention_is_noted(folder, run_command):
    spec = write(
        "a.yaml",
        f"name: a\nmodel: {{path: m.onnx}}\nimage: {IMAGE}\nenvironments: {{dev: }}\n",
    )

    result = run_command(check, spec, "--env", "prd")

    assert result.exit_code == 0
    assert result.stderr == (
        "note: a.yaml has no environment `prd` (it has dev), so the base alone was checked\n"
    )


def test_a_model_file_that_is_not_what_the_spec_says_is_a_problem(folder, run_command):
    spec = write(
        "a.yaml",
        "name: a\n"
        "model:\n"
        "  path: m.onnx\n"
        "  inputs: [{name: pixels, datatype: FP32, shape: [-1, 9]}]\n",
    )

    result = run_command(check, spec)

    assert result.exit_code == 2
    assert "`pixels` has shape [-1, 9] in the spec and [-1, 4] in the file" in result.stdout


def test_an_artifact_in_s3_is_not_read(folder, run_command):
    digest = "sha256:" + "d" * 64
    spec = write("a.yaml", f"name: a\nmodel: {{path: s3://bucket/a.tar.gz, digest: '{digest}'}}\n")

    assert run_command(check, spec).stdout == "a.yaml: ok (local)\n"


def test_json_has_every_field_of_every_problem(folder, run_command):
    spec = write("a.yaml", "name: a\nmodel: {path: m.onnx}\nlogging: {retention_days: 2}\n")

    result = run_command(check, spec, "--json")

    assert result.exit_code == 2
    (found,) = json.loads(result.stdout)["specs"]
    assert (found["file"], found["name"], found["environments"], found["ok"]) == (
        "a.yaml",
        "a",
        ["local"],
        False,
    )
    (problem,) = found["problems"]
    assert (problem["line"], problem["path"], problem["value"]) == (3, "logging.retention_days", 2)
    assert problem["source"] == "CloudWatch Logs PutRetentionPolicy.retentionInDays"


def test_json_holds_values_that_json_has_not(folder, run_command):
    spec = write("a.yaml", "name: 2024-01-01\nmodel: {path: m.onnx, version: .nan}\n")

    result = run_command(check, spec, "--json")

    values = [problem["value"] for problem in json.loads(result.stdout)["specs"][0]["problems"]]
    assert values == ["datetime.date(2024, 1, 1)", "nan"]


def test_a_file_that_does_not_exist_is_a_problem_like_any_other(folder, run_command):
    result = run_command(check, "nope.yaml")

    assert result.exit_code == 2
    assert result.stdout == "nope.yaml: (file): does not exist; give the path of a spec file\n"


def test_a_model_in_a_registry_is_told_as_not_looked_up(folder, run_command):
    spec = write(
        "fraud.yaml", f"name: fraud\nmodel: {{registry: fraud@approved}}\nimage: {IMAGE}\n"
    )

    result = run_command(check, spec)

    assert (result.exit_code, result.stdout) == (0, "fraud.yaml: ok (local)\n")
    assert result.stderr.startswith("note: fraud.yaml: fraud@approved was not looked up; ")


@pytest.mark.parametrize("reference", ["fraud", "fraud@latest", "fraud/0"])
def test_what_is_no_version_of_a_registry_is_refused_with_its_form(folder, run_command, reference):
    spec = write("fraud.yaml", f"name: fraud\nmodel: {{registry: {reference}}}\nimage: {IMAGE}\n")

    result = run_command(check, spec)

    assert result.exit_code == 2
    assert "fraud.yaml:2: model.registry: has characters or a form that are" in result.stdout
    assert "`GROUP/VERSION`, or `GROUP@approved`" in result.stdout
