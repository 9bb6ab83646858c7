"""Tokens: JSON Web Tokens that an OpenID Connect issuer signed.

Takes a token as it came in, gives the caller it speaks of. What decides is configured here and
never read from the token: the issuer, the audience, the algorithms (none with a shared secret, so
that a public key can never be taken for one; never ``none``) and the keys. A header's ``jku``,
``x5u``, ``jwk`` and ``x5c``, which would bring their own key, are not looked at.

A token that was found good is remembered by its digest until it ends, so that a caller costs one
signature a token and not one a request. It is forgotten at once when the issuer's keys change.

``pyjwt`` and ``cryptography`` are imported when there are tokens to check.
"""

import hashlib
import time
from base64 import urlsafe_b64decode
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, NoReturn, Protocol

import orjson

from model_server.access.entries import is_plain
from model_server.access.identity import Caller, Identity
from model_server.access.key_set import KeySet
from model_server.access.scopes import scopes_among
from model_server.core.errors import NotReady, Unauthenticated

if TYPE_CHECKING:
    from jwt.algorithms import AllowedPublicKeys

ALGORITHMS = (
    "RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "EdDSA",
)  # fmt: skip
"""What can be allowed: signatures with a private key that the issuer alone has."""

LEEWAY_SECONDS = 30.0
"""How far the issuer's clock and this one may be apart."""

MAX_TOKEN_BYTES = 8192
"""What most servers take for one header; a token with many claims is under 4 KiB."""

MAX_REMEMBERED = 10_000
"""Tokens remembered; the oldest goes first. About 700 bytes each. Only good ones are, so nobody
can push others out without tokens of the issuer."""

INVALID = 'Bearer error="invalid_token"'
"""The challenge for a token that is not good (RFC 6750 3.1)."""


class KeySource(Protocol):
    """Where the issuer's keys come from."""

    @property
    def value(self) -> KeySet | None:
        """The keys in force; another object when they change; None: there are none yet."""
        ...

    def want(self) -> None:
        """Look for new keys soon; returns at once."""
        ...


class Tokens:
    """Checks tokens."""

    def __init__(
        self,
        source: KeySource,
        issuer: str,
        audiences: Sequence[str],
        algorithms: Sequence[str],
        scope_prefix: str = "",
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Say what a good token is.

        Args:
            source: the issuer's keys.
            issuer: what ``iss`` must be, to the letter.
            audiences: of which ``aud`` must name one.
            algorithms: of `ALGORITHMS`.
            scope_prefix: what stands before a scope in ``scope`` or ``scp``, such as ``models/``.
            clock: seconds since 1970, for tokens that are remembered.

        Raises:
            ValueError: an algorithm is none of `ALGORITHMS`, or there is no audience.
        """
        wrong = [name for name in algorithms if name not in ALGORITHMS]
        if wrong or not algorithms or not audiences or not issuer:
            raise ValueError("tokens need an issuer, an audience and asymmetric algorithms")
        self._source = source
        self._issuer = issuer
        self._audiences = list(audiences)
        self._algorithms = frozenset(algorithms)
        self._scope_prefix = scope_prefix
        self._clock = clock
        self._good: dict[bytes, Caller] = {}
        self._good_for: KeySet | None = None

    def identify(self, token: str) -> Caller:
        """Give the caller that a token speaks of.

        Raises:
            Unauthenticated: it is not good; the message says why, and nothing of what it holds.
            NotReady: the issuer's keys have not been fetched yet.
        """
        if len(token) > MAX_TOKEN_BYTES:
            _refuse(f"the token is over {MAX_TOKEN_BYTES} bytes")
        if not token.isascii():
            _refuse("the token is no JSON Web Token")
        keys = self._source.value
        if keys is not self._good_for:
            self._good.clear()
            self._good_for = keys
        digest = hashlib.sha256(token.encode()).digest()
        caller = self._good.get(digest)
        if caller is None:
            if keys is None:
                self._source.want()
                raise NotReady("tokens cannot be checked yet: the issuer's keys are being fetched")
            caller = self._check(token, keys)
            self._remember(digest, caller)
        elif caller.expires <= self._clock():
            del self._good[digest]
            _refuse("the token has expired")
        return caller

    def _remember(self, digest: bytes, caller: Caller) -> None:
        good = self._good
        if len(good) >= MAX_REMEMBERED:
            # One pass for many: asking a dict for its first entry gets slow when it has lost many.
            for old in list(good)[: MAX_REMEMBERED // 10]:
                del good[old]
        good[digest] = caller

    def _check(self, token: str, keys: KeySet) -> Caller:
        import jwt

        key_id, algorithm = self._header(token)
        key = keys.find(key_id, algorithm)
        if key is None:
            if key_id is None:
                _refuse("the token names no key (kid)")
            if key_id in keys.ids:
                _refuse("the token's algorithm does not fit its key")
            self._source.want()
            _refuse("the token's key is not known yet; if it is new, try again in a minute")
        self._check_signature(token, key, algorithm)
        reason = ""
        claims: dict[str, Any] = {}
        try:
            claims = jwt.decode(
                token,
                key,
                algorithms=[algorithm],  # one that is allowed, and that this key is bound to
                audience=self._audiences,
                issuer=self._issuer,
                leeway=LEEWAY_SECONDS,
                options={"require": ["exp", "iss", "aud", "sub"]},
            )
        except Exception as error:  # noqa: BLE001  # whatever bytes do to the library is a refusal
            reason = _reason(error)
        if reason:
            # Not in the handler: the library's error may quote the token, and would hang on ours.
            _refuse(reason)
        return self._caller(claims)

    def _check_signature(self, token: str, key: "AllowedPublicKeys", algorithm: str) -> None:
        """Refuse a wrong signature early; what passes is checked whole by `jwt.decode`.

        The library goes through a token's characters one by one before it looks at the signature,
        which takes up to a millisecond. Anyone may send tokens with a wrong signature.
        """
        import jwt

        signed, _, tail = token.rpartition(".")
        try:
            signature = urlsafe_b64decode(tail + "=" * (-len(tail) % 4))
            good = jwt.get_algorithm_by_name(algorithm).verify(signed.encode(), key, signature)
        except Exception:  # noqa: BLE001  # as below
            good = False
        if not good:
            _refuse("the token's signature is wrong")

    def _header(self, token: str) -> tuple[str | None, str]:
        """Give the key id and the algorithm that the header names, neither believed yet."""
        head = token.split(".", 1)[0]
        try:
            header: Any = orjson.loads(urlsafe_b64decode(head + "=" * (-len(head) % 4)))
        except ValueError:
            header = None
        if not isinstance(header, dict) or token.count(".") != 2:
            _refuse("the token is no JSON Web Token")
        algorithm, key_id = header.get("alg"), header.get("kid")
        if not isinstance(algorithm, str) or algorithm not in self._algorithms:
            _refuse("the token's algorithm is not allowed")
        if key_id is not None and not isinstance(key_id, str):
            _refuse("the token names no key (kid)")
        return key_id, algorithm

    def _caller(self, claims: dict[str, Any]) -> Caller:
        subject = claims["sub"]
        if not is_plain(subject):
            _refuse("the token's subject (sub) is not 1 to 128 printable characters")
        granted = claims.get("scope", claims.get("scp", ""))
        words = granted.split() if isinstance(granted, str) else granted
        scopes = scopes_among(words if isinstance(words, list) else (), self._scope_prefix)
        identity = Identity(subject, scopes, "jwt")
        return Caller(identity, f"jwt:{subject}", None, int(claims["exp"]) + LEEWAY_SECONDS)


def _refuse(reason: str) -> NoReturn:
    raise Unauthenticated(reason, INVALID)


def _reason(error: Exception) -> str:
    """Say what the library found, in our words: its own may quote the token."""
    from jwt import exceptions

    reasons: tuple[tuple[type[Exception], str], ...] = (
        (exceptions.InvalidSignatureError, "the token's signature is wrong"),
        (exceptions.ExpiredSignatureError, "the token has expired"),
        (exceptions.ImmatureSignatureError, "the token is not valid yet (nbf, iat)"),
        (exceptions.InvalidAudienceError, "the token is for another audience (aud)"),
        (exceptions.InvalidIssuerError, "the token is from another issuer (iss)"),
        (exceptions.MissingRequiredClaimError, "the token lacks one of exp, iss, aud and sub"),
        (exceptions.InvalidIssuedAtError, "the token's time of issue (iat) is no number"),
        (exceptions.InvalidSubjectError, "the token's subject (sub) is no text"),
    )
    for kind, reason in reasons:
        if isinstance(error, kind):
            return reason
    return "the token is no JSON Web Token"
