"""S3, where moto differs from it in ways that a deployment sees.

- Bucket policies: moto takes a statement whose condition it cannot judge for a refusal, so that the
  usual "deny without TLS" statement would shut everybody out. Statements with a condition are kept
  and given back, and not enforced here.
- A new bucket is encrypted with S3's own keys (AES256), as every bucket since January 2023
  (https://docs.aws.amazon.com/AmazonS3/latest/userguide/default-bucket-encryption.html).
- Operations that moto would take for other ones are named in `ABSENT_OPERATIONS`.
"""

from typing import Any

from modelway.emulator.services import Services

ABSENT_OPERATIONS = frozenset(
    {
        "CreateBucketMetadataConfiguration",
        "CreateBucketMetadataTableConfiguration",
        "CreateSession",
        "DeleteBucketAnalyticsConfiguration",
        "DeleteBucketIntelligentTieringConfiguration",
        "DeleteBucketInventoryConfiguration",
        "DeleteBucketMetadataConfiguration",
        "DeleteBucketMetadataTableConfiguration",
        "DeleteBucketMetricsConfiguration",
        "DeleteObjectAnnotation",
        "GetBucketAbac",
        "GetBucketAnalyticsConfiguration",
        "GetBucketIntelligentTieringConfiguration",
        "GetBucketMetadataConfiguration",
        "GetBucketMetadataTableConfiguration",
        "GetBucketMetricsConfiguration",
        "GetBucketRequestPayment",
        "GetObjectAnnotation",
        "GetObjectRetention",
        "GetObjectTorrent",
        "ListBucketAnalyticsConfigurations",
        "ListBucketIntelligentTieringConfigurations",
        "ListBucketMetricsConfigurations",
        "ListDirectoryBuckets",
        "ListObjectAnnotations",
        "PutBucketAbac",
        "PutBucketAnalyticsConfiguration",
        "PutBucketIntelligentTieringConfiguration",
        "PutBucketMetricsConfiguration",
        "PutBucketRequestPayment",
        "PutObjectAnnotation",
        "RenameObject",
        "UpdateBucketMetadataAnnotationTableConfiguration",
        "UpdateBucketMetadataInventoryTableConfiguration",
        "UpdateBucketMetadataJournalTableConfiguration",
        "UpdateObjectEncryption",
        "WriteGetObjectResponse",
    }
)
"""What moto's S3 has no branch for (moto 5.2.5, `moto/s3/responses.py`)."""

_SSE_S3: dict[str, Any] = {
    "Rule": {
        "ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"},
        "BucketKeyEnabled": False,
    }
}


def install(services: Services) -> None:
    """Extend moto's S3."""
    del services
    _leave_conditions_alone()
    _encrypt_new_buckets()


def _leave_conditions_alone() -> None:
    from moto.iam.access_control import IAMPolicyStatement, PermissionResult

    original = IAMPolicyStatement.is_action_permitted

    def is_action_permitted(self: Any, *args: Any, **kwargs: Any) -> Any:
        statement = self._statement
        # Trust policies have no resource, and moto judges their conditions well.
        if "NotResource" in statement or ("Condition" in statement and "Resource" in statement):
            return PermissionResult.NEUTRAL
        return original(self, *args, **kwargs)

    IAMPolicyStatement.is_action_permitted = is_action_permitted


def _encrypt_new_buckets() -> None:
    from moto.s3.models import FakeBucket, S3Backend

    original = FakeBucket.__init__

    def init(self: Any, *args: Any, **kwargs: Any) -> None:
        original(self, *args, **kwargs)
        self.encryption = _SSE_S3

    def delete_bucket_encryption(self: Any, bucket_name: str) -> None:
        # S3 takes a bucket back to its own default, never to no encryption.
        self.get_bucket(bucket_name).encryption = _SSE_S3

    FakeBucket.__init__ = init
    S3Backend.delete_bucket_encryption = delete_bucket_encryption
