"""Calls that stay open: how many there are, and that they end with the server.

Takes streaming calls, ends them. Without a bound, callers who need no credentials could take all
the room that inferences have.
"""

from collections.abc import Callable

from model_server.core.errors import NotReady, Overloaded
from model_server.grpc_v2.status import status_of
from model_server.grpc_v2.transport import Call

MAX_STREAMS = 64
"""Open streams of one process: some for each of a few balancers."""


class Streams:
    """The open streams of a server; on the event loop."""

    def __init__(self) -> None:
        self._open: dict[Call, Callable[[Call], None]] = {}

    def enter(self, call: Call, gone: Callable[[Call], None]) -> bool:
        """Take a call among the open streams, or refuse it.

        Args:
            call: that stays open.
            gone: told when the caller has gone away, or the server stops.
        """
        if len(self._open) >= MAX_STREAMS:
            call.refuse(*status_of(Overloaded(f"{MAX_STREAMS} streams are open already")))
            return False
        self._open[call] = gone
        call.on_gone = lambda: self.leave(call)
        call.watch()
        return True

    def leave(self, call: Call) -> None:
        """End a stream, with success unless it has ended already."""
        gone = self._open.pop(call, None)
        if gone is not None:
            gone(call)
        call.finish()

    def end(self) -> None:
        """End all of them: the server stops."""
        for call, gone in [*self._open.items()]:
            gone(call)
            call.refuse(*status_of(NotReady("the server is stopping")))
        self._open.clear()
