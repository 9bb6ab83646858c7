"""The tokens that ECR's GetAuthorizationToken gives, and that its registry takes.

Takes an account and a region, gives a token that says which registry it is for and until when, with
a seal that nobody without the state folder can make. On AWS the registry's host name says account
and region; here all registries share one address on loopback, so the token says it. It is valid for
12 hours of the emulator's clock, as AWS's is (ECR API, GetAuthorizationToken).
"""

import base64
import binascii
import contextlib
import hashlib
import hmac
import json
import os
import secrets
from pathlib import Path
from typing import NamedTuple

from modelway.emulator.clock import Clock

VALID_SECONDS = 12 * 3600
USER = "AWS"


class Registry(NamedTuple):
    """What a token is for: all repositories of an account in a region."""

    account: str
    """12 digits."""
    region: str


class TokenError(Exception):
    """A token is not accepted; the message says why."""


class Tokens:
    """Makes and reads tokens.

    Args:
        folder: where the key is kept, so that a login outlives a restart; made when first needed.
        clock: of the emulator.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._file = folder / "token.key"
        self._clock = clock

    def issue(self, registry: Registry) -> tuple[str, float]:
        """Give a password for the user `AWS`, and until when it is valid, in virtual seconds."""
        until = self._clock.now() + VALID_SECONDS
        said = {"account": registry.account, "region": registry.region, "until": until}
        content = json.dumps(said).encode()
        return f"{_text(content)}.{_text(self._seal(content))}", until

    def read(self, authorization: str) -> Registry:
        """Give the registry of a request.

        Args:
            authorization: the request's header, `Basic ...`.

        Raises:
            TokenError: it has no token, a forged one, or an old one.
        """
        scheme, _, given = authorization.partition(" ")
        if scheme.lower() != "basic":
            raise TokenError("no basic authentication; log in with GetAuthorizationToken's token")
        try:
            user, _, password = base64.b64decode(given, validate=True).decode().partition(":")
            parts = [base64.urlsafe_b64decode(part) for part in password.split(".")]
            content, seal = parts
        except (binascii.Error, ValueError):
            raise TokenError("the password is no token of this emulator") from None
        if user != USER or not hmac.compare_digest(seal, self._seal(content)):
            raise TokenError("the token is not this emulator's; log in again")
        said = json.loads(content)
        if said["until"] < self._clock.now():
            raise TokenError("Your authorization token has expired. Reauthenticate and try again.")
        return Registry(said["account"], said["region"])

    def _seal(self, content: bytes) -> bytes:
        return hmac.digest(self._key(), content, hashlib.sha256)

    def _key(self) -> bytes:
        try:
            return self._file.read_bytes()
        except FileNotFoundError:
            self._file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            part = self._file.with_suffix(f".{secrets.token_hex(4)}")
            part.touch(0o600)
            part.write_bytes(secrets.token_bytes(32))
            with contextlib.suppress(FileExistsError):
                os.link(part, self._file)  # whole, and the first of two stays
            part.unlink()
            return self._file.read_bytes()


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).decode()
