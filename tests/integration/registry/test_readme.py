"""The README's commands for the registry, run as a user would."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("registry")]

README = Path(__file__).parents[3] / "README.md"


def block(kind):
    text, flags = README.read_text(), re.MULTILINE | re.DOTALL
    (found,) = re.findall(rf"^```sh {kind}\n(.*?)^```$", text, flags)
    return found


def test_the_readmes_commands_register_list_and_approve(group, package, image, environment):
    commands = str(Path(sys.executable).parent)
    own = re.sub(r"(--group |registry |approve )fraud\b", rf"\1{group}", block("registry"))
    script = block("signing") + own

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", script],
        cwd=package.parent,
        env=environment | {"PATH": f"{commands}:{environment['PATH']}", "IMAGE": image},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"fraud-1 registered as {group}/1, sha256:" in done.stdout
    assert f"{group}/1 is Approved, by arn:aws:" in done.stdout
