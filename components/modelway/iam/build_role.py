"""What AWS CodeBuild may do to build images of one repository, and nothing else.

Takes ARNs and plain values, gives statements. Pure. Actions: "Create a CodeBuild service role",
AWS CodeBuild user guide, and "IAM permissions for pushing an image", ECR user guide (read 2026-11).
"""

from dataclasses import dataclass

from modelway.iam.deployer_platform import PUSH_ACTIONS
from modelway.iam.statements import Scope, Statement, allow

PULL_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:GetDownloadUrlForLayer",
)
"""What `docker pull` needs ("Private repository policy examples", ECR user guide)."""

SOURCES = "images"
"""The folder of build contexts in the platform's bucket."""


@dataclass(frozen=True)
class BuildNeeds:
    """What builds of one repository touch."""

    bucket_arn: str
    repository_arn: str
    kms_key_arn: str
    log_group_arn: str


def build_trust(scope: Scope, project: str) -> Statement:
    """Let CodeBuild assume the role, for this account's projects of this name only.

    Args:
        scope: where the project is.
        project: its name, as a pattern.
    """
    return {
        "Effect": "Allow",
        "Principal": {"Service": "codebuild.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {
            "StringEquals": {"aws:SourceAccount": scope.account},
            "ArnLike": {"aws:SourceArn": scope.arn("codebuild", f"project/{project}")},
        },
    }


def build_statements(needs: BuildNeeds) -> list[Statement]:
    """Give the role's policy."""
    return [
        allow("ReadSources", ["s3:GetObject"], [f"{needs.bucket_arn}/{SOURCES}/*"]),
        allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], [needs.kms_key_arn]),
        allow("LogInToRegistry", ["ecr:GetAuthorizationToken"], ["*"]),
        allow("PushImages", PUSH_ACTIONS, [needs.repository_arn]),
        allow(
            "WriteLog",
            ["logs:CreateLogStream", "logs:PutLogEvents"],
            [needs.log_group_arn, f"{needs.log_group_arn}:*"],
        ),
    ]


def base_statements(repository_arn: str) -> list[Statement]:
    """Give what pulling a base image from a private repository takes."""
    return [allow("PullBase", PULL_ACTIONS, [repository_arn])]
