"""`modelway init`: what it writes, and what it refuses."""

import json
import re
import subprocess
import tomllib

import numpy as np
import onnxruntime
import pytest
import typer.testing
import yaml

from modelway.cli.init import init
from modelway.errors import ScaffoldError
from modelway.rehearsal.scenario_file import load_scenario
from modelway.scaffold.choices import Choices
from modelway.scaffold.repository import repository_files
from modelway.scaffold.writing import write_files

COMMIT = "0123456789abcdef0123456789abcdef01234567"
ROWS = np.array([[5.1, 3.5, 1.4, 0.2], [6.0, 2.7, 4.2, 1.3], [6.9, 3.1, 5.4, 2.1]], np.float32)


@pytest.fixture
def run():
    app = typer.Typer(pretty_exceptions_enable=False)
    app.command()(init)
    return lambda *arguments: typer.testing.CliRunner().invoke(app, [*map(str, arguments)])


def there(folder):
    return sorted(
        path.relative_to(folder).as_posix()
        for path in folder.rglob("*")
        if path.is_file() and ".git/" not in path.relative_to(folder).as_posix()
    )


def test_a_repository_is_written_and_named_after_its_folder(run, tmp_path):
    result = run(tmp_path / "fraud")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == there(tmp_path / "fraud")
    assert result.stderr == f"fraud is in {tmp_path / 'fraud'}; `make test` there is next\n"
    assert [path for path in there(tmp_path / "fraud") if "workflows/modelway" not in path] == [
        ".github/workflows/deploy.yml",
        ".github/workflows/pull-request.yml",
        ".github/workflows/release.yml",
        ".github/workflows/rollback.yml",
        ".gitignore",
        "Makefile",
        "Pulumi.yaml",
        "README.md",
        "pyproject.toml",
        "rehearsals/update.yaml",
        "stacks/Pulumi.dev.yaml",
        "stacks/Pulumi.local.yaml",
        "stacks/Pulumi.prod.yaml",
        "stacks/Pulumi.staging.yaml",
        "stacks/__main__.py",
        "stacks/models/fraud.onnx",
        "stacks/releases/policy.yaml",
        "stacks/specs/fraud.yaml",
        "tests/test_spec.py",
        "tests/test_stack.py",
    ]


def test_the_same_choices_give_the_same_bytes_and_no_word_is_left_open():
    choices = Choices("fraud", ("dev", "prod"), "eu-west-1")
    files = repository_files(choices)

    assert files == repository_files(choices)
    open_words = [path for path, content in files.items() if re.search(rb"@[A-Z_]+@", content)]
    assert open_words == []


def test_stacks_and_region_are_where_they_belong():
    files = repository_files(Choices("fraud", ("test", "live"), "eu-west-1"))
    read = {path: content.decode() for path, content in files.items() if path[-5:] != ".onnx"}

    for stack in ("local", "test", "live"):
        config = yaml.safe_load(read[f"stacks/Pulumi.{stack}.yaml"])
        assert config["config"] == {"aws:region": "eu-west-1"}
    assert list(yaml.safe_load(read["stacks/specs/fraud.yaml"])["environments"]) == [
        "local",
        "test",
        "live",
    ]
    assert yaml.safe_load(read["stacks/releases/policy.yaml"])["stacks"]["live"] == {
        "promote_from": "test",
        "evidence": ["tests", "rehearsal"],
        "bake_seconds": 3600,
    }
    jobs = yaml.safe_load(read[".github/workflows/deploy.yml"])["jobs"]
    assert [(name, job.get("needs")) for name, job in jobs.items()] == [
        ("due", None),
        ("test", ["due"]),
        ("live", ["due", "test"]),
    ]
    preview = yaml.safe_load(read[".github/workflows/pull-request.yml"])["jobs"]["preview"]
    assert json.loads(preview["with"]["stacks"]) == ["test", "live"]
    assert tomllib.loads(read["pyproject.toml"])["project"]["name"] == "fraud"


def test_one_stack_is_enough():
    jobs = yaml.safe_load(
        repository_files(Choices("fraud", ("prod",)))[".github/workflows/deploy.yml"]
    )["jobs"]

    assert list(jobs) == ["due", "prod"]


def test_reusable_workflows_are_written_or_called_at_a_commit():
    written = repository_files(Choices("fraud"))
    called = repository_files(Choices("fraud", workflows=f"acme/modelway@{COMMIT}"))

    assert "uses: ./.github/workflows/modelway-due.yml\n" in (
        written[".github/workflows/deploy.yml"].decode()
    )
    assert f"uses: acme/modelway/.github/workflows/modelway-due.yml@{COMMIT}\n" in (
        called[".github/workflows/deploy.yml"].decode()
    )
    assert sorted(set(written) - set(called)) == [
        f".github/workflows/modelway-{name}.yml"
        for name in ("deploy", "due", "preview", "record", "rehearse", "rollback", "test")
    ]


def test_the_model_tells_three_kinds_of_iris_apart():
    content = repository_files(Choices("fraud"))["stacks/models/fraud.onnx"]
    session = onnxruntime.InferenceSession(content, providers=["CPUExecutionProvider"])

    labels, probabilities = session.run(["label", "probabilities"], {"features": ROWS})

    assert labels.tolist() == [0, 1, 2]
    assert probabilities.shape == (3, 3)
    assert np.allclose(probabilities.sum(axis=1), 1)


def test_the_rehearsal_is_a_scenario_of_the_spec(tmp_path):
    write_files(tmp_path, repository_files(Choices("fraud")))

    before, after = load_scenario(tmp_path / "rehearsals" / "update.yaml").specs

    assert (before.name, after.name) == ("fraud", "fraud")
    assert before.serving.instance_type == "ml.m5.large"
    assert after.serving.instance_type == "ml.m5.xlarge"


def test_an_empty_git_folder_is_taken(run, tmp_path):
    subprocess.run(["git", "init", "--quiet", tmp_path], check=True)

    assert run(tmp_path, "--name", "fraud").exit_code == 0

    assert (tmp_path / "stacks" / "specs" / "fraud.yaml").is_file()
    assert list(tmp_path.glob(".modelway-init-*")) == []


def test_every_file_in_the_way_is_listed_and_nothing_is_written(run, tmp_path):
    (tmp_path / "README.md").write_text("mine")
    (tmp_path / "stacks").mkdir()
    (tmp_path / "stacks" / "__main__.py").write_text("mine too")
    (tmp_path / "tests").write_text("a file where a folder is to be")

    result = run(tmp_path, "--name", "fraud")

    assert isinstance(result.exception, ScaffoldError)
    assert str(result.exception) == (
        f"writing into {tmp_path}: these are in the way, and nothing was written:"
        "\n  README.md\n  stacks/__main__.py\n  tests\nTake an empty folder, or move them."
    )
    assert there(tmp_path) == ["README.md", "stacks/__main__.py", "tests"]
    assert (tmp_path / "README.md").read_text() == "mine"


def test_a_link_is_in_the_way_and_is_not_followed(tmp_path):
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    folder = tmp_path / "fraud"
    folder.mkdir()
    (folder / "stacks").symlink_to(elsewhere)

    with pytest.raises(ScaffoldError, match=r"nothing was written:\n  stacks\n"):
        write_files(folder, {"stacks/specs/fraud.yaml": b"x"})

    assert list(elsewhere.iterdir()) == []


def test_what_was_interrupted_is_completed_by_another_run(run, tmp_path):
    whole = run(tmp_path / "fraud").stdout.splitlines()
    (tmp_path / "fraud" / "Makefile").unlink()

    assert run(tmp_path / "fraud").stdout.splitlines() == ["Makefile"]
    assert there(tmp_path / "fraud") == whole


def test_a_disk_that_is_full_leaves_nothing(tmp_path, monkeypatch):
    linked = []

    def link(part, target):
        if len(linked) == 2:
            raise OSError(28, "No space left on device", str(target))
        linked.append(target)
        part.rename(target)

    monkeypatch.setattr("modelway.scaffold.writing.os.link", link)

    with pytest.raises(ScaffoldError, match="No space left on device"):
        write_files(tmp_path / "fraud", {"a/b": b"1", "c": b"2", "d": b"3"})

    assert list(tmp_path.iterdir()) == []


def test_every_problem_of_the_choices_is_told_at_once(run, tmp_path):
    result = run(
        *(tmp_path / "x", "--name", "Fraud!", "--stacks", "dev,local,dev,a_b"),
        *("--aws-region", "Frankfurt", "--workflows-ref", "acme/modelway@v1"),
    )

    assert result.exception.exit_status == 2
    told = str(result.exception).splitlines()
    assert [line.split(";")[0] for line in told] == [
        "scaffolding a repository:",
        "  --name: 'Fraud!' cannot name the model",
        "  --stacks: 'dev' is named twice",
        "  --stacks: 'local' means something else",
        "  --stacks: 'a_b' cannot name a stack",
        "  --aws-region: 'Frankfurt' is no region",
        "  --workflows-ref: 'acme/modelway@v1' names no commit",
    ]
    assert not (tmp_path / "x").exists()


def test_a_name_that_makes_an_endpoint_too_long_for_sagemaker_is_refused():
    assert Choices("a" * 42).stacks == ("dev", "staging", "prod")

    with pytest.raises(ScaffoldError, match="-staging' has 51 characters; allowed: 50"):
        Choices("a" * 43)
