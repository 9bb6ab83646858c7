"""Stand-ins for containers, for the clock and for alarms, and an endpoint made of them."""

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import SimpleNamespace

import pytest

from modelway.emulator.clock import Clock
from modelway.emulator.hosting import timing
from modelway.emulator.hosting.deployment import (
    Container,
    Deployment,
    Variant,
    initial_capacities,
)
from modelway.emulator.hosting.endpoint import Endpoint
from modelway.emulator.hosting.fleet import Fleet
from modelway.emulator.hosting.outcomes import Outcomes
from modelway.emulator.hosting.record import EndpointRecord, Operation
from modelway.emulator.hosting.stages import course_of
from modelway.emulator.services import Services, Settings


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


BEGIN = 1_800_000_000.0


class JumpingClock(Clock):
    """Virtual time that passes only while somebody sleeps, and then at once."""

    def __init__(self):
        super().__init__(origin=BEGIN)
        self._now = BEGIN
        self.plans = []

    def now(self):
        return self._now

    def sleep(self, virtual_seconds, stop=None):
        end = self._now + virtual_seconds
        for plan in sorted(self.plans, key=lambda each: each[0]):
            if plan[0] <= end:
                self.plans.remove(plan)
                self._now = max(self._now, plan[0])
                plan[1]()
        self._now = end
        return stop is not None and stop.is_set()


class Alarms:
    """Alarms that are set by the test; one that was never set does not exist."""

    def __init__(self, clock):
        self._clock, self._states, self._fired = clock, {}, {}

    def set(self, name, state):
        self._states[name] = state
        if state == "ALARM":
            self._fired[name] = self._clock.now()

    def forget(self, name):
        del self._states[name]

    def state(self, account, region, name):
        return self._states.get(name)

    def fired_since(self, account, region, name, at):
        return self._states.get(name) == "ALARM" or self._fired.get(name, 0) >= at


@dataclass
class Bench:
    """One endpoint with two instances of `config-1` in service."""

    services: Services
    endpoint: Endpoint
    outcomes: Outcomes
    clock: JumpingClock
    alarms: Alarms
    started: dict[str, list] = field(default_factory=dict)
    """Every container that was started, by configuration."""
    broken: set[str] = field(default_factory=set)
    """Configurations whose containers end at once."""

    @property
    def record(self):
        return self.endpoint.record

    def update(self, deployment, config=None):
        """Begin an update and wait for what becomes of it."""
        self.begin(deployment, config)
        return self.ended()

    def begin(self, deployment, config=None, **at):
        """Begin an update, and do things when so much virtual time has passed since.

        Args:
            deployment: what it is to bring.
            config: its DeploymentConfig.
            at: actions by moment, `t200=...` for 200 s.
        """
        capacities = initial_capacities(deployment)
        self.clock.started = self.clock.now()
        self.clock.plans = [
            (self.clock.started + float(moment[1:].replace("_", ".")), action)
            for moment, action in at.items()
        ]
        operation = Operation(
            kind="update",
            number=2,
            deployment=deployment,
            capacities=capacities,
            started_at=self.clock.utcnow(),
            course=course_of(config, capacities, self.record.current),
        )
        with self.services.lock:
            self.endpoint.begin(operation)

    def ended(self):
        self.endpoint._thread.join(30)
        assert self.record.operation is None
        return self.record.describe()

    def events(self, *kinds):
        found = [event for event in self.services.events.since(0)[0] if event.kind in kinds]
        return [(round(event.at - self.clock.started), event.data) for event in found]

    def running(self, config):
        return [each for each in self.started.get(config, []) if each.exit_status() is None]

    @staticmethod
    def blue_green(kind, wait=300, termination=0, limit=None, alarms=(), **sizes):
        policy = {
            "TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": wait, **sizes},
            "TerminationWaitInSeconds": termination,
        }
        if limit is not None:
            policy["MaximumExecutionTimeoutInSeconds"] = limit
        return {"BlueGreenUpdatePolicy": policy} | Bench.watched(alarms)

    @staticmethod
    def rolling(batch, wait=60, alarms=(), **fields):
        policy = {
            "MaximumBatchSize": {"Type": "INSTANCE_COUNT", "Value": batch},
            "WaitIntervalInSeconds": wait,
        }
        return {"RollingUpdatePolicy": policy | fields} | Bench.watched(alarms)

    @staticmethod
    def watched(alarms):
        if not alarms:
            return {}
        return {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}}

    @staticmethod
    def percent(value):
        return {"Type": "CAPACITY_PERCENT", "Value": value}


@pytest.fixture
def bench(tmp_path, monkeypatch, start, deployment):
    monkeypatch.setattr(timing, "PING_INTERVAL_SECONDS", 0.05)
    monkeypatch.setattr(timing, "FIRST_PINGS_SECONDS", 0.02)
    monkeypatch.setattr(timing, "RESTART_PAUSES_SECONDS", (0.0,))
    clock = JumpingClock()
    clock.started = BEGIN
    services = Services(Settings(port=0, state_dir=tmp_path), clock)
    services.alarms = Alarms(clock)
    record = EndpointRecord(
        account_id="123456789012", region="us-east-1", name="fraud", arn="arn", tags=[]
    )
    made = SimpleNamespace()

    def make_fleet(_record, wanted, stopping):
        def launch(_variant, _replica, _log):
            broken = wanted.config_name in made.bench.broken
            container = start(**({"ping_status": 503, "exit_status": 1} if broken else {}))
            made.bench.started.setdefault(wanted.config_name, []).append(container)
            return container

        return Fleet(wanted, launch, lambda *_: None, stopping)

    outcomes = Outcomes(tmp_path / "hosting.jsonl")
    endpoint = Endpoint(record, services, outcomes, make_fleet, lambda _: None)
    made.bench = Bench(services, endpoint, outcomes, clock, services.alarms)
    first = deployment("config-1", primary=(1.0, 2))
    with services.lock:
        endpoint.begin(Operation("create", 1, first, initial_capacities(first), clock.utcnow()))
    endpoint._thread.join(30)
    assert record.endpoint_status == "InService"
    clock._now = BEGIN + 1000
    yield made.bench
    endpoint.stop()


@pytest.fixture
def second(deployment):
    return deployment("config-2", primary=(1.0, 2))


@pytest.fixture
def rolled(bench, deployment):
    """The same endpoint with four instances."""
    bench.update(deployment("config-1b", primary=(1.0, 4)))
    bench.services.events.clear()
    bench.clock._now = bench.clock.now() + 1000
    return bench
