"""HTTP/1.1's words as bytes: first lines, targets, last answers, and where bytes arrive.

Takes and gives bytes and text. Must not know routes.
"""

from http import HTTPStatus
from urllib.parse import unquote

import httptools

from model_server.rest.http import Answer, Request

METHODS = {
    name.encode(): name for name in ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS")
}

KNOWN_TARGETS, KNOWN_TARGET_BYTES = 256, 1024
"""Targets whose path is remembered, and the longest of them."""

STATUS_LINES = {
    status.value: f"HTTP/1.1 {status.value} {status.phrase}\r\n".encode() for status in HTTPStatus
}

CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

ARRIVED = bytearray(256 * 1024)
"""Where the system puts what arrives, for all connections of a process: it is parsed at once, so
nothing is kept here, and a body of 100 kB is copied once less than by a buffer for each read."""

RECEIVED = memoryview(ARRIVED)
"""The same, of which parts can be taken without a copy."""

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
    if len(url) <= KNOWN_TARGET_BYTES:
        if len(_known) >= KNOWN_TARGETS:
            _known.clear()
        _known[url] = found
    return found


def head(request: Request, answer: Answer, date: bytes, *, closes: bool) -> list[bytes]:
    """Give an answer's head in pieces, up to what says how long its body is.

    Args:
        request: what is answered; told where the connection is closed afterwards.
        answer: its answer.
        date: the Date header with its line end.
        closes: whether every connection is closed after its answer.
    """
    parts = [STATUS_LINES[answer.status], date, request.answer_head]
    if closes:
        request.closes = True
    for name, value in answer.headers:
        parts += (name, b": ", value, b"\r\n")
        if name == b"connection" and value == b"close":
            request.closes = True
    if request.closes:
        parts.append(b"connection: close\r\n")
    parts += (b"content-type: ", answer.media_type, b"\r\n")
    return parts


def last_words(answer: Answer) -> bytes:
    """Give an answer after which the connection is closed, to what is no HTTP request."""
    return b"%scontent-type: %s\r\nconnection: close\r\ncontent-length: %d\r\n\r\n%s" % (
        STATUS_LINES[answer.status],
        answer.media_type,
        len(answer.body),
        answer.body,
    )
