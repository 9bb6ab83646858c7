"""gRPC calls as they come and go, on grpcio's completion queue.

Takes method names with handlers, gives each handler its `Call` on the event loop. Must not know
messages or models. Everything of grpcio that is not public is used here, and got from
`grpcio_core`.

Why not ``grpc.aio`` or ``grpc.server``: one ModelInfer that does nothing, 64 in flight, on a core
of its own, costs 320 us of CPU in ``grpc.aio``, 220 us in ``grpc.server`` and 70 us here (grpcio
1.85, a 3 KiB message; the whole server with a model takes 130). Nearly all of that are hand-overs
between threads: nine and five context switches a call there, one here. One thread waits for the
queue's events and hands over everything that has arrived at once; answers are sent from the event
loop. The interface that this takes (``Server``, ``CompletionQueue``, operations) is the one that
grpcio's own ``grpc.server`` is written on. The tests pass with 1.81 to 1.85; `grpcio_core` says so
when a release has another one.
"""

import asyncio
import contextlib
import math
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

from model_server.grpc_v2.grpcio_core import (
    OTHER_INTERFACE,
    Unusable,
    address_of,
    core_of_grpcio,
)

LISTENING_CALLS = 128
"""Calls that grpcio may accept before the waiting thread has seen the first of them; those beyond
wait in grpcio, which drops them when the server stops."""

LAST_WORDS_SECONDS = 1.0
"""Time for calls that are cut off to be told so."""

Metadata = tuple[tuple[str, str | bytes], ...]

Handler = Callable[["Call"], None]
"""Leads to exactly one `Call.answer`, `Call.refuse` or `Call.finish`, at once or later."""


class Method(NamedTuple):
    """What answers one method."""

    handler: Handler
    streams: bool = False
    """The handler reads and writes messages itself; otherwise it gets the call with its one."""


class Call:
    """One call, from its head to its status. Used on the event loop only."""

    __slots__ = (
        "_core",
        "_head_sent",
        "_transport",
        "_watched",
        "answered",
        "deadline",
        "message",
        "metadata",
        "method",
        "on_gone",
        "received",
    )

    def __init__(self, transport: "Transport", event: Any, method: str) -> None:
        self._transport = transport
        self._core = event.call
        self._head_sent = self._watched = False
        self.method = method
        """Such as ``/inference.GRPCInferenceService/ModelInfer``."""
        self.metadata: Metadata = event.invocation_metadata
        self.message = b""
        """The request, where the method does not stream."""
        self.received = time.monotonic()
        self.deadline: float = event.call_details.deadline
        """When the caller stops waiting, in seconds since 1970; infinite where it does not say."""
        self.answered = False
        """A status was sent; nothing can be sent any more."""
        self.on_gone: Callable[[], None] | None = None
        """Called when the caller is gone before there is a status, as far as it was noticed: at
        once after `watch`."""

    @property
    def seconds_left(self) -> float:
        """Time until the caller stops waiting; infinite where it does not say."""
        return math.inf if self.deadline == math.inf else self.deadline - time.time()

    @property
    def address(self) -> str:
        """The caller's network address without its port; empty where it has none."""
        return address_of(self._core.peer())

    @property
    def certificate(self) -> bytes | None:
        """The client's certificate in PEM, where TLS verified one."""
        found = self._transport.core.auth_context(self._core).get(b"x509_pem_cert")
        return found[0] if found else None

    def answer(self, message: bytes, trailing: Metadata = ()) -> None:
        """Send the one message of the answer, and success."""
        if not self.answered:
            core = self._transport.core
            self._end(trailing, 0, b"", (core.SendMessageOperation(message, 0),))

    def refuse(self, status: int, details: bytes, trailing: Metadata = ()) -> None:
        """Send an error.

        Args:
            status: gRPC's number of it.
            details: what callers read, in UTF-8.
            trailing: metadata that goes with it.
        """
        if not self.answered:
            self._end(trailing, status, details, ())

    def finish(self) -> None:
        """End a stream with success."""
        self.refuse(0, b"")

    def receive(self, then: Callable[[bytes | None], None]) -> None:
        """Wait for a stream's next message; None: there will be none."""

        def received(event: Any) -> None:
            message = event.batch_operations[0].message()
            self._transport.call_soon(then, message)

        self._start((self._transport.core.ReceiveMessageOperation(0),), received)

    def send(self, message: bytes, then: Callable[[bool], None]) -> None:
        """Send one message of a stream; the next one only after ``then``.

        Args:
            message: to be sent.
            then: told whether it could be sent.
        """
        if self.answered:
            return
        operation = self._transport.core.SendMessageOperation(message, 0)

        def sent(event: Any) -> None:
            self._transport.call_soon(then, event.success)

        self._start((*self._head(), operation), sent)

    def watch(self) -> None:
        """Notice when the caller goes away."""
        if self._watched or self.answered:
            return
        self._watched = True

        def closed(event: Any) -> None:
            if event.batch_operations[0].cancelled():
                self._transport.call_soon(self._gone)

        self._start((self._transport.core.ReceiveCloseOnServerOperation(0),), closed)

    def _gone(self) -> None:
        if not self.answered and self.on_gone is not None:
            self.on_gone()

    def _head(self) -> tuple[Any, ...]:
        if self._head_sent:
            return ()
        self._head_sent = True
        return (self._transport.core.SendInitialMetadataOperation(None, 0),)

    def _end(
        self, trailing: Metadata, status: int, details: bytes, operations: tuple[Any, ...]
    ) -> None:
        self.answered = True
        self.on_gone = None
        core = self._transport.core
        operations = (
            *self._head(),
            *operations,
            core.SendStatusFromServerOperation(trailing, status, details, 0),
        )
        if not self._watched:
            # Every call has to be asked once when it is closed; here it costs no event of its own.
            self._watched = True
            operations += (core.ReceiveCloseOnServerOperation(0),)
        self._start(operations, self._transport.ended)

    def _start(self, operations: tuple[Any, ...], tag: Callable[[Any], None]) -> None:
        if not self._transport.closed:
            self._core.start_server_batch(operations, tag)


class Transport:
    """A gRPC server without methods of its own."""

    def __init__(
        self,
        methods: Mapping[str, Method],
        unknown: Handler,
        overloaded: Handler,
        max_calls: int,
        options: tuple[tuple[str, int | str], ...],
    ) -> None:
        """Make a server; it listens after `start`. Call it on the event loop.

        Args:
            methods: what answers which method.
            unknown: answers every other one, without its message.
            overloaded: answers a call that is one too many, without its message.
            max_calls: calls at once.
            options: grpcio's channel arguments.

        Raises:
            Unusable: the installed grpcio has another interface.
        """
        self.core = core_of_grpcio()
        self.active = 0
        """Calls that have come and whose answer has not left."""
        self.waiting: dict[Call, None] = {}
        """Calls whose message has not come; also written by the waiting thread."""
        self._methods = methods
        self._unknown = unknown
        self._overloaded = overloaded
        self._max_calls = max_calls
        self._loop = asyncio.get_running_loop()
        self._inbox: deque[tuple[Callable[..., None], Any]] = deque()
        self._awake = False
        self._stopping = False
        self.closed = False
        """Nothing can be sent any more: the queue is gone or about to go."""
        self._stopped: asyncio.Future[None] = self._loop.create_future()
        self._listening = 0
        self._shut = False
        try:
            self._queue = self.core.CompletionQueue()
            encoded = tuple((name.encode(), value) for name, value in options)
            self._server = self.core.Server(encoded, False)
            self._server.register_completion_queue(self._queue)
        except TypeError as error:
            raise Unusable(OTHER_INTERFACE) from error
        self._thread = threading.Thread(target=self._wait, name="grpc", daemon=True)

    def start(self, address: str, credentials: Any = None) -> int:
        """Listen.

        Args:
            address: host and port; 0 is any free port.
            credentials: grpcio's server credentials; None: no TLS.

        Returns:
            The port.

        Raises:
            Unusable: the address cannot be listened on.
        """
        arguments = () if credentials is None else (credentials._credentials,)  # noqa: SLF001  # there is no other way to it
        try:
            port: int = self._server.add_http2_port(address.encode(), *arguments)
        except RuntimeError:
            port = 0
        if port == 0:
            raise Unusable(
                f"{address} cannot be listened on; choose another MODEL_SERVER_GRPC_PORT"
            )
        self._server.start()
        for _ in range(LISTENING_CALLS):
            self._listen()
        self._thread.start()
        return port

    async def stop(self, seconds: float) -> int:
        """Accept no more calls and wait for those under way; what is left then is cut off.

        Returns:
            The number of calls that were cut off.
        """
        self._stopping = True
        self._server.shutdown(self._queue, self._on_shutdown)
        await asyncio.wait([self._stopped], timeout=seconds)
        lost = self.active
        if not self._stopped.done():
            self._server.cancel_all_calls()
            await asyncio.wait([self._stopped], timeout=LAST_WORDS_SECONDS)
        self.closed = True
        return lost

    def call_soon(self, function: Callable[..., None], *arguments: Any) -> None:
        """Call something on the event loop; from any thread, for as little as can be."""
        self._inbox.append((function, arguments))
        # Written before it is read here, read before it is written in `_deliver`: what is put in
        # now is either seen by the delivery under way or wakes another one.
        if not self._awake:
            self._awake = True
            try:
                self._loop.call_soon_threadsafe(self._deliver)
            except RuntimeError:
                self._awake = False  # the loop has ended, and nobody waits

    def ended(self, _event: Any) -> None:
        """Count a call whose status has left; called in the waiting thread."""
        self.active -= 1

    def _deliver(self) -> None:
        self._awake = False
        inbox = self._inbox
        while inbox:
            function, arguments = inbox.popleft()
            try:
                function(*arguments)
            except Exception as error:  # noqa: BLE001  # the others must be delivered all the same
                self._report(error)

    def _report(self, error: Exception) -> None:
        self._loop.call_exception_handler({"message": "a gRPC call failed", "exception": error})

    def _wait(self) -> None:
        """Take the queue's events; the thread's whole life."""
        poll, timed_out = self._queue.poll, self.core.CompletionType.queue_timeout
        while not (self._shut and self._listening == 0 and (self.active == 0 or self.closed)):
            # Not without an end: the last calls may end without an event that is waited for here.
            event = poll(time.time() + 0.2 if self._stopping else None)
            if event.completion_type != timed_out:
                try:
                    event.tag(event)
                except Exception as error:  # noqa: BLE001  # the thread must outlive every call
                    self.call_soon(self._report, error)
            event = None  # grpcio's own loop does so: an event can keep a call that is over
        self.call_soon(self._ended)

    def _ended(self) -> None:
        """Let go of the server, in the thread that uses it."""
        self.closed = True
        self._server.destroy()
        if not self._stopped.done():
            self._stopped.set_result(None)

    def _on_shutdown(self, _event: Any) -> None:
        self._shut = True

    def _listen(self) -> None:
        # It raises where the event loop's thread has just begun to stop.
        with contextlib.suppress(ValueError):
            self._server.request_call(self._queue, self._queue, self._on_call)
            self._listening += 1

    def _on_call(self, event: Any) -> None:
        """A call has come; in the waiting thread."""
        self._listening -= 1
        if not event.success:
            return
        if not self._stopping:
            self._listen()
        name = event.call_details.method.decode("utf-8", "replace")
        call = Call(self, event, name)
        method = self._methods.get(name)
        self.active += 1
        if method is None:
            self.call_soon(self._unknown, call)
        elif self.active > self._max_calls:
            self.call_soon(self._overloaded, call)
        elif method.streams:
            self.call_soon(method.handler, call)
        else:
            self.waiting[call] = None

            def received(event: Any) -> None:
                self.waiting.pop(call, None)
                message = event.batch_operations[0].message()
                if message is None:
                    self.call_soon(self._without_message, call)
                else:
                    call.message = message
                    self.call_soon(method.handler, call)

            call._start((self.core.ReceiveMessageOperation(0),), received)  # noqa: SLF001  # one module

    def _without_message(self, call: Call) -> None:
        """The caller went away, sent nothing or more than may be; grpcio has its own words."""
        call.refuse(3, b"the call ended before its message was complete")
