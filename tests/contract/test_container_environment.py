"""The environment that modelway gives a container is the one that the model server reads.

The two never import each other, so this test compares their sources.
"""

import ast
import re
from pathlib import Path

from modelway.plan import Artifact, plan_deployment
from modelway.spec import ModelSpec

SETTINGS = Path(__file__).parents[2] / "serving_image" / "model_server" / "settings"
COMPONENTS = Path(__file__).parents[2] / "components" / "modelway"
OWN_NAME = re.compile(r"MODEL_SERVER_[A-Z_]+")


def strings_of(path):
    tree = ast.parse(path.read_text())
    return {
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def names_the_server_reads():
    return {
        text
        for path in SETTINGS.glob("*.py")
        for text in strings_of(path)
        if OWN_NAME.fullmatch(text)
    }


def test_the_server_reads_settings_of_its_own():
    assert {"MODEL_SERVER_THREADS", "MODEL_SERVER_LOG_LEVEL"} <= names_the_server_reads()


def test_every_setting_that_modelway_writes_exists_in_the_server():
    written = {
        text
        for path in COMPONENTS.rglob("*.py")
        for text in strings_of(path)
        if OWN_NAME.fullmatch(text)
    }

    assert written <= names_the_server_reads()


def test_the_plan_gives_a_container_only_what_the_server_or_the_user_knows():
    spec = ModelSpec.model_validate(
        {
            "name": "fraud",
            "model": {"path": "m.onnx"},
            "serving": {"environment": {"MINE": "1"}},
        }
    )
    artifact = Artifact(digest="sha256:" + "1" * 64, size_bytes=7, path=Path("m.onnx"))

    given = set(plan_deployment(spec, "local", artifact).container.environment)

    assert given - names_the_server_reads() == {"MINE"}
