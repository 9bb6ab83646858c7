"""Verify `model.sig`, an OpenSSF model signature: a Sigstore bundle of `model-signing`.

Takes the signature's bytes and trusted public keys, gives the digests that were signed, or a
`PackageError`. Uses `cryptography` alone, not `model-signing`: that one also takes what its early
versions made (another predicate, and a faulty encoding of what is signed), and is slow to import.
Must not read a file, and must not believe anything of the bundle before the signature is verified.

The bundle holds a DSSE envelope (github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md) around
an in-toto statement, whose predicate lists the files with their digests.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from modelway.errors import PackageError
from modelway.package.keys import TrustedKey

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"

SIGNATURE_LIMIT_BYTES = 8 * 1024 * 1024
"""Greatest signature that is read: 10,000 files take less than 3 MB."""


@dataclass(frozen=True)
class Signed:
    """What somebody signed whom the user trusts."""

    key: TrustedKey
    sha256: dict[str, str]
    """Hexadecimal digests of the signed files, by path."""


def verify_signature(content: bytes, keys: Sequence[TrustedKey]) -> Signed:
    """Verify a signature.

    Args:
        content: of `model.sig`.
        keys: of which one must have signed.

    Raises:
        PackageError: with the reason, as a sentence about `model.sig`.
    """
    payload, signature, hint = _envelope(content)
    key = _signer(payload, signature, keys)
    if key is None:
        trusted = ", ".join(f"{each.key_id[:16]} ({each.file})" for each in keys)
        said = f"by the key {hint[:16]} and " if hint else ""
        raise PackageError(
            f"`model.sig` is signed {said}not by a trusted key, or it was changed; trusted are "
            f"{trusted}"
        )
    try:
        return Signed(key, _digests(json.loads(payload)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PackageError(
            f"`model.sig` does not say what a model signature says ({error}); sign the package "
            "with `modelway sign`"
        ) from None


def claimed_key_id(content: bytes) -> str:
    """Give the id of the key that a signature names as its own; empty when it names none.

    Args:
        content: of `model.sig`. It is not verified: anybody can write any name.

    Raises:
        PackageError: it is no signature.
    """
    return _envelope(content)[2]


def pre_authentication_encoding(payload: bytes) -> bytes:
    """Give what is signed (DSSE's PAE)."""
    return b"DSSEv1 %d %s %d %s" % (
        len(PAYLOAD_TYPE),
        PAYLOAD_TYPE.encode(),
        len(payload),
        payload,
    )


def _envelope(content: bytes) -> tuple[bytes, bytes, str]:
    """Take the payload, its one signature and the key's name out of a bundle."""
    try:
        return _unpacked(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise PackageError(
            f"`model.sig` is no model signature made with a key ({error!r:.200}); sign the package "
            "with `modelway sign`"
        ) from None


def _unpacked(content: bytes) -> tuple[bytes, bytes, str]:
    if len(content) > SIGNATURE_LIMIT_BYTES:
        raise ValueError(f"it is larger than {SIGNATURE_LIMIT_BYTES} bytes")
    bundle = json.loads(content)
    if bundle["mediaType"] != BUNDLE_TYPE:
        raise ValueError(f"it is no {BUNDLE_TYPE}")
    envelope = bundle["dsseEnvelope"]
    if envelope["payloadType"] != PAYLOAD_TYPE:
        raise ValueError(f"it is about no {PAYLOAD_TYPE}")
    (signature,) = envelope["signatures"]
    hint = bundle["verificationMaterial"].get("publicKey", {}).get("hint", "")
    return (
        base64.b64decode(envelope["payload"], validate=True),
        base64.b64decode(signature["sig"], validate=True),
        hint if isinstance(hint, str) and hint.isalnum() else "",
    )


def _signer(payload: bytes, signature: bytes, keys: Sequence[TrustedKey]) -> TrustedKey | None:
    """Give the key that signed."""
    from cryptography.exceptions import InvalidSignature
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric import ec

    algorithms = {256: hashes.SHA256(), 384: hashes.SHA384(), 521: hashes.SHA512()}
    signed = pre_authentication_encoding(payload)
    for key in keys:
        try:
            key.public.verify(signature, signed, ec.ECDSA(algorithms[key.public.key_size]))
        except InvalidSignature:
            continue
        return key
    return None


def _digests(statement: Any) -> dict[str, str]:
    """Give the digests of a statement that somebody trusted has made."""
    if statement["_type"] != STATEMENT_TYPE or statement["predicateType"] != PREDICATE_TYPE:
        raise ValueError(f"it is no {PREDICATE_TYPE}")
    how = statement["predicate"]["serialization"]
    if (how["method"], how["hash_type"], how["allow_symlinks"]) != ("files", "sha256", False):
        raise ValueError("its digests are not SHA-256 of whole files without links")
    (subject,) = statement["subject"]
    found: dict[str, str] = {}
    root = hashlib.sha256()
    for resource in statement["predicate"]["resources"]:
        name, digest = resource["name"], bytes.fromhex(resource["digest"])
        if resource["algorithm"] != "sha256" or len(digest) != root.digest_size or name in found:
            raise ValueError("a file is there twice, or has no SHA-256")
        root.update(digest)
        found[name] = digest.hex()
    if root.hexdigest() != subject["digest"]["sha256"]:
        raise ValueError("its files do not add up to its subject")
    return found
