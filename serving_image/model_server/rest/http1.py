"""One HTTP/1.1 connection: bytes in, requests out; answers in, bytes out.

Takes a transport's bytes, parsed by httptools (Node's llhttp, strict), gives complete `Request`s to
a `Service` one after the other, and writes their answers in the same order. It keeps the limits
that protect the server from callers: size of the head, size of the body, number of chunks, time
for a head and for a body, and how many requests wait behind the one being answered. It must not
know routes, formats or models.

It is our own because the request path is what the server is for: it costs a quarter of what the
same request costs through a general ASGI server, and those have no time-out for a slow head and
no bound on chunks.
"""

import asyncio
import time
from collections import deque
from typing import Any

import httptools

from model_server.access.identity import Credentials
from model_server.core.errors import InvalidInput, ModelServerError
from model_server.rest import limits, wire
from model_server.rest.chunks import Chunks
from model_server.rest.errors import SlowBody, head_too_large, too_large
from model_server.rest.headers import Headers
from model_server.rest.http import Answer, Disconnected, Request, Route, Stream, refusal
from model_server.rest.peer import who_is_at
from model_server.rest.repeated import RepeatedHead
from model_server.rest.service import Service


class Connection(asyncio.BufferedProtocol):
    """One caller's connection."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._parser = httptools.HttpRequestParser(self)
        self._transport: Any = None
        self.address = ""
        self.certificate_subject: str | None = None
        self.shown: tuple[bytes | None, bytes | None, Credentials] | None = None
        self.due = 0.0
        """When to stop waiting for the caller, on the monotonic clock; 0: no limit."""
        self._url = b""
        self._raw: list[tuple[bytes, bytes]] = []
        self._head_bytes = 0  # that came in while the head was not complete
        self._body: list[bytes] = []
        self._chunks = self._body_bytes = 0
        self._between = True  # two requests, as the parser sees it
        self._repeated = RepeatedHead()
        self._parsed: list[Request] = []  # out of the bytes that came in last
        self._reading: Request | None = None  # its body is
        self._route: Route | None = None
        self._discarding = False
        """The request was refused before its body was complete; the rest of it is dropped."""
        self._answering: Request | None = None
        self._waiting: deque[tuple[Request, Route | ModelServerError]] = deque()
        self._closing = self._dispatching = False
        self._writable: asyncio.Future[None] | None = None
        self._paused = self._held = False  # held: nothing is read, as a request waits already
        self._broken: ModelServerError | None = None

    # The transport's side.

    def connection_made(self, transport: Any) -> None:
        """A caller connected."""
        self._transport = transport
        self.address, self.certificate_subject = who_is_at(transport)
        self.due = time.monotonic() + limits.HEAD_SECONDS
        self._service.connections.add(self)

    def connection_lost(self, exc: Exception | None) -> None:
        """The caller is gone, or we closed."""
        del exc
        self._closing = True
        self._service.connections.discard(self)
        for request in (self._answering, self._reading, *(entry[0] for entry in self._waiting)):
            if request is not None:
                self._service.abandoned(request)
        self._answering = self._reading = None
        self._waiting.clear()
        self.resume_writing()

    def eof_received(self) -> bool:
        """The caller sends no more; it may still read what it asked for."""
        if self._answering is None:
            return False
        (self._waiting[-1][0] if self._waiting else self._answering).closes = True
        return True

    def pause_writing(self) -> None:
        """The caller reads slower than we write."""
        self._paused = True

    def resume_writing(self) -> None:
        """The caller has read enough, or is gone."""
        self._paused = False
        if self._writable is not None and not self._writable.done():
            self._writable.set_result(None)

    def get_buffer(self, sizehint: int) -> memoryview:
        """Say where bytes shall go."""
        del sizehint
        return wire.RECEIVED

    def buffer_updated(self, nbytes: int) -> None:
        """Bytes came in."""
        if self._closing or self._broken is not None:
            return
        between = self._between
        if between:
            request = self._repeated.recognise(nbytes, self, self._service.body_seconds)
            if request is not None:
                self._take(request)
                return
        if self._reading is None:
            self._head_bytes += nbytes
        try:
            self._parser.feed_data(wire.RECEIVED[:nbytes])
        except httptools.HttpParserUpgrade:
            return  # answered as it is, and the connection closed: see on_headers_complete
        except httptools.HttpParserError:
            self._break(InvalidInput("this is no HTTP request"))
        if self._head_bytes > limits.MAX_HEAD_BYTES and self._broken is None:
            self._break(head_too_large())
        parsed, self._parsed = self._parsed, []
        if between and self._between and len(parsed) == 1:
            self._repeated.remember(nbytes, parsed[0])

    # The parser's side.

    def on_message_begin(self) -> None:
        """A request begins."""
        self._between = False
        self._url = b""
        self._raw = []
        if self._answering is None:
            self.due = time.monotonic() + limits.HEAD_SECONDS

    def on_url(self, url: bytes) -> None:
        """A part of the target."""
        self._url += url

    def on_header(self, name: bytes, value: bytes) -> None:
        """One header."""
        self._raw.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        """The head is complete: settle whether the body is wanted."""
        now = time.monotonic()
        service, raw = self._service, self._raw
        headers = Headers(raw)
        self._body = []
        self._body_bytes = self._chunks = 0
        self._discarding = False
        seconds = service.body_seconds
        if self._answering is None:
            self.due = now + seconds
        method = self._parser.get_method()
        path, query = wire.path_and_query(self._url)
        request = self._reading = Request(
            wire.METHODS.get(method) or method.decode("ascii"),
            path,
            query,
            headers,
            b"",
            self,
            now,
            now + seconds,
        )
        # No upgrade is offered, and what follows a wish for one may be in another protocol.
        if not self._parser.should_keep_alive() or headers.get(b"upgrade") is not None:
            request.closes = True
        if len(raw) > limits.MAX_HEADERS or self._head_bytes > limits.MAX_HEAD_BYTES:
            size = len(self._url) + sum(len(name) + len(value) for name, value in raw)
            if len(raw) > limits.MAX_HEADERS or size > limits.MAX_HEAD_BYTES:
                self._break(head_too_large())
                return
        self._head_bytes = 0
        try:
            if not path:
                raise InvalidInput("the request's target is no path")
            self._route = service.accept(request)
            given = headers.get(b"content-length")
            # The parser has refused anything that is no number before.
            if given is not None and int(given) > service.max_body_bytes:
                raise too_large(service.max_body_bytes)
        except ModelServerError as error:
            self._refuse_early(request, error)
            return
        if headers.get(b"expect") is not None and headers.expects_continue():
            self._transport.write(wire.CONTINUE)

    def on_chunk_header(self) -> None:
        """One more chunk of the body."""
        self._chunks += 1
        if self._chunks > limits.MAX_CHUNKS + 1 and not self._discarding:  # the last one is empty
            assert self._reading is not None  # chunks belong to a request
            error = InvalidInput(f"the body comes in more than {limits.MAX_CHUNKS} chunks")
            self._refuse_early(self._reading, error, close=True)

    def on_body(self, body: bytes) -> None:
        """A part of the body."""
        self._body_bytes += len(body)
        if self._discarding:
            # Bounded by another limit's worth: whoever sends more is cut off.
            if self._body_bytes > 2 * self._service.max_body_bytes + limits.MAX_HEAD_BYTES:
                self._close()
            return
        if self._body_bytes > self._service.max_body_bytes:
            assert self._reading is not None  # a body belongs to a request
            self._refuse_early(self._reading, too_large(self._service.max_body_bytes))
            return
        self._body.append(body)

    def on_message_complete(self) -> None:
        """The request is complete."""
        request = self._reading
        if request is None:
            return
        self._reading = None
        self._between = not request.closes
        self._parsed.append(request)
        if self._discarding:
            self._discarding = False
            if self._answering is None:
                self._after_answer(request)
            return
        parts, self._body = self._body, []
        request.body = parts[0] if len(parts) == 1 else b"".join(parts)
        assert self._route is not None  # accepted above
        self._waiting.append((request, self._route))
        self._next()

    # Requests in their order.

    def _take(self, request: Request) -> None:
        """Take a request that is here as a whole."""
        try:
            outcome: Route | ModelServerError = self._service.accept(request)
            if len(request.body) > self._service.max_body_bytes:
                outcome = too_large(self._service.max_body_bytes)
        except ModelServerError as error:
            outcome = error
        self._waiting.append((request, outcome))
        self._next()

    def _next(self) -> None:
        """Answer what waits, one at a time, without recursion for answers given at once."""
        if self._dispatching:
            return
        self._dispatching = True
        try:
            while self._answering is None and self._waiting and not self._closing:
                request, route = self._waiting.popleft()
                self._answering = request
                self.due = 0.0
                if isinstance(route, ModelServerError):
                    self.send(request, refusal(route, request.path))
                else:
                    self._service.dispatch(request, route)
        finally:
            self._dispatching = False
        if self._closing:
            return
        if self._waiting:
            if not self._held:
                self._held = True
                self._transport.pause_reading()
            if len(self._waiting) > limits.MAX_PIPELINED:
                self._close()
            return
        if self._held:
            self._held = False
            self._transport.resume_reading()
        if self._answering is None and self._broken is not None:
            self._send_broken()

    def _refuse_early(
        self, request: Request, error: ModelServerError, *, close: bool = False
    ) -> None:
        """Answer before the body is complete, and drop the rest of the body."""
        self._discarding = True
        self._body = []
        if close:
            request.closes = True
        if request.closes:
            self.due = time.monotonic() + limits.DISCARD_SECONDS
        self._waiting.append((request, error))
        self._next()

    def _break(self, error: ModelServerError) -> None:
        """What came in is no HTTP: answer what was asked before it, then say so and close."""
        self._broken = error
        if self._reading is not None and not self._discarding:
            self._service.abandoned(self._reading)
            self._reading = None
        if self._answering is None and not self._waiting and not self._closing:
            self._send_broken()

    def _send_broken(self) -> None:
        assert self._broken is not None  # checked by every caller
        self._transport.write(wire.last_words(refusal(self._broken)))
        self._close()

    # Answers.

    def send(self, request: Request, answer: Answer) -> None:
        """Write a whole answer."""
        if request is not self._answering:
            return  # the caller went away while the model ran
        body = answer.body
        parts = wire.head(request, answer, self._service.date, closes=self._service.draining)
        parts.append(b"content-length: %d\r\n\r\n" % len(body))
        if request.method != "HEAD":
            parts.append(body)
        # Told first: whoever has the answer finds it in the log and the metrics.
        self._service.answered(request, answer, len(body))
        self._transport.write(b"".join(parts))
        self._after_answer(request)

    def stream(self, request: Request, answer: Answer) -> Stream:
        """Write the head of an answer whose body comes in parts."""
        parts = wire.head(request, answer, self._service.date, closes=self._service.draining)
        parts.append(b"transfer-encoding: chunked\r\n\r\n")
        stream = Chunks(self, request, answer)
        if request is self._answering:
            self._transport.write(b"".join(parts))
            stream.put(answer.body)
        return stream

    def put(self, request: Request, data: bytes) -> None:
        """Write a part of an answer that is streamed, or raise Disconnected."""
        if request is not self._answering:
            raise Disconnected
        if request.method != "HEAD":
            self._transport.write(data)

    def end(self, request: Request, answer: Answer, body_bytes: int, *, whole: bool) -> None:
        """A streamed answer is complete, or cannot be completed."""
        if request is self._answering:
            self._service.answered(request, answer, body_bytes)
            request.closes = request.closes or not whole
            self._after_answer(request)

    async def room(self) -> None:
        """Wait until the caller has read enough for more to be written."""
        if self._paused and not self._closing:
            self._writable = asyncio.get_running_loop().create_future()
            await self._writable

    def _after_answer(self, request: Request) -> None:
        """The answer is written: go on with the next request, or close."""
        self._answering = None
        if self._closing:
            return
        if self._discarding:
            # The rest of the refused body is still to come; `due` says how long it may.
            if not self.due:
                seconds = limits.DISCARD_SECONDS if request.closes else self._service.body_seconds
                self.due = time.monotonic() + seconds
            return
        if request.closes or self._service.draining:
            self._close()
            return
        now = time.monotonic()
        reading = self._reading is not None
        self.due = now + (self._service.body_seconds if reading else limits.KEEP_ALIVE_SECONDS)
        if self._waiting or self._held or self._broken is not None:
            self._next()

    # Time and end.

    def expire(self, now: float) -> None:
        """Called every second or so; closes or answers what has waited too long."""
        if not self.due or now < self.due or self._closing or self._answering is not None:
            return
        reading = self._reading
        if reading is not None and not self._discarding:
            self._body = []
            reading.closes = True
            self._reading = None
            self._answering = reading
            late = SlowBody(f"the body did not arrive within {self._service.body_seconds} s")
            self.send(reading, refusal(late, reading.path))
        self._close()

    def is_new(self, since: float) -> bool:
        """Whether it was made since then and has not asked anything yet."""
        return not self._raw and self.due - limits.HEAD_SECONDS >= since

    def drain(self) -> None:
        """Close when nothing is under way."""
        if self._answering is None and self._reading is None and not self._waiting:
            self._close()

    def _close(self) -> None:
        self._closing = True
        self._transport.close()
