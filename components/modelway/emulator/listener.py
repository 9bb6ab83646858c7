"""The emulator's HTTP server: small, threaded, with keep-alive, on loopback only.

Takes a WSGI application and a bound socket, serves HTTP/1.1. werkzeug's development server would
do, but it closes every connection after one response and then waits 10 ms for stray bytes
(`werkzeug/serving.py`, `run_wsgi`), which a client measuring latencies would see. The application
reads a request's body as it arrives; what it leaves is read and dropped, so that a connection is
always left at a request's border.

This module knows nothing of AWS, with one exception that moto needs: S3's `x-amz-meta-` headers
keep their underscores.
"""

import io
import logging
import socket
import socketserver
import sys
from collections.abc import Callable, Iterable, Iterator
from http.server import BaseHTTPRequestHandler
from typing import IO, Any
from urllib.parse import unquote_to_bytes

from moto.core.request import (
    PRESERVED_HEADER_NAMES_ENVIRON_KEY,
    environ_key_for_header,
    should_preserve_original_header_name,
)

log = logging.getLogger(__name__)

SOCKET_KEY = "modelway.socket"
"""Where the environ holds the client's socket, for responses that must notice when it is gone."""

MOST_DROPPED_BYTES = 64 * 1024 * 1024
"""Of a body that nobody read. More is not waited for: the connection is closed."""

Environ = dict[str, Any]
Application = Callable[[Environ, Callable[..., Any]], Iterable[bytes]]


def loopback_socket(port: int) -> socket.socket:
    """Give a listening socket on 127.0.0.1.

    Args:
        port: 1 to 65535, or 0 for any free one.

    Raises:
        OSError: the port is taken or not allowed.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        # Allows a port whose last owner has just gone; Linux still refuses one that is listened on.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind(("127.0.0.1", port))
        listener.listen(256)
    except OSError:
        listener.close()
        raise
    return listener


class BadRequestBody(Exception):  # noqa: N818 - what the client did
    """The request's body does not follow HTTP's framing."""


class RequestBody(io.RawIOBase):
    """The body of one request, read from the connection up to its end and not beyond.

    Args:
        file: the connection.
        length: of the body in bytes; None when it comes in chunks that say their own.
    """

    def __init__(self, file: IO[bytes], length: int | None) -> None:
        self._file = file
        self._chunked = length is None
        self._left = length or 0
        """Of the body, or of the chunk."""
        self._ended = not self._chunked

    def readable(self) -> bool:
        """Give True."""
        return True

    def readinto(self, buffer: Any) -> int:
        """Fill a part of the buffer; 0 at the end.

        Raises:
            BadRequestBody: it does not follow HTTP's framing, or ends too early.
        """
        if not self._more():
            return 0
        view = memoryview(buffer)[: self._left]
        content = self._file.read(len(view))
        view[: len(content)] = content
        return self._took(len(view), len(content))

    def readall(self) -> bytes:
        """Give the rest at once."""
        parts: list[bytes] = []
        while self._more():
            parts.append(self._file.read(self._left))
            self._took(self._left, len(parts[-1]))
        return b"".join(parts)

    def drop(self) -> bool:
        """Read what is left; tells whether that was all, so that the connection can be kept."""
        dropped = 0
        while dropped <= MOST_DROPPED_BYTES:
            content = self.read(64 * 1024)
            if not content:
                return True
            dropped += len(content)
        return False

    def _took(self, wanted: int, got: int) -> int:
        if got < wanted:
            raise BadRequestBody(f"the body ended {self._left - got} bytes too early")
        self._left -= got
        if self._chunked and self._left == 0:
            self._file.readline(3)
        return got

    def _more(self) -> bool:
        if self._left == 0 and not self._ended:
            self._left = self._next_chunk()
            self._ended = self._left == 0
        return self._left > 0

    def _next_chunk(self) -> int:
        line = self._file.readline(1024).split(b";")[0].strip()
        try:
            size = int(line, 16)
        except ValueError:
            raise BadRequestBody(f"{line!r} is no chunk size") from None
        if size < 0:
            raise BadRequestBody(f"{line!r} is no chunk size")
        if size == 0:
            while self._file.readline(64 * 1024).strip():
                pass  # trailers; none of them matters to moto
        return size


class Listener(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves one application on one listening socket, a thread per connection."""

    daemon_threads = True
    block_on_close = False

    def __init__(self, listening: socket.socket, application: Application) -> None:
        super().__init__(listening.getsockname(), _Handler, bind_and_activate=False)
        self.socket.close()
        self.socket = listening
        self.application = application
        self.port: int = listening.getsockname()[1]

    def serve(self) -> None:
        """Answer requests until `shutdown` is called, which takes 50 ms at most."""
        self.serve_forever(poll_interval=0.05)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Log what a handler let through; a client that went away is nothing to log."""
        del request
        error = sys.exception()
        if not isinstance(error, ConnectionError):
            log.error("a connection of %s failed", client_address, exc_info=error)


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # A response is one write; without this a kept-alive client can wait 40 ms for a delayed ACK.
    disable_nagle_algorithm = True
    wbufsize = 64 * 1024
    server: Listener

    def handle_expect_100(self) -> bool:
        super().handle_expect_100()
        self.wfile.flush()  # or the client waits a second before it sends the body
        return True

    def __getattr__(self, name: str) -> Any:
        if name.startswith("do_"):
            return self._answer
        raise AttributeError(name)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        log.debug(format, *args)

    def _answer(self) -> None:
        try:
            body = self._body()
            self._run(body)
        except BadRequestBody as error:
            self.close_connection = True
            self.send_error(400, str(error))

    def _run(self, body: RequestBody) -> None:
        started: list[tuple[str, list[tuple[str, str]]]] = []

        def start_response(
            status: str, headers: list[tuple[str, str]], exc_info: Any = None
        ) -> Callable[[bytes], object]:
            del exc_info  # nothing is sent before the application has returned
            started[:] = [(status, headers)]
            return self.wfile.write

        chunks = self.server.application(self._environ(body), start_response)
        try:
            # Before the answer: a client that still sends does not read.
            self.close_connection = not body.drop() or self.close_connection
            status, headers = started[0]
            self._send(status, headers, iter(chunks))
        finally:
            close = getattr(chunks, "close", None)
            if close is not None:
                close()

    def _send(self, status: str, headers: list[tuple[str, str]], chunks: Iterator[bytes]) -> None:
        code, _, reason = status.partition(" ")
        bodiless = self.command == "HEAD" or int(code) in {204, 304}
        given = {name.lower(): (name, value) for name, value in headers}
        chunked = not bodiless and "content-length" not in given
        given.setdefault("server", ("Server", "modelway-emulator"))
        given.setdefault("date", ("Date", self.date_time_string()))
        given.pop("connection", None)
        if chunked:
            given["transfer-encoding"] = ("Transfer-Encoding", "chunked")
        if self.close_connection:
            given["connection"] = ("Connection", "close")
        self.send_response_only(int(code), reason)
        for name, value in given.values():
            self.send_header(name, value)
        self.end_headers()
        for chunk in chunks:
            if bodiless or not chunk:
                continue
            self.wfile.write(b"%x\r\n%b\r\n" % (len(chunk), chunk) if chunked else chunk)
            if chunked:
                self.wfile.flush()
        if chunked:
            self.wfile.write(b"0\r\n\r\n")
        self.wfile.flush()

    def _body(self) -> RequestBody:
        if "chunked" in self.headers.get("Transfer-Encoding", "").lower():
            return RequestBody(self.rfile, None)
        length = self.headers.get("Content-Length", "0")
        if not length.isdigit():
            raise BadRequestBody(f"Content-Length is {length!r}; it must be a number of bytes")
        return RequestBody(self.rfile, int(length))

    def _environ(self, body: RequestBody) -> Environ:
        path, _, query = self.path.partition("?")
        host, port = self.server.server_address[:2]
        environ: Environ = {
            "wsgi.version": (1, 0),
            "wsgi.url_scheme": "http",
            "wsgi.input": body,
            "wsgi.errors": io.StringIO(),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
            "REQUEST_METHOD": self.command,
            "SCRIPT_NAME": "",
            # WSGI wants bytes as latin-1 text (PEP 3333).
            "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
            "QUERY_STRING": query,
            "RAW_URI": self.path,
            "REQUEST_URI": self.path,
            "REMOTE_ADDR": self.client_address[0],
            "SERVER_NAME": host,
            "SERVER_PORT": str(port),
            "SERVER_PROTOCOL": self.request_version,
            SOCKET_KEY: self.connection,
        }
        preserved: dict[str, str] = {}
        for name, value in self.headers.items():
            key = environ_key_for_header(name)
            if "_" in name:
                if not should_preserve_original_header_name(name):
                    continue
                preserved[key] = name
            environ[key] = f"{environ[key]},{value}" if key in environ else value
        environ[PRESERVED_HEADER_NAMES_ENVIRON_KEY] = preserved
        environ.pop("HTTP_TRANSFER_ENCODING", None)
        return environ
