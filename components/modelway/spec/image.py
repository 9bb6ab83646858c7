"""The model server's image in a spec: by digest, or how it is built and what goes into it.

Frozen, validated values. Must not read the files that it names (`modelway.image.extras`).
"""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag

from modelway.errors import Problem
from modelway.spec.part import Part, source
from modelway.spec.paths import path_text

BY_DIGEST = "[digest]"
BUILD = "[build]"
"""Which form an image has; pydantic puts them into the places of its errors."""

FORMS = (BY_DIGEST, BUILD)

IMAGE_FILES = ("requirements", "handler")
"""Fields of an image that name files."""

Builder = Literal["codebuild", "docker-build"]


class ImageBuild(Part):
    """An image that is built from the model server's sources and what a spec adds."""

    builder: Builder = "codebuild"
    """`codebuild`: AWS CodeBuild, which needs no Docker where Pulumi runs. `docker-build`: BuildKit
    of the Docker where Pulumi runs, by Pulumi's provider of that name, which needs
    `modelway[docker-build]`."""
    variant: Literal["cpu", "cuda"] = "cpu"
    """Which onnxruntime is inside; `cuda` is for GPU instance types."""
    base: str | None = Field(
        default=None,
        pattern=r"^[^\s@]+@sha256:[0-9a-f]{64}$",
        json_schema_extra=source("modelway: images are built from digests"),
    )
    """Base image by digest, such as a mirror of the Dockerfile's own. Default: the Dockerfile's."""
    packages: tuple[str, ...] = ()
    """Python packages to add, as pip names them. Default: none."""
    requirements: str | None = None
    """A file of pinned packages with hashes, relative to the spec's folder. With `packages`,
    `modelway image lock` writes it. Default: none are added."""
    handler: str | None = None
    """A Python file with `preprocess`, `postprocess` or both, relative to the spec's folder. It is
    copied into the image. Default: none."""


def _form(value: Any) -> str:
    return BUILD if isinstance(value, Mapping | ImageBuild) else BY_DIGEST


Image = Annotated[
    Annotated[str, Tag(BY_DIGEST)] | Annotated[ImageBuild, Tag(BUILD)], Discriminator(_form)
]
"""`REPOSITORY@sha256:...`, or how one is built."""


def image_override_problems(
    base: object, environment: str, overrides: Mapping[str, Any]
) -> list[Problem]:
    """Refuse images that differ between environments: what is built is the same everywhere.

    Args:
        base: the image of the base, in any form.
        environment: the stack's name.
        overrides: of that environment.
    """
    if "image" not in overrides:
        return []
    given: object = overrides["image"]
    if not isinstance(base, Mapping | ImageBuild) and not isinstance(given, Mapping):
        return []
    return [
        Problem(
            path=path_text(("environments", environment, "image")),
            message="cannot differ between environments where an image is built",
            allowed="`image` above `environments` only: one image is built, and moved by digest",
            source="modelway: promotion never rebuilds",
        )
    ]
