"""The provider `docker-build`: what it takes, what makes it build again, and what a preview shows.

Nothing is built: no AWS answers. Builds are in tests/integration.
"""

import pytest

from modelway.emulator.provider.docker_build.context import context_hash
from modelway.emulator.provider.wire import UNKNOWN

IMAGE = "docker-build:index:Image"
HASH = "a" * 64
TAG = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/models:cpu-{HASH}"


@pytest.fixture
def engine(engine_of, tmp_path):
    return engine_of("docker-build", directory=str(tmp_path))


@pytest.fixture
def context(tmp_path):
    folder = tmp_path / "contexts" / HASH
    folder.mkdir(parents=True)
    (folder / "Dockerfile").write_text("FROM scratch\n")
    return folder


def image(**inputs):
    registry = {"address": "host", "username": "AWS", "password": "one"}
    return {
        "push": True,
        "network": "default",
        "context": {"location": f"contexts/{HASH}"},
        "buildArgs": {"REQUIREMENTS": "requirements.txt"},
        "tags": [TAG],
        "registries": [registry],
    } | inputs


@pytest.fixture
def differs(engine, context):
    """Say what would be built again for, after a first build of `image()`."""
    before = image() | {"digest": "sha256:1", "ref": "r"}
    hashed = engine.diff(IMAGE, before, image())
    assert list(hashed.diffs) == ["contextHash"]

    before["contextHash"] = context_hash(context)
    return lambda news: list(engine.diff(IMAGE, before, news).diffs)


def problems(engine, inputs):
    found = engine.check(IMAGE, "image", inputs).failures
    return [(each.property, each.reason) for each in found]


def test_what_modelway_declares_is_taken(engine, context):
    assert problems(engine, image()) == []
    assert problems(engine, image(tags=[UNKNOWN], registries=UNKNOWN)) == []


def test_everything_that_is_not_covered_is_refused_at_once(engine):
    found = problems(
        engine, image(push=False, tags=["docker.io/models:1"], network="host", noCache=True)
    )

    assert [name for name, _ in found] == ["noCache", "push", "network", "context.location", "tags"]


def test_an_image_elsewhere_than_in_ecr_is_refused(engine, context):
    ((name, reason),) = problems(engine, image(tags=["docker.io/models:1"]))

    assert name == "tags"
    assert "'docker.io/models:1' is not in the emulated ECR" in reason


def test_another_type_is_refused_by_name(engine):
    with pytest.raises(Exception, match="does not cover docker-build:index:Index"):
        engine.check("docker-build:index:Index", "index", {})


def test_nothing_is_built_for_another_password(differs):
    registry = {"address": "host", "username": "AWS", "password": "two"}

    assert differs(image()) == []
    assert differs(image(registries=[registry])) == []


def test_another_argument_or_user_builds_again(differs):
    registry = {"address": "host", "username": "other", "password": "one"}

    assert differs(image(buildArgs={})) == ["buildArgs"]
    assert differs(image(registries=[registry])) == ["registries"]


def test_the_same_context_at_another_place_builds_again_as_with_the_real_provider(
    differs, context, tmp_path
):
    context.rename(tmp_path / "moved")

    assert differs(image(context={"location": "moved"})) == ["context"]


@pytest.mark.parametrize(
    "change",
    [
        lambda file: file.write_text("FROM other\n"),
        lambda file: file.chmod(0o755),
        lambda file: file.with_name("new").write_text(""),
    ],
    ids=["bytes", "mode", "path"],
)
def test_a_changed_context_builds_again(differs, context, change):
    change(context / "Dockerfile")

    assert differs(image()) == ["contextHash"]


def test_a_preview_knows_no_digest_and_keeps_secrets(engine, context):
    shown = engine.preview_create(IMAGE, "image", image(), secrets=["registries"])

    assert shown.values["digest"] is UNKNOWN
    assert shown.values["tags"] == [TAG]
    assert shown.secrets == {"registries"}
