"""An answer that leaves in parts as they are made, or as one error when none was made.

Takes the coroutine that makes the parts, gives it a `Parts` to write to and settles what becomes of
the request when it ends, fails or its caller leaves. Must not know what the parts are.
"""

import asyncio
from collections.abc import Awaitable, Callable

from model_server.core.errors import ModelServerError
from model_server.rest.http import Answer, Disconnected, Request, Stream


class Parts:
    """The parts of one answer; nothing leaves before the first."""

    def __init__(self, request: Request, head: Answer) -> None:
        self._request = request
        self._head = head
        self._stream: Stream | None = None

    async def write(self, data: bytes) -> None:
        """Send a part; waits while the caller reads slower than we write.

        Raises:
            Disconnected: the caller went away.
        """
        if self._stream is None:
            self._stream = self._request.stream(self._head)
        await self._stream.write(data)

    def end(self) -> None:
        """All parts were written; without any, the answer is its head."""
        if self._stream is None:
            self._request.answer(self._head)
        else:
            self._stream.end()

    def fail(self, error: Exception) -> None:
        """Answer with an error, or break off what has begun, so that the caller sees it."""
        if self._stream is not None:
            self._stream.abort()
        elif isinstance(error, ModelServerError):
            self._request.refuse(error)
        else:
            self._request.fail(error)


_running: set[asyncio.Task[None]] = set()


def answer_in_parts(
    request: Request, head: Answer, make: Callable[[Parts], Awaitable[None]]
) -> None:
    """Have an answer made in parts; on the event loop, and at once done.

    Args:
        request: is answered.
        head: status, media type and headers, with an empty body.
        make: writes the parts; what it raises is answered or ends the connection.
    """

    async def run() -> None:
        parts = Parts(request, head)
        try:
            await make(parts)
            parts.end()
        except Disconnected:
            return
        except Exception as error:  # noqa: BLE001  # answered and logged, never dropped
            parts.fail(error)

    task = asyncio.get_running_loop().create_task(run())
    _running.add(task)  # a task that nobody holds may be collected while it runs
    task.add_done_callback(_running.discard)
