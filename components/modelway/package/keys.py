"""Keys of signatures: public ones that are trusted, and private ones in files.

Takes PEM files, gives keys of the three NIST curves that OpenSSF model signatures are made with, or
one `PackageError` of all that is wrong with them. Must not keep a passphrase, and must not show
anything of a private key in a message.
"""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from modelway.errors import PackageError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric import ec

CURVES = ("secp256r1", "secp384r1", "secp521r1")
"""OpenSSL's names of the curves (NIST P-256, P-384, P-521)."""

KEY_LIMIT_BYTES = 1024 * 1024
"""Greatest file of keys that is read."""

_BEGIN, _END = b"-----BEGIN PUBLIC KEY-----", b"-----END PUBLIC KEY-----"


class SigningKey(Protocol):
    """A private key, wherever it is kept."""

    def public_key(self) -> "ec.EllipticCurvePublicKey":
        """Give its public half."""
        ...

    def sign(self, data: bytes, signature_algorithm: "ec.ECDSA") -> bytes:
        """Sign, and give the signature in DER."""
        ...


@dataclass(frozen=True)
class TrustedKey:
    """A public key whose signatures count."""

    public: "ec.EllipticCurvePublicKey"
    key_id: str
    """SHA-256 of the key in PEM, as signatures name it."""
    file: Path
    """Where it was read."""


def read_trusted_keys(files: Sequence[Path]) -> tuple[TrustedKey, ...]:
    """Read public keys; a file may hold several.

    Raises:
        PackageError: there are none, or one cannot be used; all problems at once.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    found: list[TrustedKey] = []
    problems: list[str] = []
    for file in files:
        try:
            blocks = _blocks(_read(file))
        except OSError as error:
            problems.append(f"{file} cannot be read: {error.strerror}")
            continue
        if not blocks:
            problems.append(f"{file} holds no public key in PEM ({_BEGIN.decode()})")
        for block in blocks:
            try:
                public = load_pem_public_key(block)
            except Exception:  # noqa: BLE001 - cryptography's errors have no common base
                problems.append(f"{file} holds a public key that is damaged")
                continue
            curve = curve_of(public)
            if curve not in CURVES:
                problems.append(
                    f"{file} holds a key of another kind ({curve}); {' and '.join(CURVES)} are "
                    "allowed"
                )
                continue
            found.append(TrustedKey(public, key_id(public), file))
    if not files:
        problems.append("none is named, and without one no signature can be trusted")
    if problems:
        raise PackageError(f"the trusted public keys cannot be used: {'; '.join(problems)}")
    return tuple(found)


def read_private_key(file: Path, passphrase: bytes | None) -> SigningKey:
    """Read a private key.

    Args:
        file: in PEM.
        passphrase: of an encrypted key.

    Raises:
        PackageError: it cannot be read or used.
    """
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        private = load_pem_private_key(_read(file), passphrase)
    except OSError as error:
        raise PackageError(f"the private key {file} cannot be read: {error.strerror}") from None
    except Exception as error:  # noqa: BLE001 - cryptography's errors have no common base
        raise PackageError(
            f"the private key {file} cannot be used: it is no private key in PEM, or the "
            f"passphrase is wrong ({type(error).__name__}). `modelway sign --help` says how to "
            "make one"
        ) from None
    if curve_of(private) not in CURVES:
        raise PackageError(
            f"the private key {file} is of another kind ({curve_of(private)}); "
            f"{' and '.join(CURVES)} are allowed. `modelway sign --help` says how to make one"
        )
    return private  # type: ignore[return-value]  # of a curve, so an elliptic one


def is_encrypted(file: Path) -> bool:
    """Tell whether a private key needs a passphrase.

    Raises:
        PackageError: it cannot be read.
    """
    try:
        content = _read(file)
    except OSError as error:
        raise PackageError(f"the private key {file} cannot be read: {error.strerror}") from None
    return b"ENCRYPTED" in content


def key_id(public: "ec.EllipticCurvePublicKey") -> str:
    """Give what names a key in signatures: the SHA-256 of its PEM text."""
    from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

    pem = public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(pem).hexdigest()


def curve_of(key: object) -> str:
    """Give the name of a key's curve, or that of its class where it has none."""
    curve = getattr(key, "curve", None)
    return str(getattr(curve, "name", type(key).__name__))


def _read(file: Path) -> bytes:
    with file.open("rb") as opened:
        return opened.read(KEY_LIMIT_BYTES)


def _blocks(content: bytes) -> list[bytes]:
    parts = content.split(_BEGIN)[1:]
    return [_BEGIN + part.partition(_END)[0] + _END + b"\n" for part in parts]
