"""The emulator's own routes, under `/_modelway/`: what AWS has no API for.

    GET  status                 JSON: how it was started, what runs
    GET  clock                  JSON: {"now": seconds since the epoch, "time_scale": ...}
    GET  logs?group=G           JSON: the log groups, or the events of one
    GET  providers/<package>    a Pulumi provider for as long as the response is read
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
from importlib.metadata import version
from typing import Any, Protocol
from urllib.parse import parse_qs

from modelway.emulator.listener import SOCKET_KEY, Environ
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
        warnings: what the user should know about this emulator's start.
    """

    services: Services
    reset: Callable[[], None]
    serve_provider: Callable[[str, Mapping[str, str]], ProviderServer]
    warnings: tuple[str, ...] = ()

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        method = environ["REQUEST_METHOD"]
        route = environ["PATH_INFO"].removeprefix("/_modelway/").strip("/")
        query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
        if route.startswith("providers/") and method == "GET":
            package = route.removeprefix("providers/")
            return self._provider(package, query, environ, start_response)
        routes: dict[tuple[str, str], Callable[[], Any]] = {
            ("GET", "status"): self._status,
            ("GET", "clock"): self._clock,
            ("GET", "logs"): lambda: self._logs(query),
            ("POST", "reset"): self._reset,
            ("POST", "stop"): self._stop,
        }
        action = routes.get((method, route))
        if action is None:
            known = ", ".join(f"{verb} {path}" for verb, path in routes)
            return _json(
                start_response, 404, {"error": f"no route {method} {route!r}; there are {known}"}
            )
        try:
            return _json(start_response, 200, action())
        except LookupError as error:
            return _json(start_response, 404, {"error": str(error.args[0])})

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


def _json(start_response: Callable[..., Any], status: int, content: Any) -> list[bytes]:
    body = json.dumps(content).encode() + b"\n"
    reason = {200: "OK", 404: "Not Found"}[status]
    start_response(
        f"{status} {reason}",
        [("Content-Type", "application/json"), ("Content-Length", str(len(body)))],
    )
    return [body]
