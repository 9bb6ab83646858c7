"""An engine that is killed outright: doctor proves it dead, clears up, and `up` converges."""

import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest

pytestmark = pytest.mark.integration

WAIT_SECONDS = 60


def doctor(deployment, *arguments):
    command = Path(sys.executable).parent / "modelway"
    return subprocess.run(
        [command, "doctor", "--stack", f"{deployment.name}/local", *arguments],
        cwd=deployment.directory,
        env=deployment.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def wait_for(condition, what):
    deadline = time.monotonic() + WAIT_SECONDS
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen within {WAIT_SECONDS} s"
        time.sleep(0.05)


def status_of(sagemaker, endpoint):
    found = sagemaker.list_endpoints(NameContains=endpoint)["Endpoints"]
    return found[0]["EndpointStatus"] if found else None


def plugins_of(deployment):
    """The processes that work for this project: hosts, programs and plugins of its engine."""
    return [
        process.info
        for process in psutil.process_iter(["cwd", "pid", "cmdline"])
        if (process.info["cwd"] or "").startswith(str(deployment.directory))
    ]


@pytest.fixture
def kill_in_the_middle(modelway_client, slow_start):
    """Kill the engine while SageMaker is at work for it."""

    def kill(deployment, status):
        sagemaker = modelway_client("sagemaker")
        slow_start.hold()
        engine = deployment.start_up()
        wait_for(lambda: status_of(sagemaker, deployment.endpoint) == status, status)
        engine.kill()
        engine.wait()
        engine.stdout.close()
        slow_start.release()

    return kill


@pytest.mark.parametrize("moment", ["Creating", "Updating"])
def test_after_a_kill_doctor_repairs_and_up_converges_with_one_endpoint(
    deploy, kill_in_the_middle, slow_start, modelway_client, moment
):
    deployment = deploy(f"killed-{moment.lower()}", serving={"environment": slow_start.environment})
    if moment == "Updating":
        deployment.up()
        deployment.write(scaling={"min_instances": 2})
    kill_in_the_middle(deployment, moment)

    refused = deployment.run("up", "--yes", "--skip-preview", check=False)
    repaired = doctor(deployment, "--repair")
    deployment.up()

    assert refused.returncode != 0
    assert "locked" in refused.stdout + refused.stderr
    assert repaired.returncode == 0, repaired.stdout + repaired.stderr
    assert "removed-lock" in repaired.stdout
    assert "settled-operation" in repaired.stdout
    sagemaker = modelway_client("sagemaker")
    assert status_of(sagemaker, deployment.endpoint) == "InService"
    assert len(sagemaker.list_endpoints(NameContains=deployment.name)["Endpoints"]) == 1
    configs = sagemaker.list_endpoint_configs(NameContains=deployment.name)["EndpointConfigs"]
    assert len(configs) == (1 if moment == "Creating" else 2)
    assert deployment.changes().keys() == {"same"}
    wait_for(lambda: plugins_of(deployment) == [], "the end of the killed engine's plugins")


def test_an_engine_that_lives_is_not_touched(deploy, slow_start, modelway_client):
    deployment = deploy("alive", serving={"environment": slow_start.environment})
    slow_start.hold()
    engine = deployment.start_up()
    sagemaker = modelway_client("sagemaker")
    wait_for(lambda: status_of(sagemaker, deployment.endpoint) == "Creating", "Creating")

    refused = doctor(deployment, "--repair")
    slow_start.release()
    output, _ = engine.communicate(timeout=120)

    assert refused.returncode == 1
    assert f"pid {engine.pid}" in refused.stderr
    assert engine.returncode == 0, output
