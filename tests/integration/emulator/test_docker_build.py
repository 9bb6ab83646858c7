"""The provider `docker-build` where replicas are containers: Docker builds, pushes, and is asked.

The variables that `.ci/docker start` prints say which daemon is used; without one that can be
reached these tests are skipped.
"""

import io
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from modelway.emulator.process import start
from modelway.emulator.provider import serve
from modelway.emulator.provider.wire import read_struct, write_struct

pytestmark = [pytest.mark.integration, pytest.mark.docker]

# Read when this file is loaded: the tests' guard takes variables away later.
CLIENT = os.environ.get("DOCKER_TEST_CLIENT") or shutil.which("docker")
DAEMON = os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock")
KEPT = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
CONTENT = os.urandom(32).hex()  # what another run has left in Docker is not this one's
LOCAL = f"modelway-serving:{CONTENT[:12]}"
REPOSITORY = "123456789012.dkr.ecr.us-east-1.amazonaws.com/docker/built"
URN = "urn:pulumi:dev::project::docker-build:index:Image::image"


@pytest.fixture
def docker():
    """Docker's command line."""
    if CLIENT is None:
        pytest.skip("no docker on PATH; `.ci/docker start` installs one where it can")

    def run(*arguments, check=True):
        command = [CLIENT, "--host", DAEMON, *arguments]
        done = subprocess.run(command, env=KEPT, capture_output=True, check=False, timeout=120)
        assert not check or done.returncode == 0, done.stderr.decode()
        return done

    if run("info", check=False).returncode != 0:
        pytest.skip("no Docker daemon can be reached; `.ci/docker start` starts one")
    yield run
    run("image", "rm", LOCAL, check=False)


@pytest.fixture
def emulator(docker, tmp_path, monkeypatch):
    """An emulator whose replicas would be containers."""
    monkeypatch.setenv("DOCKER_HOST", DAEMON)
    running = start(port=0, state=tmp_path / "state", runtime="docker")
    yield running
    running.stop()


@pytest.fixture
def provider(emulator, tmp_path, monkeypatch):
    """Talks to the provider as the engine does; the program is in the test's folder."""
    # The provider runs in this process and takes the first docker on PATH.
    monkeypatch.setenv("PATH", str(Path(CLIENT).parent), prepend=os.pathsep)
    server = serve("docker-build", emulator.url, directory=str(tmp_path), runtime="docker")
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    server.stop()


def test_docker_builds_the_context_and_ecr_has_what_it_pushed(
    docker, emulator, provider, client_of, tmp_path
):
    context = tmp_path / "context"
    context.mkdir()
    (context / "Dockerfile").write_text("FROM scratch\nARG NAME\nCOPY ${NAME} /greeting\n")
    (context / "hello").write_text(CONTENT)
    ecr = client_of(emulator, "ecr")
    ecr.create_repository(repositoryName="docker/built", imageTagMutability="IMMUTABLE")
    inputs = {
        "push": True,
        "context": {"location": "context"},
        "buildArgs": {"NAME": "hello"},
        "tags": [f"{REPOSITORY}:cpu-{CONTENT}"],
    }

    request = provider_pb2.CreateRequest(urn=URN, properties=write_struct(inputs))
    made = read_struct(provider.Create(request).properties).values

    (image,) = ecr.describe_images(repositoryName="docker/built")["imageDetails"]
    assert (image["imageDigest"], image["imageTags"]) == (made["digest"], [f"cpu-{CONTENT}"])
    assert made["ref"] == f"{REPOSITORY}:cpu-{CONTENT}@{made['digest']}"
    tags = docker("image", "inspect", "--format", '{{join .RepoTags " "}}', LOCAL).stdout
    assert tags.decode().split() == [LOCAL]  # the name that was pushed does not stay
    docker("create", "--name", CONTENT, LOCAL, "nothing")
    copied = docker("cp", f"{CONTENT}:/greeting", "-").stdout
    docker("rm", CONTENT)
    with tarfile.open(fileobj=io.BytesIO(copied)) as archive:
        assert archive.extractfile("greeting").read().decode() == CONTENT
