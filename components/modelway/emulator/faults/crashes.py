"""The thread that begins and ends faults, and kills replicas.

Takes the registry and the running replicas. It runs only while there is a fault that has not ended;
`step` does one round, for tests with a clock of their own.
"""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from modelway.emulator.faults.model import ReplicaCrash
from modelway.emulator.faults.registry import FaultRegistry
from modelway.emulator.faults.schedule import Fault
from modelway.emulator.hosting.replica import Replica, State

STEP_SECONDS = 0.02
"""Real time between two rounds."""

_IDLE_SECONDS = 0.5


@dataclass(frozen=True)
class Placed:
    """A replica and whose it is."""

    endpoint: str
    config: str
    replica: Replica


class Crashes:
    """Brings about what is due.

    Args:
        registry: knows the faults.
        replicas: gives every replica of every endpoint.
    """

    def __init__(self, registry: FaultRegistry, replicas: Callable[[], Sequence[Placed]]) -> None:
        self._registry, self._replicas = registry, replicas

    def start(self, stopping: threading.Event) -> None:
        """Run beside everything else until `stopping` is set."""
        threading.Thread(target=self._run, args=(stopping,), name="faults", daemon=True).start()

    def step(self) -> None:
        """Announce faults that began or ended, and kill replicas whose crash is due."""
        self._registry.turn()
        for fault, crash in tuple(self._registry.active(ReplicaCrash)):
            victims = self._victims(fault, crash.count)
            for replica in victims:
                running = replica.running
                if running is not None:
                    running.kill()
            if victims:
                self._registry.hit(fault, len(victims))
                self._registry.finish(fault)

    def _victims(self, fault: Fault, count: int) -> Sequence[Replica]:
        """Give whom to kill now; none while the fleet is still coming up."""
        fleet = [
            each.replica for each in self._replicas() if fault.meets(each.endpoint, each.config)
        ]
        healthy = [each for each in fleet if each.state is State.HEALTHY]
        if len(healthy) < min(count, len(fleet)):
            return ()
        return healthy[:count]

    def _run(self, stopping: threading.Event) -> None:
        while not stopping.is_set():
            if self._registry.pending:
                self.step()
                stopping.wait(STEP_SECONDS)
            else:
                self._registry.turn()
                self._registry.added.clear()
                # In steps, so that it ends with the emulator.
                self._registry.added.wait(_IDLE_SECONDS)
