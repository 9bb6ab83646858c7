"""Resource policies of what models share: the key, the bucket and topics.

Takes ARNs and plain values, gives statements. Pure. In a resource policy `*` as resource means the
resource that the policy is attached to.
"""

from collections.abc import Sequence

from modelway.iam.statements import Scope, Statement


def key_statements(scope: Scope) -> list[Statement]:
    """Give the key policy.

    The account's own IAM policies decide about people and roles, as the KMS developer guide has it
    ("Default key policy"); CloudWatch alarms may notify encrypted topics, and CloudWatch Logs may
    encrypt this account's log groups ("Encrypt log data", CloudWatch Logs user guide).
    """
    groups = scope.arn("logs", "log-group:*")
    return [
        {
            "Sid": "AccountDecides",
            "Effect": "Allow",
            "Principal": {"AWS": scope.arn("iam", "root", regional=False)},
            "Action": "kms:*",
            "Resource": "*",
        },
        {
            "Sid": "AlarmsNotify",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": ["kms:Decrypt", "kms:GenerateDataKey*"],
            "Resource": "*",
            "Condition": {"StringEquals": {"aws:SourceAccount": scope.account}},
        },
        {
            "Sid": "LogsEncrypt",
            "Effect": "Allow",
            "Principal": {"Service": f"logs.{scope.region}.amazonaws.com"},
            "Action": [
                "kms:Decrypt*",
                "kms:Describe*",
                "kms:Encrypt*",
                "kms:GenerateDataKey*",
                "kms:ReEncrypt*",
            ],
            "Resource": "*",
            "Condition": {"ArnLike": {"kms:EncryptionContext:aws:logs:arn": groups}},
        },
    ]


def bucket_statements(bucket_arn: str) -> list[Statement]:
    """Refuse every request that does not come over TLS (Security Hub control S3.5)."""
    return [
        {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "s3:*",
            "Resource": [bucket_arn, f"{bucket_arn}/*"],
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        }
    ]


def approval_statements(group: str, approvers: Sequence[str], scope: Scope) -> list[Statement]:
    """Let nobody but the approvers change a group's versions, or register an approved one.

    A refusal, since IAM lets everybody in an account whom either a policy of their own or this one
    allows. Approving is UpdateModelPackage; the approvers need it in policies of their own. Actions
    and condition keys: service authorization reference of SageMaker.

    Args:
        group: the group's name.
        approvers: ARNs of roles and users, with `*` for any characters.
        scope: account and region.
    """
    others = {"ArnNotLike": {"aws:PrincipalArn": list(approvers)}}
    versions = scope.arn("sagemaker", f"model-package/{group}/*")
    return [
        {
            "Sid": "OnlyApproversDecide",
            "Effect": "Deny",
            "Principal": "*",
            "Action": ["sagemaker:DeleteModelPackage", "sagemaker:UpdateModelPackage"],
            "Resource": versions,
            "Condition": others,
        },
        {
            "Sid": "OnlyApproversRegisterApproved",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sagemaker:CreateModelPackage",
            "Resource": versions,
            "Condition": {
                **others,
                "StringNotEqualsIfExists": {
                    "sagemaker:ModelApprovalStatus": "PendingManualApproval"
                },
            },
        },
    ]


def topic_statements(topic_arn: str, account: str) -> list[Statement]:
    """Let this account's alarms publish, and nobody without TLS."""
    return [
        {
            "Sid": "AlarmsPublish",
            "Effect": "Allow",
            "Principal": {"Service": "cloudwatch.amazonaws.com"},
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"StringEquals": {"aws:SourceAccount": account}},
        },
        {
            "Sid": "OnlyTls",
            "Effect": "Deny",
            "Principal": "*",
            "Action": "sns:Publish",
            "Resource": topic_arn,
            "Condition": {"Bool": {"aws:SecureTransport": "false"}},
        },
    ]
