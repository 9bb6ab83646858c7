"""A scaffolded repository's own tests, with the real engine, unmodified; and what they notice."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from modelway.scaffold.choices import Choices
from modelway.scaffold.repository import repository_files
from modelway.scaffold.writing import write_files
from modelway.testing import child_environment

# Each takes half a minute at most where nothing else runs.
pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

COMMANDS = Path(sys.executable).parent


@pytest.fixture
def repository(tmp_path) -> Path:
    """A repository for stacks of another region than the tests' own."""
    folder = tmp_path / "irises"
    write_files(folder, repository_files(Choices("irises", region="eu-west-1")))
    return folder


@pytest.fixture
def run(repository):
    """Run a command in it, as a user does."""

    def go(*command: str) -> "subprocess.CompletedProcess[str]":
        variables = child_environment({})
        return subprocess.run(
            command,
            cwd=repository,
            env=variables | {"PATH": f"{COMMANDS}:{variables['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=580,
        )

    return go


TESTS = ("python", "-m", "pytest", "-q", "-p", "no:cacheprovider")


def test_its_own_tests_pass_at_once(run):
    done = run(*TESTS)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout


def test_a_broken_spec_fails_them(run, repository):
    spec = repository / "stacks" / "specs" / "irises.yaml"
    spec.write_text(spec.read_text().replace("ml.m5.large", "ml.m5.tiny"))

    done = run(*TESTS, "tests/test_spec.py")

    assert done.returncode == 1
    assert "serving.instance_type: is not an instance type that SageMaker hosts" in done.stdout


def test_another_model_than_the_specs_fails_them(run, repository):
    spec = repository / "stacks" / "specs" / "irises.yaml"
    spec.write_text(spec.read_text().replace("shape: [-1, 4]", "shape: [-1, 5]"))

    done = run(*TESTS)

    assert done.returncode == 1
    assert "1 failed, 2 errors" in done.stdout


@pytest.mark.xdist_group("rehearsal")
def test_its_rehearsal_holds_and_speaks_for_a_release(run):
    done = run("modelway", "rehearse", "rehearsals/update.yaml", "--json")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["held"] is True


def test_check_plan_and_due_answer_at_once(run):
    checked = run("modelway", "check", "stacks/specs/irises.yaml", "--env", "local")
    planned = run("modelway", "plan", "--env", "local")
    due = run("modelway", "due", "local")
    other = run("modelway", "check", "stacks/specs/irises.yaml", "--env", "dev")

    assert (checked.returncode, checked.stdout) == (0, "stacks/specs/irises.yaml: ok (local)\n")
    assert planned.returncode == 0
    assert "irises-local" in planned.stdout
    assert due.returncode == 0
    assert "irises in local: no release records, the spec is deployed as is" in due.stdout
    assert other.returncode == 2  # nobody has built the image yet
    assert other.stdout.count("\n") == 1
    assert "image: is missing" in other.stdout


def test_its_makefile_has_every_target_that_the_readme_and_the_workflows_name(run):
    shown = run("make", "help").stdout

    assert [line.split()[0] for line in shown.splitlines()] == [
        "help",
        "setup",
        "check",
        "test",
        "rehearse",
        "evidence",
    ]


def test_the_readmes_commands_scaffold_a_repository_that_answers(run, repository):
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    (script,) = re.findall(r"^```sh init\n(.*?)^```$", readme, re.MULTILINE | re.DOTALL)

    done = run("bash", "-euc", script)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "stacks/specs/fraud.yaml: ok (local)\n" in done.stdout
    assert (repository / "fraud" / "stacks" / "models" / "fraud.onnx").is_file()
