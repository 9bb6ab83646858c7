"""Images that BuildKit builds where Pulumi runs: what is declared, and what no machine changes."""

import stat
import sys

import pytest

from modelway import ModelDeployment, ModelPlatform
from modelway.image.context import content_hash

IMAGE = "docker-build:index:Image"
HOST = "123456789012.dkr.ecr.us-east-1.amazonaws.com"


@pytest.fixture
def build(declare, spec, tmp_path, monkeypatch):
    """Declare models with these images on one platform, by a program in a folder of its own."""

    def run(*images, folder="program"):
        (tmp_path / folder).mkdir(exist_ok=True)
        monkeypatch.chdir(tmp_path / folder)

        def program():
            platform = ModelPlatform("platform")
            for number, image in enumerate(images):
                made = spec(name=f"fraud{number}", image={"builder": "docker-build"} | image)
                ModelDeployment(made.name, spec=made, platform=platform)

        return declare(program, stack="prod")

    return run


def test_an_image_is_pushed_under_its_content_and_never_built_by_a_preview(build):
    made = build({}).one(IMAGE)

    assert made.name == f"platform-image-{content_hash()[:8]}"
    assert made.parent == "platform"
    assert made.inputs["tags"] == [f"{HOST}/platform-images:cpu-{content_hash()}"]
    assert made.inputs["push"] is True
    assert made.inputs["buildOnPreview"] is False
    assert made.inputs["platforms"] == ["linux/amd64"]
    assert made.inputs["buildArgs"]["SOURCE_DATE_EPOCH"] == "0"
    assert made.inputs["buildArgs"]["REQUIREMENTS"] == "requirements.txt"


def test_the_endpoint_gets_the_image_by_digest(build):
    program = build({})

    endpoint = program.one("pulumi-python:dynamic/modelway:Endpoint")

    assert endpoint.inputs["models"]["primary"]["image"] == (
        f"{HOST}/platform-images@sha256:{'0' * 64}"
    )
    assert program.all("aws:codebuild/project:Project") == []


def test_models_with_the_same_content_share_one_image_and_others_have_their_own(build, tmp_path):
    (tmp_path / "handler.py").write_text("def preprocess(body, content_type, context): ...\n")

    program = build({}, {}, {"handler": str(tmp_path / "handler.py")})

    assert len(program.all(IMAGE)) == 2


def test_another_machine_declares_the_same_image(build):
    one = build({}, folder="one").one(IMAGE)
    two = build({}, folder="two").one(IMAGE)

    assert one.inputs == two.inputs
    assert one.inputs["context"] == {"location": f".modelway/contexts/{content_hash()}"}


def test_the_context_is_whole_and_git_does_not_see_it(build, tmp_path):
    build({})

    contexts = tmp_path / "program" / ".modelway" / "contexts"
    folder = contexts / content_hash()
    assert (folder / "Dockerfile").is_file()
    assert (folder / "model_server" / "__main__.py").is_file()
    assert (contexts / ".gitignore").read_text() == "*\n"


def test_a_context_that_somebody_changed_is_written_again(build, tmp_path):
    build({})
    file = tmp_path / "program" / ".modelway" / "contexts" / content_hash() / "Dockerfile"
    text = file.read_text()
    file.write_text("FROM scratch\n")

    build({})

    assert file.read_text() == text
    assert stat.S_IMODE(file.stat().st_mode) == 0o644


def test_the_registrys_password_is_a_secret(build):
    registries = build({}).one(IMAGE).inputs["registries"]

    assert registries == {
        "4dabf18193072939515e22adb298388d": "1b47061264138c4ac30d75fd1eb44270",  # Pulumi's secret
        "value": [{"address": HOST, "username": "AWS", "password": "the token"}],
    }


def test_the_image_stays_in_the_registry_when_it_leaves_the_stack(build):
    assert build({}).one(IMAGE).retain_on_delete is True


def test_a_base_in_a_private_repository_is_the_builds_argument(build):
    base = f"{HOST}/python@sha256:{'b' * 64}"

    assert build({"base": base}).one(IMAGE).inputs["buildArgs"]["BASE_IMAGE"] == base


def test_without_the_providers_package_it_is_said_how_to_install_it(build, monkeypatch):
    monkeypatch.setitem(sys.modules, "pulumi_docker_build", None)

    with pytest.raises(Exception, match=r'pip install "modelway\[docker-build\]"'):
        build({})


def test_a_folder_that_cannot_be_written_is_named(build, tmp_path):
    (tmp_path / "program").mkdir()
    (tmp_path / "program" / ".modelway").write_text("a file")

    with pytest.raises(Exception, match=r"writing the build context \.modelway/contexts/"):
        build({})
