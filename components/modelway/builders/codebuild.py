"""AWS CodeBuild as a builder: project, role, log group, sources in S3, and the build itself.

Takes an image's content and a place, declares resources. Project, role and log group are declared
once for each place; the sources lie in the platform's bucket, encrypted with its key, under the
content hash.
"""

from typing import cast

import pulumi
from pulumi_aws import cloudwatch, codebuild, iam, s3

from modelway.builders.place import BuildPlace, BuiltImage
from modelway.cache import user_cache
from modelway.iam.build_role import (
    SOURCES,
    BuildNeeds,
    base_statements,
    build_statements,
    build_trust,
)
from modelway.iam.deployer import role_prefix
from modelway.iam.statements import Scope, as_json
from modelway.image.build import BUILD_MINUTES, QUEUE_MINUTES
from modelway.image.build_resource import CodeBuildImage
from modelway.image.buildspec import MACHINES, buildspec
from modelway.image.content import ImageContent
from modelway.image.reference import repository_arn

LOG_DAYS = 90
"""How long the logs of builds are kept: as long as an endpoint's, by default."""

COMPUTE = "BUILD_GENERAL1_MEDIUM"
"""4 vCPUs and 7 GiB ("Build environment compute modes and types", CodeBuild user guide): unpacking
onnxruntime and compiling Python do not fit well into the 3 GiB of the smallest."""

PROJECT = "codebuild project"
ROLE = "codebuild role"
POLICY = "codebuild policy"
"""What is shared by all images of a place."""


def codebuild_image(
    name: str, content: ImageContent, place: BuildPlace, shared: dict[str, pulumi.Resource]
) -> BuiltImage:
    """Declare an image that CodeBuild builds where the repository has none of its content."""
    if PROJECT not in shared:
        shared |= _declare_project(place)
    project = cast("codebuild.Project", shared[PROJECT])
    role = cast("iam.Role", shared[ROLE])
    source = _declare_source(name, content, place)
    # A build needs its role's policies and its sources from the first second.
    before = [project, shared[POLICY], source, *_declare_base(name, content, role, place)]
    made = CodeBuildImage(
        name,
        content,
        place.repository_url,
        project.name,
        pulumi.Output.concat(source.bucket, "/", source.key),
        pulumi.ResourceOptions(parent=place.parent, depends_on=before),
    )
    return BuiltImage(made.uri, made)


def _declare_source(name: str, content: ImageContent, place: BuildPlace) -> s3.BucketObjectv2:
    digits = content.hash
    archive = user_cache("contexts") / f"{digits}.zip"
    if not archive.is_file():
        archive.parent.mkdir(parents=True, exist_ok=True)
        partial = archive.with_suffix(".part")
        partial.write_bytes(content.archive())
        partial.rename(archive)
    return s3.BucketObjectv2(
        f"{name}-source",
        bucket=place.bucket_name,
        key=f"{SOURCES}/{digits}/context.zip",
        source=pulumi.FileAsset(str(archive)),
        content_type="application/zip",
        server_side_encryption="aws:kms",
        kms_key_id=place.kms_key_arn,
        # Another stack may share the bucket and build the same content.
        opts=pulumi.ResourceOptions(parent=place.parent, retain_on_delete=True),
    )


def _declare_base(
    name: str, content: ImageContent, role: iam.Role, place: BuildPlace
) -> list[iam.RolePolicy]:
    """Let builds pull a base image that lies in a private repository."""
    if repository_arn(content.base_image, "aws") is None:
        return []
    policy = place.scope.apply(
        lambda scope: as_json(
            base_statements(repository_arn(content.base_image, scope.partition) or "")
        )
    )
    opts = pulumi.ResourceOptions(parent=place.parent)
    return [iam.RolePolicy(f"{name}-base", role=role.name, policy=policy, opts=opts)]


def _declare_project(place: BuildPlace) -> dict[str, pulumi.Resource]:
    name = f"{place.name}-images"
    child = pulumi.ResourceOptions(parent=place.parent)
    tags = dict(place.tags)
    logs = cloudwatch.LogGroup(
        f"{name}-builds",
        retention_in_days=LOG_DAYS,
        kms_key_id=place.kms_key_arn,
        tags=tags,
        opts=child,
    )
    role = iam.Role(
        role_prefix(f"{name}-build"),
        description="CodeBuild builds model servers' images",
        assume_role_policy=place.scope.apply(
            lambda scope: as_json([build_trust(scope, f"{name}-*")])
        ),
        tags=tags,
        opts=child,
    )
    needs = pulumi.Output.all(
        scope=place.scope,
        bucket=place.bucket_name,
        repository=place.repository_url,
        key=place.kms_key_arn,
        logs=logs.arn,
    )
    policy = iam.RolePolicy(
        f"{name}-build-needs",
        role=role.name,
        policy=needs.apply(lambda known: as_json(build_statements(_needs(**known)))),
        opts=child,
    )
    machine, image = MACHINES["linux/amd64"]  # each build says its own
    project = codebuild.Project(
        name,
        description="Builds model servers' images; modelway starts it",
        service_role=role.arn,
        encryption_key=place.kms_key_arn,
        build_timeout=BUILD_MINUTES,
        queued_timeout=QUEUE_MINUTES,
        # Each build names its own sources.
        source={
            "type": "S3",
            "location": pulumi.Output.concat(place.bucket_name, f"/{SOURCES}/none/context.zip"),
            "buildspec": buildspec(),
        },
        artifacts={"type": "NO_ARTIFACTS"},
        environment={
            "type": machine,
            "image": image,
            "compute_type": COMPUTE,
            # Docker's daemon inside the build's container needs it (CodeBuild user guide).
            "privileged_mode": True,
        },
        logs_config={"cloudwatch_logs": {"group_name": logs.name}},
        tags=tags,
        opts=child,
    )
    return {PROJECT: project, ROLE: role, POLICY: policy}


def _needs(scope: Scope, bucket: str, repository: str, key: str, logs: str) -> BuildNeeds:
    return BuildNeeds(
        bucket_arn=f"arn:{scope.partition}:s3:::{bucket}",
        repository_arn=repository_arn(repository, scope.partition) or "",
        kms_key_arn=key,
        log_group_arn=logs.removesuffix(":*"),
    )
