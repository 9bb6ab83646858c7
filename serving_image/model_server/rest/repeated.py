"""The head that a caller sends again and again on one connection, read once.

Takes what arrived, gives the request whose head is the one before it, byte for byte but for the
number in Content-Length; or nothing, and then the parser has to read it. Most callers keep a
connection and say the same in every head, and to parse it, header by header, takes a tenth of a
small request's time. Must not judge anything by itself: a head is only remembered after the parser
has taken it, where its end and the body's length agree with the parser's, so that what is
recognised here is read as the parser would read it.
"""

import time

from model_server.rest import wire
from model_server.rest.headers import Headers
from model_server.rest.http import Connection, Request

KNOWN_HEAD_BYTES = 4096
"""A longer head is not remembered. A token's head is about 2 KiB."""

MAX_DIGITS = 10
"""Of a length that is recognised."""

TRIES = 8
"""Heads that are remembered in vain before it is given up: who puts a new id into every head would
pay for the remembering."""

LENGTH = b"content-length"

_NAME = b"\r\n" + LENGTH + b":"
_END = b"\r\n\r\n"


class RepeatedHead:
    """The last head of one connection."""

    __slots__ = ("_after", "_before", "_headers", "_request", "_tries")

    def __init__(self) -> None:
        self._before = b""  # what the head has before the number in Content-Length
        self._after = b""  # and behind it, with the empty line
        self._headers = Headers([])
        self._request = ("", "", b"")
        self._tries = TRIES

    def recognise(self, size: int, connection: Connection, seconds: float) -> Request | None:
        """Give the one request that arrived, whole; None: the parser has to read it.

        Args:
            size: bytes that lie in `wire.ARRIVED`, where the parser is between two requests.
            connection: the request's.
            seconds: how long it may take.
        """
        arrived, before = wire.ARRIVED, self._before
        if not before or not arrived.startswith(before):
            return None
        start = len(before)
        end = arrived.find(b"\r", start, start + MAX_DIGITS + 1)
        if end < 0 or not arrived.startswith(self._after, end):
            return None
        digits = bytes(arrived[start:end])
        if not digits.isdigit():
            return None
        begin = end + len(self._after)
        # What lies behind `size` came before, and takes no part: all of this was within it.
        if begin + int(digits) != size:
            return None
        self._tries = TRIES
        now = time.monotonic()
        body = bytes(wire.RECEIVED[begin:size])
        return Request(*self._request, self._headers, body, connection, now, now + seconds)

    def remember(self, size: int, request: Request) -> None:
        """Remember the head of a request that arrived by itself and was parsed.

        Args:
            size: bytes that lie in `wire.ARRIVED`, where the parser was between two requests
                before and is so again.
            request: the only one that was in them.
        """
        if not self._tries:
            return
        self._tries -= 1
        self._before = b""
        get = request.headers.get
        digits = get(LENGTH)
        if digits is None or get(b"transfer-encoding") or get(b"expect"):
            return
        arrived = wire.ARRIVED
        end = arrived.find(_END, 0, KNOWN_HEAD_BYTES) + len(_END)
        # A head that ended elsewhere, as with bare line feeds, would leave another rest.
        if end < len(_END) or end + len(request.body) != size or not digits.isdigit():
            return
        lower = arrived[:end].lower()
        start = lower.find(_NAME) + len(_NAME)
        while lower[start : start + 1] == b" ":
            start += 1
        if lower.count(_NAME) != 1 or not lower.startswith(digits + b"\r\n", start):
            return
        self._before = bytes(arrived[:start])
        self._after = bytes(arrived[start + len(digits) : end])
        self._headers = Headers([pair for pair in request.headers.raw if pair[0] != LENGTH])
        self._request = request.method, request.path, request.query
