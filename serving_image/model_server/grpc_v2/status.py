"""Errors as gRPC: the one place where a meaning becomes a status.

Takes any error of the server, gives gRPC's number, the text that callers read and the metadata that
goes with it. Texts never hold paths of the machine or stack traces.
"""

import math

from model_server.core.errors import (
    Code,
    ModelServerError,
    NotReady,
    Overloaded,
    RateLimited,
    Unauthenticated,
)
from model_server.grpc_v2.transport import Metadata

OK = "OK"

NUMBERS: dict[Code, int] = {
    Code.INVALID_ARGUMENT: 3,
    Code.DEADLINE_EXCEEDED: 4,
    Code.NOT_FOUND: 5,
    Code.ALREADY_EXISTS: 6,
    Code.PERMISSION_DENIED: 7,
    Code.RESOURCE_EXHAUSTED: 8,
    Code.UNIMPLEMENTED: 12,
    Code.INTERNAL: 13,
    Code.UNAVAILABLE: 14,
    Code.UNAUTHENTICATED: 16,
}
"""https://grpc.github.io/grpc/core/md_doc_statuscodes.html"""

MAX_DETAILS_BYTES = 4096
"""Longest text as it travels. Clients refuse answers whose metadata is over 8 KiB by default."""

CUT = b" ..."

RETRY_SECONDS = 1
"""When to come back where the server cannot know."""

_PLAIN = frozenset(range(0x20, 0x7F)) - {0x25}
"""Bytes that travel as they are; the others take three (percent-encoding in gRPC's HTTP/2)."""


def status_of(error: ModelServerError) -> tuple[int, bytes, Metadata]:
    """Give the number, the text and the trailing metadata of an error."""
    text = error.message
    if error.problems:
        text = f"{text}: {'; '.join(error.problems)}"
    return NUMBERS[error.code], details_of(text), _metadata(error)


def details_of(text: str) -> bytes:
    """Give a text as it may be sent: without control characters, and not too long."""
    # Long before anything is looked at byte by byte; a byte takes one at least.
    text = text[: MAX_DETAILS_BYTES + 1]
    clean = "".join([char if char.isprintable() else " " for char in text])
    data = clean.encode("utf-8", "replace")
    size = 0
    for position, byte in enumerate(data):
        size += 1 if byte in _PLAIN else 3
        if size > MAX_DETAILS_BYTES:
            return _cut(data[:position]) + CUT
    return data


def _cut(data: bytes) -> bytes:
    """Make room for the mark, and leave no character in parts."""
    return data[: -len(CUT)].decode("utf-8", "ignore").encode()


def _metadata(error: ModelServerError) -> Metadata:
    if isinstance(error, RateLimited):
        seconds = error.retry_after_seconds
        return (
            ("retry-after", str(max(1, math.ceil(seconds)))),
            # What clients with a retry policy follow (gRFC A6).
            ("grpc-retry-pushback-ms", str(max(1, math.ceil(seconds * 1000)))),
        )
    if isinstance(error, NotReady | Overloaded):
        return (("retry-after", str(RETRY_SECONDS)),)
    if isinstance(error, Unauthenticated):
        return (("www-authenticate", error.challenge),)
    return ()
