"""What the parts of one running emulator share.

Made once by `modelway.emulator.server`, handed to every part. The protocols here are all that one
part may know of another; this module must not import moto or any part.
"""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from modelway.emulator.clock import Clock

ACCOUNT_ID = "123456789012"
"""moto's default account, used where a request names none."""


@dataclass(frozen=True)
class Settings:
    """How the emulator was started."""

    port: int
    state_dir: Path
    region: str = "us-east-1"
    runtime: str = "process"
    """`process` or `docker`: what a replica is."""
    replicas: bool = True
    """False: endpoints come into service with nothing behind them, to measure the engine only."""

    @property
    def url(self) -> str:
        """The emulator's address."""
        return f"http://127.0.0.1:{self.port}"


class Metrics(Protocol):
    """Where measurements go."""

    def record(
        self,
        namespace: str,
        name: str,
        dimensions: Mapping[str, str],
        value: float,
        unit: str,
        timestamp: float | None = None,
    ) -> None:
        """Add one measurement; `timestamp` is virtual, default now. Cheap and thread-safe."""
        ...


class Logs(Protocol):
    """CloudWatch Logs, as the service side writes it."""

    def write(self, group: str, stream: str, lines: Sequence[str]) -> None:
        """Append lines, making group and stream where they are missing."""
        ...

    def flush(self) -> None:
        """Return when what was written can be read."""
        ...


class Hosting(Protocol):
    """SageMaker's endpoints and what runs behind them."""

    def invoke(
        self, region: str, endpoint_name: str, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """Answer InvokeEndpoint: status, headers and body as AWS gives them."""
        ...

    def status(self) -> list[dict[str, Any]]:
        """One entry per endpoint, for `modelway emulator status`."""
        ...

    def resume(self) -> None:
        """After a replay: start what should be running."""
        ...

    def reset(self) -> None:
        """Forget every endpoint and stop every replica."""
        ...

    def stop(self) -> None:
        """Stop every replica; returns when none is left."""
        ...


@dataclass
class Services:
    """The parts of one emulator. `metrics`, `logs` and `hosting` are set before serving starts."""

    settings: Settings
    clock: Clock
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Serialises everything that touches moto's stores."""
    replaying: bool = False
    """True while the journal is replayed: nothing may start a process or send anything."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set once when the emulator stops; background threads end soon after."""
    metrics: Metrics = field(init=False)
    logs: Logs = field(init=False)
    hosting: Hosting = field(init=False)
