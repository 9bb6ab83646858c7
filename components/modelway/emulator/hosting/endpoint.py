"""One endpoint at work: carries out its operations and keeps its fleets.

Takes a record and operations, starts and stops fleets, moves traffic, and settles each operation
with its outcome. Every operation runs in a thread of its own; the control plane allows one at a
time. Must not decide whether an operation is allowed (that is `aws.sagemaker_endpoints`).
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from modelway.emulator.hosting import timing
from modelway.emulator.hosting.artifact import ModelDataFailed
from modelway.emulator.hosting.deployment import Deployment
from modelway.emulator.hosting.fleet import Fleet, FleetFailed
from modelway.emulator.hosting.outcomes import Outcomes
from modelway.emulator.hosting.patience import Stopped, locked
from modelway.emulator.hosting.record import EndpointRecord, Operation, Outcome
from modelway.emulator.hosting.routing import Router
from modelway.emulator.services import Services

log = logging.getLogger(__name__)

MakeFleet = Callable[[EndpointRecord, Deployment, threading.Event], Fleet]
"""Makes a fleet with nothing running yet, which gives up its waits when the event is set; raises
ModelDataFailed."""


class Endpoint:
    """The running side of one endpoint.

    Args:
        record: its control-plane side; changed only under `services.lock`.
        services: clock and lock.
        outcomes: where settled operations are remembered.
        make_fleet: makes fleets; None when the emulator runs without replicas.
        forget: called under `services.lock` when the endpoint has gone.
    """

    def __init__(
        self,
        record: EndpointRecord,
        services: Services,
        outcomes: Outcomes,
        make_fleet: MakeFleet | None,
        forget: Callable[["Endpoint"], None],
    ) -> None:
        self.record = record
        self.router = Router()
        self.fleets: tuple[Fleet, ...] = ()
        """Every fleet with replicas, the serving one first."""
        self.resumed = threading.Event()
        """Cleared while the emulator brings back what served before it was stopped."""
        self.resumed.set()
        self.last_failure_log: tuple[str, ...] = ()
        """The last log lines of a replica that kept an operation from succeeding."""
        self._stopping = threading.Event()
        self._services, self._outcomes, self._forget = services, outcomes, forget
        self._make_fleet = make_fleet
        self._thread: threading.Thread | None = None

    def begin(self, operation: Operation) -> None:
        """Enter an operation; returns at once. Call it under `services.lock`."""
        if self._services.replaying:
            self.record.begin(operation)
            known = self._outcomes.of(self.record, operation)
            if known is not None:
                self._apply(known)
            return
        self.record.begin(operation)
        self._start(lambda: self._run(operation))

    def resume(self) -> None:
        """After a replay: bring back what served, then carry on what was under way."""
        self.resumed.clear()
        self._start(self._resume)

    def stop(self) -> None:
        """Give up the running operation and stop every replica; the record stays as it is."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        for fleet in self.fleets:
            fleet.stop(drain=False)
        self.fleets = ()

    def settle_replayed(self) -> None:
        """Take the running operation for a success: its outcome was lost."""
        if self.record.operation is not None:
            outcome = Outcome(succeeded=True, failure_reason=None, at=self._services.clock.utcnow())
            self._apply(outcome)

    def _start(self, work: Callable[[], None]) -> None:
        name = f"endpoint-{self.record.endpoint_name}"
        self._thread = threading.Thread(target=work, name=name, daemon=True)
        self._thread.start()

    def _run(self, operation: Operation) -> None:
        steps = {
            "create": self._create,
            "update": self._update,
            "resize": self._resize,
            "delete": self._delete,
        }
        try:
            steps[operation.kind](operation)
        except Stopped:
            return  # nothing is settled: the emulator's next start carries it on
        except (FleetFailed, ModelDataFailed) as failure:
            self._settle(operation, str(failure))
        except Exception:
            # A fault of the emulator must not leave an endpoint in progress for ever.
            log.exception("operation %s on %s", operation.kind, self.record.endpoint_name)
            self._settle(operation, "Request to service failed. Please try again.")
        else:
            self._settle(operation, None)

    def _resume(self) -> None:
        record = self.record
        operation = record.operation
        try:
            if record.deployment is not None and self._make_fleet is not None:
                fleet = self._make_fleet(record, record.deployment, self._stopping)
                fleet.reweigh(record.current)
                self.fleets = (fleet,)
                self.router.route([(fleet, 1.0)])
                fleet.launch(record.current)
                fleet.await_healthy()
        except Stopped:
            return
        except (FleetFailed, ModelDataFailed) as failure:
            # Its replicas go on trying; SageMaker has no state for this either.
            log.warning("%s: %s", record.endpoint_name, failure)
        finally:
            self.resumed.set()
        if operation is not None:
            self._run(operation)

    def _create(self, operation: Operation) -> None:
        self._wait(timing.PROVISION_VIRTUAL_SECONDS)
        if self._make_fleet is None or operation.deployment is None:
            return
        fleet = self._bring_up(operation, operation.deployment)
        self.router.route([(fleet, 1.0)])

    def _update(self, operation: Operation) -> None:
        """Blue/green, all at once: a whole new fleet, then all traffic, then the old one ends."""
        self._wait(timing.PROVISION_VIRTUAL_SECONDS)
        if self._make_fleet is None or operation.deployment is None:
            return
        old = self.fleets
        new = self._bring_up(operation, operation.deployment)
        self.router.route([(new, 1.0)])
        self.fleets = (new, *old)
        for fleet in old:
            fleet.stop(drain=True)
        self.fleets = (new,)

    def _resize(self, operation: Operation) -> None:
        current = self.record.current
        grows = any(
            wanted.instances > current[name].instances
            for name, wanted in operation.capacities.items()
        )
        self._wait(timing.PROVISION_VIRTUAL_SECONDS if grows else timing.REWEIGH_VIRTUAL_SECONDS)
        if not self.fleets:
            return
        fleet = self.fleets[0]
        try:
            fleet.launch(operation.capacities)
            fleet.await_healthy()
        except FleetFailed:
            fleet.shrink(
                {
                    name: replace(wanted, instances=min(wanted.instances, current[name].instances))
                    for name, wanted in operation.capacities.items()
                }
            )
            raise
        fleet.reweigh(operation.capacities)
        fleet.shrink(operation.capacities)

    def _delete(self, operation: Operation) -> None:
        del operation
        self.router.route([])
        for fleet in self.fleets:
            fleet.stop(drain=True)
        self.fleets = ()
        self._wait(timing.DELETE_VIRTUAL_SECONDS)

    def _bring_up(self, operation: Operation, deployment: Deployment) -> Fleet:
        """Start a fleet beside the present ones and wait until it is healthy; else remove it."""
        if self._make_fleet is None:
            raise Stopped
        fleet = self._make_fleet(self.record, deployment, self._stopping)
        fleet.reweigh(operation.capacities)
        before = self.fleets
        self.fleets = (*before, fleet)
        try:
            fleet.launch(operation.capacities)
            fleet.await_healthy()
        except BaseException:
            if operation.kind == "update" and not self._stopping.is_set():
                with locked(self._services.lock, self._stopping):
                    self.record.roll_back()
            self._give_up(fleet)
            self.fleets = before
            raise
        return fleet

    def _give_up(self, fleet: Fleet) -> None:
        culprits = fleet.unhealthy()
        fleet.stop(drain=False)
        if culprits:
            self.last_failure_log = tuple(culprits[0].tail)

    def _wait(self, virtual_seconds: float) -> None:
        if self._services.clock.sleep(virtual_seconds, self._stopping):
            raise Stopped

    def _settle(self, operation: Operation, failure_reason: str | None) -> None:
        with locked(self._services.lock, self._stopping):
            outcome = Outcome(
                succeeded=failure_reason is None,
                failure_reason=failure_reason,
                at=self._services.clock.utcnow(),
            )
            self._outcomes.add(self.record, operation, outcome)
            self._apply(outcome)

    def _apply(self, outcome: Outcome) -> None:
        operation = self.record.operation
        if operation is not None and operation.kind == "delete":
            self._forget(self)
        else:
            self.record.settle(outcome)
