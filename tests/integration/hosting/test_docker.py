"""Replicas as containers of the real image.

The variables that `.ci/docker start` prints say which daemon is used; without one that can be
reached these tests are skipped.
"""

import os
import shutil
import subprocess
import time

import pytest

from modelway.image.context import content_hash, serving_image_directory

pytestmark = [pytest.mark.integration, pytest.mark.docker]

# Read when this file is loaded: the tests' guard takes variables away later.
CLIENT = os.environ.get("DOCKER_TEST_CLIENT") or shutil.which("docker")
BASE_IMAGE = os.environ.get("DOCKER_TEST_BASE_IMAGE")
CA_BUNDLE = os.environ.get("DOCKER_TEST_CA_BUNDLE")
KEPT = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST") if name in os.environ}


@pytest.fixture(scope="module")
def docker():
    """Docker's command line, with the serving image built as the emulator would name it."""
    if CLIENT is None:
        pytest.skip("no docker on PATH; `.ci/docker start` installs one where it can")

    def run(*arguments):
        return subprocess.run(
            [CLIENT, *arguments],
            env=KEPT | {"DOCKER_BUILDKIT": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=280,
        )

    if run("info").returncode != 0:
        pytest.skip("no Docker daemon can be reached; `.ci/docker start` starts one")
    build = ["build", "--network=host", "--tag", f"modelway-serving:{content_hash()[:12]}"]
    build += ["--build-arg", f"BASE_IMAGE={BASE_IMAGE}"] if BASE_IMAGE else []
    build += ["--secret", f"id=ca,src={CA_BUNDLE}"] if CA_BUNDLE else []
    built = run(*build, str(serving_image_directory()))
    assert built.returncode == 0, built.stderr[-3000:]
    return run


def test_a_container_serves_is_restarted_and_goes_with_its_endpoint(
    docker, new_account, monkeypatch, name, good, rows, reference
):
    monkeypatch.setenv("DOCKER_HOST", KEPT.get("DOCKER_HOST", "unix:///var/run/docker.sock"))
    account = new_account(runtime="docker")
    account.endpoint(name, good)
    answers = account.predict(name, rows)
    containers = docker("ps", "--quiet", "--filter", f"name=modelway-{name}-").stdout.split()

    docker("kill", *containers)
    again = waited_for(lambda: predicted(account, name, rows))
    account.sagemaker.delete_endpoint(EndpointName=name)
    account.gone(name)

    assert answers.tobytes() == reference(rows).tobytes()
    assert again.tobytes() == answers.tobytes()
    assert len(containers) == 1
    left = docker("ps", "--all", "--quiet", "--filter", f"name=modelway-{name}-").stdout
    assert left == ""


def predicted(account, name, rows):
    try:
        return account.predict(name, rows)
    except account.client("sagemaker-runtime").exceptions.ClientError:
        return None


def waited_for(found, seconds=60):
    deadline = time.monotonic() + seconds
    while (value := found()) is None:
        assert time.monotonic() < deadline
        time.sleep(0.1)
    return value
