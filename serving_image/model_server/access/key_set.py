"""The keys that an issuer signs tokens with: a JSON Web Key Set (RFC 7517).

Takes the set's bytes, gives public keys, each bound to the algorithms it may be used with: the ones
that are allowed here, fit its kind, and are its own ``alg`` where it names one. A token's header
can therefore never choose how its signature is checked. Must not take a symmetric or a private key.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from model_server.access.entries import FileUnusable, OnEvent, WatchedFile, no_events

if TYPE_CHECKING:
    from jwt.algorithms import AllowedPublicKeys

MAX_KEY_SET_BYTES = 262_144
"""A key is under 2 KiB; issuers publish two to ten."""

MAX_KEYS = 100

MIN_RSA_BITS = 2048
"""RFC 7518 3.3."""

ALGORITHMS_OF_KIND = {
    "RSA": ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"),
    "EC P-256": ("ES256",),
    "EC P-384": ("ES384",),
    "OKP Ed25519": ("EdDSA",),
}
"""By the key's ``kty`` and ``crv``."""


class KeySet(NamedTuple):
    """Public keys."""

    by_id: "dict[tuple[str, str], AllowedPublicKeys]"
    """By key id and algorithm."""

    ids: frozenset[str]
    """Key ids of the set, also of those that cannot be used."""

    alone: "dict[str, AllowedPublicKeys]"
    """By algorithm, where just one key can be meant by a token that names none."""

    def find(self, key_id: str | None, algorithm: str) -> "AllowedPublicKeys | None":
        """Give the key that a token speaks of, or None."""
        if key_id is None:
            return self.alone.get(algorithm)
        return self.by_id.get((key_id, algorithm))


def parse_key_set(data: bytes, allowed: Sequence[str]) -> KeySet:
    """Read a key set; keys in it that cannot be used here are left out.

    Raises:
        FileUnusable: it is no key set, or holds no key that can be used.
    """
    given: Any = None
    if len(data) <= MAX_KEY_SET_BYTES:
        try:
            given = orjson.loads(data)
        except orjson.JSONDecodeError:
            given = None
    keys = given.get("keys") if isinstance(given, dict) else None
    if not isinstance(keys, list) or len(keys) > MAX_KEYS:
        raise FileUnusable(
            [f'it is no {{"keys": [...]}} of up to {MAX_KEYS} keys and {MAX_KEY_SET_BYTES} bytes']
        )
    by_id: dict[tuple[str, str], AllowedPublicKeys] = {}
    by_algorithm: dict[str, list[AllowedPublicKeys]] = {}
    ids: set[str] = set()
    problems: list[str] = []
    for number, jwk in enumerate(keys):
        key_id = jwk.get("kid") if isinstance(jwk, dict) else None
        if isinstance(key_id, str):
            ids.add(key_id)
        try:
            key, algorithms = _usable(jwk, allowed)
        except ValueError as error:
            problems.append(f"keys[{number}] {error}")
            continue
        for algorithm in algorithms:
            by_algorithm.setdefault(algorithm, []).append(key)
            if isinstance(key_id, str):
                by_id.setdefault((key_id, algorithm), key)
    if not by_algorithm:
        raise FileUnusable(["it holds no key that can be used", *problems])
    alone = {name: found[0] for name, found in by_algorithm.items() if len(found) == 1}
    return KeySet(by_id, frozenset(ids), alone)


def _usable(jwk: object, allowed: Sequence[str]) -> "tuple[AllowedPublicKeys, list[str]]":
    from jwt.algorithms import ECAlgorithm, OKPAlgorithm, RSAAlgorithm

    if not isinstance(jwk, dict):
        raise ValueError("is no object")  # noqa: TRY004  # about the file, not about our code
    if "d" in jwk or jwk.get("kty") == "oct":
        raise ValueError("is a secret; a key set holds public keys only")
    kind, curve = jwk.get("kty"), jwk.get("crv", "")
    known = ALGORITHMS_OF_KIND.get(f"{kind} {curve}".strip(), ())
    own = jwk.get("alg")
    algorithms = [name for name in known if name in allowed and own in (None, name)]
    if not algorithms:
        raise ValueError(f"fits none of the algorithms allowed here: {', '.join(allowed)}")
    purposes = jwk.get("key_ops", ["verify"])
    if jwk.get("use", "sig") != "sig" or not isinstance(purposes, list) or "verify" not in purposes:
        raise ValueError("is not for checking signatures")
    maker = {"RSA": RSAAlgorithm, "EC": ECAlgorithm, "OKP": OKPAlgorithm}[str(kind)]
    try:
        key: Any = maker.from_jwk(jwk)
    except Exception:  # noqa: BLE001  # numbers that are no key fail in many ways
        raise ValueError("cannot be read") from None
    if kind == "RSA" and key.key_size < MIN_RSA_BITS:
        raise ValueError(f"is an RSA key of less than {MIN_RSA_BITS} bits")
    return key, algorithms


class StoredKeySet(WatchedFile[KeySet]):
    """A key set in a file."""

    def __init__(self, path: Path, allowed: Sequence[str], on_event: OnEvent = no_events) -> None:
        """Read it.

        Raises:
            FileUnusable: it is no key set, or holds no key that can be used.
        """
        super().__init__(path, lambda data: parse_key_set(data, allowed), on_event, secret=False)

    def want(self) -> None:
        """Do nothing: the file is looked at every second anyway."""
