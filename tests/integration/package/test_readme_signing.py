"""The README's commands for signatures, run as a user would."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from modelway.testing import child_environment
from packages import change_byte, write_package

pytestmark = pytest.mark.integration

README = Path(__file__).parents[3] / "README.md"


@pytest.fixture
def run(tmp_path):
    """Run lines of a shell in a folder with a package, with the commands of this environment."""
    write_package(tmp_path / "fraud-1")
    commands = str(Path(sys.executable).parent)
    variables = child_environment({"XDG_CACHE_HOME": str(tmp_path / "cache")})

    def lines(text):
        return subprocess.run(
            ["bash", "-euo", "pipefail", "-c", text],
            cwd=tmp_path,
            env=variables | {"PATH": f"{commands}:{variables['PATH']}"},
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )

    return lines


def readme_block():
    (block,) = re.findall(
        r"^```sh signing\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL
    )
    return block


def test_the_readmes_commands_make_a_key_sign_and_verify(run):
    done = run(readme_block())

    assert done.returncode == 0, done.stdout + done.stderr
    assert "verified fraud 1, sha256:" in done.stdout


def test_the_tool_of_model_signing_verifies_what_they_signed(run):
    run(readme_block())

    done = run(
        "model_signing verify key fraud-1 --signature fraud-1/model.sig --public_key trusted.pem"
    )

    assert done.returncode == 0, done.stdout + done.stderr


def test_what_is_changed_afterwards_ends_with_status_1_and_the_reason(run, tmp_path):
    run(readme_block())
    change_byte(tmp_path / "fraud-1/model.onnx")
    (tmp_path / "fraud-1/MODEL_CARD.md").unlink()

    done = run("modelway verify fraud-1 --key trusted.pem")

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith("error: the package fraud-1 is refused: ")
    assert "`model.onnx` was changed" in done.stderr
    assert "`MODEL_CARD.md` is missing" in done.stderr


def test_help_says_how_to_make_a_key(run):
    done = run("modelway sign --help")

    assert "openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256" in done.stdout
