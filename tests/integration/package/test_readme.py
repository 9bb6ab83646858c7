"""The README's commands for packages, run as a user would."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

from modelway.testing import child_environment

pytestmark = pytest.mark.integration

README = Path(__file__).parents[3] / "README.md"


def run_block(kind, folder):
    """Run the one block of a kind in a folder, with the commands of this environment."""
    (block,) = re.findall(
        rf"^```sh {kind}\n(.*?)^```$", README.read_text(), re.MULTILINE | re.DOTALL
    )
    commands = str(Path(sys.executable).parent)
    variables = child_environment({"XDG_CACHE_HOME": str(folder / "cache")})
    return subprocess.run(
        ["bash", "-euo", "pipefail", "-c", block],
        cwd=folder,
        env=variables | {"PATH": f"{commands}:{variables['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )


def test_the_readmes_commands_make_show_and_check_a_package(flowers, tmp_path):
    source, samples = flowers
    source.rename(tmp_path / "fraud.joblib")
    samples.rename(tmp_path / "holdout.csv")
    (tmp_path / "fraud.yaml").write_text("name: fraud\nmodel: {path: fraud-1}\n")

    done = run_block("package", tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "fraud.yaml: ok (local)" in done.stdout
    assert "auc" in done.stdout


def test_the_readmes_commands_package_a_variant_and_profile_it(flowers, tmp_path):
    source, samples = flowers
    source.rename(tmp_path / "fraud.joblib")
    rows = samples.read_text().splitlines()
    labelled = [f"{row},{index // 50}" for index, row in enumerate(rows)]
    head = "length,width,petal_length,petal_width,fraud"
    (tmp_path / "holdout.csv").write_text("\n".join([head, *labelled]))

    done = run_block("optimise", tmp_path)

    assert done.returncode == 0, done.stdout + done.stderr
    assert "variants: accuracy of `label` on 75 rows, calibrated on 75 others" in done.stderr
    assert "it has no Conv, Gemm or MatMul, but " in done.stderr
    assert "MODEL_SERVER_THREADS" in done.stdout
