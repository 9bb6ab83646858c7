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
Log = Callable[[str, Sequence[str]], None]
"""Takes a log stream's name, `<variant>/<instance id>`, and lines."""


class FleetFailed(Exception):  # noqa: N818 - a state that the caller reports
    """The fleet did not come into service; the message is AWS's failure reason."""


class Fleet:
    """The replicas of one deployment.

    Args:
        deployment: what they run.
        launch: starts one container for a variant.
        log: takes their log lines.
        stopping: set when the endpoint is to end at once; waits end then.
    """

    def __init__(
        self, deployment: Deployment, launch: Launch, log: Log, stopping: threading.Event
    ) -> None:
        self.deployment = deployment
        self._launch, self._log, self._stopping = launch, log, stopping
        self._weights: Mapping[str, float] = {each.name: 0.0 for each in deployment.variants}
        self._replicas: dict[str, tuple[Replica, ...]] = dict.fromkeys(self._weights, ())
        # Tuples that are replaced, never changed: routing reads them without a lock.
        self._healthy: dict[str, tuple[Replica, ...]] = dict(self._replicas)
        self._changed = threading.Condition()

    @property
    def config_name(self) -> str:
        """The endpoint configuration that it runs."""
        return self.deployment.config_name

    def weights(self) -> Mapping[str, float]:
        """Give each variant's weight within this fleet."""
        return self._weights

    def healthy(self, variant: str) -> Sequence[Replica]:
        """Give the replicas of a variant that pass their health checks."""
        return self._healthy[variant]

    def replicas(self, variant: str) -> Sequence[Replica]:
        """Give all replicas of a variant."""
        return self._replicas[variant]

    def reweigh(self, capacities: Mapping[str, Capacity]) -> None:
        """Take the weights of these capacities."""
        self._weights = {name: wanted.weight for name, wanted in capacities.items()}

    def launch(self, capacities: Mapping[str, Capacity]) -> None:
        """Start what is missing, without waiting for it and without stopping anything."""
        for variant in self.deployment.variants:
            present = self._replicas[variant.name]
            missing = capacities[variant.name].instances - len(present)
            added = tuple(self._replica(variant) for _ in range(missing))
            with self._changed:
                self._replicas[variant.name] = present + added
            for replica in added:
                replica.start()

    def await_healthy(self) -> None:
        """Wait until every replica passed its health check.

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
                        raise FleetFailed(
                            f"The {variant.container.hostname} container for production variant "
                            f"{variant.name} did not pass the ping health check. Please check "
                            "CloudWatch logs for this endpoint."
                        )
                if self._stopping.is_set():
                    raise Stopped
                self._changed.wait(0.2)

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
