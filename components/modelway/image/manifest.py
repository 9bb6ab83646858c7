"""The manifest that stands in for the serving image where none can be built.

Takes the content hash of the serving image's sources, gives an OCI image manifest with its digest.
Pure: the same sources give the same digest on every machine. It has no layers to pull; only the
emulator, which runs the same sources as processes, can serve it.

Format: OCI image specification 1.1, image manifest and "empty descriptor".
"""

import hashlib
import json
from dataclasses import dataclass

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY = b"{}"
"""The content that OCI gives to a layer that is not there."""

CONTENT_LABEL = "org.modelway.serving-image.content"
"""Label with the content hash of the sources."""


@dataclass(frozen=True)
class StandInManifest:
    """One manifest with all that it refers to."""

    content_hash: str
    """64 hexadecimal digits."""

    @property
    def config(self) -> bytes:
        """The image's configuration, as canonical JSON."""
        labels = {CONTENT_LABEL: self.content_hash}
        return _canonical(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Cmd": ["serve"], "Labels": labels},
                "rootfs": {"type": "layers", "diff_ids": [_digest(EMPTY)]},
            }
        )

    @property
    def manifest(self) -> str:
        """The manifest's text."""
        return _canonical(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST_TYPE,
                "config": _descriptor(CONFIG_TYPE, self.config),
                "layers": [_descriptor(EMPTY_TYPE, EMPTY)],
                "annotations": {CONTENT_LABEL: self.content_hash},
            }
        ).decode()

    @property
    def blobs(self) -> tuple[bytes, ...]:
        """What must be uploaded before the manifest."""
        return (self.config, EMPTY)

    @property
    def digest(self) -> str:
        """The image's digest, `sha256:` and 64 hexadecimal digits."""
        return _digest(self.manifest.encode())

    @property
    def tag(self) -> str:
        """The image's tag: immutable, since it names the content."""
        return f"stand-in-{self.content_hash[:32]}"


def _descriptor(media_type: str, content: bytes) -> dict[str, str | int]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
