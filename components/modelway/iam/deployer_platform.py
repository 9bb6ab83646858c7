"""What whoever runs `pulumi up` may do for a platform: bucket, repository, key and topic.

Takes the platform's name and where it is deployed, gives statements. Pure. Sources as in
`modelway.iam.deployer`.
"""

from collections.abc import Sequence

from modelway.iam.deployer import manage_topic
from modelway.iam.statements import Scope, Statement, allow
from modelway.naming import TAG_PREFIX

PLATFORM_TAG = f"{TAG_PREFIX}platform"
"""On everything of a platform: its name. Tells which keys are meant."""

BUCKET_ACTIONS = (
    "s3:CreateBucket",
    "s3:DeleteBucket",
    "s3:DeleteBucketPolicy",
    "s3:GetAccelerateConfiguration",
    "s3:GetBucketAcl",
    "s3:GetBucketCORS",
    "s3:GetBucketLocation",
    "s3:GetBucketLogging",
    "s3:GetBucketObjectLockConfiguration",
    "s3:GetBucketOwnershipControls",
    "s3:GetBucketPolicy",
    "s3:GetBucketPublicAccessBlock",
    "s3:GetBucketRequestPayment",
    "s3:GetBucketTagging",
    "s3:GetBucketVersioning",
    "s3:GetBucketWebsite",
    "s3:GetEncryptionConfiguration",
    "s3:GetLifecycleConfiguration",
    "s3:GetReplicationConfiguration",
    "s3:ListBucket",
    "s3:ListBucketVersions",
    "s3:PutBucketOwnershipControls",
    "s3:PutBucketPolicy",
    "s3:PutBucketPublicAccessBlock",
    "s3:PutBucketTagging",
    "s3:PutBucketVersioning",
    "s3:PutEncryptionConfiguration",
    "s3:PutLifecycleConfiguration",
)
"""pulumi-aws reads every part of a bucket at each refresh."""

REPOSITORY_ACTIONS = (
    "ecr:CreateRepository",
    "ecr:DeleteLifecyclePolicy",
    "ecr:DeleteRepository",
    "ecr:DescribeRepositories",
    "ecr:GetLifecyclePolicy",
    "ecr:ListTagsForResource",
    "ecr:PutImageScanningConfiguration",
    "ecr:PutImageTagMutability",
    "ecr:PutLifecyclePolicy",
    "ecr:TagResource",
    "ecr:UntagResource",
)

PUSH_ACTIONS = (
    "ecr:BatchCheckLayerAvailability",
    "ecr:BatchGetImage",
    "ecr:CompleteLayerUpload",
    "ecr:GetDownloadUrlForLayer",
    "ecr:InitiateLayerUpload",
    "ecr:PutImage",
    "ecr:UploadLayerPart",
)
"""What `docker push` needs ("IAM permissions for pushing an image", ECR user guide)."""

KEY_ACTIONS = (
    "kms:CreateAlias",
    "kms:Decrypt",
    "kms:DeleteAlias",
    "kms:DescribeKey",
    "kms:EnableKeyRotation",
    "kms:GenerateDataKey",
    "kms:GetKeyPolicy",
    "kms:GetKeyRotationStatus",
    "kms:ListResourceTags",
    "kms:PutKeyPolicy",
    "kms:ScheduleKeyDeletion",
    "kms:TagResource",
    "kms:UntagResource",
    "kms:UpdateKeyDescription",
)


GROUP_ACTIONS = (
    "sagemaker:AddTags",
    "sagemaker:CreateModelPackageGroup",
    "sagemaker:DeleteModelPackageGroup",
    "sagemaker:DeleteModelPackageGroupPolicy",
    "sagemaker:DeleteTags",
    "sagemaker:DescribeModelPackageGroup",
    "sagemaker:GetModelPackageGroupPolicy",
    "sagemaker:ListTags",
    "sagemaker:PutModelPackageGroupPolicy",
)
"""Of groups, not of their versions: who deploys does not approve."""


def platform_statements(
    name: str, scope: Scope, *, may_empty: bool, groups: Sequence[str] = ()
) -> list[Statement]:
    """Give the statements for one platform.

    Args:
        name: of the `ModelPlatform`; physical names begin with it.
        scope: account and region.
        may_empty: whether a destroy empties bucket and repository, as it does outside prod.
        groups: names of its model package groups.
    """
    bucket = f"arn:{scope.partition}:s3:::{name}-artifacts-*"
    repository = scope.arn("ecr", f"repository/{name}-images-*")
    statements = [
        allow("ManageBucket", BUCKET_ACTIONS, [bucket]),
        allow("ManageRepository", REPOSITORY_ACTIONS, [repository]),
        allow("PushImages", PUSH_ACTIONS, [repository]),
        allow("LogInToRegistry", ["ecr:GetAuthorizationToken"], ["*"]),
        *_key(name, scope),
        manage_topic("ManageTopic", scope.arn("sns", f"{name}-alarms-*")),
    ]
    if groups:
        arns = [scope.arn("sagemaker", f"model-package-group/{group}") for group in groups]
        statements.append(allow("ManageModelGroups", GROUP_ACTIONS, arns))
    if may_empty:
        emptied = ["s3:DeleteObject", "s3:DeleteObjectVersion"]
        statements += [
            allow("EmptyBucket", emptied, [f"{bucket}/*"]),
            allow("EmptyRepository", ["ecr:BatchDeleteImage", "ecr:ListImages"], [repository]),
        ]
    return statements


def _key(name: str, scope: Scope) -> list[Statement]:
    # A key's id is known only when it exists, so the tag tells which keys are meant.
    keys = [scope.arn("kms", "key/*")]
    tagged = {"StringEquals": {f"aws:ResourceTag/{PLATFORM_TAG}": name}}
    requested = {"StringEquals": {f"aws:RequestTag/{PLATFORM_TAG}": name}}
    granted = {**tagged, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    aliases = [scope.arn("kms", f"alias/{name}-key-alias-*")]
    return [
        allow("CreateKey", ["kms:CreateKey"], ["*"], requested),
        # Tags given with CreateKey are authorized as a call of their own.
        allow("TagNewKey", ["kms:TagResource"], keys, requested),
        allow("ManageKey", KEY_ACTIONS, keys, tagged),
        allow("UseKeyInServices", ["kms:CreateGrant"], keys, granted),
        allow("NameKey", ["kms:CreateAlias", "kms:DeleteAlias"], aliases),
        allow("FindAliases", ["kms:ListAliases"], ["*"]),
    ]


def shared_platform_statements(name: str, scope: Scope) -> list[Statement]:
    """Give what a deployment needs of a platform that another stack manages.

    Args:
        name: of that `ModelPlatform`.
        scope: account and region.
    """
    keys = [scope.arn("kms", "key/*")]
    tagged = {"StringEquals": {f"aws:ResourceTag/{PLATFORM_TAG}": name}}
    granted = {**tagged, "Bool": {"kms:GrantIsForAWSResource": "true"}}
    use = ["kms:Decrypt", "kms:DescribeKey", "kms:GenerateDataKey"]
    return [
        allow("UseKey", use, keys, tagged),
        allow("UseKeyInServices", ["kms:CreateGrant"], keys, granted),
    ]
