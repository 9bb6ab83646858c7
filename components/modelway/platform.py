"""ModelPlatform: what the models of a stack share, or what stacks share between them.

Takes a few switches, declares bucket, image repository, key and topic, gives their names as
outputs. Decides nothing about any model.
"""

from collections.abc import Mapping
from typing import cast

import pulumi
import pulumi_aws as aws
from pulumi_aws import ecr, kms, s3

from modelway.args import ModelPlatformArgs
from modelway.iam.deployer_platform import PLATFORM_TAG
from modelway.iam.platform_policies import bucket_statements, key_statements
from modelway.iam.statements import Scope, as_json
from modelway.image.lifecycle import LIFECYCLE_POLICY
from modelway.monitoring.notifications import declare_topic, subscribe
from modelway.plan import PROTECTED_ENVIRONMENTS
from modelway.registry.group import declare_groups
from modelway.wiring import PlatformWiring

KEY_DELETION_DAYS = 7
KEY_DELETION_DAYS_PROTECTED = 30
"""The least and the most that KMS allows (ScheduleKeyDeletion)."""

INCOMPLETE_UPLOAD_DAYS = 7
"""After this an upload that never ended is cleared away."""

OLD_VERSION_DAYS = 90
"""An overwritten or deleted object can be had back for so long."""


class ModelPlatform(pulumi.ComponentResource):
    """What models share: a bucket for artifacts, a repository for images, a key, an alarm topic.

    Everything is encrypted with the platform's own key, which rotates. The bucket is versioned,
    blocks public access and refuses requests without TLS. Image tags are immutable and images are
    scanned on push. `model_package_groups` are groups of SageMaker's registry, in which nobody but
    `approvers` approves. In production stacks nothing of it can be destroyed by mistake.
    """

    bucket_name: pulumi.Output[str]
    """The bucket of model artifacts and of captured data."""
    bucket_arn: pulumi.Output[str]
    """The bucket's ARN."""
    repository_url: pulumi.Output[str]
    """The repository of serving images, as Docker names it."""
    repository_arn: pulumi.Output[str]
    """The repository's ARN."""
    kms_key_arn: pulumi.Output[str]
    """The key of all the platform's data."""
    alarm_topic_arn: pulumi.Output[str]
    """The topic that every alarm of every model notifies."""

    def __init__(
        self,
        name: str,
        args: ModelPlatformArgs = cast("ModelPlatformArgs", None),  # noqa: B008 - see below
        opts: pulumi.ResourceOptions | None = None,
    ) -> None:
        # Pulumi's component host needs `args` annotated with the plain TypedDict.
        super().__init__("modelway:index:ModelPlatform", name, None, opts)
        given: ModelPlatformArgs = args or {}
        protect = given.get("protect")
        if protect is None:
            protect = pulumi.get_stack() in PROTECTED_ENVIRONMENTS
        tags = {PLATFORM_TAG: name, **(given.get("tags") or {})}
        self._child = pulumi.ResourceOptions(parent=self)
        self._keep = pulumi.ResourceOptions(parent=self, protect=protect)
        self.scope = current_scope(self)
        key = self._declare_key(name, tags, protect=protect)
        bucket = self._declare_bucket(name, key, tags, protect=protect)
        repository = self._declare_repository(name, key, tags, protect=protect)
        account = self.scope.apply(lambda scope: scope.account)
        topic = declare_topic(f"{name}-alarms", key.arn, account, tags, self._keep)
        subscribe(f"{name}-alarms", topic, given.get("notify") or [], self._child)
        declare_groups(name, given, self.scope, bucket.bucket, tags, self._keep)
        self.bucket_name = bucket.bucket
        self.bucket_arn = bucket.arn
        self.repository_url = repository.repository_url
        self.repository_arn = repository.arn
        self.kms_key_arn = key.arn
        self.alarm_topic_arn = topic.arn
        self.register_outputs(
            {
                "bucketName": self.bucket_name,
                "bucketArn": self.bucket_arn,
                "repositoryUrl": self.repository_url,
                "repositoryArn": self.repository_arn,
                "kmsKeyArn": self.kms_key_arn,
                "alarmTopicArn": self.alarm_topic_arn,
            }
        )

    @staticmethod
    def from_stack(reference: pulumi.StackReference | str) -> PlatformWiring:
        """Use the platform of another stack.

        Args:
            reference: the stack, as `organization/project/stack`, or a reference to it. It must
                export `bucket_name`, `repository_url`, `kms_key_arn` and `alarm_topic_arn`, as
                the program in `stacks/` does.
        """
        stack = pulumi.StackReference(reference) if isinstance(reference, str) else reference
        return PlatformWiring(
            bucket_name=stack.require_output("bucket_name"),
            repository_url=stack.require_output("repository_url"),
            kms_key_arn=stack.require_output("kms_key_arn"),
            alarm_topic_arn=stack.require_output("alarm_topic_arn"),
        )

    def _declare_key(self, name: str, tags: Mapping[str, str], *, protect: bool) -> kms.Key:
        key = kms.Key(
            f"{name}-key",
            description=f"modelway: data of the models of {name}",
            enable_key_rotation=True,
            deletion_window_in_days=KEY_DELETION_DAYS_PROTECTED if protect else KEY_DELETION_DAYS,
            policy=self.scope.apply(lambda scope: as_json(key_statements(scope))),
            tags=dict(tags),
            opts=self._keep,
        )
        kms.Alias(f"{name}-key-alias", target_key_id=key.key_id, opts=self._child)
        return key

    def _declare_bucket(
        self, name: str, key: kms.Key, tags: Mapping[str, str], *, protect: bool
    ) -> s3.Bucket:
        bucket = s3.Bucket(
            f"{name}-artifacts", force_destroy=not protect, tags=dict(tags), opts=self._keep
        )
        s3.BucketVersioning(
            f"{name}-artifacts-versioning",
            bucket=bucket.bucket,
            versioning_configuration={"status": "Enabled"},
            opts=self._child,
        )
        s3.BucketServerSideEncryptionConfiguration(
            f"{name}-artifacts-encryption",
            bucket=bucket.bucket,
            rules=[
                {
                    "apply_server_side_encryption_by_default": {
                        "sse_algorithm": "aws:kms",
                        "kms_master_key_id": key.arn,
                    },
                    "bucket_key_enabled": True,
                }
            ],
            opts=self._child,
        )
        block = s3.BucketPublicAccessBlock(
            f"{name}-artifacts-private",
            bucket=bucket.bucket,
            block_public_acls=True,
            block_public_policy=True,
            ignore_public_acls=True,
            restrict_public_buckets=True,
            opts=self._child,
        )
        s3.BucketOwnershipControls(
            f"{name}-artifacts-ownership",
            bucket=bucket.bucket,
            rule={"object_ownership": "BucketOwnerEnforced"},
            opts=self._child,
        )
        s3.BucketLifecycleConfiguration(
            f"{name}-artifacts-lifecycle",
            bucket=bucket.bucket,
            rules=[
                {
                    "id": "clear-away-what-nobody-can-see",
                    "status": "Enabled",
                    "filter": {"prefix": ""},
                    "abort_incomplete_multipart_upload": {
                        "days_after_initiation": INCOMPLETE_UPLOAD_DAYS
                    },
                    "noncurrent_version_expiration": {"noncurrent_days": OLD_VERSION_DAYS},
                }
            ],
            opts=self._child,
        )
        # S3 refuses two changes of a bucket's access settings at the same time.
        after_block = pulumi.ResourceOptions(parent=self, depends_on=[block])
        s3.BucketPolicy(
            f"{name}-artifacts-tls",
            bucket=bucket.bucket,
            policy=bucket.arn.apply(lambda arn: as_json(bucket_statements(arn))),
            opts=after_block,
        )
        return bucket

    def _declare_repository(
        self, name: str, key: kms.Key, tags: Mapping[str, str], *, protect: bool
    ) -> ecr.Repository:
        repository = ecr.Repository(
            f"{name}-images",
            image_tag_mutability="IMMUTABLE",
            image_scanning_configuration={"scan_on_push": True},
            encryption_configurations=[{"encryption_type": "KMS", "kms_key": key.arn}],
            force_delete=not protect,
            tags=dict(tags),
            opts=self._keep,
        )
        ecr.LifecyclePolicy(
            f"{name}-images-lifecycle",
            repository=repository.name,
            policy=LIFECYCLE_POLICY,
            opts=self._child,
        )
        return repository


def current_scope(parent: pulumi.Resource) -> pulumi.Output[Scope]:
    """Give account, region and partition of the provider that a component's children use."""
    options = pulumi.InvokeOptions(parent=parent)
    return pulumi.Output.all(
        aws.get_caller_identity_output(opts=options).account_id,
        aws.get_region_output(opts=options).region,
        aws.get_partition_output(opts=options).partition,
    ).apply(lambda known: Scope(account=known[0], region=known[1], partition=known[2]))
