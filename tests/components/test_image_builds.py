"""Images that CodeBuild builds: what is declared, once for each content, and with which rights."""

import json

import pytest

from modelway import ModelDeployment, ModelPlatform
from modelway.image.buildspec import buildspec
from modelway.image.context import content_hash

BUILD = "pulumi-python:dynamic/modelway:CodeBuildImage"
PROJECT = "aws:codebuild/project:Project"
SOURCE = "aws:s3/bucketObjectv2:BucketObjectv2"
ENDPOINT = "pulumi-python:dynamic/modelway:Endpoint"
HANDLER = "def preprocess(body, content_type, context):\n    return {}\n"
KEY = "arn:aws:kms:us-east-1:123456789012:key/0-0-0"


@pytest.fixture
def build(declare, spec):
    """Declare models with these images on one platform of the program's own."""

    def run(*images, stack="prod"):
        def program():
            platform = ModelPlatform("platform")
            for number, image in enumerate(images):
                made = spec(name=f"fraud{number}", image=image)
                ModelDeployment(made.name, spec=made, platform=platform)

        return declare(program, stack=stack)

    return run


def statements(program, name):
    policy = json.loads(program.named(name).inputs["policy"])
    return {each["Sid"]: each for each in policy["Statement"]}


def test_models_with_the_same_content_share_one_build_and_one_project(build):
    program = build({"builder": "codebuild"}, {"builder": "codebuild"})

    made = program.one(BUILD)
    assert made.parent == "platform"
    assert made.inputs["tag"] == f"cpu-{content_hash()}"
    assert len(program.all(PROJECT)) == 1
    images = {each.inputs["models"]["primary"]["image"] for each in program.all(ENDPOINT)}
    assert len(images) == 1


def test_models_with_other_content_have_other_images_and_the_same_project(build, tmp_path):
    (tmp_path / "handler.py").write_text(HANDLER)

    program = build({"builder": "codebuild"}, {"handler": str(tmp_path / "handler.py")})

    tags = [each.inputs["tag"] for each in program.all(BUILD)]
    assert len(set(tags)) == 2
    assert len(program.all(PROJECT)) == 1
    environments = [
        each.inputs["models"]["primary"]["environment"] for each in program.all(ENDPOINT)
    ]
    assert sorted(environments, key=len) == [{}, {"MODEL_SERVER_HANDLER": "handler"}]


def test_the_build_waits_for_its_role_its_project_and_its_sources(build):
    made = build({"builder": "codebuild"}).one(BUILD)

    source = f"platform-image-{content_hash()[:8]}-source"
    assert {"platform-images", "platform-images-build-needs", source} <= set(made.depends_on)


def test_the_sources_lie_encrypted_under_their_content_and_outlive_the_stack(build):
    (source,) = [
        each for each in build({"builder": "codebuild"}).all(SOURCE) if "image" in each.name
    ]

    assert source.inputs["key"] == f"images/{content_hash()}/context.zip"
    assert source.inputs["serverSideEncryption"] == "aws:kms"
    assert source.inputs["kmsKeyId"] == KEY
    assert source.retain_on_delete is True


def test_the_project_runs_our_buildspec_with_docker_and_the_platforms_key(build):
    project = build({"builder": "codebuild"}).one(PROJECT).inputs

    assert project["source"]["buildspec"] == buildspec()
    assert project["environment"]["privilegedMode"] is True
    assert project["encryptionKey"] == KEY
    assert project["artifacts"] == {"type": "NO_ARTIFACTS"}
    assert "vpcConfig" not in project


def test_the_role_is_codebuilds_for_these_projects_only(build):
    program = build({"builder": "codebuild"})

    (trust,) = json.loads(program.named("platform-images-build").inputs["assumeRolePolicy"])[
        "Statement"
    ]
    assert trust["Principal"] == {"Service": "codebuild.amazonaws.com"}
    assert trust["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"},
        "ArnLike": {
            "aws:SourceArn": "arn:aws:codebuild:us-east-1:123456789012:project/platform-images-*"
        },
    }


def test_the_role_may_push_to_this_repository_and_read_sources_and_no_more(build):
    allowed = statements(build({"builder": "codebuild"}), "platform-images-build-needs")

    assert list(allowed) == ["ReadSources", "UseKey", "LogInToRegistry", "PushImages", "WriteLog"]
    assert allowed["ReadSources"]["Resource"] == ["arn:aws:s3:::platform-artifacts/images/*"]
    assert allowed["UseKey"]["Resource"] == [KEY]
    assert allowed["PushImages"]["Resource"] == [
        "arn:aws:ecr:us-east-1:123456789012:repository/platform-images"
    ]


def test_a_base_image_in_a_private_repository_may_be_pulled(build):
    base = "123456789012.dkr.ecr.us-east-1.amazonaws.com/python@sha256:" + "b" * 64

    program = build({"base": base})

    (name,) = [each.name for each in program.resources if each.name.endswith("-base")]
    assert statements(program, name)["PullBase"]["Resource"] == [
        "arn:aws:ecr:us-east-1:123456789012:repository/python"
    ]
    assert program.one(BUILD).inputs["variables"]["IMAGE_BASE"] == base


def test_the_build_is_told_what_the_dockerfile_needs(build):
    variables = build({"builder": "codebuild"}).one(BUILD).inputs["variables"]

    assert variables["IMAGE_PLATFORM"] == "linux/amd64"
    assert variables["IMAGE_REQUIREMENTS"] == "requirements.txt"
    assert variables["IMAGE_BASE"].startswith("python:3.11")
    assert "@sha256:" in variables["IMAGE_BASE"]
