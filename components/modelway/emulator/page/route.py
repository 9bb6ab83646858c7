"""The page over HTTP: its files and one JSON answer.

    GET  /_modelway/                        the page
    GET  /_modelway/page/<file>             its style, scripts and icon
    GET  /_modelway/page/data?run=R&since=N what it shows, with the events of run R from N on

Takes the emulator's services, gives a WSGI application that changes nothing. A browser asks for the
data about once a second while the page is in front; nothing is computed or kept when nobody asks.

Only this machine's own names are answered as Host: a foreign site whose name is made to lead to
127.0.0.1 (DNS rebinding) would otherwise read the page as its own.
"""

import json
import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from modelway.emulator.listener import Environ
from modelway.emulator.page.alarms import read_alarms
from modelway.emulator.page.figures import Figures, MetricSource, window_at
from modelway.emulator.page.view import Reading, page_data
from modelway.emulator.services import ACCOUNT_ID, Services

SHOWN_EVENTS = 300
"""Events that the page shows at most, the newest."""

_FOLDER = Path(__file__).parent / "static"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
}
_LOOPBACK_HOST = re.compile(r"(127\.0\.0\.1|localhost|\[::1\])(:\d{1,5})?", re.IGNORECASE)
"""With any port: an SSH tunnel has another one."""

_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
    "require-trusted-types-for 'script'"
)
HEADERS = (
    ("Cache-Control", "no-store"),
    ("Content-Security-Policy", _POLICY),
    ("Cross-Origin-Opener-Policy", "same-origin"),
    ("Cross-Origin-Resource-Policy", "same-origin"),
    ("Referrer-Policy", "no-referrer"),
    ("X-Content-Type-Options", "nosniff"),
)
"""Sent with everything: nothing inline runs, nothing is loaded from or shown in another site."""


@dataclass
class Page:
    """The application behind the page.

    Args:
        services: the emulator's parts.
        metrics: where the plots' numbers come from.
        warnings: gives what the user should know about this emulator's start.
    """

    services: Services
    metrics: MetricSource
    warnings: Callable[[], Iterable[str]] = tuple
    run: str = field(init=False)
    """Names what the page shows: under another name everything is to be shown anew."""

    def __post_init__(self) -> None:
        self.begin_anew()
        self._figures = Figures(self.metrics)
        self._files = {
            f"page/{path.name}": path for path in _FOLDER.iterdir() if path.suffix in _TYPES
        }
        self._files[""] = self._files.pop("page/index.html")

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request (WSGI)."""
        status, content_type, body = self._answer(environ)
        start_response(
            status, [("Content-Type", content_type), ("Content-Length", str(len(body))), *HEADERS]
        )
        return [body]

    def _answer(self, environ: Environ) -> tuple[str, str, bytes]:
        host = environ.get("HTTP_HOST", "")
        if not _LOOPBACK_HOST.fullmatch(host):
            return _refusal(
                "403 Forbidden",
                f"the page is answered on 127.0.0.1 and localhost only, not as {host!r}; "
                f"open {self.services.settings.url}/_modelway/",
            )
        if environ["REQUEST_METHOD"] not in ("GET", "HEAD"):
            return _refusal("405 Method Not Allowed", "the page can only be read, with GET")
        route = environ["PATH_INFO"].removeprefix("/_modelway/")
        if route == "page/data":
            query = {name: values[0] for name, values in parse_qs(environ["QUERY_STRING"]).items()}
            content = json.dumps(self.data(query), separators=(",", ":"))
            return "200 OK", "application/json", content.encode()
        path = self._files.get(route)
        if path is None:
            return _refusal("404 Not Found", f"the page has no file {route!r}")
        return "200 OK", _TYPES[path.suffix], path.read_bytes()

    def begin_anew(self) -> None:
        """Make pages forget what they have shown, as everything else is forgotten."""
        self.run = secrets.token_hex(8)

    def data(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Give what the page shows now.

        Args:
            query: `run` and `since` of the last answer; without them, all events that are kept.
        """
        services = self.services
        settings, clock = services.settings, services.clock
        since = query.get("since", "")
        known = query.get("run") == self.run and since.isdecimal()
        reading = Reading(
            window=window_at(clock.now(), clock.time_scale),
            endpoints=services.hosting.status(),
            alarms=read_alarms(services),
            figures=self._figures,
        )
        return {
            "run": self.run,
            "emulator": {
                "version": version("modelway"),
                "pid": os.getpid(),
                "url": settings.url,
                "account": ACCOUNT_ID,
                "region": settings.region,
                "state_dir": str(settings.state_dir),
                "runtime": settings.runtime,
                "replicas": settings.replicas,
                "time_scale": clock.time_scale,
                "now": reading.window.now,
                "warnings": list(self.warnings()),
            },
            **page_data(reading),
            **self._events(int(since) if known else 0),
        }

    def _events(self, since: int) -> dict[str, Any]:
        """Give the newest events from number `since` on."""
        found, following = self.services.events.since(since)
        shown = [event.shown() for event in found[-SHOWN_EVENTS:]]
        return {"since": since, "events": shown, "next": following}


def _refusal(status: str, message: str) -> tuple[str, str, bytes]:
    return status, "application/json", json.dumps({"error": message}).encode() + b"\n"
