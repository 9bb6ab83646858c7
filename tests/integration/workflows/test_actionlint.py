"""actionlint has nothing to say of the workflows, this repository's and a scaffolded one's.

It is built from its Go module, once for a user: go.mod and go.sum beside this file pin it and all
that it is made of, with the Go and the rules that build the engine.
"""

import hashlib
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from modelway.cache import user_cache
from modelway.engine.build import build_environment
from modelway.engine.cache import cache_directory, exclusive, workshop
from modelway.engine.toolchain import ensure_go
from modelway.scaffold.choices import Choices
from modelway.scaffold.repository import repository_files
from modelway.scaffold.writing import write_files
from modelway.testing import isolation

pytestmark = [pytest.mark.integration, pytest.mark.timeout(900)]  # a download and a build, once

ROOT = Path(__file__).parents[3]
PINS = [Path(__file__).parent / "actionlint" / name for name in ("go.mod", "go.sum")]
PACKAGE = "github.com/rhysd/actionlint/cmd/actionlint"
OUTSIDE = dict(os.environ)
"""As the user has it, before the guard around every test refuses what is not on this machine."""

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.fixture(scope="session")
def actionlint() -> Path:
    """The pinned actionlint, from the cache or built into it."""
    pins = hashlib.sha256(b"".join(pin.read_bytes() for pin in PINS)).hexdigest()[:12]
    cache = user_cache("actionlint")
    built = cache / pins
    with exclusive(cache):
        if not built.is_dir():
            with workshop(built) as made, pytest.MonkeyPatch.context() as patch:
                for name in isolation():
                    patch.delenv(name)
                    if name in OUTSIDE:
                        patch.setenv(name, OUTSIDE[name])
                go = ensure_go(cache_directory())
                for pin in PINS:
                    shutil.copy(pin, made)
                subprocess.run(
                    [go, "build", "-o", made / "actionlint", PACKAGE],
                    cwd=made,
                    env=build_environment(os.environ),
                    check=True,
                )
    return built / "actionlint"


@pytest.fixture
def complaints(actionlint):
    """Check the workflows of a folder; give what actionlint says."""

    def check(folder: Path) -> list[str]:
        # Without shellcheck and pyflakes, so that it says the same on every machine.
        command = [actionlint, "-no-color", "-oneline", "-shellcheck=", "-pyflakes="]
        files = sorted((folder / ".github" / "workflows").glob("*.yml"))
        assert files
        done = subprocess.run(
            [*command, *files], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.stderr == ""
        return done.stdout.splitlines()

    return check


@pytest.fixture
def repository(tmp_path):
    """Scaffold a repository; actionlint looks for `.git` to find reusable workflows."""

    def scaffold(**choices) -> Path:
        folder = tmp_path / "fraud"
        write_files(folder, repository_files(Choices("fraud", **choices)))
        (folder / ".git").mkdir()
        return folder

    return scaffold


def test_this_repositorys_workflows_are_right(complaints):
    assert complaints(ROOT) == []


@pytest.mark.parametrize(
    "choices",
    [{}, {"stacks": ("prod",)}, {"workflows": f"acme/modelway@{COMMIT}"}],
    ids=["written", "one stack", "called"],
)
def test_a_scaffolded_repositorys_workflows_are_right(complaints, repository, choices):
    assert complaints(repository(**choices)) == []


def test_an_input_that_the_reusable_workflow_does_not_have_is_told(complaints, repository):
    folder = repository()
    deploy = folder / ".github" / "workflows" / "deploy.yml"
    deploy.write_text(deploy.read_text().replace("stack: dev }", "stage: dev }"))

    said = complaints(folder)

    assert any('input "stage" is not defined' in line for line in said)
    assert any('input "stack" is required' in line for line in said)
