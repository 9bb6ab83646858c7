"""A group of the emulator's registry as a ModelPlatform declares it, and commands in it."""

import json
import uuid
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from modelway.cli import app
from modelway.errors import ModelwayError
from modelway.testing import child_environment
from packages import write_package

REPOSITORY = "registry-models"
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": "sha256:" + "0" * 64,
        "size": 2,
    },
    "layers": [],
}


@pytest.fixture(scope="session")
def image(modelway_emulator: Any) -> str:
    """An image, by digest."""
    import boto3

    ecr = boto3.session.Session().client(
        "ecr",
        endpoint_url=modelway_emulator.url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )
    made = ecr.create_repository(repositoryName=REPOSITORY)["repository"]["repositoryUri"]
    put = ecr.put_image(
        repositoryName=REPOSITORY, imageManifest=json.dumps(MANIFEST), imageTag="one"
    )
    return f"{made}@{put['image']['imageId']['imageDigest']}"


@pytest.fixture
def group(modelway_aws: Any, modelway_client: Callable[..., Any]) -> str:
    """An empty group, whose tag says where archives go."""
    name = f"fraud-{uuid.uuid4().hex[:8]}"
    modelway_client("s3").create_bucket(Bucket=name)
    modelway_client("sagemaker").create_model_package_group(
        ModelPackageGroupName=name, Tags=[{"Key": "modelway:bucket", "Value": name}]
    )
    return name


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package's folder, and a cache of the test's own."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return write_package(tmp_path / "fraud-1")


@pytest.fixture
def run(modelway_aws: Any) -> Callable[..., Any]:
    """Run a command and give its JSON, or what it refused."""

    def command(*arguments: str) -> Any:
        done = CliRunner().invoke(app, [*arguments, "--json"])
        if isinstance(done.exception, ModelwayError):
            return f"error: {done.exception}"
        assert done.exit_code == 0, done.output
        return json.loads(done.stdout)

    return command


@pytest.fixture
def environment(modelway_emulator: Any, tmp_path: Path) -> dict[str, str]:
    """The variables of a shell that talks to the emulator."""
    cache = {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    return child_environment(modelway_emulator.environment() | cache)
