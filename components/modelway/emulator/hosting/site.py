"""Where an endpoint stands: its record, its fleets and its routes, and small moves with them.

Takes a record and a way to make fleets; the operations of an endpoint (`endpoint`, `rollout`) are
written in these moves. Says every move as an event. Must not decide which moves to make.
"""

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any

from modelway.emulator.hosting.deployment import Capacity, Deployment
from modelway.emulator.hosting.fleet import Fleet
from modelway.emulator.hosting.patience import Stopped, locked
from modelway.emulator.hosting.record import EndpointRecord
from modelway.emulator.hosting.routing import Router
from modelway.emulator.services import Services

MakeFleet = Callable[[EndpointRecord, Deployment, threading.Event], Fleet]
"""Makes a fleet with nothing running yet, which gives up its waits when the event is set; raises
ModelDataFailed."""


@dataclass(frozen=True)
class RolloutStage:
    """What an update is doing, for `/_modelway/status`."""

    stage: str
    """provisioning, shifting, baking, terminating or rolling-back."""
    config: str
    """The configuration that the update is to bring."""
    until: float | None = None
    """Virtual time at which the stage's wait ends; None where it is not a wait."""


class Site:
    """The ground of one endpoint.

    Args:
        record: its control-plane side; changed only under `services.lock`.
        services: clock, lock, alarms and events.
        make_fleet: makes fleets.
    """

    def __init__(self, record: EndpointRecord, services: Services, make_fleet: MakeFleet) -> None:
        self.record = record
        self.services = services
        self.router = Router()
        self.fleets: tuple[Fleet, ...] = ()
        """Every fleet with replicas, the serving one first."""
        self.rollout: RolloutStage | None = None
        """What the update under way is doing; None without one."""
        self.last_failure_log: tuple[str, ...] = ()
        """The last log lines of a replica that kept an operation from succeeding."""
        self.stopping = threading.Event()
        """Set when the emulator stops or is reset: all work here is given up."""
        self._make_fleet = make_fleet

    def say(self, kind: str, text: str, /, **data: Any) -> None:
        """Add an event of this endpoint."""
        self.services.events.add(self.record.endpoint_name, kind, text, **data)

    def say_ready(self, fleet: Fleet, instances: int) -> None:
        """Say that a fleet has so many healthy instances."""
        config = fleet.config_name
        text = f"{instances} instances of {config} are in service."
        self.say("fleet-ready", text, config=config, instances=instances)

    def changing(self) -> AbstractContextManager[None]:
        """Hold the emulator's lock, under which the record may be changed.

        Raises:
            Stopped: the work is to be given up.
        """
        return locked(self.services.lock, self.stopping)

    def wait(self, virtual_seconds: float) -> None:
        """Wait in virtual time.

        Raises:
            Stopped: the work is to be given up.
        """
        if self.services.clock.sleep(virtual_seconds, self.stopping):
            raise Stopped

    def add(self, deployment: Deployment, capacities: Mapping[str, Capacity]) -> Fleet:
        """Make a fleet beside the present ones, with these weights and nothing running yet.

        Raises:
            ModelDataFailed: its model data cannot be had.
        """
        fleet = self._make_fleet(self.record, deployment, self.stopping)
        fleet.reweigh(capacities)
        self.fleets = (*self.fleets, fleet)
        return fleet

    def route(self, shares: Sequence[tuple[Fleet, float]]) -> None:
        """Divide the traffic; a fleet with a share of 0 gets none, whatever a request names."""
        self.router.route([(fleet, share) for fleet, share in shares if share > 0])
        divided = self.router.shares()
        told = ", ".join(f"{share:.0%} to {config}" for config, share in divided.items())
        self.say("traffic", f"Traffic goes {told or 'nowhere'}.", shares=divided)

    def end(self, fleet: Fleet, *, drain: bool) -> None:
        """Stop a fleet that has no share of the traffic; returns when none of it is left.

        Args:
            fleet: one of `fleets`.
            drain: wait for requests in flight.
        """
        culprits = fleet.unhealthy()
        fleet.stop(drain=drain)
        if culprits and culprits[0].exits:
            self.last_failure_log = tuple(culprits[0].tail)
        self.fleets = tuple(each for each in self.fleets if each is not fleet)
        self.say(
            "fleet-ended", f"The fleet of {fleet.config_name} ended.", config=fleet.config_name
        )

    def blame(self, fleet: Fleet) -> None:
        """Keep the last words of a replica that keeps a fleet from coming into service."""
        for replica in fleet.unhealthy():
            if replica.exits:
                self.last_failure_log = tuple(replica.tail)
                return

    def stop(self) -> None:
        """Stop every replica at once."""
        for fleet in self.fleets:
            fleet.stop(drain=False)
        self.fleets = ()
