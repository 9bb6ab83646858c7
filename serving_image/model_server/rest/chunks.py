"""An answer whose body comes in parts, as HTTP/1.1 chunks (RFC 9112 7.1).

Takes parts, gives them to the connection. Must not keep them.
"""

import contextlib
from typing import Protocol

from model_server.rest.http import Answer, Disconnected, Request


class Writer(Protocol):
    """The connection, as an answer in parts needs it."""

    def put(self, request: Request, data: bytes) -> None:
        """Write bytes, or raise Disconnected."""
        ...

    def end(self, request: Request, answer: Answer, body_bytes: int, *, whole: bool) -> None:
        """The answer is complete, or cannot be completed and the connection ends."""
        ...

    async def room(self) -> None:
        """Wait while the caller reads slower than we write."""
        ...


class Chunks:
    """One answer in chunks."""

    def __init__(self, writer: Writer, request: Request, answer: Answer) -> None:
        self._writer = writer
        self._request = request
        self._answer = answer
        self._bytes = 0
        self._ended = False

    async def write(self, data: bytes) -> None:
        """Send a part; waits while the caller reads slower than we write.

        Raises:
            Disconnected: the caller went away.
        """
        self.put(data)
        await self._writer.room()

    def put(self, data: bytes) -> None:
        """Send a part without waiting."""
        if data:  # an empty chunk would end the body
            self._bytes += len(data)
            self._writer.put(self._request, b"%x\r\n%s\r\n" % (len(data), data))

    def end(self) -> None:
        """The answer is complete; a second call does nothing."""
        if not self._ended:
            self._ended = True
            with contextlib.suppress(Disconnected):
                self._writer.put(self._request, b"0\r\n\r\n")
                self._writer.end(self._request, self._answer, self._bytes, whole=True)

    def abort(self) -> None:
        """The answer cannot be completed: without a last chunk the caller sees that it is not."""
        if not self._ended:
            self._ended = True
            self._writer.end(self._request, self._answer, self._bytes, whole=False)
