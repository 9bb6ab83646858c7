"""API keys: random texts that callers send, of which the server knows the digests only.

Takes a key as it came in, gives the caller it belongs to. Keys lie in a JSON file of::

    [{"name": "scoring-job", "sha256": "<64 hexadecimal digits>", "scopes": ["infer"],
      "expires": "2027-01-31T00:00:00Z", "rate": {"per_second": 50, "burst": 100}}]

``expires`` and ``rate`` may be left out. Two entries of one name are one caller with two keys, as
while a key is being replaced; they share one rate. Must not keep a key, nor put one into a message.

Why SHA-256 and not scrypt: scrypt slows down guessing, and a key of 256 random bits cannot be
guessed at any speed. It would cost 50 ms of the event loop for each request, or for each wrong
key that anybody cares to send. So keys that a person could remember are not taken at all: one
shorter than `MIN_KEY_LENGTH` is refused whatever the file says.

Why finding a digest in a dict leaks nothing: what the time of the search depends on is the digest
of what the caller sent, and nobody can choose a text by its digest. Who learned a stored digest
completely would still have no key. The dict's own hash has a random seed in each process, and the
last word is a comparison in constant time.
"""

import hashlib
import hmac
import secrets
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path

from model_server.access.entries import (
    Entry,
    FileUnusable,
    OnEvent,
    WatchedFile,
    is_plain,
    no_events,
    parse_moment,
    read_list,
)
from model_server.access.identity import Caller, Identity
from model_server.access.scopes import TAKES, is_scope
from model_server.core.errors import Unauthenticated

PREFIX = "msk_"
"""What every key made here begins with, so that scanners for leaked secrets can know it."""

KEY_BYTES = 32
"""Random bytes of a key: 256 bits."""

MIN_KEY_LENGTH = 32
"""128 bits in hexadecimal: the least that counts as random."""

MAX_KEY_LENGTH = 512

INVALID = 'Bearer error="invalid_token"'
"""The challenge where credentials were shown and are wrong (RFC 6750 3.1)."""

_FIELDS = frozenset({"name", "sha256", "scopes", "expires", "rate"})

KeyTable = dict[bytes, tuple[bytes, Caller]]
"""By digest: the digest as the file has it, and whose it is."""


class ApiKeys:
    """The keys in force."""

    def __init__(
        self,
        path: Path,
        on_event: OnEvent = no_events,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Read the keys.

        Args:
            path: the file.
            on_event: told when the file changes or is broken.
            clock: seconds since 1970.

        Raises:
            FileUnusable: the file cannot be used.
        """
        self._file = WatchedFile(path, parse_keys, on_event)
        self._clock = clock

    def poll(self) -> None:
        """Read the file again if it has changed."""
        self._file.poll()

    @property
    def table(self) -> KeyTable:
        """The keys in force, another object whenever the file has changed."""
        return self._file.value

    def still(self, caller: Caller) -> bool:
        """Whether the key of a caller in the table has not expired."""
        return caller.expires > self._clock()

    def identify(self, key: str) -> Caller:
        """Give the caller that a key belongs to.

        Raises:
            Unauthenticated: it belongs to none, or has expired.
        """
        if MIN_KEY_LENGTH <= len(key) <= MAX_KEY_LENGTH and key.isascii():
            digest = hashlib.sha256(key.encode()).digest()
            found = self._file.value.get(digest)
            if found is not None and hmac.compare_digest(digest, found[0]):
                caller = found[1]
                if not self.still(caller):
                    raise Unauthenticated("the API key has expired", INVALID)
                return caller
        raise Unauthenticated("the API key is not known", INVALID)


def parse_keys(data: bytes) -> KeyTable:
    """Read the file of keys.

    Raises:
        FileUnusable: with everything that is wrong with it.
    """
    problems: list[str] = []
    table: KeyTable = {}
    by_name: dict[str, Caller] = {}
    for number, given in enumerate(read_list(data)):
        entry = Entry(number, given, _FIELDS)
        name = entry.text("name")
        digest = entry.digest("sha256")
        identity = Identity(name, entry.scopes(), "api-key")
        caller = Caller(identity, f"api-key:{name}", entry.rate(), entry.expires())
        if digest and digest in table:
            entry.problems.append(f"[{number}] has the same sha256 as an entry before it")
        first = by_name.setdefault(name, caller)
        if first.rate is not caller.rate:
            entry.problems.append(
                f"[{number}] has another rate than an entry before it of the same name, "
                "with which it shares one"
            )
        table[digest] = (digest, caller)
        problems += entry.problems
    if problems:
        raise FileUnusable(problems)
    return table


def new_key(
    name: str, scopes: Sequence[str] = ("infer",), expires: str | None = None
) -> tuple[str, dict[str, object]]:
    """Make a key and the entry for the file.

    Args:
        name: whose it is, 1 to 128 printable characters.
        scopes: what it may do. Default ``infer``, for every model.
        expires: until when, in RFC 3339 with its zone. Default for ever.

    Returns:
        The key, which is nowhere else and cannot be found again, and the entry, which is no secret
        to speak of.

    Raises:
        ValueError: a name, scope or moment is none; the message says which.
    """
    if not is_plain(name):
        raise ValueError("a name takes 1 to 128 printable characters, none of them around it blank")
    wrong = [scope for scope in scopes if not is_scope(scope)]
    if wrong or not scopes:
        raise ValueError(
            f"{', '.join(map(repr, wrong)) or 'nothing'} is no scope; it takes {TAKES}"
        )
    key = PREFIX + secrets.token_urlsafe(KEY_BYTES)
    entry: dict[str, object] = {
        "name": name,
        "sha256": hashlib.sha256(key.encode()).hexdigest(),
        "scopes": list(scopes),
    }
    if expires is not None:
        moment = parse_moment(expires)
        if moment is None:
            raise ValueError(f"{expires!r} is no moment with its zone, as 2027-01-31T00:00:00Z is")
        entry["expires"] = datetime.fromtimestamp(moment, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    return key, entry
