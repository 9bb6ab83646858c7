"""The manifest that stands in for the serving image where none can be built.

Takes the content hash of the image and what a spec adds to it, gives an OCI image manifest with its
digest. Pure: the same content gives the same digest on every machine. What is added is its only
layer, embedded in the manifest; only the emulator, which runs the server's sources as processes,
can serve it.

Format: OCI image specification 1.1, image manifest, "empty descriptor" and embedded content.
"""

import base64
import hashlib
import json
from dataclasses import dataclass, field
from typing import Any

from modelway.plan.model import Extras

MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
EMPTY_TYPE = "application/vnd.oci.empty.v1+json"
EMPTY = b"{}"
"""The content that OCI gives to a layer that is not there."""

EXTRAS_TYPE = "application/vnd.modelway.image-extras.v1+json"
"""The media type of a layer with what a spec adds."""

CONTENT_LABEL = "org.modelway.serving-image.content"
"""Label with the content hash of the sources."""


@dataclass(frozen=True)
class StandInManifest:
    """One manifest with all that it refers to."""

    content_hash: str
    """64 hexadecimal digits."""
    extras: Extras = field(default_factory=Extras)
    """What a spec adds."""

    @property
    def layer(self) -> bytes:
        """The content of the only layer."""
        if self.extras == Extras():
            return EMPTY
        code = dict(self.extras.code)
        return _canonical({"requirements": self.extras.requirements, "code": code})

    @property
    def config(self) -> bytes:
        """The image's configuration, as canonical JSON."""
        labels = {CONTENT_LABEL: self.content_hash}
        return _canonical(
            {
                "architecture": "amd64",
                "os": "linux",
                "config": {"Cmd": ["serve"], "Labels": labels},
                "rootfs": {"type": "layers", "diff_ids": [_digest(self.layer)]},
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
                "layers": [self._layer()],
                "annotations": {CONTENT_LABEL: self.content_hash},
            }
        ).decode()

    @property
    def blobs(self) -> tuple[bytes, ...]:
        """What must be uploaded before the manifest."""
        return (self.config, self.layer)

    @property
    def digest(self) -> str:
        """The image's digest, `sha256:` and 64 hexadecimal digits."""
        return _digest(self.manifest.encode())

    @property
    def tag(self) -> str:
        """The image's tag: immutable, since it names the content."""
        return f"stand-in-{self.content_hash[:32]}"

    def _layer(self) -> dict[str, Any]:
        if self.layer == EMPTY:
            return _descriptor(EMPTY_TYPE, EMPTY)
        data = base64.b64encode(self.layer).decode()
        return {**_descriptor(EXTRAS_TYPE, self.layer), "data": data}


def extras_of(manifest: str) -> Extras:
    """Give what a manifest says a spec adds; nothing for any other image."""
    try:
        layers = json.loads(manifest).get("layers", [])
        found = [base64.b64decode(layer["data"]) for layer in layers if _is_extras(layer)]
        read = json.loads(found[0]) if found else {"requirements": "", "code": {}}
        return Extras(read["requirements"], read["code"])
    except (AttributeError, KeyError, TypeError, ValueError):
        return Extras()


def _is_extras(layer: Any) -> bool:
    return isinstance(layer, dict) and layer.get("mediaType") == EXTRAS_TYPE


def _descriptor(media_type: str, content: bytes) -> dict[str, str | int]:
    return {"mediaType": media_type, "digest": _digest(content), "size": len(content)}


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def _canonical(value: object) -> bytes:
    return json.dumps(value, sort_keys=True, separators=(",", ":")).encode()
