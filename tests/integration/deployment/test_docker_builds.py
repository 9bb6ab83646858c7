"""Images by Pulumi's `docker-build` provider, for which the emulator stands in. Real engine."""

import json
import shutil

import numpy as np
import pytest
from sklearn.datasets import load_digits

pytestmark = pytest.mark.integration

ROWS = load_digits().data.astype(np.float32)
IMAGE = "docker-build:index:Image"
SECRET = "4dabf18193072939515e22adb298388d"
HANDLER = """
import json

import numpy as np


def preprocess(body, content_type, context):
    return {"pixels": np.array(json.loads(body)["rows"], dtype=np.float32)}


def postprocess(outputs, accept, context):
    said = {"labels": outputs["label"].tolist(), "version": 1}
    return json.dumps(said).encode(), "application/json"
"""


def invoke(client, endpoint):
    answer = client("sagemaker-runtime").invoke_endpoint(
        EndpointName=endpoint,
        ContentType="application/json",
        Body=json.dumps({"rows": ROWS[:3].tolist()}),
    )
    return json.loads(answer["Body"].read())


def images(client, deployment):
    repository = deployment.outputs()["repository_url"].partition("/")[2]
    found = client("ecr").describe_images(repositoryName=repository)["imageDetails"]
    return {image["imageDigest"]: image["imageTags"] for image in found}


def test_what_is_built_once_serves_and_is_built_nowhere_again(deploy, modelway_client, tmp_path):
    deployment = deploy("buildkit")
    handler = deployment.file.parent / "handler.py"
    handler.write_text(HANDLER)
    deployment.write(image={"builder": "docker-build", "handler": "handler.py"})

    preview = deployment.changes()
    assert "create" in preview
    up = deployment.up()

    assert "NO IMAGE IS BUILT" in up.stdout
    assert "The stand-in adds: handler.py" in up.stdout
    assert invoke(modelway_client, "buildkit-local") == {"labels": [0, 1, 2], "version": 1}
    digest = deployment.live["image_digest"]
    ((pushed, (tag,)),) = images(modelway_client, deployment).items()
    assert pushed == digest
    assert tag.startswith("cpu-")
    assert deployment.changes().keys() == {"same"}

    move_elsewhere(deployment, tmp_path / "elsewhere")
    assert deployment.changes().keys() == {"same"}

    handler = deployment.file.parent / "handler.py"
    handler.write_text(HANDLER.replace('"version": 1', '"version": 2'))
    deployment.up()

    assert invoke(modelway_client, "buildkit-local")["version"] == 2
    assert deployment.live["image_digest"] != digest
    # What a roll-back would need is still there.
    assert digest in images(modelway_client, deployment)


def move_elsewhere(deployment, folder):
    """Go on as another machine does: in another folder, where nothing was ever built."""
    shutil.move(deployment.directory, folder)
    shutil.rmtree(folder / "stacks" / ".modelway")
    deployment.file = folder / deployment.file.relative_to(deployment.directory)
    deployment.directory = folder


def test_the_registrys_password_is_encrypted_in_the_state(deploy):
    deployment = deploy("kept-secret", image={"builder": "docker-build"})
    deployment.up()

    state = json.loads(deployment.run("stack", "export").stdout)["deployment"]

    (image,) = [each for each in state["resources"] if each["type"] == IMAGE]
    (registry,) = image["inputs"]["registries"]
    assert registry["username"] == "AWS"
    assert registry["password"].keys() == {SECRET, "ciphertext"}
    assert image["outputs"]["registries"].keys() == {SECRET, "ciphertext"}
