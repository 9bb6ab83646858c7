"""The signature of a model package: verified with keys that the operator trusts.

Takes the bytes of ``model.sig``, an OpenSSF model signature as ``model-signing`` makes it, gives
the digests that were signed, or `ModelUnusable`. The keys come from the image or the environment,
never from the model folder. Must not believe anything of the signature's file before it is
verified, and must not open any other file of the package.

The file is a Sigstore bundle with a DSSE envelope
(github.com/secure-systems-lab/dsse/blob/v1.0.2/protocol.md) around an in-toto statement, whose
predicate lists files with their digests. What early versions of ``model-signing`` made, with
another predicate, is not taken. ``cryptography`` is imported when there are keys.
"""

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model_server.core.errors import ModelUnusable

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

SIGNATURE_FILE = "model.sig"

MAX_SIGNATURE_BYTES = 8 * 2**20
"""Largest signature that is read: 10,000 files take less than 3 MiB."""

MAX_KEY_BYTES = 2**20
"""Largest file of keys that is read."""

BUNDLE_TYPE = "application/vnd.dev.sigstore.bundle.v0.3+json"
PAYLOAD_TYPE = "application/vnd.in-toto+json"
STATEMENT_TYPE = "https://in-toto.io/Statement/v1"
PREDICATE_TYPE = "https://model_signing/signature/v1.0"

CURVES = ("secp256r1", "secp384r1", "secp521r1")
"""OpenSSL's names of the curves (NIST P-256, P-384, P-521)."""

BEGIN, END = b"-----BEGIN PUBLIC KEY-----", b"-----END PUBLIC KEY-----"

SETTING = "MODEL_SERVER_TRUSTED_KEYS"


@dataclass(frozen=True, slots=True)
class TrustedKey:
    """A public key whose signatures count."""

    public: "ec.EllipticCurvePublicKey"

    key_id: str
    """SHA-256 of the key in PEM, as signatures name it."""


@dataclass(frozen=True, slots=True)
class Signed:
    """What somebody signed whom the operator trusts."""

    key_id: str
    sha256: dict[str, str]
    """Hexadecimal digests of the signed files, by path."""


def read_trusted_keys(text: str) -> tuple[TrustedKey, ...]:
    """Read the keys of the setting.

    Args:
        text: PEM, or the path of a file of PEM or of a folder with files ``*.pem``.

    Raises:
        ModelUnusable: there is none, or one cannot be used; without paths, which callers read.
    """
    try:
        contents = _contents(text)
    except OSError as error:
        raise ModelUnusable(f"{SETTING} could not be read: {error.strerror}") from None
    keys: dict[str, TrustedKey] = {}
    for name, content in contents:
        blocks = content.split(BEGIN)[1:]
        if not blocks:
            raise ModelUnusable(f"{SETTING}: {name} holds no public key in PEM")
        for block in blocks:
            key = _key(name, BEGIN + block.partition(END)[0] + END + b"\n")
            keys[key.key_id] = key
    if not keys:
        raise ModelUnusable(f"{SETTING} names a folder without a file *.pem")
    return tuple(keys.values())


def verify_signature(content: bytes, keys: Sequence[TrustedKey]) -> Signed:
    """Verify a signature.

    Args:
        content: of its file.
        keys: of which one must have signed.

    Raises:
        ModelUnusable: with the reason.
    """
    try:
        payload, signature, hint = _envelope(content)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelUnusable(f"{SIGNATURE_FILE} is no model signature made with a key") from error
    key = _signer(payload, signature, keys)
    if key is None:
        by = f"by the key {hint[:16]} and " if hint else ""
        trusted = ", ".join(each.key_id[:16] for each in keys)
        raise ModelUnusable(
            f"{SIGNATURE_FILE} is signed {by}not by a trusted key, or it was changed; trusted are "
            f"{trusted}"
        )
    try:
        return Signed(key.key_id, _digests(json.loads(payload)))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelUnusable(
            f"{SIGNATURE_FILE} is signed and does not say what a model signature says"
        ) from error


def pre_authentication_encoding(payload: bytes) -> bytes:
    """Give what is signed (DSSE's PAE)."""
    kind = PAYLOAD_TYPE.encode()
    return b"DSSEv1 %d %s %d %s" % (len(kind), kind, len(payload), payload)


def _contents(text: str) -> list[tuple[str, bytes]]:
    if text.startswith("-----BEGIN "):
        return [("its text", text.encode())]
    path = Path(text)
    files = sorted(path.glob("*.pem")) if path.is_dir() else [path]
    found: list[tuple[str, bytes]] = []
    for file in files:
        with file.open("rb") as opened:
            found.append((file.name, opened.read(MAX_KEY_BYTES)))
    return found


def _key(name: str, pem: bytes) -> TrustedKey:
    from cryptography.hazmat.primitives.serialization import (
        Encoding,
        PublicFormat,
        load_pem_public_key,
    )

    try:
        public: Any = load_pem_public_key(pem)
    except Exception as error:
        # Its errors have no common base.
        raise ModelUnusable(f"{SETTING}: a key of {name} is damaged") from error
    curve = getattr(getattr(public, "curve", None), "name", type(public).__name__)
    if curve not in CURVES:
        raise ModelUnusable(
            f"{SETTING}: a key of {name} is of another kind ({curve}) than {', '.join(CURVES)}"
        )
    text = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return TrustedKey(public, hashlib.sha256(text).hexdigest())


def _envelope(content: bytes) -> tuple[bytes, bytes, str]:
    """Take the payload, its one signature and the key's name out of a bundle."""
    bundle = json.loads(content)
    envelope = bundle["dsseEnvelope"]
    if (bundle["mediaType"], envelope["payloadType"]) != (BUNDLE_TYPE, PAYLOAD_TYPE):
        raise ValueError("another kind of signature")
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
    how = statement["predicate"]["serialization"]
    kinds = statement["_type"], statement["predicateType"]
    if kinds != (STATEMENT_TYPE, PREDICATE_TYPE) or (
        how["method"], how["hash_type"], how["allow_symlinks"],
    ) != ("files", "sha256", False):  # fmt: skip
        raise ValueError("another kind of statement")
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
