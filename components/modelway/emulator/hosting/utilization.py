"""CPUUtilization, MemoryUtilization and DiskUtilization of every instance, once a virtual minute.

Takes the running fleets, reads their processes, records what SageMaker publishes in
`/aws/sagemaker/Endpoints`. The instance is this machine: memory is counted against its memory and a
CPU is one of its cores, since the instance type's own size is not there to be filled. Must not be
asked for anything; it only records.
"""

import os
import threading
from collections.abc import Callable
from pathlib import Path

import psutil

from modelway.emulator.hosting import timing
from modelway.emulator.hosting.deployment import Variant
from modelway.emulator.hosting.fleet import Fleet
from modelway.emulator.hosting.record import EndpointRecord
from modelway.emulator.hosting.replica import Replica, State
from modelway.emulator.services import Services

NAMESPACE = "/aws/sagemaker/Endpoints"

SHORTEST_REAL_SECONDS = 0.5
"""At a high time scale a virtual minute is too short to measure a CPU in; one measurement then
stands for all the minutes that it covers."""

_GIB = 1024**3


class Utilization:
    """A thread that measures, started with the first endpoint.

    Args:
        services: clock, metrics and the sign to stop.
        running: gives every fleet with its endpoint.
    """

    def __init__(
        self, services: Services, running: Callable[[], list[tuple[EndpointRecord, Fleet]]]
    ) -> None:
        self._services, self._running = services, running
        self._processes: dict[int, psutil.Process] = {}
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start measuring; a second call does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="utilization", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        clock = self._services.clock
        minute = timing.UTILIZATION_VIRTUAL_SECONDS
        pause = max(minute, SHORTEST_REAL_SECONDS * clock.time_scale)
        due = clock.now() + minute
        while not clock.sleep(pause, self._services.stopping):
            instants: list[float] = []
            while due <= clock.now():
                instants.append(due)
                due += minute
            self.measure(instants)

    def measure(self, instants: list[float]) -> None:
        """Measure every healthy replica once and record it for these virtual instants."""
        seen: set[int] = set()
        for record, fleet in self._running():
            for variant in fleet.deployment.variants:
                for replica in fleet.replicas(variant.name):
                    if replica.state is State.HEALTHY and replica.running is not None:
                        seen |= self._record(record, fleet, variant, replica, instants)
        self._processes = {pid: process for pid, process in self._processes.items() if pid in seen}

    def _record(
        self,
        record: EndpointRecord,
        fleet: Fleet,
        variant: Variant,
        replica: Replica,
        instants: list[float],
    ) -> set[int]:
        """Measure one replica, and give its processes."""
        running = replica.running
        if running is None:
            return set()
        try:
            processes = self._tree(running.pid)
            # The first reading of a process is 0: CPU is counted since the last one.
            values = {
                "CPUUtilization": sum(process.cpu_percent() for process in processes),
                "MemoryUtilization": sum(process.memory_percent() for process in processes),
                "DiskUtilization": 100.0
                * _bytes_below(running.scratch)
                / (variant.volume_gib * _GIB),
            }
        except psutil.Error:
            return set()
        dimensions = {"EndpointName": record.endpoint_name, "VariantName": variant.name}
        by_config = dimensions | {"EndpointConfigName": fleet.config_name}
        sink = self._services.faults.sink(
            self._services.metrics, record.endpoint_name, fleet.config_name
        )
        for at in instants:
            for name, value in values.items():
                for each in (dimensions, by_config):
                    sink.record(NAMESPACE, name, each, value, "Percent", at)
        return {process.pid for process in processes}

    def _tree(self, pid: int) -> list[psutil.Process]:
        """Give a replica's processes: the one in front and those that serve."""
        front = psutil.Process(pid)
        return [
            self._processes.setdefault(process.pid, process)
            for process in (front, *front.children(recursive=True))
        ]


def _bytes_below(folders: tuple[Path, ...]) -> int:
    total = 0
    for folder in folders:
        for parent, _, files in os.walk(folder):
            for name in files:
                try:
                    total += (Path(parent) / name).lstat().st_size
                except OSError:
                    continue
    return total
