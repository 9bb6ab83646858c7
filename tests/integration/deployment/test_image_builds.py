"""Images that CodeBuild builds, with a handler and a package. Real engine, real servers."""

import hashlib
import io
import json
import zipfile

import numpy as np
import pytest
import yaml
from sklearn.datasets import load_digits

from modelway.emulator.process import start

pytestmark = pytest.mark.integration

ROWS = load_digits().data.astype(np.float32)

HANDLER = """
import json

import shouting
import numpy as np


def preprocess(body, content_type, context):
    return {"pixels": np.array(json.loads(body)["rows"], dtype=np.float32)}


def postprocess(outputs, accept, context):
    said = {"labels": outputs["label"].tolist(), "package": shouting.loud("is there"), "version": 1}
    return json.dumps(said).encode(), "application/json"
"""

WHEEL = "shouting-1.0-py3-none-any.whl"
IN_WHEEL = {
    "shouting.py": "def loud(text):\n    return text.upper()\n",
    "shouting-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: shouting\nVersion: 1.0\n",
    "shouting-1.0.dist-info/WHEEL": (
        "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
    ),
    "shouting-1.0.dist-info/RECORD": "".join(
        f"shouting{name},,\n"
        for name in (
            ".py",
            "-1.0.dist-info/METADATA",
            "-1.0.dist-info/WHEEL",
            "-1.0.dist-info/RECORD",
        )
    ),
}


def wheel():
    """A package of the test's own, the same to the byte every time: no index has to be asked."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name, text in IN_WHEEL.items():
            archive.writestr(zipfile.ZipInfo(name), text)
    return buffer.getvalue()


LOCK = f"shouting==1.0 --hash=sha256:{hashlib.sha256(wheel()).hexdigest()}\n"


@pytest.fixture(scope="module")
def modelway_emulator(tmp_path_factory):
    """An emulator that finds the package in a folder, as with an index of the user's own."""
    folder = tmp_path_factory.mktemp("wheels")
    (folder / WHEEL).write_bytes(wheel())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PIP_NO_INDEX", "1")
        patch.setenv("PIP_FIND_LINKS", str(folder))
        running = start(port=0, time_scale=60.0, state=tmp_path_factory.mktemp("emulator"))
    yield running
    running.stop()


@pytest.fixture
def built(deploy):
    """Make a deployment whose image has a handler and a package; gives the handler's file, too."""

    def make(name):
        deployment = deploy(name)
        folder = deployment.file.parent
        (folder / "handler.py").write_text(HANDLER)
        (folder / "requirements.lock").write_text(LOCK)
        deployment.write(image={"requirements": "requirements.lock", "handler": "handler.py"})
        return deployment, folder / "handler.py"

    return make


def invoke(client, endpoint):
    answer = client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint,
        ContentType="application/json",
        Body=json.dumps({"rows": ROWS[:3].tolist()}),
    )
    return json.loads(answer["Body"].read())


def builds(client):
    codebuild = client("codebuild")
    (project,) = codebuild.list_projects()["projects"]
    ids = codebuild.list_builds_for_project(projectName=project)["ids"]
    return codebuild.batch_get_builds(ids=ids)["builds"] if ids else []


def test_handler_and_package_are_built_into_the_image_once_and_serve(built, modelway_client):
    deployment, handler = built("builds")

    up = deployment.up()

    assert "NO IMAGE IS BUILT" in up.stdout
    assert invoke(modelway_client, "builds-local") == {
        "labels": [0, 1, 2],
        "package": "IS THERE",
        "version": 1,
    }
    (build,) = builds(modelway_client)
    assert build["buildStatus"] == "SUCCEEDED"
    digest = deployment.live["image_digest"]
    repository = deployment.outputs()["repository_url"].partition("/")[2]
    images = modelway_client("ecr").describe_images(repositoryName=repository)["imageDetails"]
    assert [image["imageDigest"] for image in images] == [digest]
    assert deployment.changes().keys() == {"same"}

    handler.write_text(HANDLER.replace('"version": 1', '"version": 2'))
    deployment.up()

    assert invoke(modelway_client, "builds-local")["version"] == 2
    assert len(builds(modelway_client)) == 2
    assert deployment.live["image_digest"] != digest

    handler.write_text(HANDLER)
    deployment.up()

    assert invoke(modelway_client, "builds-local")["version"] == 1
    assert deployment.live["image_digest"] == digest
    assert len(builds(modelway_client)) == 2


def test_the_sources_are_encrypted_and_hold_what_the_spec_adds(built, modelway_client):
    deployment, _ = built("sources")
    deployment.up()

    bucket = deployment.outputs()["bucket_name"]
    s3 = modelway_client("s3")
    (source,) = [
        each["Key"]
        for each in s3.list_objects_v2(Bucket=bucket)["Contents"]
        if each["Key"].startswith("images/")
    ]
    found = s3.get_object(Bucket=bucket, Key=source)
    assert found["ServerSideEncryption"] == "aws:kms"
    assert found["SSEKMSKeyId"] == deployment.outputs()["kms_key_arn"]
    with zipfile.ZipFile(io.BytesIO(found["Body"].read())) as archive:
        assert archive.read("extra/code/handler.py").decode() == HANDLER
        assert archive.read("extra/requirements.txt").decode().startswith("shouting==1.0 --hash")
        assert "model_server/__main__.py" in archive.namelist()


def test_a_build_that_fails_says_the_phase_and_changes_nothing(deploy, modelway_client):
    deployment = deploy("failing", image={"builder": "codebuild"})
    program = deployment.directory / "stacks" / "__main__.py"
    # The emulator runs modelway's own buildspec and no other.
    program.write_text(
        "import modelway.builders.codebuild as builder\n"
        "builder.buildspec = lambda: 'version: 0.2'\n" + program.read_text()
    )

    up = deployment.up(check=False)

    assert up.returncode != 0
    assert "ended as FAILED in phase BUILD: the emulator runs the buildspec of this version" in (
        up.stdout
    )
    assert "Entering phase DOWNLOAD_SOURCE" in up.stdout
    names = modelway_client("sagemaker").list_endpoints(NameContains="failing")["Endpoints"]
    assert names == []
    assert yaml.safe_load(deployment.file.read_text())["image"] == {"builder": "codebuild"}
