"""What a model's container, and SageMaker on its behalf, may do: exactly what it needs.

Takes ARNs and plain values, gives statements. Pure; no wildcard action, and `*` as resource only
where the service authorization reference knows no resource for the action.

Sources: "CreateModel API: Execution Role Permissions" (SageMaker developer guide, page "How to use
SageMaker AI execution roles") for the list of actions; the service authorization reference for the
resources each one takes. Both read 2026-11.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from modelway.iam.statements import Scope, Statement, allow

METRIC_NAMESPACES = ("AWS/SageMaker", "/aws/sagemaker/Endpoints")
"""Where SageMaker publishes an endpoint's metrics."""


@dataclass(frozen=True)
class ExecutionNeeds:
    """What one endpoint touches."""

    artifact_arns: Sequence[str]
    """The model archives, one object each."""
    repository_arn: str | None
    """The ECR repository of the image; None for an image of another registry."""
    log_group: str
    """The log group's name."""
    kms_key_arns: Sequence[str] = ()
    """Keys of the artifact, of the volume and of captured data."""
    capture_arn: str | None = None
    """The prefix that captured data is written under, as an ARN ending in `/*`."""
    rollback_alarm_arns: Sequence[str] = ()
    """Alarms that SageMaker reads to roll a deployment back."""
    subnet_ids: Sequence[str] = ()
    """The VPC subnets that the containers are attached to."""
    security_group_ids: Sequence[str] = ()


def trust_policy(account: str) -> Statement:
    """Let SageMaker assume the role, on behalf of this account only (the confused deputy page)."""
    return {
        "Effect": "Allow",
        "Principal": {"Service": "sagemaker.amazonaws.com"},
        "Action": "sts:AssumeRole",
        "Condition": {"StringEquals": {"aws:SourceAccount": account}},
    }


def execution_statements(needs: ExecutionNeeds, scope: Scope) -> list[Statement]:
    """Give the statements of an endpoint's execution role."""
    group = scope.arn("logs", f"log-group:{needs.log_group}")
    statements = [
        allow("ReadArtifact", ["s3:GetObject"], sorted(set(needs.artifact_arns))),
        # SageMaker makes the group again if somebody deletes it while the endpoint runs.
        allow("CreateOwnLogGroup", ["logs:CreateLogGroup"], [group]),
        allow(
            "WriteOwnLogs",
            ["logs:CreateLogStream", "logs:DescribeLogStreams", "logs:PutLogEvents"],
            [f"{group}:*"],
        ),
        allow(
            "PublishMetrics",
            ["cloudwatch:PutMetricData"],
            ["*"],
            {"StringEquals": {"cloudwatch:namespace": list(METRIC_NAMESPACES)}},
        ),
    ]
    if needs.repository_arn is not None:
        statements += _pull(needs.repository_arn)
    if needs.kms_key_arns:
        actions = ["kms:Decrypt"]
        if needs.capture_arn is not None:
            actions.append("kms:GenerateDataKey")
        statements.append(allow("UseKeys", actions, sorted(set(needs.kms_key_arns))))
    if needs.capture_arn is not None:
        statements.append(allow("WriteCapturedData", ["s3:PutObject"], [needs.capture_arn]))
    if needs.rollback_alarm_arns:
        statements.append(
            allow("ReadRollbackAlarms", ["cloudwatch:DescribeAlarms"], needs.rollback_alarm_arns)
        )
    if needs.subnet_ids:
        statements += _attach(needs, scope)
    return statements


def _pull(repository_arn: str) -> list[Statement]:
    return [
        allow(
            "PullImage",
            [
                "ecr:BatchCheckLayerAvailability",
                "ecr:BatchGetImage",
                "ecr:GetDownloadUrlForLayer",
            ],
            [repository_arn],
        ),
        allow("LogInToRegistry", ["ecr:GetAuthorizationToken"], ["*"]),
    ]


def _attach(needs: ExecutionNeeds, scope: Scope) -> list[Statement]:
    # An interface has no name before it exists, so only its kind can be named.
    interfaces = scope.arn("ec2", "network-interface/*")
    places = [scope.arn("ec2", f"subnet/{subnet}") for subnet in needs.subnet_ids]
    groups = [scope.arn("ec2", f"security-group/{group}") for group in needs.security_group_ids]
    return [
        allow(
            "CreateNetworkInterfaces",
            ["ec2:CreateNetworkInterface"],
            [interfaces, *places, *groups],
        ),
        allow(
            "ManageNetworkInterfaces",
            [
                "ec2:CreateNetworkInterfacePermission",
                "ec2:DeleteNetworkInterface",
                "ec2:DeleteNetworkInterfacePermission",
            ],
            [interfaces],
        ),
        allow(
            "DescribeNetwork",
            [
                "ec2:DescribeDhcpOptions",
                "ec2:DescribeNetworkInterfaces",
                "ec2:DescribeSecurityGroups",
                "ec2:DescribeSubnets",
                "ec2:DescribeVpcs",
            ],
            ["*"],
        ),
    ]
