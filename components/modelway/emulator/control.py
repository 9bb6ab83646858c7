"""The emulator's own routes, under `/_modelway/`: what AWS has no API for.

    GET  (nothing), page/...    the live page, for browsers (`page.route`)
    GET  status                 JSON: how it was started, what runs
    GET  events?since=N         JSON: what happened to endpoints from number N on, and the next N
    GET  clock                  JSON: {"now": seconds since the epoch, "time_scale": ...}
    GET  logs?group=G           JSON: the log groups, or the events of one
    GET  providers/<package>    a Pulumi provider for as long as the response is read
    POST scans                  what a scan of an image found (`emulator.registry.scans`)
    ...  faults                 what is to go wrong (`modelway.emulator.faults.routes`)
    POST reset                  forget everything
    POST stop                   stop the emulator

Takes the emulator's parts; must not import moto, except where it reads log events.
"""

import json
import logging
import os
import select
import socket
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from importlib.metadata import version
from typing import Any, Protocol
from urllib.parse import parse_qs

from modelway.emulator.faults.routes import ROUTES, FaultRoutes
from modelway.emulator.listener import SOCKET_KEY, Application, Environ
from modelway.emulator.services import ACCOUNT_ID, Services
from modelway.errors import EmulatorError

log = logging.getLogger(__name__)

_HEARTBEAT_SECONDS = 1.0


class ProviderServer(Protocol):
    """A gRPC server that speaks to one Pulumi engine."""

    port: int

    def stop(self) -> None:
        """Stop serving; returns when the port is free."""
        ...


@dataclass
class Control:
    """The application behind `/_modelway/`.

    Args:
        services: the emulator's parts.
        reset: forgets everything.
        serve_provider: starts a provider for a package, with the query's options; raises
            `EmulatorError` where there is none.
        faults: answers what begins with `faults`.
        page: the application of the live page.
        scans: takes what scans of images have found.
        warnings: what the user should know about this emulator's start.
    """

    services: Services
    reset: Callable[[], None]
    serve_provider: Callable[[str, Mapping[str, str]], ProviderServer]
    faults: FaultRoutes
    page: Application
    scans: Callable[[Callable[[], bytes]], tuple[int, Any]]
    warnings: tuple[str, ...] = ()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        method = environ["REQUEST_METHOD"]
        route = environ["PATH_INFO"].removeprefix("/_modelway/").strip("/")
        if not route or route.startswith("page/"):
            return self.page(environ, start_response)
        query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        foreign = _foreign(method, environ)
        if foreign is not None:
            error = f"{method} {route!r} is not for browsers; it came from {foreign!r}"
            return _json(start_response, 403, {"error": error})
        if route.startswith("providers/") and method == "GET":
            package = route.removeprefix("providers/")
            return self._provider(package, query, environ, start_response)
        return _json(start_response, *self._answer(method, route, query, environ))

    def _answer(
        self, method: str, route: str, query: dict[str, str], environ: Environ
    ) -> tuple[int, Any]:
        routes: dict[tuple[str, str], Callable[[], Any]] = {
            ("GET", "status"): self._status,
            ("GET", "clock"): self._clock,
            ("GET", "events"): lambda: self._events(query),
            ("GET", "logs"): lambda: self._logs(query),
            ("POST", "reset"): self._reset,
            ("POST", "stop"): self._stop,
        }
        if (method, route) == ("POST", "scans"):
            return self.scans(environ["wsgi.input"].read)
        answered = self.faults.answer(method, route, environ["wsgi.input"].read)
        if answered is not None:
            return answered
        action = routes.get((method, route))
        if action is None:
            known = ", ".join((*(f"{verb} {path}" for verb, path in routes), *ROUTES))
            return 404, {"error": f"no route {method} {route!r}; there are {known}"}
        try:
            return 200, action()
        except LookupError as error:
            return 404, {"error": str(error.args[0])}

    def _status(self) -> dict[str, Any]:
        settings, clock = self.services.settings, self.services.clock
        return {
            "version": version("modelway"),
            "pid": os.getpid(),
            "port": settings.port,
            "url": settings.url,
            "state_dir": str(settings.state_dir),
            "account": ACCOUNT_ID,
            "region": settings.region,
            "time_scale": clock.time_scale,
            "virtual_now": clock.now(),
            "runtime": settings.runtime,
            "replicas": settings.replicas,
            "images": _IMAGES[settings.runtime if settings.replicas else "none"],
            "endpoints": self.services.hosting.status(),
            "warnings": list(self.warnings),
        }

    def _clock(self) -> dict[str, float]:
        clock = self.services.clock
        return {"now": clock.now(), "time_scale": clock.time_scale}

    def _events(self, query: dict[str, str]) -> dict[str, Any]:
        since = query.get("since", "0")
        if not since.isdecimal():
            raise LookupError(f"reading events: since is {since!r}; it must be a number, 0 or more")
        events, following = self.services.events.since(int(since))
        return {"events": [event.shown() for event in events], "next": following}

    def _logs(self, query: dict[str, str]) -> dict[str, Any]:
        from moto.logs.models import logs_backends

        self.services.logs.flush()
        with self.services.lock:
            region = query.get("region", self.services.settings.region)
            backend = logs_backends[ACCOUNT_ID][region]
            if "group" not in query:
                return {"groups": sorted(backend.groups)}
            group = backend.groups.get(query["group"])
            if group is None:
                known = ", ".join(sorted(backend.groups)) or "none"
                raise LookupError(f"there is no log group {query['group']!r}; there are: {known}")
            events = [
                {"timestamp": event.timestamp / 1000, "stream": name, "message": event.message}
                for name, stream in group.streams.items()
                for event in stream.events
            ]
        return {
            "group": query["group"],
            "events": sorted(events, key=lambda event: event["timestamp"]),
        }

    def _reset(self) -> dict[str, str]:
        self.reset()
        return {"reset": "done"}

    def _stop(self) -> dict[str, str]:
        self.services.stopping.set()
        return {"stop": "under way"}

    def _provider(
        self,
        package: str,
        query: Mapping[str, str],
        environ: Environ,
        start_response: Callable[..., Any],
    ) -> Iterable[bytes]:
        try:
            server = self.serve_provider(package, query)
        except EmulatorError as error:
            return _json(start_response, 404, {"error": str(error)})
        start_response("200 OK", [("Content-Type", "text/plain")])
        return self._while_read(package, server, environ[SOCKET_KEY])

    def _while_read(
        self, package: str, server: ProviderServer, client: socket.socket
    ) -> Iterator[bytes]:
        try:
            yield f"{server.port}\n".encode()
            while not self.services.stopping.is_set():
                readable, _, _ = select.select([client], [], [], _HEARTBEAT_SECONDS)
                if readable and not client.recv(1, socket.MSG_PEEK):
                    return
                if readable:
                    # Somebody talks on without waiting for the end: nobody does, so don't spin.
                    self.services.stopping.wait(_HEARTBEAT_SECONDS)
                yield b"\n"
        finally:
            server.stop()
            log.info("provider %s on port %d ended", package, server.port)


_IMAGES = {
    "process": "a replica is a process of the model server in serving_image/; no image is built",
    "docker": "a replica is a container of serving_image/, built by content hash",
    "none": "no replicas: endpoints come into service with nothing behind them",
}


def _foreign(method: str, environ: Environ) -> str | None:
    """Give the site in whose page a browser asks for a change; None for programs and for reading.

    No page changes an emulator, and a foreign one could otherwise stop it or break its endpoints
    from the user's own browser.
    """
    return None if method == "GET" else environ.get("HTTP_ORIGIN")


def _json(start_response: Callable[..., Any], status: int, content: Any) -> list[bytes]:
    body = json.dumps(content).encode() + b"\n"
    start_response(
        f"{status} {HTTPStatus(status).phrase}",
        [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
    )
    return [body]
