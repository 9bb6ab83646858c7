"""ECR, where moto differs from it in ways that an image named by digest sees.

- An image's digest is the SHA-256 of its manifest as pushed (OCI image specification, "Digests");
  moto hashes the list of layers, so that images with the same layers were the same.
- Its size is its configuration and its layers together.
- A digest that the caller claims is compared; an image without a tag can be put.
"""

import hashlib
import json
from typing import Any

from modelway.emulator.services import Services


def install(services: Services) -> None:
    """Extend moto's ECR."""
    del services
    from moto.core.exceptions import ServiceException
    from moto.ecr.exceptions import RepositoryNotFoundException
    from moto.ecr.models import ECRBackend, Image

    class ImageDigestDoesNotMatch(ServiceException):
        code = "ImageDigestDoesNotMatchException"

    class ImageAlreadyExists(ServiceException):
        code = "ImageAlreadyExistsException"

    class ImageTagAlreadyExists(ServiceException):
        code = "ImageTagAlreadyExistsException"

    class InvalidParameter(ServiceException):
        code = "InvalidParameterException"

    original = ECRBackend.put_image

    def put_image(
        self: Any,
        repository_name: str,
        image_manifest: str,
        image_tag: str | None,
        image_manifest_mediatype: str | None = None,
        digest: str | None = None,
    ) -> Any:
        repository = self.repositories.get(repository_name)
        if repository is None:
            raise RepositoryNotFoundException(repository_name, self.account_id)
        if not _is_manifest(image_manifest):
            raise InvalidParameter(
                "Invalid parameter at 'ImageManifest' failed to satisfy constraint:"
                " 'Invalid JSON syntax'"
            )
        real = _digest(image_manifest)
        if digest is not None and digest != real:
            raise ImageDigestDoesNotMatch(
                f"Provided digest '{digest}' does not match the digest '{real}' of the image"
                " manifest"
            )
        tagged = [image for image in repository.images if image_tag in image.image_tags]
        if repository.is_tag_immutable() and any(image.image_digest != real for image in tagged):
            raise ImageTagAlreadyExists(
                f"The image tag '{image_tag}' already exists in the '{repository_name}' repository"
                " and cannot be overwritten because the tag is immutable."
            )
        present = [image for image in repository.images if image.image_digest == real]
        if present and image_tag is None:
            raise ImageAlreadyExists(
                f"Image with digest '{real}' already exists in the repository with name"
                f" '{repository_name}' in registry with id '{self.account_id}'"
            )
        return original(
            self, repository_name, image_manifest, image_tag, image_manifest_mediatype, real
        )

    def size_in_bytes(self: Any) -> int | None:
        return _size_bytes(json.loads(self.image_manifest))

    def create_digest(self: Any) -> None:
        self._image_digest = _digest(self.image_manifest)

    ECRBackend.put_image = put_image
    Image._create_digest = create_digest  # noqa: SLF001 - where moto decides it
    Image.get_image_size_in_bytes = size_in_bytes


def _is_manifest(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _digest(manifest: str) -> str:
    return f"sha256:{hashlib.sha256(manifest.encode()).hexdigest()}"


def _size_bytes(manifest: dict[str, Any]) -> int | None:
    if "layers" not in manifest:
        return None  # an index; ECR gives none for it
    parts = [manifest.get("config", {}), *manifest["layers"]]
    return sum(part.get("size", 0) for part in parts)
