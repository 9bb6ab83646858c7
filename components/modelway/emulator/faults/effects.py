"""What faults do to hosting: to new instances, to containers, to answers, to measurements.

Takes an endpoint and a configuration, gives what is to go wrong there now; implements
`services.Faults`. AWS's own reasons are used where one is known, so that what reads them on AWS can
be rehearsed. Must not start, stop or route anything, but for the container it is handed.
"""

import time

from modelway.emulator.faults.model import (
    ArtifactMissing,
    CrashLoop,
    Errors,
    ImageMissing,
    MetricsDelayed,
    MetricsMissing,
    NoCapacity,
    OnFleet,
    Slow,
)
from modelway.emulator.faults.publication import Delayed, Lost
from modelway.emulator.faults.registry import FaultRegistry
from modelway.emulator.hosting.artifact import not_downloaded
from modelway.emulator.hosting.deployment import Variant
from modelway.emulator.hosting.launch import LogSink, Running
from modelway.emulator.services import Disturbance, Metrics

NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)
"""FailureReason of endpoints as users report it (aws/deep-learning-containers pull request 6673,
read 2026-11)."""

APPEARS_SECONDS = 10.0
"""Real time for a container to have a process that can be killed."""


class Effects:
    """The faults of hosting that hold now.

    Args:
        registry: knows them.
    """

    def __init__(self, registry: FaultRegistry) -> None:
        self._registry = registry

    def update_begins(self, endpoint: str, old: str, new: str) -> None:
        """Take note that an endpoint moves from one configuration to another."""
        self._registry.update_begins(endpoint, old, new)

    def provisioning(self, endpoint: str, config: str, variant: Variant) -> str | None:
        """Give AWS's reason why a variant can have no new instance; None where it can."""
        if self._strikes(NoCapacity, endpoint, config):
            return NO_CAPACITY
        if self._strikes(ImageMissing, endpoint, config):
            # aws/sagemaker-python-sdk issue 1835.
            return (
                "Please make sure all images included in the model for the production variant "
                f"{variant.name} exist, and that the execution role used to create the model has "
                "permissions to access them."
            )
        data = variant.container.model_data
        if data is not None and self._strikes(ArtifactMissing, endpoint, config):
            return not_downloaded(data.uri)
        return None

    def container_started(self, endpoint: str, config: str, running: Running, log: LogSink) -> None:
        """End a container that has just been started, where it is to crash."""
        if not self._strikes(CrashLoop, endpoint, config):
            return
        log(["fault crash-loop: the container is killed soon after its start"])
        # `docker run` can be killed before its container exists, which would leave that one alive.
        deadline = time.monotonic() + APPEARS_SECONDS
        while not running.pid and running.exit_status() is None and time.monotonic() < deadline:
            time.sleep(0.05)
        running.kill()

    def disturbance(self, endpoint: str, config: str) -> Disturbance | None:
        """Give what is to be done to an answer of a container; None for nothing."""
        delay_ms = 0.0
        for fault, slow in self._registry.on_fleet(Slow, endpoint, config):
            self._registry.hit(fault)
            delay_ms += slow.delay_ms
        for fault, errors in self._registry.on_fleet(Errors, endpoint, config):
            if self._registry.takes(fault, errors.percent, f"{endpoint}/{config}"):
                return Disturbance(delay_ms, errors.status)
        return Disturbance(delay_ms) if delay_ms else None

    def sink(self, metrics: Metrics, endpoint: str, config: str) -> Metrics:
        """Give where to record what was measured of a fleet."""
        if self._strikes(MetricsMissing, endpoint, config):
            return Lost()
        for fault, delayed in self._registry.on_fleet(MetricsDelayed, endpoint, config):
            self._registry.hit(fault)
            return Delayed(metrics, delayed.delay_seconds)
        return metrics

    def _strikes(self, kind: type[OnFleet], endpoint: str, config: str) -> bool:
        for fault, _ in self._registry.on_fleet(kind, endpoint, config):
            self._registry.hit(fault)
            return True
        return False
