"""HTTP/1.1's words as bytes: first lines, targets, last answers, and where bytes arrive.

Takes and gives bytes and text. Must not know routes.
"""

from http import HTTPStatus
from urllib.parse import unquote

import httptools

from model_server.rest.http import Answer

METHODS = {
    name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
}

KNOWN_TARGETS = 256
"""Targets whose path is remembered."""

STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

RECEIVED = memoryview(bytearray(256 * 1024))
"""Where the system puts what arrives, for all connections of a process: it is parsed at once, so
nothing is kept here, and a body of 100 kB is copied once less than by a buffer for each read."""

_known: dict[bytes, tuple[str, bytes]] = {}


def path_and_query(url: bytes) -> tuple[str, bytes]:
    """Give the path, percent-decoded, and the query; an empty path where there is none."""
    known = _known.get(url)
    if known is not None:
        return known
    raw, _, query = url.partition(b"?")
    if not raw.startswith(b"/"):
        try:  # absolute form, as a proxy sends it; `*` and authorities have no path
            parsed = httptools.parse_url(url)
        except httptools.HttpParserInvalidURLError:
            return "", b""
        raw, query = parsed.path or b"", parsed.query or b""
        if not raw.startswith(b"/"):
            return "", b""
    path = raw.decode("latin-1")
    found = (unquote(path, errors="replace") if "%" in path else path), query
    if len(_known) >= KNOWN_TARGETS:
        _known.clear()
    _known[url] = found
    return found


def last_words(answer: Answer) -> bytes:
    """Give an answer after which the connection is closed, to what is no HTTP request."""
    return b"%scontent-type: %s\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (
        STATUS_LINES[answer.status],
        answer.media_type,
        len(answer.body),
        answer.body,
    )
