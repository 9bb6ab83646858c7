"""The rights of whoever runs `pulumi up`, by the builder of the image."""

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from modelway.cli import app
from modelway.iam.deployer_image import local_build_statements
from modelway.iam.statements import Scope

SCOPE = Scope(account="123456789012", region="eu-west-1")
BASE_ARN = "arn:aws:ecr:eu-west-1:123456789012:repository/python"


def test_who_builds_locally_may_push_images_pull_the_base_and_no_more():
    pushed, logged_in, pulled = local_build_statements(BASE_ARN, SCOPE)

    assert pushed["Resource"] == ["arn:aws:ecr:eu-west-1:123456789012:repository/*-images-*"]
    assert pushed["Action"] == [
        "ecr:BatchCheckLayerAvailability",
        "ecr:BatchGetImage",
        "ecr:CompleteLayerUpload",
        "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload",
        "ecr:PutImage",
        "ecr:UploadLayerPart",
    ]
    assert logged_in["Action"] == ["ecr:GetAuthorizationToken"]
    assert pulled["Resource"] == [BASE_ARN]
    assert [each["Sid"] for each in local_build_statements(None, SCOPE)] == [
        "PushImages",
        "LogInToRegistry",
    ]


@pytest.mark.parametrize(
    ("builder", "given"),
    [("codebuild", {"BuildImages", "PutSources"}), ("docker-build", {"PushImages", "PullBase"})],
)
def test_the_command_gives_what_the_specs_builder_needs(tmp_path: Path, builder, given):
    base = "123456789012.dkr.ecr.us-east-1.amazonaws.com/python@sha256:" + "b" * 64
    file = tmp_path / "fraud.yaml"
    file.write_text(
        f"name: fraud\nmodel: {{path: fraud.onnx}}\nimage: {{builder: {builder}, base: '{base}'}}\n"
    )

    command = ["iam", str(file), "--env", "dev", "--account", "123456789012", "--shared-platform"]
    done = CliRunner().invoke(app, command)

    sids = {statement["Sid"] for statement in json.loads(done.stdout)["Statement"]}
    of_builders = {"BuildImages", "PutSources", "PushImages", "PullBase"}
    assert sids & of_builders == given
