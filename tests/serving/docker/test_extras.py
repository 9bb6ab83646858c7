"""The image with what a spec adds: a package and a handler, really built, really called."""

import json

import pytest

from modelway.image.content import ImageContent
from modelway.plan.model import Extras

pytestmark = [pytest.mark.docker, pytest.mark.xdist_group("docker")]

PACKAGE = (
    "iniconfig==2.3.1 "
    "--hash=sha256:67f4b9c50da0dedf52af349e7749a80a9057a5031199791b906c3bb3ae878960 "
    "--hash=sha256:9121e2c1fdb355232495be3194c8dfe87ccc2d5dee45947b78e68f499790d7a7\n"
)
HANDLER = """
import json

import iniconfig
import numpy as np


def preprocess(body, content_type, context):
    return {"x": np.array(json.loads(body)["rows"], dtype=np.float32)}


def postprocess(outputs, accept, context):
    said = {"package": iniconfig.__name__, "outputs": sorted(outputs)}
    return json.dumps(said).encode(), "application/json"
"""


@pytest.fixture(scope="session")
def extended(build, tmp_path_factory):
    """The image with both."""
    content = ImageContent(extras=Extras(PACKAGE, {"handler.py": HANDLER}))
    folder = tmp_path_factory.mktemp("image") / "context"
    content.write(folder)
    return build(folder, content.hash)


def test_a_request_passes_through_the_handler_with_its_package(run_container, extended, models):
    server = run_container(models / "classifier", extended, MODEL_SERVER_HANDLER="handler")
    server.wait()

    answer = server.post({"rows": [[1, 0, 0, 0]]})

    assert answer.status == 200
    assert json.loads(answer.body)["package"] == "iniconfig"


def test_what_is_added_cannot_hide_the_servers_own_package(docker, extended):
    code = "import model_server, sys; print(model_server.__file__, sys.path[1:3])"

    said = docker("run", "--rm", "--entrypoint=/opt/model-server/bin/python", extended, "-c", code)

    assert said == (
        "/opt/model-server/app/model_server/__init__.py "
        "['/opt/model-server/app', '/opt/model-server/code']"
    )
