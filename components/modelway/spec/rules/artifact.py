"""Rules of the artifact and of the model server's image.

Takes the spec of one environment, gives `Problem`s. The model file itself is read by
`modelway.package`.
"""

import re
from collections.abc import Iterator

from modelway.errors import Problem
from modelway.spec.instances import instance_type
from modelway.spec.model import ModelSpec

EMULATOR_ENVIRONMENT = "local"
"""The stack of the embedded emulator, which stands in for the image build."""

IMAGE_LIMIT = 255
"""Characters of an image reference (botocore sagemaker: ContainerImage)."""

_BY_DIGEST = "REPOSITORY@sha256:<64 hexadecimal digits>"
_IMAGE = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}\Z")
_S3_ARCHIVE = re.compile(r"s3://[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]/.+\.tar\.gz\Z")
_SCHEME = re.compile(r"[a-zA-Z][a-zA-Z0-9+.-]*://")


def artifact_problems(spec: ModelSpec, environment: str) -> Iterator[Problem]:
    """Check where the model and the image are."""
    yield from _model_problems(spec)
    if spec.image is None:
        if environment != EMULATOR_ENVIRONMENT:
            yield Problem(
                path="image",
                message=f"is missing: only environment `{EMULATOR_ENVIRONMENT}` does without",
                allowed=f"{_BY_DIGEST}, the line that this prints: {build_command(spec)}",
                source="modelway: images are deployed by digest",
            )
        return
    if _IMAGE.match(spec.image) is None:
        yield Problem(
            path="image",
            message="does not name an image by digest, so it could change without a deployment",
            value=spec.image,
            allowed=_BY_DIGEST,
            source="modelway: images are deployed by digest",
        )
    if len(spec.image) > IMAGE_LIMIT:
        yield Problem(
            path="image",
            message=f"has {len(spec.image)} characters",
            value=spec.image,
            allowed=f"at most {IMAGE_LIMIT} characters",
            source="SageMaker ContainerDefinition.Image",
        )


def build_command(spec: ModelSpec) -> str:
    """Give the command that builds and pushes the model server and prints it by digest.

    REPOSITORY is the user's own, such as the platform's `repository_url`; TAG must be new there.
    """
    machine = instance_type(spec.serving.instance_type)
    architecture = "amd64" if machine is None else machine.architecture
    tag = "$REPOSITORY:$TAG"
    return (
        f"docker build --platform linux/{architecture} --tag {tag} serving_image "
        f"&& docker push {tag} "
        f"&& docker image inspect --format '{{{{index .RepoDigests 0}}}}' {tag}"
    )


def _model_problems(spec: ModelSpec) -> Iterator[Problem]:
    """Check the artifact's place and digest."""
    path = spec.model.path
    if not path.startswith("s3://"):
        if not path or _SCHEME.match(path):
            yield Problem(
                path="model.path",
                message="is not a place that modelway reads",
                value=path,
                allowed="a file, or s3://BUCKET/KEY.tar.gz",
                source="modelway",
            )
        return
    if _S3_ARCHIVE.match(path) is None:
        yield Problem(
            path="model.path",
            message="is not the URI of a packed model",
            value=path,
            allowed="s3://BUCKET/KEY.tar.gz",
            source="SageMaker ContainerDefinition.ModelDataUrl",
        )
    if spec.model.digest is None:
        yield Problem(
            path="model.digest",
            message="is missing: an object in S3 is named by its digest, since it is not read",
            allowed="sha256:<64 hexadecimal digits>, as `sha256sum model.tar.gz` prints them",
            source="modelway: artifacts are deployed by digest",
        )
    for field in ("input_rules", "generation"):
        value: object = getattr(spec.model, field)
        if value is not None:
            yield Problem(
                path=f"model.{field}",
                message="is for a model file that modelway packs; this one lies in S3, packed",
                value=value,
                allowed=f"leave it out, and put {field}.json into the archive",
                source="modelway",
            )
