"""Who of the workers accepts a connection.

Takes the listening socket that all workers share and a factory of protocols, gives connected
protocols. Must not know what a connection is for.

One shared socket, and not one socket a worker with SO_REUSEPORT: a connection that was not accepted
yet belongs to no worker. It is never lost with one, and none waits for a worker that is busy or
being replaced while another is free. Its price is twofold:

- Every idle worker wakes up for a new connection (the thundering herd), and all but one find
  nothing: 5 to 20 us each. EPOLLEXCLUSIVE would wake one, but neither libuv nor asyncio sets it,
  and through an epoll within an epoll it does not work. It is paid per connection, not per request.
- Who accepts is chance, and connections are kept alive for long: of 64 opened at once, one of two
  workers got 33 to 64 in six tries. So each worker tells how many it has, and one that has more
  than another lets that one go first for a millisecond. It then accepts whatever still waits,
  because the other may be busy. The same 64 then split 35 to 29 at worst. A connection costs 0.16
  ms of CPU that way instead of 0.1.
"""

import asyncio
import socket
import ssl
from collections.abc import Callable
from contextlib import suppress

from model_server.process.connections import OpenConnections
from model_server.process.listening import BACKLOG

LEAD = 1
"""Connections that a worker may have more than another before it lets that one go first."""

LEAD_PART = 8
"""And one in this many beyond that: where there are many, equal counts are not worth a wait."""

GIVE_WAY_SECONDS = 0.001

EXHAUSTED_SECONDS = 0.1
"""Pause after the system gave no more file descriptors; connections wait in the backlog."""

MAX_AT_ONCE = 16
"""Connections accepted in one turn of the event loop, before requests have theirs."""

HANDSHAKE_SECONDS = 10.0
"""Longest time for a TLS handshake: as long as for the head of a request."""


class Acceptor:
    """Accepts connections for one worker; on its event loop only."""

    def __init__(
        self,
        listener: socket.socket,
        factory: Callable[[], asyncio.Protocol],
        connections: OpenConnections,
        slot: int,
        *,
        count: Callable[[], int],
        tls: Callable[[], ssl.SSLContext] | None = None,
    ) -> None:
        """Make one that does not accept yet.

        Args:
            listener: the socket that all workers share, which listens and does not block.
            factory: makes the protocol of a connection.
            connections: what all workers have.
            slot: this worker.
            count: gives how many connections this worker has.
            tls: gives what the next connection is encrypted with; None: none is.
        """
        self._listener = listener
        self._factory = factory
        self._connections = connections
        self._slot = slot
        self._count = count
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._server: asyncio.AbstractServer | None = None
        self._sharing = False
        self._gave_way = False
        self._closed = False
        self._timer: asyncio.TimerHandle | None = None
        self._connecting: set[asyncio.Task[None]] = set()

    async def start(self) -> None:
        """Accept as the only worker, the event loop's own way: quicker by 0.06 ms a connection."""
        if self._tls is not None:
            self.share()  # the loop's own way has one certificate for as long as it listens
            return
        self._server = await self._loop.create_server(
            self._factory,
            sock=self._listener.dup(),  # closing the server closes its socket
            backlog=BACKLOG,
        )

    def share(self) -> None:
        """Accept as one of several workers; after `start` or instead of it."""
        if self._closed or self._sharing:
            return
        self._sharing = True
        if self._server is not None:
            self._server.close()  # accepted connections stay
            self._server = None
        self._connections.set(self._slot, self._count())
        self._loop.add_reader(self._listener, self._arrived)

    async def finish(self) -> None:
        """Accept what the system has accepted already, and then no more.

        Connections wait in the backlog where this worker was busy until now, and would be reset
        when the last process closes the listening socket. Between the look at an empty backlog and
        that lie some microseconds.
        """
        if self._closed:
            return
        self._withdraw()
        with suppress(OSError):  # no more file descriptors: what still waits is lost
            for _ in range(BACKLOG):
                if not self._accept():
                    break
        self._listener.close()
        if self._connecting:
            await asyncio.wait(self._connecting)

    def close(self) -> None:
        """Accept no more; accepted connections stay."""
        if not self._closed:
            self._withdraw()
            self._listener.close()

    def _withdraw(self) -> None:
        self._closed = True
        if self._server is not None:
            self._server.close()
        if self._sharing:
            self._connections.withdraw(self._slot)
            self._loop.remove_reader(self._listener)
        if self._timer is not None:
            self._timer.cancel()

    def _arrived(self) -> None:
        for _ in range(MAX_AT_ONCE):
            mine = self._count() + len(self._connecting)
            self._connections.set(self._slot, mine)
            if not self._gave_way:
                least = self._connections.least_of_others(self._slot)
                if mine > least + LEAD + least // LEAD_PART:
                    self._pause(GIVE_WAY_SECONDS)
                    return
            self._gave_way = False
            try:
                if not self._accept():
                    return
            except OSError:
                self._pause(EXHAUSTED_SECONDS)
                return

    def _accept(self) -> bool:
        """Accept a connection; False where there is none.

        Raises:
            OSError: the system gives no more file descriptors.
        """
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, InterruptedError):
            return False  # another worker was first
        except ConnectionAbortedError:
            return True  # the caller is gone; there may be others
        connection.setblocking(False)
        task = self._loop.create_task(self._connect(connection))
        self._connecting.add(task)
        task.add_done_callback(self._connecting.discard)
        return True

    async def _connect(self, connection: socket.socket) -> None:
        try:
            await self._loop.connect_accepted_socket(
                self._factory,
                connection,
                ssl=None if self._tls is None else self._tls(),
                ssl_handshake_timeout=None if self._tls is None else HANDSHAKE_SECONDS,
            )
        except OSError:
            # No TLS, a handshake that failed, or a caller that is gone: nobody to answer.
            connection.close()

    def _pause(self, seconds: float) -> None:
        """Leave the socket to the others for a moment, then accept whatever they left."""
        self._loop.remove_reader(self._listener)
        self._timer = self._loop.call_later(seconds, self._resume)

    def _resume(self) -> None:
        self._timer = None
        self._gave_way = True
        self._loop.add_reader(self._listener, self._arrived)
