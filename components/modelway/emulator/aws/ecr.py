"""ECR, where moto differs from it in ways that an image named by digest sees.

- An image's digest is the SHA-256 of its manifest as pushed (OCI image specification, "Digests");
  moto hashes the list of layers, so that images with the same layers were the same.
- Its size is its configuration and its layers together.
- A digest that the caller claims is compared; an image without a tag can be put; one that loses its
  tag to another stays, by digest.
- Layers are on disk, where the registry's HTTP API has them too, and GetAuthorizationToken gives a
  token for it. PutImage does not ask for an image's layers: who only needs its digest, since the
  emulator runs the same sources as processes, need not upload any. The HTTP API does ask.
"""

import datetime as dt
import hashlib
import json
from base64 import b64encode
from typing import Any

from modelway.emulator.aws import ecr_layers
from modelway.emulator.registry.blobs import BlobStore
from modelway.emulator.registry.tokens import USER, Registry, Tokens
from modelway.emulator.services import Services


def install(services: Services, blobs: BlobStore, tokens: Tokens) -> None:
    """Extend moto's ECR.

    Args:
        services: of the emulator.
        blobs: where layers go.
        tokens: made by GetAuthorizationToken.
    """
    _install_images()
    ecr_layers.install(services, blobs)
    _install_tokens(services, tokens)


def _install_images() -> None:
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
        _take_tag([image for image in tagged if image.image_digest != real], image_tag)
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
    # botocore's names of what DescribeImages says of signatures, SBOMs and the like.
    Image.artifact_media_type = property(lambda self: _kind(json.loads(self.image_manifest)))
    Image.subject_manifest_digest = property(lambda self: _subject(json.loads(self.image_manifest)))


def _install_tokens(services: Services, tokens: Tokens) -> None:
    from moto.core.responses import ActionResult
    from moto.ecr.responses import ECRResponse

    def get_authorization_token(self: Any) -> Any:
        data = []
        for account in self._get_param("registryIds") or [self.current_account]:
            password, until = tokens.issue(Registry(account, self.region))
            data.append(
                {
                    "authorizationToken": b64encode(f"{USER}:{password}".encode()).decode(),
                    "expiresAt": dt.datetime.fromtimestamp(until, dt.UTC),
                    "proxyEndpoint": services.settings.url,
                }
            )
        return ActionResult({"authorizationData": data})

    ECRResponse.get_authorization_token = get_authorization_token


def _take_tag(images: list[Any], tag: str | None) -> None:
    """Take a tag away; moto would delete an image that loses its last one."""
    for image in images:
        image.remove_tag(tag)
        image.image_tag = image.image_tags[-1] if image.image_tags else None


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


def _kind(manifest: dict[str, Any]) -> str | None:
    return manifest.get("artifactType") or manifest.get("config", {}).get("mediaType")


def _subject(manifest: dict[str, Any]) -> str | None:
    return (manifest.get("subject") or {}).get("digest")
