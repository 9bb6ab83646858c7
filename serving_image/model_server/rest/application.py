"""A user's own application beside the server's routes: FastAPI, Flask, anything ASGI or WSGI.

Takes its name, gives a route that answers every path which the server has none for. The application
is imported from the image's own Python path and never from a model artifact; it reaches the models
through `model_server.local`. Must not give an application anything of the server's routes.
"""

import asyncio
import contextlib
import importlib
import inspect
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Protocol

from model_server.core.errors import ModelUnusable, NotReady
from model_server.rest.http import Answer, Disconnected, Request, Route, Stream
from model_server.settings.application import ApplicationSettings

Scope = MutableMapping[str, Any]
Message = MutableMapping[str, Any]
Asgi = Callable[
    [Scope, Callable[[], Awaitable[Message]], Callable[[Message], Awaitable[None]]],
    Awaitable[None],
]

WSGI_THREADS = 10
"""Requests that a WSGI application answers at once; each takes a thread."""

STARTUP_SECONDS = 60.0
"""Longest time for an application's own start-up."""

VERSION = {"version": "3.0", "spec_version": "2.4"}

_OWN_HEADERS = frozenset({b"content-length", b"transfer-encoding", b"connection", b"date"})
"""Headers of an application's answer that the connection settles itself."""


class OnFault(Protocol):
    """Told of an application's failure, for the log."""

    def __call__(self, detail: str) -> None:
        """Tell the reason."""
        ...


class Application:
    """The user's application, and its life."""

    def __init__(self, settings: ApplicationSettings, on_fault: OnFault) -> None:
        self._settings = settings
        self._app: Asgi | None = None
        """None until it is loaded."""
        self._on_fault = on_fault
        self._state: dict[str, Any] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._lifespan: _Lifespan | None = None

    def route(self, scope: str | None) -> Route:
        """Give the route; it goes last and takes every method and path."""
        return Route("*", "*", self._answer, scope, "The application of the image's owner.")

    async def start(self) -> None:
        """Import the application, in a thread, and run its start-up.

        Raises:
            ModelUnusable: it cannot be imported, or could not start.
        """
        app = await asyncio.to_thread(load_application, self._settings)
        lifespan = _Lifespan(app, self._state)
        await lifespan.start()
        self._lifespan = lifespan
        self._app = app

    async def stop(self) -> None:
        """Run the application's shutdown."""
        if self._lifespan is not None:
            await self._lifespan.stop()

    def _answer(self, request: Request) -> None:
        if self._app is None:
            raise NotReady("the application is not ready: it is being loaded")
        task = asyncio.get_running_loop().create_task(_Exchange(request, self._state).run(self))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def call(self, scope: Scope, receive: Any, send: Any) -> None:
        """Run the application for one request."""
        assert self._app is not None  # no request comes so far before
        await self._app(scope, receive, send)

    def fault(self, error: BaseException) -> None:
        """Tell why it failed."""
        self._on_fault(f"{type(error).__name__}: {error}")


class _Exchange:
    """One request to an application."""

    def __init__(self, request: Request, state: dict[str, Any]) -> None:
        self._request = request
        self._state = state
        self._body: bytes | None = request.body
        self._start: Message | None = None
        self._stream: Stream | None = None
        self._done = asyncio.Event()

    async def run(self, application: Application) -> None:
        request = self._request
        scope = {
            "type": "http",
            "asgi": VERSION,
            "http_version": "1.1",
            "method": request.method,
            "scheme": "http",
            "path": request.path,
            "raw_path": request.path.encode(),
            "query_string": request.query,
            "root_path": "",
            "headers": _headers(request),
            "client": (request.connection.address, 0),
            "server": None,
            "state": self._state.copy(),
            "extensions": {"model_server.request_id": request.id},
        }
        try:
            await application.call(scope, self._receive, self._send)
        except Disconnected:
            return
        except Exception as error:  # noqa: BLE001  # the user's code: answered and told
            application.fault(error)
            if self._stream is None and not self._done.is_set():
                request.fail(error)
            elif self._stream is not None:
                self._stream.end()
            self._done.set()
            return
        if not self._done.is_set():
            request.fail(RuntimeError("the application gave no complete answer"))

    async def _receive(self) -> Message:
        if self._body is not None:
            body, self._body = self._body, None
            return {"type": "http.request", "body": body, "more_body": False}
        await self._done.wait()
        return {"type": "http.disconnect"}

    async def _send(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            self._start = message
            return
        if message["type"] != "http.response.body" or self._start is None or self._done.is_set():
            return
        body = bytes(message.get("body", b""))
        more = message.get("more_body", False)
        if self._stream is not None:
            await self._stream.write(body)
        elif more:
            self._stream = self._request.stream(self._head(body))
        else:
            self._request.answer(self._head(body))
        if not more:
            if self._stream is not None:
                self._stream.end()
            self._done.set()

    def _head(self, body: bytes) -> Answer:
        assert self._start is not None  # checked by the caller
        media_type = b"application/octet-stream"
        headers: list[tuple[bytes, bytes]] = []
        for name, value in self._start.get("headers", ()):
            lower = bytes(name).lower()
            if lower == b"content-type":
                media_type = bytes(value)
            elif lower not in _OWN_HEADERS:
                headers.append((lower, bytes(value)))
        return Answer(self._start["status"], body, media_type, headers)


class _Lifespan:
    """An ASGI application's start-up and shutdown."""

    def __init__(self, app: Asgi, state: dict[str, Any]) -> None:
        self._app = app
        self._state = state
        self._messages: asyncio.Queue[Message] = asyncio.Queue()
        self._started: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._stopped = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())
        self._messages.put_nowait({"type": "lifespan.startup"})
        try:
            problem = await asyncio.wait_for(self._started, STARTUP_SECONDS)
        except TimeoutError:
            problem = f"its start-up took over {STARTUP_SECONDS} s"
        if problem:
            raise ModelUnusable(f"the application could not start: {problem}")

    async def stop(self) -> None:
        if self._task is None or self._task.done():
            return
        self._messages.put_nowait({"type": "lifespan.shutdown"})
        await asyncio.wait([self._task], timeout=5.0)

    async def _run(self) -> None:
        scope = {"type": "lifespan", "asgi": VERSION, "state": self._state}
        with contextlib.suppress(Exception):
            # An application without lifespan raises, as ASGI allows.
            await self._app(scope, self._messages.get, self._send)
        if not self._started.done():
            self._started.set_result("")

    async def _send(self, message: Message) -> None:
        if self._started.done():
            return
        if message["type"] == "lifespan.startup.complete":
            self._started.set_result("")
        elif message["type"] == "lifespan.startup.failed":
            self._started.set_result(message.get("message") or "it says no reason")


def _headers(request: Request) -> list[tuple[bytes, bytes]]:
    raw = request.headers.raw
    if not request.body or request.headers.get(b"content-length") is not None:
        return raw
    if request.headers.get(b"transfer-encoding") is not None:
        return raw
    return [*raw, (b"content-length", b"%d" % len(request.body))]


def load_application(settings: ApplicationSettings) -> Asgi:
    """Import the application.

    Raises:
        ModelUnusable: it cannot be imported, or is no application.
    """
    assert settings.app is not None  # asked for by the caller only then
    name, _, attribute = settings.app.partition(":")
    found: Any = import_code(name, settings)
    for part in attribute.split("."):
        found = getattr(found, part, None)
    if not callable(found):
        raise ModelUnusable(f"MODEL_SERVER_APP is {settings.app!r}; {name} has no such application")
    if settings.interface == "wsgi" or (settings.interface == "auto" and not _is_asgi(found)):
        from a2wsgi import WSGIMiddleware

        found = WSGIMiddleware(found, workers=WSGI_THREADS)
    return found


def import_code(name: str, settings: ApplicationSettings) -> Any:
    """Import a module of the user's own.

    Raises:
        ModelUnusable: it cannot be imported.
    """
    folder = settings.code_dir
    if folder is not None and str(folder) not in sys.path:
        sys.path.insert(0, str(folder))
    try:
        return importlib.import_module(name)
    except Exception as error:
        # The user's code: whatever it raises.
        raise ModelUnusable(
            f"the module {name!r} could not be imported: {type(error).__name__}: {error}"
        ) from error


def _is_asgi(app: Any) -> bool:
    """Whether an application is called with (scope, receive, send), and not (environ, start)."""
    if inspect.iscoroutinefunction(app) or inspect.iscoroutinefunction(
        getattr(app, "__call__", None)  # noqa: B004  # its function, not whether there is one
    ):
        return True
    try:
        return len(inspect.signature(app).parameters) == 3
    except (TypeError, ValueError):
        return False
