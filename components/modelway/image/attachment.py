"""What lies beside an image in its registry: OCI artifacts that name it as their subject.

Takes an image by digest and content such as an SBOM, puts it as a referrer. An artifact has a tag
that follows from its content: it is put once, and the repository's lifecycle policy, which expires
untagged images, leaves it. Must not know what the content says.

Format: OCI image specification 1.1, "Guidelines for Artifact Usage".
"""

import hashlib
import json
from typing import Any

from modelway.errors import ImageError
from modelway.image.manifest import EMPTY, EMPTY_TYPE, MANIFEST_TYPE
from modelway.image.reference import tag_of
from modelway.image.registry import Manifest, RegistryClient


def attach(
    registry: RegistryClient, repository: str, digest: str, kind: str, content: bytes
) -> str:
    """Put content beside an image; gives the artifact's digest.

    Args:
        registry: of the image.
        repository: the image's.
        digest: of the image.
        kind: media type of the content, and of the artifact.
        content: a file's bytes.

    Raises:
        ImageError: the image is not there, or the registry refuses.
    """
    image = registry.manifest(repository, digest)
    if image is None:
        raise ImageError(f"putting something beside {repository}@{digest}: there is no such image")
    members = {
        "schemaVersion": 2,
        "mediaType": MANIFEST_TYPE,
        "artifactType": kind,
        "config": _descriptor(EMPTY_TYPE, EMPTY),
        "layers": [_descriptor(kind, content)],
        "subject": {"mediaType": image.media_type, "digest": digest, "size": len(image.content)},
    }
    text = json.dumps(members, sort_keys=True, separators=(",", ":"))
    artifact = Manifest(text.encode(), MANIFEST_TYPE)
    for blob in (EMPTY, content):
        if not registry.has_blob(repository, _digest(blob)):
            registry.put_blob(repository, _digest(blob), len(blob), [blob])
    registry.put_manifest(repository, artifact, tag_of(artifact.digest))
    return artifact.digest


def _descriptor(kind: str, content: bytes) -> dict[str, Any]:
    return {"mediaType": kind, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
