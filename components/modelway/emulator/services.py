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
from modelway.emulator.events import Events

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
        *,
        delay_seconds: float = 0.0,
    ) -> None:
        """Add one measurement; `timestamp` is virtual, default now. Cheap and thread-safe.

        `delay_seconds`: virtual time until it can be read. Default: none.
        """
        ...


class Logs(Protocol):
    """CloudWatch Logs, as the service side writes it."""

    def write(self, group: str, stream: str, lines: Sequence[str]) -> None:
        """Append lines, making group and stream where they are missing."""
        ...

    def flush(self) -> None:
        """Return when what was written can be read."""
        ...


class Alarms(Protocol):
    """CloudWatch's alarms, as SageMaker's deployment guardrails see them."""

    def state(self, account: str, region: str, name: str) -> str | None:
        """Give OK, ALARM or INSUFFICIENT_DATA as of now; None where there is no such alarm."""
        ...

    def fired_since(self, account: str, region: str, name: str, at: float) -> bool:
        """Tell whether the alarm is in ALARM now or went into it at or after virtual time `at`."""
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


@dataclass(frozen=True)
class Disturbance:
    """What is done to one answer of a container."""

    delay_ms: float = 0.0
    """Real milliseconds to add."""
    status: int | None = None
    """HTTP status of the error that replaces it; None: it stays."""


class Faults(Protocol):
    """What is to go wrong now, by endpoint and configuration. Cheap and thread-safe."""

    def update_begins(self, endpoint: str, old: str, new: str) -> None:
        """Take note that an endpoint moves from one configuration to another."""
        ...

    def provisioning(self, endpoint: str, config: str, variant: Any) -> str | None:
        """Give AWS's reason why a variant can have no new instance; None where it can."""
        ...

    def container_started(self, endpoint: str, config: str, running: Any, log: Any) -> None:
        """Do to a container what is to happen to it soon after its start."""
        ...

    def disturbance(self, endpoint: str, config: str) -> Disturbance | None:
        """Give what is to be done to an answer of a container; None for nothing."""
        ...

    def sink(self, metrics: Metrics, endpoint: str, config: str) -> Metrics:
        """Give where to record what was measured of a fleet."""
        ...


class NoFaults:
    """Nothing goes wrong."""

    def update_begins(self, endpoint: str, old: str, new: str) -> None:
        """Do nothing."""

    def provisioning(self, endpoint: str, config: str, variant: Any) -> str | None:
        """Give None."""

    def container_started(self, endpoint: str, config: str, running: Any, log: Any) -> None:
        """Do nothing."""

    def disturbance(self, endpoint: str, config: str) -> Disturbance | None:
        """Give None."""

    def sink(self, metrics: Metrics, endpoint: str, config: str) -> Metrics:
        """Give `metrics`."""
        del endpoint, config
        return metrics


@dataclass
class Services:
    """The parts of one emulator.

    `metrics`, `logs`, `alarms` and `hosting` are set before serving starts.
    """

    settings: Settings
    clock: Clock
    lock: threading.RLock = field(default_factory=threading.RLock)
    """Serialises everything that touches moto's stores."""
    replaying: bool = False
    """True while the journal is replayed: nothing may start a process or send anything."""
    stopping: threading.Event = field(default_factory=threading.Event)
    """Set once when the emulator stops; background threads end soon after."""
    faults: Faults = field(default_factory=NoFaults)
    """What somebody wants to go wrong."""
    metrics: Metrics = field(init=False)
    logs: Logs = field(init=False)
    alarms: Alarms = field(init=False)
    hosting: Hosting = field(init=False)
    events: Events = field(init=False)

    def __post_init__(self) -> None:
        """Begin the list of events."""
        self.events = Events(self.clock)
