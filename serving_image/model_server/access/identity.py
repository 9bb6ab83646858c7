"""Who asks: credentials as a transport found them, and the identity that they prove.

Gives plain values. Must not check anything; `gate` does.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model_server.access.rates import Bucket, Rate


@dataclass(slots=True)
class Credentials:
    """What a caller showed; None where absent.

    Not frozen: one is made for every request, and making a frozen one takes four times as long.
    """

    authorization: str | None = None
    """The Authorization header, or gRPC metadata, whole: ``Bearer ...``."""

    api_key: str | None = None
    """The ``X-API-Key`` header or ``x-api-key`` metadata."""

    certificate_subject: str | None = None
    """What `certificates.subject_of` says of the client certificate that TLS verified, such as
    ``CN=scoring-job``."""

    address: str = ""
    """The caller's network address: the identity for rate limits where nobody has to prove one."""

    proved: "tuple[object, Caller] | None" = None
    """Whom these proved to be before, and by which file of keys; the gate's own."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A caller who was recognised."""

    name: str

    scopes: frozenset[str]
    """What it may do: ``infer``, ``metadata``, ``metrics``, ``manage``, each for every model, or
    for one as in ``infer:fraud``; ``*`` is everything."""

    method: str
    """How it was proved: ``api-key``, ``jwt``, ``mtls`` or ``anonymous``."""


@dataclass(frozen=True, slots=True)
class Caller:
    """An identity, and what the gate has to know beside it."""

    identity: Identity

    account: str
    """What its requests are counted under: the method and the name."""

    rate: "Rate | None" = None
    """How often it may ask; None: as often as callers may by default."""

    expires: float = math.inf
    """When its proof ends, in seconds since 1970; the proof is good before that moment."""


@dataclass(slots=True)
class Admission:
    """A request that may go on; give it back with `Gate.release` when it has ended.

    Not frozen, as `Credentials`.
    """

    identity: Identity

    headers: tuple[tuple[bytes, bytes], ...] = ()
    """Headers for the answer: RateLimit-Policy and RateLimit; lower-case names."""

    bucket: "Bucket | None" = None
    """Where the request is counted as under way; the gate's own."""
