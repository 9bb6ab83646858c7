"""Rules of the model server's image.

Takes the spec of one environment, gives `Problem`s. The files that an image names are read by
`modelway.image.extras`.
"""

import re
from collections.abc import Iterator
from pathlib import PurePath

from modelway.errors import Problem
from modelway.spec.image import ImageBuild
from modelway.spec.instances import instance_type
from modelway.spec.model import ModelSpec

EMULATOR_ENVIRONMENT = "local"
"""The stack of the embedded emulator, which stands in for the image build."""

IMAGE_LIMIT = 255
"""Characters of an image reference (botocore sagemaker: ContainerImage)."""

HANDLER_VARIABLE = "MODEL_SERVER_HANDLER"
"""Names the handler's module to the model server."""

CUDA_AMI_VERSION = "al2023-ami-sagemaker-inference-gpu-4-1"
"""The driver pin whose driver, 580, is new enough for CUDA 13, which the cuda variant brings; on an
older one its containers fail when they start (ProductionVariant.InferenceAmiVersion)."""

TAKEN_MODULES = ("model_server",)
"""Names that a handler cannot have: the server's own package."""

_BY_DIGEST = "REPOSITORY@sha256:<64 hexadecimal digits>"
_IMAGE = re.compile(r"[^\s@]+@sha256:[0-9a-f]{64}\Z")
_MODULE_FILE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*\.py\Z")


def image_problems(spec: ModelSpec, environment: str) -> Iterator[Problem]:
    """Check where the image is, or how it is to be built."""
    if isinstance(spec.image, ImageBuild):
        yield from _build_problems(spec, spec.image)
        return
    if spec.image is None:
        if environment != EMULATOR_ENVIRONMENT:
            yield Problem(
                path="image",
                message=f"is missing: only environment `{EMULATOR_ENVIRONMENT}` does without",
                allowed=(
                    f"{{builder: codebuild}} to have it built, or {_BY_DIGEST}, the line that "
                    f"this prints: {build_command(spec)}"
                ),
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


def architecture(spec: ModelSpec) -> str:
    """Give the processor architecture of the spec's instances, `amd64` or `arm64`."""
    machine = instance_type(spec.serving.instance_type)
    return "amd64" if machine is None else machine.architecture


def build_command(spec: ModelSpec) -> str:
    """Give the command that builds and pushes the model server and prints it by digest.

    REPOSITORY is the user's own, such as the platform's `repository_url`; TAG must be new there.
    """
    tag = "$REPOSITORY:$TAG"
    return (
        f"docker build --platform linux/{architecture(spec)} --tag {tag} serving_image "
        f"&& docker push {tag} "
        f"&& docker image inspect --format '{{{{index .RepoDigests 0}}}}' {tag}"
    )


def _build_problems(spec: ModelSpec, image: ImageBuild) -> Iterator[Problem]:
    if image.packages and image.requirements is None:
        yield Problem(
            path="image.requirements",
            message="is missing: packages are installed from a file that pins them with hashes",
            allowed="a file name; `modelway image lock SPEC` then writes the file",
            source="modelway: images are built from digests",
        )
    pinned = spec.serving.inference_ami_version
    if image.variant == "cuda" and pinned != CUDA_AMI_VERSION:
        yield Problem(
            path="serving.inference_ami_version",
            message="has no driver for CUDA 13, which the image's cuda variant brings",
            value=pinned,
            allowed=CUDA_AMI_VERSION,
            source="SageMaker ProductionVariant.InferenceAmiVersion",
        )
    yield from _handler_problems(spec, image)
    yield from _machine_problems(spec, image)


def _handler_problems(spec: ModelSpec, image: ImageBuild) -> Iterator[Problem]:
    if image.handler is None:
        return
    name = PurePath(image.handler).name
    if _MODULE_FILE.match(name) is None or name.removesuffix(".py") in TAKEN_MODULES:
        yield Problem(
            path="image.handler",
            message="is not the name of a Python module of its own",
            value=name,
            allowed=f"a file such as handler.py; not {', '.join(TAKEN_MODULES)}.py",
            source="modelway",
        )
    if HANDLER_VARIABLE in spec.serving.environment:
        yield Problem(
            path=f"serving.environment.{HANDLER_VARIABLE}",
            message="is set already, by `image.handler`",
            value=spec.serving.environment[HANDLER_VARIABLE],
            allowed="leave it out",
            source="modelway",
        )


def _machine_problems(spec: ModelSpec, image: ImageBuild) -> Iterator[Problem]:
    """Check that the image runs on the instances, the challengers' and the shadow's too."""
    places = [("serving.instance_type", spec.serving.instance_type)]
    for place, variant in _beside(spec):
        if variant is not None:
            places.append((f"{place}.instance_type", variant))
    for place, name in places:
        machine = instance_type(name)
        if machine is None:
            continue
        if machine.architecture != architecture(spec):
            yield Problem(
                path=place,
                message=f"is {machine.architecture}, and one image is built, for "
                f"{architecture(spec)}",
                value=name,
                allowed="one architecture for all variants",
                source="modelway",
            )
        if image.variant == "cuda" and machine.gpus == 0:
            yield Problem(
                path="image.variant",
                message=f"is cuda, and {name} ({place}) has no NVIDIA GPU",
                value=image.variant,
                allowed="cpu, or a GPU instance type such as ml.g5.xlarge",
                source="modelway",
            )


def _beside(spec: ModelSpec) -> Iterator[tuple[str, str | None]]:
    for index, each in enumerate(spec.challengers):
        yield f"challengers[{index}]", each.instance_type
    if spec.shadow is not None:
        yield "shadow", spec.shadow.instance_type
