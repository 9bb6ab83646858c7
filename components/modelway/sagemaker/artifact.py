"""The model archive as an object in the platform's bucket, under a content-addressed key.

Takes the plan and the bucket, declares an `aws.s3.BucketObjectv2` for each archive. The archive is
written into the user's cache, once for each content.

The object stays when a newer model replaces it, and on destroy: roll-back targets read it, and
another environment may use the same bucket and the same key. It goes with its bucket.
"""

from collections.abc import Mapping
from pathlib import Path

import pulumi
from pulumi_aws import s3

from modelway.cache import user_cache
from modelway.package import pack_artifact
from modelway.plan.model import ContainerPlan, DeploymentPlan


def declare_artifacts(
    name: str,
    plan: DeploymentPlan,
    bucket: pulumi.Input[str],
    kms_key_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> list[s3.BucketObjectv2]:
    """Declare the archive of each variant that is not in S3 already; equal archives once."""
    declared: dict[str, s3.BucketObjectv2] = {}
    for variant, container in plan.containers.items():
        if container.artifact_key in declared:
            continue
        label = name if variant == plan.variant.name else f"{name}-{variant}"
        made = declare_artifact(label, container, bucket, kms_key_arn, opts)
        if made is not None:
            declared[container.artifact_key] = made
    return list(declared.values())


def declare_artifact(
    name: str,
    container: ContainerPlan,
    bucket: pulumi.Input[str],
    kms_key_arn: pulumi.Input[str],
    opts: pulumi.ResourceOptions,
) -> s3.BucketObjectv2 | None:
    """Declare one archive's object; None when the artifact lies in S3 already."""
    artifact = container.artifact
    if artifact.path is None:
        return None
    archive = archive_path(artifact.content_digest)
    if not archive.is_file():
        pack_artifact(artifact, archive)
    return s3.BucketObjectv2(
        f"{name}-artifact",
        bucket=bucket,
        key=container.artifact_key,
        source=pulumi.FileAsset(str(archive)),
        content_type="application/gzip",
        server_side_encryption="aws:kms",
        kms_key_id=kms_key_arn,
        opts=pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(retain_on_delete=True)),
    )


def archive_path(digest: str, environment: Mapping[str, str] | None = None) -> Path:
    """Give `${XDG_CACHE_HOME:-~/.cache}/modelway/archives/<hex digest>/model.tar.gz`."""
    folder = user_cache("archives", environment) / digest.removeprefix("sha256:")
    return folder / "model.tar.gz"
