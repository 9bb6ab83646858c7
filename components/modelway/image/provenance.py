"""The provenance of a serving image: an in-toto statement with SLSA's predicate, signed.

Takes what is known of a build and a key, gives a DSSE envelope; and of an envelope what it says,
once a trusted key has signed it. The statement has no time stamps: the same build says the same.
Must not know where envelopes are kept, and must not build anything.

Formats: in-toto Statement v1 (https://in-toto.io/Statement/v1), SLSA Provenance v1
(https://slsa.dev/spec/v1.1/provenance), DSSE.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from modelway.errors import ImageError
from modelway.package.dsse import BadEnvelope, open_envelope, seal
from modelway.package.keys import SigningKey, key_id

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"
MEDIA_TYPE = "application/vnd.dsse.envelope.v1+json"
"""Of the envelope, where it is pushed beside an image."""

STATEMENT = "https://in-toto.io/Statement/v1"
PREDICATE = "https://slsa.dev/provenance/v1"
BUILD_TYPE = "urn:modelway:serving-image:1"
"""How it was built: the Dockerfile of `serving_image/`, with its base image as an argument."""

LARGEST_BYTES = 1024 * 1024
"""Of an envelope; one has about 2 KB."""


@dataclass(frozen=True)
class Build:
    """What is known of the build of one image."""

    digest: str
    """Of the image: `sha256:` and 64 hexadecimal digits."""
    content_hash: str
    """Of the sources that it was built from, 64 hexadecimal digits."""
    base_image: str
    """With its digest."""
    builder: str
    """A URI that names who built it."""
    source: str | None = None
    """A URI of the repository with the sources."""
    revision: str | None = None
    """The commit."""


@dataclass(frozen=True)
class Provenance:
    """What a verified envelope says."""

    digest: str
    builder: str
    content_hash: str
    revision: str | None
    signers: frozenset[str]
    """Names of the trusted keys."""


def statement(build: Build) -> bytes:
    """Give the statement, as JSON with sorted keys."""
    named, _, base_digest = build.base_image.partition("@")
    base: dict[str, Any] = {"uri": f"docker://{named}"}
    if base_digest:
        base["digest"] = {"sha256": base_digest.removeprefix("sha256:")}
    sources: dict[str, Any] = {"name": "serving_image", "digest": {"sha256": build.content_hash}}
    materials = [sources, base]
    if build.source is not None or build.revision is not None:
        commit: dict[str, Any] = {"uri": build.source or "git"}
        if build.revision is not None:
            commit["digest"] = {"gitCommit": build.revision}
        materials.append(commit)
    content = {
        "_type": STATEMENT,
        "subject": [{"name": "image", "digest": {"sha256": build.digest.removeprefix("sha256:")}}],
        "predicateType": PREDICATE,
        "predicate": {
            "buildDefinition": {
                "buildType": BUILD_TYPE,
                "externalParameters": {
                    "contentHash": build.content_hash,
                    "baseImage": build.base_image,
                },
                "resolvedDependencies": materials,
            },
            "runDetails": {"builder": {"id": build.builder}},
        },
    }
    return json.dumps(content, sort_keys=True, separators=(",", ":")).encode()


def sign_provenance(build: Build, key: SigningKey) -> bytes:
    """Give the signed statement: a DSSE envelope."""
    return seal(statement(build), PAYLOAD_TYPE, key, key_id(key.public_key()))


def verify_provenance(
    envelope: bytes, digest: str, trusted: "Mapping[str, EllipticCurvePublicKey]"
) -> Provenance:
    """Give what an envelope says of an image.

    Args:
        envelope: as `sign_provenance` gave it, or another builder.
        digest: of the image.
        trusted: public keys by name.

    Raises:
        ImageError: it is no provenance, speaks of another image, or no trusted key signed it.
    """
    doing = f"verifying the provenance of the image {digest}"
    if len(envelope) > LARGEST_BYTES:
        raise ImageError(f"{doing}: it has more than {LARGEST_BYTES} bytes")
    try:
        opened = open_envelope(envelope, PAYLOAD_TYPE)
    except BadEnvelope as error:
        raise ImageError(f"{doing}: it {error}") from None
    # Before anything that it says is read.
    signers = opened.signers(trusted)
    if not signers:
        raise ImageError(
            f"{doing}: no trusted key signed it, or it was changed afterwards (trusted: "
            f"{', '.join(sorted(trusted)) or 'none'}; it names the key "
            f"{', '.join(each[:12] for each in opened.key_ids)})"
        )
    try:
        said = json.loads(opened.payload)
        if (said["_type"], said["predicateType"]) != (STATEMENT, PREDICATE):
            raise ImageError(f"{doing}: it is a {said['predicateType']}, not a {PREDICATE}")
        subjects = [f"sha256:{each['digest']['sha256']}" for each in said["subject"]]
        predicate = said["predicate"]
        definition = predicate["buildDefinition"]
        builder = str(predicate["runDetails"]["builder"]["id"])
        materials = definition.get("resolvedDependencies", [])
        commits = [each["digest"].get("gitCommit") for each in materials if "digest" in each]
        content_hash = str(definition["externalParameters"].get("contentHash", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise ImageError(f"{doing}: it is no in-toto statement with SLSA provenance") from None
    if digest not in subjects:
        raise ImageError(f"{doing}: it speaks of {', '.join(subjects) or 'nothing'}")
    revision = next((each for each in commits if each), None)
    return Provenance(digest, builder, content_hash, revision, signers)
