"""What whoever runs `pulumi up` may do for one model: exactly what the components need.

Takes a spec of one environment and where it is deployed, gives statements. Pure; no wildcard
action, and `*` as resource only where the service authorization reference knows no resource.

Actions: those that pulumi-aws 7 calls for each declared type (create, read, update, delete, tags),
and those that `modelway.sagemaker` calls. Resources and condition keys: the service authorization
reference of each service, read 2026-11. What models share is in `modelway.iam.deployer_platform`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelway.iam.statements import Scope, Statement, allow
from modelway.image.reference import repository_arn
from modelway.naming import LEASE_NAMESPACE, SUFFIX_LENGTH, content_name
from modelway.plan.build import plan_names
from modelway.plan.model import Names
from modelway.spec.model import ModelSpec
from modelway.spec.registry import parse_reference
from modelway.spec.rules.bake import watched

ROLE_PREFIX_LIMIT = 56
"""IAM's 64 characters less the 8 that Pulumi appends to a role's name."""

SERVICE_LINKED_ROLE = (
    "role/aws-service-role/sagemaker.application-autoscaling.amazonaws.com/"
    "AWSServiceRoleForApplicationAutoScaling_SageMakerEndpoint"
)
"""The role under which Application Auto Scaling changes counts; made once in an account."""


@dataclass(frozen=True)
class DeployerOptions:
    """How the deployment is set up beside the spec."""

    permissions_boundary_arn: str | None = None
    """Roles may be made only with this boundary."""
    existing_role_arn: str | None = None
    """The execution role exists; none is made."""
    bucket: str = "platform-artifacts-*"
    """The platform's bucket, as a name pattern."""


def deployer_statements(
    spec: ModelSpec, environment: str, scope: Scope, options: DeployerOptions
) -> list[Statement]:
    """Give the statements for one model.

    Args:
        spec: of this environment (`ModelSpec.for_environment`).
        environment: the stack's name.
        scope: account and region of the deployment.
        options: roles and platform.
    """
    names = plan_names(spec.name, environment)
    return [
        *_endpoint(names, scope),
        *_role(names, scope, options),
        *_artifact(spec, scope, options),
        *_registry(spec, scope, options),
        *_rollout(spec, scope),
        *_logs_and_alarms(
            names,
            scope,
            notifies=bool(spec.alarms.notify),
            burns=spec.objectives.availability_percent is not None,
            name=spec.name,
        ),
        *(_scaling(names, scope) if _scales(spec) else []),
        *_own_key(spec),
    ]


def role_prefix(role: str) -> str:
    """Give the beginning of an execution role's physical name."""
    return role[:ROLE_PREFIX_LIMIT].rstrip("-")


def _scales(spec: ModelSpec) -> bool:
    scaling = spec.scaling
    most = scaling.max_instances
    return (most is not None and most > scaling.min_instances) or bool(scaling.schedules)


def _endpoint(names: Names, scope: Scope) -> list[Statement]:
    stem = content_name(names.endpoint, {})[:-SUFFIX_LENGTH]
    # SageMaker writes names in ARNs in lower case.
    endpoints = _both_cases(scope, f"endpoint/{names.endpoint}")
    configs = _both_cases(scope, f"endpoint-config/{stem}-*")
    models = _both_cases(scope, f"model/{stem}-*")
    return [
        allow(
            "ManageEndpoint",
            [
                "sagemaker:AddTags",
                "sagemaker:CreateEndpoint",
                "sagemaker:CreateEndpointConfig",
                "sagemaker:CreateModel",
                "sagemaker:DeleteEndpoint",
                "sagemaker:DeleteEndpointConfig",
                "sagemaker:DeleteModel",
                "sagemaker:DeleteTags",
                "sagemaker:DescribeEndpoint",
                "sagemaker:DescribeEndpointConfig",
                "sagemaker:DescribeModel",
                "sagemaker:ListTags",
                "sagemaker:UpdateEndpoint",
                "sagemaker:UpdateEndpointWeightsAndCapacities",
            ],
            [*endpoints, *configs, *models],
        ),
        allow(
            "FindRevisions",
            ["sagemaker:ListEndpointConfigs", "sagemaker:ListModels"],
            ["*"],
        ),
    ]


def _rollout(spec: ModelSpec, scope: Scope) -> list[Statement]:
    """Allow what a rollout looks at before it starts, and what it tells CloudWatch meanwhile."""
    statements = []
    named = spec.image if isinstance(spec.image, str) else ""
    repository = repository_arn(named, scope.partition)
    if repository is not None:
        statements.append(allow("CheckImage", ["ecr:DescribeImages"], [repository]))
    if watched(spec) and spec.rollout.minimum_requests_per_minute is not None:
        # PutMetricData knows no resource, only the namespace.
        own = {"StringEquals": {"cloudwatch:namespace": LEASE_NAMESPACE}}
        statements.append(allow("VouchForNewFleet", ["cloudwatch:PutMetricData"], ["*"], own))
    return statements


def _role(names: Names, scope: Scope, options: DeployerOptions) -> list[Statement]:
    role = options.existing_role_arn
    if role is None:
        role = scope.arn("iam", f"role/{role_prefix(names.role)}-*", regional=False)
    to_sagemaker = {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}}
    statements = [allow("HandRoleToSageMaker", ["iam:PassRole"], [role], to_sagemaker)]
    if options.existing_role_arn is not None:
        return statements
    bounded: dict[str, Any] | None = None
    if options.permissions_boundary_arn is not None:
        bounded = {"StringEquals": {"iam:PermissionsBoundary": options.permissions_boundary_arn}}
    granting = ["iam:CreateRole", "iam:DeleteRolePolicy", "iam:PutRolePolicy"]
    if bounded is not None:
        granting.append("iam:PutRolePermissionsBoundary")
    return [
        *statements,
        allow("GrantToRole", granting, [role], bounded),
        allow(
            "ManageRole",
            [
                "iam:DeleteRole",
                "iam:GetRole",
                "iam:GetRolePolicy",
                "iam:ListAttachedRolePolicies",
                "iam:ListInstanceProfilesForRole",
                "iam:ListRolePolicies",
                "iam:ListRoleTags",
                "iam:TagRole",
                "iam:UntagRole",
                "iam:UpdateAssumeRolePolicy",
                "iam:UpdateRole",
                "iam:UpdateRoleDescription",
            ],
            [role],
        ),
    ]


def _artifact(spec: ModelSpec, scope: Scope, options: DeployerOptions) -> list[Statement]:
    if spec.model.path.startswith("s3://"):
        return []
    objects = f"arn:{scope.partition}:s3:::{options.bucket}/models/{spec.name}/*"
    return [
        allow(
            "PutArtifact",
            [
                "s3:DeleteObject",
                "s3:DeleteObjectVersion",
                "s3:GetObject",
                "s3:GetObjectTagging",
                "s3:PutObject",
                "s3:PutObjectTagging",
            ],
            [objects],
        )
    ]


def _registry(spec: ModelSpec, scope: Scope, options: DeployerOptions) -> list[Statement]:
    """Allow to read the groups that the spec names, and never to approve in them."""
    named = [model.registry for _place, model in spec.models() if model.registry is not None]
    groups = sorted({parse_reference(each).group for each in named})
    if not groups:
        return []
    archives = f"arn:{scope.partition}:s3:::{options.bucket}/models"
    return [
        allow(
            "ReadRegistry",
            [
                "sagemaker:DescribeModelPackage",
                "sagemaker:DescribeModelPackageGroup",
                "sagemaker:ListModelPackages",
            ],
            [
                scope.arn("sagemaker", f"{kind}/{group}{rest}")
                for group in groups
                for kind, rest in (("model-package-group", ""), ("model-package", "/*"))
            ],
        ),
        allow("FetchPackages", ["s3:GetObject"], [f"{archives}/{group}/*" for group in groups]),
    ]


def _logs_and_alarms(
    names: Names, scope: Scope, *, notifies: bool, burns: bool, name: str
) -> list[Statement]:
    group = scope.arn("logs", f"log-group:{names.log_group}")
    alarms = scope.arn("cloudwatch", f"alarm:{names.endpoint}-*")
    composite = ["cloudwatch:PutCompositeAlarm"] if burns else []
    board = scope.arn("cloudwatch", f"dashboard/{names.dashboard}", regional=False)
    statements = [
        allow(
            "ManageLogGroup",
            [
                "logs:AssociateKmsKey",
                "logs:CreateLogGroup",
                "logs:DeleteLogGroup",
                "logs:DeleteRetentionPolicy",
                "logs:DescribeLogStreams",
                "logs:DisassociateKmsKey",
                "logs:GetLogEvents",
                "logs:ListTagsForResource",
                "logs:PutRetentionPolicy",
                "logs:TagResource",
                "logs:UntagResource",
            ],
            [group, f"{group}:*"],
        ),
        allow("FindLogGroup", ["logs:DescribeLogGroups"], [scope.arn("logs", "log-group:*")]),
        allow(
            "ManageAlarms",
            [
                "cloudwatch:DeleteAlarms",
                "cloudwatch:ListTagsForResource",
                *composite,
                "cloudwatch:PutMetricAlarm",
                "cloudwatch:TagResource",
                "cloudwatch:UntagResource",
            ],
            [alarms],
        ),
        # A search by prefix is authorized for all alarms of the account.
        allow("FindAlarms", ["cloudwatch:DescribeAlarms"], [scope.arn("cloudwatch", "alarm:*")]),
        allow(
            "ManageDashboard",
            ["cloudwatch:DeleteDashboards", "cloudwatch:GetDashboard", "cloudwatch:PutDashboard"],
            [board],
        ),
    ]
    if notifies:
        statements.append(manage_topic("ManageOwnTopic", scope.arn("sns", f"{name}-alarms-*")))
    return statements


def manage_topic(sid: str, topic: str) -> Statement:
    """Allow all that pulumi-aws does with a topic, its policy and its subscriptions."""
    return allow(
        sid,
        [
            "sns:CreateTopic",
            "sns:DeleteTopic",
            "sns:GetSubscriptionAttributes",
            "sns:GetTopicAttributes",
            "sns:ListSubscriptionsByTopic",
            "sns:ListTagsForResource",
            "sns:SetSubscriptionAttributes",
            "sns:SetTopicAttributes",
            "sns:Subscribe",
            "sns:TagResource",
            "sns:Unsubscribe",
            "sns:UntagResource",
        ],
        [topic],
    )


def _scaling(names: Names, scope: Scope) -> list[Statement]:
    targets = scope.arn("application-autoscaling", "scalable-target/*")
    service = {"StringEquals": {"application-autoscaling:service-namespace": "sagemaker"}}
    tracking = scope.arn("cloudwatch", f"alarm:TargetTracking-endpoint/{names.endpoint}/*")
    own_role = f"arn:{scope.partition}:iam::{scope.account}:{SERVICE_LINKED_ROLE}"
    autoscaling = {
        "StringEquals": {"iam:AWSServiceName": "sagemaker.application-autoscaling.amazonaws.com"}
    }
    return [
        allow(
            "ManageScaling",
            [
                "application-autoscaling:DeleteScalingPolicy",
                "application-autoscaling:DeleteScheduledAction",
                "application-autoscaling:DeregisterScalableTarget",
                "application-autoscaling:PutScalingPolicy",
                "application-autoscaling:PutScheduledAction",
                "application-autoscaling:RegisterScalableTarget",
            ],
            [targets],
            service,
        ),
        allow(
            "TagScaling",
            [
                "application-autoscaling:ListTagsForResource",
                "application-autoscaling:TagResource",
                "application-autoscaling:UntagResource",
            ],
            [targets],
        ),
        allow(
            "FindScaling",
            [
                "application-autoscaling:DescribeScalableTargets",
                "application-autoscaling:DescribeScalingPolicies",
                "application-autoscaling:DescribeScheduledActions",
            ],
            ["*"],
        ),
        allow(
            "ManageTrackingAlarms",
            ["cloudwatch:DeleteAlarms", "cloudwatch:PutMetricAlarm"],
            [tracking],
        ),
        allow("MakeScalingsOwnRole", ["iam:CreateServiceLinkedRole"], [own_role], autoscaling),
    ]


def _own_key(spec: ModelSpec) -> list[Statement]:
    key = spec.encryption.kms_key_arn
    return [] if key is None else use_key("UseOwnKey", [key])


def use_key(sid: str, keys: Sequence[str]) -> list[Statement]:
    """Allow to encrypt with keys, and to let AWS's services do so for their own resources."""
    return [
        allow(sid, ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"], keys),
        allow(
            f"{sid}InServices",
            ["kms:CreateGrant"],
            keys,
            {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        ),
    ]


def _both_cases(scope: Scope, resource: str) -> list[str]:
    arns = [scope.arn("sagemaker", resource), scope.arn("sagemaker", resource.lower())]
    return list(dict.fromkeys(arns))
