"""Image references of ECR, taken apart.

Takes `ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:...`, gives its parts. Pure.
"""

import re
from dataclasses import dataclass

from modelway.errors import ImageError

REGISTRY = re.compile(
    r"(?P<account>\d{12})\.dkr\.ecr(-fips)?\.(?P<region>[a-z0-9-]+)\.amazonaws\.com(\.cn)?/"
    r"(?P<name>[^@:]+)"
)
"""ECR's registry host and repository name (ECR user guide, "Private registries")."""

_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")


@dataclass(frozen=True)
class ImageReference:
    """A repository of ECR, or one image in it."""

    registry: str
    """The host."""
    account: str
    region: str
    name: str
    """Of the repository."""
    digest: str
    """Empty for the repository itself."""

    def __str__(self) -> str:
        """Give it as it was written."""
        repository = f"{self.registry}/{self.name}"
        return f"{repository}@{self.digest}" if self.digest else repository


def image_reference(image: str) -> ImageReference:
    """Read an image that is named by digest.

    Raises:
        ImageError: it is named otherwise, or is not in ECR.
    """
    found = repository_reference(image)
    if _DIGEST.fullmatch(found.digest) is None:
        raise ImageError(
            f"the image {image} must be named by digest: REPOSITORY@sha256:<64 hexadecimal digits>"
        )
    return found


def repository_reference(repository: str) -> ImageReference:
    """Read a repository; a digest may follow.

    Raises:
        ImageError: it is not in ECR.
    """
    name, _, digest = repository.partition("@")
    found = REGISTRY.fullmatch(name)
    if found is None:
        raise ImageError(
            f"{repository!r} is no repository of ECR; allowed: "
            "ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME, for an image with @sha256:... behind it"
        )
    host = name.partition("/")[0]
    return ImageReference(host, found["account"], found["region"], found["name"], digest)


def tag_of(digest: str) -> str:
    """Give a tag that names an image by its digest.

    A repository's lifecycle policy expires what has no tag, and a tag that may be immutable must
    not have to move.
    """
    return f"digest-{digest.removeprefix('sha256:')[:32]}"


def repository_arn(image: str, partition: str) -> str | None:
    """Give the ARN of an image's repository; None when it is not in ECR."""
    found = REGISTRY.match(image)
    if found is None:
        return None
    place = f"{found['region']}:{found['account']}"
    return f"arn:{partition}:ecr:{place}:repository/{found['name']}"


def digest_of(image: str) -> str:
    """Give an image's digest, or empty when it is not named by digest."""
    return image.partition("@")[2]
