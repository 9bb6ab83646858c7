"""What is inside the images that replicas run.

Takes an image by digest, reads its manifest from the emulated ECR, gives its content hash and what
a spec has added to it; builds images with Docker where replicas are containers, and says so where
they are not. An image of somewhere else, or one that modelway did not make, has nothing added.
"""

import json
import re
import tempfile
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelway.emulator.hosting.docker import docker_command, run_docker
from modelway.emulator.services import Services
from modelway.image.context import content_hash
from modelway.image.manifest import CONTENT_LABEL, extras_of
from modelway.plan.model import Extras

BUILD_SECONDS = 900.0

_IMAGE = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<name>[^@:]+)@(?P<digest>sha256:[0-9a-f]{64})\Z"
)

_NOT_BUILT = (
    "NO IMAGE IS BUILT: this emulator runs replicas as processes. A manifest stands in for the "
    "image; the Dockerfile was not exercised."
)

_OWN_TAG = re.compile(r"(cpu|cuda)-(?P<content>[0-9a-f]{64})\Z")


@dataclass(frozen=True)
class ImageInside:
    """What a replica is to run."""

    content: str = ""
    """The content hash; empty for an image that modelway did not make."""
    extras: Extras = field(default_factory=Extras)


Inspect = Callable[[str], ImageInside]
"""Takes an image's reference."""


def inspector(services: Services) -> Inspect:
    """Give the function with which launchers look into images."""

    def inspect(image: str) -> ImageInside:
        found = _IMAGE.match(image)
        if found is None:
            return ImageInside()
        # Imported late: the store must exist only after the emulator has prepared moto.
        from moto.ecr.models import ecr_backends

        with services.lock:
            backend = ecr_backends[found["account"]][found["region"]]
            repository = backend.repositories.get(found["name"])
            images = [] if repository is None else repository.images
            told = [
                (each.image_manifest, tuple(each.image_tags))
                for each in images
                if each.image_digest == found["digest"]
            ]
        if not told:
            return ImageInside()
        manifest, tags = told[0]
        return ImageInside(_content_of(manifest, tags), extras_of(manifest))

    return inspect


def local_tag(content: str) -> str:
    """Give the name of the image of this content in the local Docker."""
    return f"modelway-serving:{(content or content_hash())[:12]}"


def stand_in_lines(extras: Extras) -> list[str]:
    """Say that no image is built, and what the manifest that stands in for it adds."""
    names = [line.partition(" ")[0] for line in extras.requirements.splitlines()]
    added = [*names, *extras.code]
    lines = [_NOT_BUILT]
    if added:
        lines.append(f"The stand-in adds: {', '.join(added)}")
    return lines


def build(
    content: str,
    files: Mapping[str, bytes],
    arguments: Mapping[str, str],
    say: Callable[[str], None],
) -> None:
    """Build an image with the local Docker, unless it has it.

    Where the build needs arguments of its own (another base image, a CA bundle), build it under
    this name beforehand.

    Raises:
        ImageError: Docker is missing, or the build failed.
    """
    docker, tag = docker_command(), local_tag(content)
    if run_docker(docker, "images", "--quiet", tag).strip():
        say(f"{tag} is there already")
        return
    with tempfile.TemporaryDirectory(prefix="modelway-context-") as made:
        for name, data in files.items():
            path = Path(made) / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        given = [f"--build-arg={name}={value}" for name, value in arguments.items()]
        said = run_docker(docker, "build", *given, "--tag", tag, made, seconds=BUILD_SECONDS)
    for line in said.splitlines():
        say(line)


def content_of_tag(tag: str) -> str:
    """Give the content hash that a tag of modelway's own names; empty for any other tag."""
    found = _OWN_TAG.match(tag)
    return "" if found is None else found["content"]


def _content_of(manifest: str, tags: Iterable[str]) -> str:
    try:
        annotations = json.loads(manifest).get("annotations") or {}
    except (AttributeError, ValueError):
        return ""
    if CONTENT_LABEL in annotations:
        return str(annotations[CONTENT_LABEL])
    # What Docker pushed has no annotations.
    return next(filter(None, map(content_of_tag, tags)), "")
