"""The images of ECR as the registry's HTTP API sees them: manifests, tags, referrers.

Reads moto's store, so that both APIs see the same; changes it only by calls of ECR's own API, which
take all its rules and outlive a restart. Must not know HTTP's side of the registry, nor blobs.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from modelway.emulator.guard import Answer
from modelway.emulator.registry.blobs import Repository
from modelway.emulator.registry.reply import RegistryError
from modelway.emulator.services import Services

TARGET = "AmazonEC2ContainerRegistry_V20150921"
"""Before the operation in `X-Amz-Target`."""

Call = Callable[[str, str, str, Mapping[str, Any]], Answer]
"""Makes a call of a JSON API: account, region, target, members."""

_CODES = {
    "RepositoryNotFoundException": "NAME_UNKNOWN",
    "ImageTagAlreadyExistsException": "TAG_INVALID",
    "ImageDigestDoesNotMatchException": "DIGEST_INVALID",
    "InvalidParameterException": "MANIFEST_INVALID",
    "ThrottlingException": "TOOMANYREQUESTS",
}
"""ECR's errors and what its registry makes of them; others are `UNKNOWN`."""


@dataclass(frozen=True)
class Image:
    """One manifest in a repository."""

    digest: str
    content: bytes
    media_type: str

    @property
    def members(self) -> dict[str, Any]:
        """What the manifest says."""
        return json.loads(self.content)

    @property
    def descriptor(self) -> dict[str, Any]:
        """Give what a list of referrers says of it (specification, "Listing Referrers")."""
        members = self.members
        told: dict[str, Any] = {
            "mediaType": self.media_type,
            "digest": self.digest,
            "size": len(self.content),
        }
        kind = members.get("artifactType") or members.get("config", {}).get("mediaType")
        if kind:
            told["artifactType"] = kind
        if members.get("annotations"):
            told["annotations"] = members["annotations"]
        return told


class Catalog:
    """All repositories of one emulator.

    Args:
        services: the emulator's lock.
        call: makes a call of ECR's API, as a user's.
    """

    def __init__(self, services: Services, call: Call) -> None:
        self._services = services
        self._call = call

    def check(self, repository: Repository) -> None:
        """Refuse a repository that is not there.

        Raises:
            RegistryError: `NAME_UNKNOWN`.
        """
        with self._services.lock:
            self._found(repository)

    def image(self, repository: Repository, reference: str) -> Image | None:
        """Find an image by digest or tag."""
        for image, tags in self._images(repository):
            if reference in (image.digest, *tags):
                return image
        return None

    def tags(self, repository: Repository) -> list[str]:
        """Give all tags, sorted."""
        return sorted(tag for _image, tags in self._images(repository) for tag in tags)

    def referrers(self, repository: Repository, digest: str) -> list[Image]:
        """Give the images that name this one as their subject."""
        return [
            image
            for image, _tags in self._images(repository)
            if (image.members.get("subject") or {}).get("digest") == digest
        ]

    def put(
        self, repository: Repository, content: str, media_type: str, tag: str | None, digest: str
    ) -> None:
        """Put a manifest; nothing happens where the same is there already.

        Raises:
            RegistryError: ECR refuses it.
        """
        members = {
            "repositoryName": repository.name,
            "imageManifest": content,
            "imageManifestMediaType": media_type,
            "imageDigest": digest,
        }
        if tag is not None:
            members["imageTag"] = tag
        self._ask(repository, "PutImage", members, "ImageAlreadyExistsException")

    def delete(self, repository: Repository, reference: str) -> None:
        """Delete an image by digest, or take a tag away.

        Raises:
            RegistryError: there is none, or ECR refuses.
        """
        kind = "imageDigest" if ":" in reference else "imageTag"
        members = {"repositoryName": repository.name, "imageIds": [{kind: reference}]}
        answer = self._ask(repository, "BatchDeleteImage", members)
        for failure in answer.get("failures", []):
            raise RegistryError("MANIFEST_UNKNOWN", f"{failure['failureReason']}: {reference}")

    def _ask(
        self,
        repository: Repository,
        operation: str,
        members: Mapping[str, Any],
        taken_for_success: str = "",
    ) -> dict[str, Any]:
        target = f"{TARGET}.{operation}"
        answer = self._call(repository.account, repository.region, target, members)
        content = json.loads(answer.body)
        if answer.status < 400:  # noqa: PLR2004 - HTTP's border
            return content
        kind = str(content.get("__type", "")).rpartition("#")[2]
        if kind == taken_for_success:
            return content
        message = content.get("message") or content.get("Message") or kind
        raise RegistryError(_CODES.get(kind, "UNKNOWN"), message)

    def _images(self, repository: Repository) -> Iterator[tuple[Image, list[str]]]:
        with self._services.lock:
            images = list(self._found(repository).images)
            told = [
                (
                    Image(
                        each.image_digest,
                        each.image_manifest.encode(),
                        each.image_manifest_media_type,
                    ),
                    list(each.image_tags),
                )
                for each in images
            ]
        return iter(told)

    def _found(self, repository: Repository) -> Any:
        from moto.ecr.models import ecr_backends

        backend = ecr_backends[repository.account][repository.region]
        found = backend.repositories.get(repository.name)
        if found is None:
            raise RegistryError(
                "NAME_UNKNOWN",
                f"The repository with name '{repository.name}' does not exist in the registry with "
                f"id '{repository.account}'",
            )
        return found
