"""What whoever runs `pulumi up` may do to have images built, by CodeBuild or by a local Docker.

Takes the platform's name and where it is, gives statements. Pure. Sources as in
`modelway.iam.deployer`; what is declared is in `modelway.builders`.
"""

from modelway.iam.build_role import SOURCES, base_statements
from modelway.iam.deployer_platform import PUSH_ACTIONS
from modelway.iam.statements import Scope, Statement, allow


def local_build_statements(base_arn: str | None, scope: Scope) -> list[Statement]:
    """Give the statements for images that a Docker where Pulumi runs builds and pushes.

    Args:
        base_arn: of the private repository of ECR with the base image; None for any other base.
        scope: account and region.
    """
    return [
        allow("PushImages", PUSH_ACTIONS, [scope.arn("ecr", "repository/*-images-*")]),
        allow("LogInToRegistry", ["ecr:GetAuthorizationToken"], ["*"]),
        *([] if base_arn is None else base_statements(base_arn)),
    ]


def codebuild_statements(owner: str, bucket: str, scope: Scope) -> list[Statement]:
    """Give the statements for images of CodeBuild that belong to a platform or to a deployment.

    Args:
        owner: name of the component; physical names begin with it.
        bucket: the platform's bucket, as a name pattern.
        scope: account and region.
    """
    projects = scope.arn("codebuild", f"project/{owner}-images-*")
    role = scope.arn("iam", f"role/{owner}-images-build-*", regional=False)
    groups = scope.arn("logs", f"log-group:{owner}-images-builds-*")
    repositories = scope.arn("ecr", "repository/*-images-*")
    to_codebuild = {"StringEquals": {"iam:PassedToService": "codebuild.amazonaws.com"}}
    return [
        allow(
            "BuildImages",
            [
                "codebuild:BatchGetBuilds",
                "codebuild:BatchGetProjects",
                "codebuild:CreateProject",
                "codebuild:DeleteProject",
                "codebuild:ListBuildsForProject",
                "codebuild:StartBuild",
                "codebuild:UpdateProject",
            ],
            [projects],
        ),
        allow("FindBuiltImages", ["ecr:DescribeImages"], [repositories]),
        allow("HandRoleToCodeBuild", ["iam:PassRole"], [role], to_codebuild),
        allow(
            "ManageBuildRole",
            [
                "iam:CreateRole",
                "iam:DeleteRole",
                "iam:DeleteRolePolicy",
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
                "iam:ListRolePolicies",
                "iam:PutRolePolicy",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
                "iam:UpdateRoleDescription",
            ],
            [role],
        ),
        allow(
            "PutSources",
            ["s3:GetObject", "s3:GetObjectTagging", "s3:PutObject", "s3:PutObjectTagging"],
            [f"arn:{scope.partition}:s3:::{bucket}/{SOURCES}/*"],
        ),
        allow(
            "ManageBuildLogs",
            [
                "logs:AssociateKmsKey",
                "logs:CreateLogGroup",
                "logs:DeleteLogGroup",
                "logs:GetLogEvents",
                "logs:ListTagsForResource",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
                "logs:UntagResource",
            ],
            [groups, f"{groups}:*"],
        ),
    ]
