"""DSSE envelopes: a payload with signatures over it and its type.

Takes bytes and keys, gives envelopes, and of an envelope what it holds and who signed it. Must not
know what is signed, and must not trust a key because an envelope names it.

Format: https://github.com/secure-systems-lab/dsse, 1.0.2. Signatures are ECDSA with the hash that
belongs to the curve: SHA-256 for P-256, SHA-384 for P-384, SHA-512 for P-521.
"""

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pydantic import Field, ValidationError

from modelway.package.keys import SigningKey
from modelway.spec.part import Part

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA, EllipticCurvePublicKey

MOST_SIGNATURES = 16
"""Of one envelope: verifying costs time, and a payload has a few signers at most."""


class BadEnvelope(ValueError):  # noqa: N818 - what the content is
    """The content is no envelope, or one of another type; the message says which."""


class Signature(Part):
    """One signature of an envelope."""

    keyid: str
    """Digest of the public key; only a hint."""
    sig: str
    """Base64 of the DER-encoded signature."""


class Envelope(Part):
    """An envelope; the names are DSSE's."""

    payload: str
    payloadType: str  # noqa: N815 - DSSE's name
    signatures: tuple[Signature, ...] = Field(min_length=1, max_length=MOST_SIGNATURES)


@dataclass(frozen=True)
class Opened:
    """What an envelope holds; nobody has looked at its signatures yet."""

    payload: bytes
    payload_type: str
    signatures: tuple[bytes, ...]
    key_ids: tuple[str, ...]
    """As the envelope says; only hints."""

    def signers(self, trusted: "Mapping[str, EllipticCurvePublicKey]") -> frozenset[str]:
        """Give the names of the trusted keys that signed it; none when nobody did."""
        signed = pre_authentication_encoding(self.payload_type, self.payload)
        return frozenset(
            name
            for name, key in trusted.items()
            if any(_signed(key, signature, signed) for signature in self.signatures)
        )


def pre_authentication_encoding(payload_type: str, payload: bytes) -> bytes:
    """Give the bytes that are signed (DSSE 1.0.2, "PAE")."""
    kind = payload_type.encode()
    return b"DSSEv1 %d %b %d %b" % (len(kind), kind, len(payload), payload)


def seal(payload: bytes, payload_type: str, key: SigningKey, key_id: str) -> bytes:
    """Give an envelope around the payload, as JSON with sorted keys and a final newline."""
    encoded = pre_authentication_encoding(payload_type, payload)
    signature = key.sign(encoded, _algorithm(key.public_key()))
    envelope = Envelope(
        payload=base64.b64encode(payload).decode(),
        payloadType=payload_type,
        signatures=(Signature(keyid=key_id, sig=base64.b64encode(signature).decode()),),
    )
    text = json.dumps(envelope.model_dump(mode="json"), indent=2, sort_keys=True)
    return f"{text}\n".encode()


def open_envelope(content: bytes, payload_type: str) -> Opened:
    """Read an envelope.

    Raises:
        BadEnvelope: it is none, or of another type.
    """
    try:
        read = Envelope.model_validate_json(content)
        payload = base64.b64decode(read.payload, validate=True)
        signatures = tuple(base64.b64decode(each.sig, validate=True) for each in read.signatures)
    except (ValidationError, binascii.Error):
        raise BadEnvelope("is no DSSE envelope") from None
    if read.payloadType != payload_type:
        raise BadEnvelope(f"is for {read.payloadType!r}, not for {payload_type!r}")
    return Opened(payload, payload_type, signatures, tuple(each.keyid for each in read.signatures))


def _algorithm(key: "EllipticCurvePublicKey") -> "ECDSA":
    from cryptography.hazmat.primitives import hashes
    from cryptography.hazmat.primitives.asymmetric.ec import ECDSA

    of_curve = {"secp384r1": hashes.SHA384, "secp521r1": hashes.SHA512}
    return ECDSA(of_curve.get(key.curve.name, hashes.SHA256)())


def _signed(key: "EllipticCurvePublicKey", signature: bytes, content: bytes) -> bool:
    from cryptography.exceptions import InvalidSignature

    try:
        key.verify(signature, content, _algorithm(key))
    except InvalidSignature:
        return False
    return True
