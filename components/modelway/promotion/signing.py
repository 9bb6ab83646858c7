"""Signatures of records: DSSE envelopes with ECDSA keys on P-256, and the keys that are trusted.

Takes bytes and keys, gives envelopes or the names of the signers. Must not know what it signs, and
must not trust a key because an envelope names it: trusted are the `*.pem` files that the repository
keeps, and the file's name is the signer's.

The envelope (https://github.com/secure-systems-lab/dsse) lies beside the record, and holds it a
second time: the record stays readable in the diff of a pull request, and any DSSE tool verifies the
envelope by itself. Both copies must be the same bytes.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from modelway.errors import PromotionError
from modelway.package.dsse import BadEnvelope, open_envelope, seal
from modelway.promotion.record import digest

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import (
        EllipticCurvePrivateKey,
        EllipticCurvePublicKey,
    )

PAYLOAD_TYPE = "application/vnd.modelway.release+json"

MAKE_KEY = (
    "make one with `openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out KEY.pem`"
)


def sign(payload: bytes, key: "EllipticCurvePrivateKey") -> bytes:
    """Give an envelope around the payload, as canonical JSON."""
    return seal(payload, PAYLOAD_TYPE, key, key_id(key.public_key()))


def signers(
    envelope: bytes, payload: bytes, trusted: "Mapping[str, EllipticCurvePublicKey]"
) -> frozenset[str]:
    """Give the names of the trusted keys that signed the payload.

    Raises:
        PromotionError: the envelope is none, holds another payload, or no trusted key signed it.
    """
    try:
        opened = open_envelope(envelope, PAYLOAD_TYPE)
    except BadEnvelope as error:
        raise PromotionError(f"its signature file {error}") from None
    if opened.payload != payload:
        raise PromotionError("its signature file holds another record, so one of them was edited")
    found = opened.signers(trusted)
    if not found:
        names = ", ".join(sorted(trusted)) or "none"
        ids = ", ".join(each.removeprefix("sha256:")[:12] for each in opened.key_ids)
        raise PromotionError(
            f"no trusted key signed it (trusted: {names}; it names the key {ids or 'none'})"
        )
    return found


def key_id(key: "EllipticCurvePublicKey") -> str:
    """Give `sha256:` and the digest of a public key's DER bytes."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    return digest(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def trusted_keys(folder: Path) -> "dict[str, EllipticCurvePublicKey]":
    """Read the public keys of a folder, by the names of their files without `.pem`.

    Raises:
        PromotionError: a file is no public key on P-256; every such file is told.
    """
    files = sorted(folder.glob("*.pem"))
    if not files:
        return {}
    _need_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    keys: dict[str, EllipticCurvePublicKey] = {}
    wrong: list[str] = []
    for file in files:
        try:
            key = load_pem_public_key(file.read_bytes())
        except (OSError, ValueError, UnsupportedAlgorithm):
            key = None
        if isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
            keys[file.stem] = key
        else:
            wrong.append(str(file))
    if wrong:
        raise PromotionError(
            f"reading the trusted keys: {', '.join(wrong)}: not a public key on P-256 in PEM. "
            "Write it with `openssl pkey -in KEY.pem -pubout -out FILE`, and never put a private "
            "key there."
        )
    return keys


def private_key(path: Path, passphrase: str | None = None) -> "EllipticCurvePrivateKey":
    """Read the key that signs.

    Raises:
        PromotionError: there is none, it needs a passphrase, or it is not on P-256.
    """
    _need_cryptography()
    from cryptography.exceptions import UnsupportedAlgorithm
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    doing = f"reading the signing key {path}"
    try:
        content = path.read_bytes()
    except OSError as error:
        raise PromotionError(f"{doing}: {error.strerror}; {MAKE_KEY}") from None
    try:
        key = load_pem_private_key(content, passphrase.encode() if passphrase else None)
    except TypeError:
        raise PromotionError(
            f"{doing}: it is encrypted and no passphrase was given, or the other way round; the "
            "passphrase is read from MODELWAY_RELEASE_KEY_PASSPHRASE"
        ) from None
    except (ValueError, UnsupportedAlgorithm):
        raise PromotionError(
            f"{doing}: it is no private key in PEM, or the passphrase is wrong; {MAKE_KEY}"
        ) from None
    if not isinstance(key, EllipticCurvePrivateKey) or not isinstance(key.curve, SECP256R1):
        raise PromotionError(f"{doing}: it is no key on P-256; {MAKE_KEY}")
    return key


def _need_cryptography() -> None:
    """Say how to get the library, where it is missing."""
    try:
        import cryptography  # noqa: F401 # pyright: ignore[reportUnusedImport]
    except ImportError:
        raise PromotionError(
            "verifying release records: they are signed, and the package `cryptography` is not "
            'installed; run `pip install "modelway[signing]"`'
        ) from None
