"""`modelway plan` for a pull request: Markdown, of every spec of a project, with a preview."""

import json

import pytest

from modelway.cli.plan import plan
from modelway.errors import PromotionError
from modelway.rehearsal.scenario_file import SHIPPED


@pytest.fixture
def project(tmp_path, monkeypatch):
    """A project with two specs, without images."""
    specs = tmp_path / "stacks" / "specs"
    specs.mkdir(parents=True)
    (tmp_path / "Pulumi.yaml").write_text("name: fraud\nruntime: python\nmain: stacks/\n")
    for name in ("fraud", "risk"):
        (specs / f"{name}.yaml").write_text(
            f"name: {name}\nmodel: {{path: {SHIPPED}/models/one.onnx}}\n"
        )
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_without_a_spec_all_of_the_project_are_planned(project, run_command):
    told = run_command(plan, "--env", "local", "--json")

    assert [each["names"]["endpoint"] for each in json.loads(told.stdout)] == [
        "fraud-local",
        "risk-local",
    ]


def test_markdown_tells_every_model_and_the_preview(project, run_command):
    preview = project / "preview.json"
    preview.write_text(json.dumps({"changeSummary": {"create": 3}, "steps": []}))

    told = run_command(plan, "--env", "dev", "--markdown", "--preview", str(preview))

    assert told.exit_code == 0
    lines = told.stdout.splitlines()
    assert lines[0] == "### Stack `dev`"
    assert "`pulumi preview`: 3 create." in lines
    assert [line for line in lines if line.startswith("####")] == ["#### `fraud`", "#### `risk`"]
    assert "**Not ready to deploy**: stacks/specs/risk.yaml:1: image: is missing" in told.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--preview", "preview.json"], "is told in Markdown only; add --markdown"),
        (["--markdown", "--json"], "cannot be given with --json"),
        (["--markdown", "--preview", "none.json"], "is not what `pulumi preview --json` printed"),
        (["--markdown", "--preview", "list.json"], "is not what `pulumi preview --json` printed"),
    ],
)
def test_options_that_make_no_sense_are_refused(project, run_command, arguments, message):
    (project / "preview.json").write_text("{}")
    (project / "list.json").write_text("[]")

    result = run_command(plan, "--env", "local", *arguments)

    assert result.exit_code == 2
    assert message in " ".join(result.stderr.replace("│", " ").split())
    assert result.stdout == ""


def test_a_folder_without_specs_is_told(tmp_path, run_command, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = run_command(plan, "--env", "local")

    assert isinstance(result.exception, PromotionError)
    assert "looking for specs: specs has none." in str(result.exception)
