"""All replicas of one endpoint configuration behind one endpoint.

Takes a deployment and capacities, gives running replicas by variant. A fleet is made for each
configuration and never changes to another, so that two can stand side by side while traffic moves.
Must not know how traffic is divided between fleets (that is `routing`).
"""

import threading
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from modelway.emulator.hosting import timing
from modelway.emulator.hosting.deployment import Capacity, Deployment, Variant
from modelway.emulator.hosting.launch import LogSink, Running
from modelway.emulator.hosting.patience import Stopped
from modelway.emulator.hosting.replica import Replica, State

Launch = Callable[[Variant, Replica, LogSink], Running]
Provision = Callable[[Variant], str | None]
"""Gives AWS's reason why a variant can have no new instance; None where it can."""
Log = Callable[[str, Sequence[str]], None]
"""Takes a log stream's name, `<variant>/<instance id>`, and lines."""

Exited = Callable[[Replica], None]
"""Takes a replica whose container ended without being told to."""


class FleetFailed(Exception):  # noqa: N818 - a state that the caller reports
    """The fleet did not come into service; the message is AWS's failure reason."""


class Fleet:
    """The replicas of one deployment.

    Args:
        deployment: what they run.
        launch: starts one container for a variant.
        log: takes their log lines.
        stopping: set when the endpoint is to end at once; waits end then.
        exited: told of containers that ended by themselves. Default: nobody is told.
        provision: asked before new instances of a variant. Default: there are always some.
    """

    def __init__(
        self,
        deployment: Deployment,
        launch: Launch,
        log: Log,
        stopping: threading.Event,
        exited: Exited = lambda _: None,
        provision: Provision = lambda _variant: None,
    ) -> None:
        self.deployment = deployment
        self._launch, self._log, self._stopping = launch, log, stopping
        self._exited, self._provision = exited, provision
        self._weights: Mapping[str, float] = {each.name: 0.0 for each in deployment.production}
        self._copied_share = 0.0
        names = [each.name for each in deployment.variants]
        self._replicas: dict[str, tuple[Replica, ...]] = dict.fromkeys(names, ())
        # Tuples that are replaced, never changed: routing reads them without a lock.
        self._healthy: dict[str, tuple[Replica, ...]] = dict(self._replicas)
        self._changed = threading.Condition()

    @property
    def config_name(self) -> str:
        """The endpoint configuration that it runs."""
        return self.deployment.config_name

    def weights(self) -> Mapping[str, float]:
        """Give each variant's weight within this fleet; a shadow takes no requests."""
        return self._weights

    def copied_share(self) -> float:
        """Give the share of the requests that the shadow gets copies of, 0 to 1."""
        return self._copied_share

    def healthy(self, variant: str) -> Sequence[Replica]:
        """Give the replicas of a variant that pass their health checks."""
        return self._healthy[variant]

    def replicas(self, variant: str) -> Sequence[Replica]:
        """Give all replicas of a variant."""
        return self._replicas[variant]

    def reweigh(self, capacities: Mapping[str, Capacity]) -> None:
        """Take the weights of these capacities."""
        shadow = self.deployment.shadow
        self._weights = {
            name: wanted.weight
            for name, wanted in capacities.items()
            if shadow is None or name != shadow.name
        }
        total = sum(self._weights.values())
        if shadow is not None and total > 0:
            self._copied_share = min(1.0, capacities[shadow.name].weight / total)

    def launch(self, capacities: Mapping[str, Capacity]) -> None:
        """Start what is missing, without waiting for it and without stopping anything.

        Raises:
            FleetFailed: a variant can have no new instance; then nothing was started.
        """
        self._provide(capacities, {name: len(each) for name, each in self._replicas.items()})
        for variant in self.deployment.variants:
            present = self._replicas[variant.name]
            missing = capacities[variant.name].instances - len(present)
            added = tuple(self._replica(variant) for _ in range(missing))
            with self._changed:
                self._replicas[variant.name] = present + added
            for replica in added:
                replica.start()

    def await_healthy(self, check: Callable[[], None] = lambda: None) -> None:
        """Wait until every replica passed its health check.

        Args:
            check: called again and again while it waits; what it raises ends the wait.

        Raises:
            FleetFailed: one did not in its variant's start-up time, or ended too often before.
            Stopped: the endpoint is to end at once.
        """
        begun = time.monotonic()
        with self._changed:
            while waiting := self._unhealthy():
                for variant, replica in waiting:
                    late = time.monotonic() - begun > variant.startup_seconds
                    # Replicas that were in service once are only on their way back.
                    hopeless = replica.exits >= timing.EXITS_BEFORE_GIVING_UP
                    if late or (hopeless and not replica.ever_healthy):
                        raise _no_ping(variant)
                if self._stopping.is_set():
                    raise Stopped
                check()
                self._changed.wait(0.2)

    def check_alive(self) -> None:
        """Look whether every variant has an instance that may still come back.

        Raises:
            FleetFailed: all instances of one end again and again before they are healthy.
        """
        for variant in self.deployment.variants:
            present = self._replicas[variant.name]
            if present and all(each.exits >= timing.EXITS_BEFORE_GIVING_UP for each in present):
                raise _no_ping(variant)

    def shrink(self, capacities: Mapping[str, Capacity]) -> None:
        """Stop what is too many, newest first, each after its requests in flight."""
        leaving: list[Replica] = []
        for name, wanted in capacities.items():
            with self._changed:
                present = self._replicas[name]
                self._replicas[name] = present[: wanted.instances]
                leaving.extend(present[wanted.instances :])
                self._sort()
        self._end(leaving, timing.INVOKE_SECONDS)

    def stop(self, *, drain: bool) -> None:
        """Stop every replica; returns when none is left.

        Args:
            drain: wait for requests in flight, up to the time that one may take.
        """
        with self._changed:
            leaving = [each for group in self._replicas.values() for each in group]
            self._replicas = dict.fromkeys(self._replicas, ())
            self._sort()
        self._end(leaving, timing.INVOKE_SECONDS if drain else 0.0)

    def unhealthy(self) -> Sequence[Replica]:
        """Give the replicas that do not pass their health checks."""
        return [replica for _, replica in self._unhealthy()]

    def _provide(self, capacities: Mapping[str, Capacity], present: Mapping[str, int]) -> None:
        """Raise FleetFailed where a variant needs new instances and can have none."""
        for variant in self.deployment.variants:
            if capacities[variant.name].instances > present[variant.name]:
                reason = self._provision(variant)
                if reason is not None:
                    raise FleetFailed(reason)

    def _unhealthy(self) -> list[tuple[Variant, Replica]]:
        return [
            (variant, replica)
            for variant in self.deployment.variants
            for replica in self._replicas[variant.name]
            if replica.state is not State.HEALTHY
        ]

    def _replica(self, variant: Variant) -> Replica:
        return Replica(
            launch=lambda replica, log: self._launch(variant, replica, log),
            log=lambda instance, lines: self._log(f"{variant.name}/{instance}", lines),
            changed=self._notify,
            startup_seconds=variant.startup_seconds,
            exited=self._exited,
        )

    def _notify(self) -> None:
        with self._changed:
            self._sort()
            self._changed.notify_all()

    def _sort(self) -> None:
        self._healthy = {
            name: tuple(each for each in group if each.state is State.HEALTHY)
            for name, group in self._replicas.items()
        }

    def _end(self, leaving: Sequence[Replica], drain_seconds: float) -> None:
        """Stop replicas side by side: each may take its 30 s."""

        def end(replica: Replica) -> None:
            replica.drain(drain_seconds, self._stopping)
            replica.stop()

        if leaving:
            with ThreadPoolExecutor(len(leaving), thread_name_prefix="replica-stop") as pool:
                list(pool.map(end, leaving))


class IdleFleet(Fleet):
    """The fleet of an emulator without replicas: takes every order and starts nothing."""

    def __init__(
        self,
        deployment: Deployment,
        stopping: threading.Event,
        provision: Provision = lambda _variant: None,
    ) -> None:
        super().__init__(
            deployment, _launch_nothing, lambda *_: None, stopping, provision=provision
        )
        self._instances = {variant.name: 0 for variant in deployment.variants}

    def launch(self, capacities: Mapping[str, Capacity]) -> None:
        """Start nothing, where there could be something to start."""
        self._provide(capacities, self._instances)
        for name, present in self._instances.items():
            self._instances[name] = max(present, capacities[name].instances)

    def shrink(self, capacities: Mapping[str, Capacity]) -> None:
        """Stop nothing."""
        for name, wanted in capacities.items():
            self._instances[name] = min(self._instances[name], wanted.instances)


def _launch_nothing(variant: Variant, replica: Replica, log: LogSink) -> Running:
    raise AssertionError(variant, replica, log)


def _no_ping(variant: Variant) -> FleetFailed:
    return FleetFailed(
        f"The {variant.container.hostname} container for production variant {variant.name} did "
        "not pass the ping health check. Please check CloudWatch logs for this endpoint."
    )
