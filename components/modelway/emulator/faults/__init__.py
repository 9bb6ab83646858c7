"""Faults on demand: what goes wrong on AWS now and then, at a moment and a place of one's choice.

Takes `POST /_modelway/faults`, the virtual clock and the running fleets; gives hosting what is to
go wrong (`services.Faults`) and the front what is to be refused. Nothing of it is kept on disk.
"""

from modelway.emulator.cloudwatch import MetricStore
from modelway.emulator.faults.crashes import Crashes, Placed
from modelway.emulator.faults.effects import Effects
from modelway.emulator.faults.refusals import Refusals
from modelway.emulator.faults.registry import FaultRegistry
from modelway.emulator.faults.routes import FaultRoutes
from modelway.emulator.faults.schedule import Update
from modelway.emulator.hosting import EndpointHosting
from modelway.emulator.services import Services

__all__ = ["FaultInjection"]


class FaultInjection:
    """The faults of one emulator.

    Args:
        services: clock, lock and the sign to stop.
        hosting: whose replicas crash.
        metrics: where measurements are missing.
    """

    def __init__(self, services: Services, hosting: EndpointHosting, metrics: MetricStore) -> None:
        def updates() -> dict[str, Update]:
            return {name: Update(*configs) for name, configs in hosting.updates().items()}

        def replicas() -> list[Placed]:
            return [
                Placed(record.endpoint_name, fleet.config_name, replica)
                for record, fleet in hosting.running()
                for variant in fleet.deployment.variants
                for replica in fleet.replicas(variant.name)
            ]

        def announce(endpoint: str, kind: str, action: str) -> None:
            services.events.add(
                endpoint, "fault", f"fault {kind} {action}", kind=kind, action=action
            )

        registry = FaultRegistry(services.clock, updates, announce)
        self.effects = Effects(registry)
        """For hosting."""
        self.refusals = Refusals(registry)
        """For the front."""
        self.routes = FaultRoutes(registry, services.lock)
        """For the control routes."""
        self._registry, self._services = registry, services
        self._crashes = Crashes(registry, replicas)
        metrics.reported_by = lambda dimensions, at, now: registry.measured(
            dimensions.get("EndpointName", ""), at, now
        )

    def start(self) -> None:
        """Bring faults about from now on."""
        self._crashes.start(self._services.stopping)

    def reset(self) -> None:
        """Forget every fault."""
        self._registry.reset()
