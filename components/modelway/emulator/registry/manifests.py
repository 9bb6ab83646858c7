"""What a manifest that is pushed must be, and what must be there before it.

Takes bytes, gives their text with everything that they refer to; pure. OCI image specification 1.1
("Image Manifest", "Image Index") and Docker's schema 2.
"""

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from modelway.emulator.registry.reply import RegistryError

LARGEST_MANIFEST_BYTES = 4 * 1024 * 1024
"""ECR's limit of PutImage's `imageManifest` and the specification's least."""

DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
TAG = re.compile(r"[a-zA-Z0-9_][a-zA-Z0-9._-]{0,127}")

OCI_INDEX = "application/vnd.oci.image.index.v1+json"
_INDEXES = {OCI_INDEX, "application/vnd.docker.distribution.manifest.list.v2+json"}
_MANIFESTS = {
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
}
MEDIA_TYPES = (*sorted(_INDEXES), *sorted(_MANIFESTS))


@dataclass(frozen=True)
class Manifest:
    """One manifest as it was pushed."""

    text: str
    digest: str
    media_type: str
    blobs: tuple[str, ...]
    """Digests of what it is made of."""
    images: tuple[str, ...]
    """Digests of the manifests that an index lists."""
    subject: str | None
    """Digest of the image that it belongs to, which need not be there."""


def read_manifest(content: bytes, media_type: str) -> Manifest:
    """Read a manifest.

    Args:
        content: as it was sent.
        media_type: of the header `Content-Type`.

    Raises:
        RegistryError: it is none, or says something else than the header.
    """
    if media_type not in MEDIA_TYPES:
        raise RegistryError(
            "MANIFEST_INVALID",
            f"Content-Type is {media_type or 'missing'}; allowed: {', '.join(MEDIA_TYPES)}",
        )
    try:
        text = content.decode()
        members: object = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise RegistryError("MANIFEST_INVALID", f"the manifest is not JSON: {error}") from None
    if not isinstance(members, dict) or members.get("schemaVersion") != 2:  # noqa: PLR2004
        raise RegistryError("MANIFEST_INVALID", "the manifest must say `schemaVersion` 2")
    if members.get("mediaType", media_type) != media_type:
        raise RegistryError(
            "MANIFEST_INVALID",
            f"the manifest says mediaType {members['mediaType']}, Content-Type {media_type}",
        )
    is_index = media_type in _INDEXES
    parts = members.get("manifests") if is_index else members.get("layers")
    config = [] if is_index else [members.get("config")]
    subject = members.get("subject")
    if not isinstance(parts, list):
        missing = "manifests" if is_index else "layers"
        raise RegistryError("MANIFEST_INVALID", f"the manifest must have a list of `{missing}`")
    # What lies elsewhere (`urls`) need not be here.
    own = [each for each in [*config, *parts] if not (isinstance(each, dict) and each.get("urls"))]
    digests = tuple(_digest(each) for each in own)
    return Manifest(
        text=text,
        digest=f"sha256:{hashlib.sha256(content).hexdigest()}",
        media_type=media_type,
        blobs=() if is_index else digests,
        images=digests if is_index else (),
        subject=None if subject is None else _digest(subject),
    )


def _digest(descriptor: Any) -> str:
    digest = descriptor.get("digest") if isinstance(descriptor, dict) else None
    if not isinstance(digest, str) or DIGEST.fullmatch(digest) is None:
        raise RegistryError(
            "MANIFEST_INVALID", f"a descriptor has the digest {digest!r}; allowed: sha256:<64 hex>"
        )
    return digest
