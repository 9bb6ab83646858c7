"""The real image, built from the Dockerfile, started as SageMaker and as Kubernetes start it.

Every test of this folder runs once for each user: 65532 on a read-only root without capabilities,
as scanners of Kubernetes demand, and root, as SageMaker's guide says containers are run.
The variables that `.ci/docker start` prints say which daemon is used; without one that can be
reached the tests are skipped.
"""

import importlib.util
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest

from modelway.image.context import content_hash, serving_image_directory

PARENT = Path(__file__).parents[1] / "conftest.py"
"""The server's client is there; a conftest cannot be imported by its name."""

# Read when this file is loaded: the tests' guard takes variables away later.
CLIENT = os.environ.get("DOCKER_TEST_CLIENT") or shutil.which("docker")
BASE_IMAGE = os.environ.get("DOCKER_TEST_BASE_IMAGE")
CA_BUNDLE = os.environ.get("DOCKER_TEST_CA_BUNDLE")
KEPT = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST") if name in os.environ}

USERS = {
    "user 65532, read-only": [
        "--user=65532:65532",
        "--read-only",
        "--cap-drop=ALL",
        "--security-opt=no-new-privileges",
    ],
    "user 0": ["--user=0:0"],
}


def _processes():
    name = "serving_conftest"
    if name not in sys.modules:
        spec = importlib.util.spec_from_file_location(name, PARENT)
        sys.modules[name] = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(sys.modules[name])
    return sys.modules[name]


class Docker:
    """The daemon, through its own command line."""

    def __call__(self, *arguments, seconds=120):
        done = subprocess.run(
            [CLIENT, *arguments],
            env=KEPT | {"DOCKER_BUILDKIT": "1"},
            capture_output=True,
            text=True,
            check=False,
            timeout=seconds,
        )
        assert done.returncode == 0, f"docker {arguments[0]}: {done.stderr[-3000:]}"
        return done.stdout.strip()


@pytest.fixture(scope="session")
def docker():
    if CLIENT is None:
        pytest.skip("no docker on PATH; `.ci/docker start` installs one where it can")
    reached = subprocess.run([CLIENT, "info"], env=KEPT, capture_output=True, check=False)
    if reached.returncode != 0:
        pytest.skip("no Docker daemon can be reached; `.ci/docker start` starts one")
    return Docker()


@pytest.fixture(scope="session")
def build(docker):
    """Build images: `build(folder, content)` gives a tag; removed afterwards, layers stay."""
    built = []

    def run(folder, content):
        # A tag of this process: another worker's tests may end, and remove theirs, before these.
        tag = f"modelway-test:{content[:12]}-{os.getpid()}"
        arguments = ["build", "--network=host", "--tag", tag]
        if BASE_IMAGE is not None:
            arguments += ["--build-arg", f"BASE_IMAGE={BASE_IMAGE}"]
        if CA_BUNDLE is not None:
            arguments += ["--secret", f"id=ca,src={CA_BUNDLE}"]
        docker(*arguments, str(folder), seconds=280)
        built.append(tag)
        return tag

    yield run
    for tag in built:
        docker("image", "rm", "--no-prune", tag)


@pytest.fixture(scope="session")
def image(build):
    """The image of the sources as they are."""
    return build(serving_image_directory(), content_hash())


@pytest.fixture(scope="session", params=list(USERS))
def user(request):
    return USERS[request.param]


@pytest.fixture(scope="session")
def run_container(docker, image, user):
    """Start containers; `run_container(folder, MODEL_SERVER_...=...)`, `of` another image."""
    server_type = _processes().Server
    started: list[str] = []

    def run(folder, of=image, **settings):
        settings = {"MODEL_SERVER_WORKERS": 1, **settings}
        environment = [f"--env={name}={value}" for name, value in settings.items()]
        container = docker(
            "run",
            "--detach",
            # Each check starts a Python, every 10 s in every container until the tests end: with
            # twenty containers that took more than one processor away from all other tests.
            "--no-healthcheck",
            "--publish=127.0.0.1::8080",
            f"--volume={folder}:/opt/ml/model:ro",
            *user,
            *environment,
            of,
            "serve",
        )
        started.append(container)
        port = int(docker("port", container, "8080/tcp").rsplit(":", 1)[1])
        server = server_type(port)
        server.container = container
        return server

    yield run
    for container in started:
        docker("rm", "--force", container)


@pytest.fixture(scope="session")
def launcher(run_container):
    return run_container


@pytest.fixture(scope="session")
def serve(launcher, models):
    # A fixture of its own: pytest keeps one value for each fixture, and with the parent's a test of
    # the processes that comes after these on one worker would be given a container.
    return _processes().ready_servers(launcher, models)


@pytest.fixture
def wait_until():
    def wait(condition, seconds=30.0):
        until = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < until
            time.sleep(0.1)

    return wait
