"""The README's commands for the embedded AWS and its example test, run as a user would."""

import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from modelway.demo.training import train
from modelway.emulator.process import find
from modelway.testing import child_environment

pytestmark = pytest.mark.integration

ROOT = Path(__file__).parents[3]


def block(kind: str, containing: str) -> str:
    text = (ROOT / "README.md").read_text()
    found = re.findall(rf"^```{kind}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    (wanted,) = [content for content in found if containing in content]
    return wanted


@pytest.fixture
def clone(tmp_path):
    """The project as a user has it after `make demo` has trained the model."""
    folder = tmp_path / "clone"
    folder.mkdir()
    shutil.copy(ROOT / "Pulumi.yaml", folder)
    ignored = shutil.ignore_patterns("__pycache__", "models")
    shutil.copytree(ROOT / "stacks", folder / "stacks", ignore=ignored)
    train(folder / "stacks/models/digits.onnx")
    return folder


@pytest.fixture
def environment(tmp_path):
    commands = str(Path(sys.executable).parent)
    variables = child_environment({"XDG_STATE_HOME": str(tmp_path / "state")})
    return variables | {"PATH": f"{commands}:{variables['PATH']}"}


@pytest.fixture
def port():
    """A free port: another emulator may use the usual one on this machine."""
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


def test_the_readmes_commands_bring_up_an_emulator_and_preview_a_stack(clone, environment, port):
    command = rf"modelway emulator \1 --port {port}"
    script = re.sub(r"modelway emulator (\w+)", command, block("sh", "env)"))

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=250,
    )

    try:
        assert done.returncode == 0, done.stdout + done.stderr
        assert "to create" in done.stdout
        assert str(port) in done.stdout
    finally:
        running = find(port)
        if running is not None:
            running.stop()


def test_the_readmes_example_test_passes(clone, environment):
    (clone / "test_stack.py").write_text(block("python", "modelway_emulator"))

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "1 passed" in done.stdout
