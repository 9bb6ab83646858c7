"""Docker itself pushes to the emulated registry and pulls from it by digest.

The variables that `.ci/docker start` prints say which daemon is used; without one that can be
reached these tests are skipped. A registry on loopback needs no TLS for Docker.
"""

import base64
import io
import json
import os
import shutil
import subprocess
import tarfile

import pytest

pytestmark = [pytest.mark.integration, pytest.mark.docker]

# Read when this file is loaded: the tests' guard takes variables away later.
CLIENT = os.environ.get("DOCKER_TEST_CLIENT") or shutil.which("docker")
KEPT = {name: os.environ[name] for name in ("PATH", "HOME", "DOCKER_HOST") if name in os.environ}


@pytest.fixture(scope="module")
def docker(tmp_path_factory):
    """Docker's command line, with a place of its own for logins."""
    if CLIENT is None:
        pytest.skip("no docker on PATH; `.ci/docker start` installs one where it can")
    environment = KEPT | {"DOCKER_CONFIG": str(tmp_path_factory.mktemp("docker"))}

    def run(*arguments, given=None, check=True):
        command = [CLIENT, *arguments]
        done = subprocess.run(
            command, env=environment, input=given, capture_output=True, check=False, timeout=120
        )
        assert not check or done.returncode == 0, done.stderr.decode()
        return done

    if run("info", check=False).returncode != 0:
        pytest.skip("no Docker daemon can be reached; `.ci/docker start` starts one")
    return run


@pytest.fixture(scope="module")
def repository(docker, emulator, client_of):
    """Docker is logged in; gives the repository as Docker names it."""
    ecr = client_of(emulator, "ecr")
    ecr.create_repository(repositoryName="docker/models", imageTagMutability="IMMUTABLE")
    (data,) = ecr.get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(data["authorizationToken"]).partition(b":")
    host = data["proxyEndpoint"].removeprefix("http://")
    docker("login", "--username", user.decode(), "--password-stdin", host, given=password)
    return f"{host}/docker/models"


def layer(content):
    """Give a file system with one file in it."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        member = tarfile.TarInfo("model.bin")
        member.size = len(content)
        archive.addfile(member, io.BytesIO(content))
    return packed.getvalue()


@pytest.fixture(scope="module")
def pushed(docker, repository):
    """An image, pushed as `1`; gives its digest, and nothing of it is left in Docker."""
    content = os.urandom(3_000_000)
    docker("import", "-", f"{repository}:1", given=layer(content))
    said = docker("push", f"{repository}:1").stdout.decode()
    docker("image", "rm", f"{repository}:1")
    return said.partition("digest: ")[2].split()[0], content


def test_what_docker_pushed_is_in_ecr_under_the_same_digest(pushed, emulator, client_of):
    ecr = client_of(emulator, "ecr")

    (image,) = ecr.describe_images(repositoryName="docker/models")["imageDetails"]

    assert (image["imageDigest"], image["imageTags"]) == (pushed[0], ["1"])
    assert image["imageSizeInBytes"] > 3_000_000


def test_docker_pulls_it_by_digest(docker, repository, pushed):
    name = f"{repository}@{pushed[0]}"
    docker("pull", name)

    (told,) = json.loads(docker("image", "inspect", name).stdout)
    docker("create", "--name", "modelway-registry-test", name, "nothing")
    copied = docker("cp", "modelway-registry-test:/model.bin", "-").stdout
    docker("rm", "modelway-registry-test")
    docker("image", "rm", name)
    with tarfile.open(fileobj=io.BytesIO(copied)) as archive:
        content = archive.extractfile("model.bin").read()

    assert told["RepoDigests"] == [name]
    assert content == pushed[1]


def test_docker_is_told_why_a_tag_is_not_moved(docker, repository, pushed):
    docker("import", "-", f"{repository}:1", given=layer(b"another"))

    refused = docker("push", f"{repository}:1", check=False)
    docker("image", "rm", f"{repository}:1")

    assert refused.returncode == 1
    assert b"cannot be overwritten because the tag is immutable" in refused.stderr


def test_docker_is_told_that_a_repository_is_not_there(docker, repository, pushed):
    absent = f"{repository.rpartition('/')[0]}/absent:1"
    docker("import", "-", absent, given=layer(b"another"))

    refused = docker("push", absent, check=False)
    docker("image", "rm", absent)

    assert refused.returncode == 1
    assert b"The repository with name 'docker/absent' does not exist" in refused.stderr
