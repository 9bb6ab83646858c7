"""Stand-ins for containers: a little HTTP server that answers /ping as it is told."""

import threading
from collections.abc import Callable, Iterator
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from modelway.emulator.hosting.deployment import Container, Deployment, Variant


class FakeContainer:
    """Answers /ping with `ping_status`; ends when told to, or by itself with `die`."""

    pid = 0
    scratch: tuple[Path, ...] = ()

    def __init__(self, ping_status: int = 200, exit_status: int | None = None) -> None:
        self.ping_status = ping_status
        self.signals: list[str] = []
        self._exit_status = exit_status
        self._ended = threading.Event()
        if exit_status is not None:
            self._ended.set()
        container = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(container.ping_status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.01,), daemon=True).start()

    def exit_status(self) -> int | None:
        return self._exit_status

    def wait(self, seconds: float) -> bool:
        return self._ended.wait(seconds)

    def terminate(self) -> None:
        self.signals.append("TERM")
        self.die(0)

    def kill(self) -> None:
        self.signals.append("KILL")
        self.die(-9)

    def die(self, status: int) -> None:
        self._exit_status = status
        self._ended.set()
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def containers() -> Iterator[list[FakeContainer]]:
    """Every fake container of the test; all are closed at its end."""
    made: list[FakeContainer] = []
    yield made
    for each in made:
        each.die(0)


@pytest.fixture
def start(containers: list[FakeContainer]) -> Callable[..., FakeContainer]:
    def make(**options: int) -> FakeContainer:
        containers.append(FakeContainer(**options))
        return containers[-1]

    return make


@pytest.fixture
def deployment() -> Callable[..., Deployment]:
    """Makes a deployment: variant names with their weights and counts."""

    def make(
        config: str = "config-1", startup_seconds: float = 5.0, **variants: tuple[float, int]
    ) -> Deployment:
        return Deployment(
            config_name=config,
            variants=tuple(
                Variant(
                    name=name,
                    container=Container("image", "image@sha256:1"),
                    instance_type="ml.m5.large",
                    initial_instance_count=count,
                    initial_weight=weight,
                    startup_seconds=startup_seconds,
                    volume_gib=30,
                    source={"VariantName": name},
                )
                for name, (weight, count) in (variants or {"primary": (1.0, 1)}).items()
            ),
            resolved_at=datetime(2026, 1, 1),  # noqa: DTZ001 - naive as moto keeps it
            config={},
        )

    return make
