"""`modelway rollback`: the earlier version serves, the state agrees, the next release ends it."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from sklearn.datasets import load_digits

pytestmark = pytest.mark.integration

MODELWAY = str(Path(sys.executable).parent / "modelway")
ROWS = load_digits().data[:20].astype(np.float32)


def modelway(deployment, *arguments):
    return subprocess.run(
        [MODELWAY, *arguments],
        cwd=deployment.directory,
        env=deployment.environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=280,
    )


def test_the_version_before_serves_again_until_the_next_release(deploy, predict, models):
    deployment = deploy("undone")
    deployment.up()
    first, (_labels, probabilities) = deployment.live, predict(deployment.endpoint, ROWS)
    deployment.write(model={"path": str(models["b"])})
    deployment.up()
    second = deployment.live

    done = modelway(deployment, "rollback", "undone", "--yes")

    assert done.returncode == 0, done.stdout + done.stderr
    assert f"undone-local goes back to {first['endpoint_config_name']}" in done.stderr
    assert deployment.live["endpoint_config_name"] == first["endpoint_config_name"]
    assert np.array_equal(predict(deployment.endpoint, ROWS)[1], probabilities)
    written = deployment.directory / "stacks" / "rollbacks" / "local" / "undone.json"
    assert json.loads(written.read_text())["instead_of"] == second["endpoint_config_name"]
    assert set(deployment.changes()) == {"same"}

    again = modelway(deployment, "rollback", "undone", "--yes")
    assert again.returncode == 1
    assert "is what the spec leads to. Delete" in again.stderr

    deployment.write(serving={"environment": {"MODEL_SERVER_THREADS": "1"}})
    deployment.up()

    third = deployment.live["endpoint_config_name"]
    assert third not in {first["endpoint_config_name"], second["endpoint_config_name"]}
    assert not np.array_equal(predict(deployment.endpoint, ROWS)[1], probabilities)


def test_a_rollback_further_than_the_history_is_refused_and_writes_nothing(deploy):
    deployment = deploy("short")
    deployment.up()

    done = modelway(deployment, "rollback", "short", "--to", "4", "--yes")

    assert done.returncode == 1
    assert "rolling short-local back by 4: no such version is kept." in done.stderr
    assert not (deployment.directory / "stacks" / "rollbacks").exists()


def test_a_folder_without_a_project_is_told(tmp_path):
    done = subprocess.run(
        [MODELWAY, "rollback", "x", "--project", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 1
    assert "has no Pulumi.yaml. Run this in the project's folder" in done.stderr
