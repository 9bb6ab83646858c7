"""One endpoint at work: carries out its operations and keeps what serves.

Takes a record and operations, has them carried out on its site, and settles each with its outcome.
Every operation runs in a thread of its own; the control plane allows one at a time. Must not decide
whether an operation is allowed (that is `aws.sagemaker_endpoints`) or how an update goes (that is
`rollout`).
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import replace

from modelway.emulator.hosting import timing
from modelway.emulator.hosting.artifact import ModelDataFailed
from modelway.emulator.hosting.deployment import with_instances
from modelway.emulator.hosting.fleet import Fleet, FleetFailed, IdleFleet
from modelway.emulator.hosting.outcomes import Outcomes
from modelway.emulator.hosting.patience import Stopped
from modelway.emulator.hosting.record import EndpointRecord, Mix, Operation, Outcome
from modelway.emulator.hosting.rollout import UNEXPECTED, RollbackFailed, RolledBack, Rollout
from modelway.emulator.hosting.routing import Router
from modelway.emulator.hosting.site import MakeFleet, Site
from modelway.emulator.services import Services

log = logging.getLogger(__name__)


class Endpoint:
    """The running side of one endpoint.

    Args:
        record: its control-plane side; changed only under `services.lock`.
        services: clock, lock, alarms and events.
        outcomes: where settled operations are remembered.
        make_fleet: makes fleets.
        forget: called under `services.lock` when the endpoint has gone.
    """

    def __init__(
        self,
        record: EndpointRecord,
        services: Services,
        outcomes: Outcomes,
        make_fleet: MakeFleet,
        forget: Callable[["Endpoint"], None],
    ) -> None:
        self.record = record
        self.site = Site(record, services, make_fleet)
        self.resumed = threading.Event()
        """Cleared while the emulator brings back what served before it was stopped."""
        self.resumed.set()
        self._services, self._outcomes, self._forget = services, outcomes, forget
        self._thread: threading.Thread | None = None

    @property
    def router(self) -> Router:
        """Chooses who answers a request."""
        return self.site.router

    @property
    def fleets(self) -> tuple[Fleet, ...]:
        """Every fleet with replicas, the serving one first."""
        return self.site.fleets

    def begin(self, operation: Operation) -> None:
        """Enter an operation; returns at once. Call it under `services.lock`."""
        if self._services.replaying:
            self.record.begin(operation)
            known = self._outcomes.of(self.record, operation)
            if known is not None:
                self._apply(known)
            return
        self.record.begin(operation)
        config = "" if operation.deployment is None else operation.deployment.config_name
        if operation.kind == "create":
            self.site.say("create-started", f"The endpoint is created with {config}.")
        elif operation.kind == "update":
            self.site.say("update-started", f"An update to {config} begins.", config=config)
        self._start(lambda: self._run(operation))

    def resume(self) -> None:
        """After a replay: bring back what served, then carry on what was under way."""
        self.resumed.clear()
        self._start(self._resume)

    def stop(self) -> None:
        """Give up the running operation and stop every replica; the record stays as it is."""
        self.site.stopping.set()
        if self._thread is not None:
            self._thread.join()
        self.site.stop()

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
        before = self.record.current
        try:
            steps[operation.kind](operation)
        except Stopped:
            return  # nothing is settled: the emulator's next start carries it on
        except RollbackFailed as failure:
            self._settle(operation, str(failure), failure.mix)
        except (FleetFailed, ModelDataFailed, RolledBack) as failure:
            self._settle(operation, str(failure))
        except Exception:
            # A fault of the emulator must not leave an endpoint in progress for ever.
            log.exception("operation %s on %s", operation.kind, self.record.endpoint_name)
            self._settle(operation, UNEXPECTED)
        else:
            self._settle(operation, None)
            if operation.kind == "resize":
                for name, old in before.items():
                    self._say_scaled(name, old.instances, operation.capacities[name].instances)

    def _resume(self) -> None:
        record, site = self.record, self.site
        operation = record.operation
        try:
            if record.deployment is not None:
                self._bring_back()
        except Stopped:
            return
        except (FleetFailed, ModelDataFailed) as failure:
            # Its replicas go on trying; SageMaker has no state for this either.
            log.warning("%s: %s", record.endpoint_name, failure)
            if not site.fleets and record.deployment is not None:
                site.fleets = (IdleFleet(record.deployment, site.stopping),)
                site.route([(site.fleets[0], 1.0)])
        finally:
            self.resumed.set()
        if operation is not None:
            self._run(operation)

    def _bring_back(self) -> None:
        """Start what served when the emulator stopped, both fleets of a mix."""
        record, site = self.record, self.site
        if record.deployment is None:
            return
        wanted = [(site.add(record.deployment, record.current), record.current)]
        share = 0.0
        if record.mix is not None and record.mixed_with is not None:
            new = {
                variant.name: replace(
                    record.current.get(variant.name, variant.initial_capacity),
                    instances=record.mix.new.get(variant.name, 0),
                )
                for variant in record.mixed_with.variants
            }
            wanted.append((site.add(record.mixed_with, new), new))
            share = record.mix.share
        site.route(list(zip(site.fleets, (1 - share, share), strict=False)))
        for fleet, capacities in wanted:
            fleet.launch(capacities)
        for fleet, _ in wanted:
            fleet.await_healthy()

    def _create(self, operation: Operation) -> None:
        self.site.wait(timing.PROVISION_VIRTUAL_SECONDS)
        if operation.deployment is None:
            return
        fleet = self.site.add(operation.deployment, operation.capacities)
        try:
            fleet.launch(operation.capacities)
            fleet.await_healthy()
        except BaseException:
            self.site.end(fleet, drain=False)
            raise
        self.site.say_ready(fleet, sum(each.instances for each in operation.capacities.values()))
        self.site.route([(fleet, 1.0)])

    def _update(self, operation: Operation) -> None:
        if operation.deployment is None or operation.course is None:
            return

        def decided(reason: str) -> None:
            # Should the emulator stop on the way back, its next start must not try again.
            self._outcomes.add(self.record, operation, self._outcome(reason))

        Rollout(self.site, operation, operation.deployment, operation.course, decided).run()

    def _resize(self, operation: Operation) -> None:
        current = self.record.current
        grows = any(
            wanted.instances > current[name].instances
            for name, wanted in operation.capacities.items()
        )
        self.site.wait(
            timing.PROVISION_VIRTUAL_SECONDS if grows else timing.REWEIGH_VIRTUAL_SECONDS
        )
        if not self.fleets:
            return
        fleet = self.fleets[0]
        try:
            fleet.launch(operation.capacities)
            fleet.await_healthy()
        except FleetFailed:
            fleet.shrink(
                with_instances(
                    operation.capacities,
                    {
                        name: min(wanted.instances, current[name].instances)
                        for name, wanted in operation.capacities.items()
                    },
                )
            )
            raise
        fleet.reweigh(operation.capacities)
        fleet.shrink(operation.capacities)

    def _delete(self, operation: Operation) -> None:
        del operation
        self.site.route([])
        for fleet in self.fleets:
            self.site.end(fleet, drain=True)
        self.site.wait(timing.DELETE_VIRTUAL_SECONDS)

    def _settle(
        self, operation: Operation, failure_reason: str | None, mix: Mix | None = None
    ) -> None:
        with self.site.changing():
            outcome = self._outcome(failure_reason, mix)
            self._outcomes.add(self.record, operation, outcome)
            self._apply(outcome)
        config, reason = self.record.endpoint_config_name, failure_reason or ""
        if operation.kind == "create":
            self.site.say("create-ended", f"It is {self.record.endpoint_status}. {reason}".strip())
        elif operation.kind == "delete":
            self.site.say("deleted", "The endpoint is gone.")
        elif operation.kind == "update" and failure_reason is not None:
            kind, what = ("rolled-back", "again") if mix is None else ("rollback-failed", "in part")
            self.site.say(kind, f"{config} serves {what}: {reason}", config=config, reason=reason)

    def _outcome(self, failure_reason: str | None, mix: Mix | None = None) -> Outcome:
        at = self._services.clock.utcnow()
        return Outcome(failure_reason is None, failure_reason, at, mix)

    def _apply(self, outcome: Outcome) -> None:
        operation = self.record.operation
        if operation is not None and operation.kind == "delete":
            self._forget(self)
        else:
            self.record.settle(outcome)

    def _say_scaled(self, variant: str, old: int, new: int) -> None:
        if old != new:
            text = f"Variant {variant} went from {old} to {new} instances."
            self.site.say("scaled", text, **{"variant": variant, "from": old, "to": new})
