"""Carries out one update: stage by stage forward, and back again when it fails.

Takes a site and an update's course, moves capacity and traffic, watches the alarms in every bake.
Ends with the new fleet serving alone, or raises what became of it. An update that the emulator's
stop cuts off is begun again at the next start; one that was rolling back then counts as rolled
back. Must not decide numbers (that is `stages`) or settle the operation (that is `endpoint`).
"""

import logging
from collections.abc import Callable

from modelway.emulator.hosting import timing
from modelway.emulator.hosting.artifact import ModelDataFailed
from modelway.emulator.hosting.deployment import Deployment, with_instances
from modelway.emulator.hosting.fleet import Fleet, FleetFailed
from modelway.emulator.hosting.patience import Stopped
from modelway.emulator.hosting.record import Mix, Operation, Progress
from modelway.emulator.hosting.site import RolloutStage, Site
from modelway.emulator.hosting.stages import Counts, Course, Return, Stage
from modelway.emulator.hosting.time_limit import TimeLimit

log = logging.getLogger(__name__)

UNEXPECTED = "Request to service failed. Please try again."
"""What AWS says of its own faults; here, of the emulator's."""


class Halted(Exception):  # noqa: N818 - a decision, not a fault
    """The update must not go on; the message is the reason."""


class RolledBack(Exception):  # noqa: N818 - a result that the caller reports
    """The old fleet serves alone again; the message is AWS's failure reason."""


class RollbackFailed(Exception):  # noqa: N818 - a result that the caller reports
    """Neither fleet could be made to serve alone.

    Args:
        reason: AWS's failure reason.
        mix: what each fleet is left with.
    """

    def __init__(self, reason: str, mix: Mix) -> None:
        super().__init__(reason)
        self.mix = mix


class Rollout:
    """One update under way.

    Args:
        site: the endpoint's ground; its first fleet is the one to replace.
        operation: the update.
        deployment: what is to run in the end.
        course: how to get there.
        decided: called with the reason once the update is to be undone, whatever comes then.
    """

    def __init__(
        self,
        site: Site,
        operation: Operation,
        deployment: Deployment,
        course: Course,
        decided: Callable[[str], None],
    ) -> None:
        self._site, self._operation, self._course = site, operation, course
        self._deployment, self._decided = deployment, decided
        self._clock = site.services.clock
        self._limit = TimeLimit(self._clock, course.limit_seconds)
        self._old = site.fleets[0]
        shares = site.router.shares_of(site.fleets)
        self._before = tuple(zip(site.fleets, shares, strict=True))
        """The fleets that are there, more than one after a rollback that failed."""
        self._new: Fleet | None = None
        self._share = 0.0
        self._old_counts: Counts = course.before
        self._new_counts: Counts = dict.fromkeys(operation.capacities, 0)
        self._reached = 0

    def run(self) -> None:
        """Carry the update out.

        Raises:
            RolledBack: it failed, and the old fleet serves as before.
            RollbackFailed: it failed, and so did the way back.
            Stopped: the emulator stops.
        """
        try:
            self._advance()
            # Past this point there is nothing to go back to.
            self._finish()
        finally:
            self._site.rollout = None

    def _advance(self) -> None:
        """Go through all stages, or all the way back."""
        try:
            self._forward()
        except Stopped:
            raise
        except (FleetFailed, ModelDataFailed, Halted) as failure:
            self._back(str(failure))
        except Exception:
            # A fault of the emulator must not leave two fleets behind.
            log.exception("updating %s", self._site.record.endpoint_name)
            self._back(UNEXPECTED)

    def _forward(self) -> None:
        stages = self._course.stages
        for number, stage in enumerate(stages):
            self._reached = number
            self._provide(stage)
            self._move(stage.share)
            self._bake(stage.bake_seconds, "baking")
            if number + 1 < len(stages):
                self._shed(stage.old)
        self._bake(self._course.termination_seconds, "terminating")

    def _finish(self) -> None:
        """End what the new fleet has replaced."""
        config = self._deployment.config_name
        self._site.say("promoted", f"{config} serves alone from now on.", config=config)
        self._show("Deleting")
        for fleet, _ in self._before:
            self._site.end(fleet, drain=True)

    def _provide(self, stage: Stage) -> None:
        """Bring the new fleet to the stage's capacity."""
        if self._new_counts == stage.new:
            return
        # SageMaker provisions each batch when its turn comes.
        self._enter("provisioning", timing.PROVISION_VIRTUAL_SECONDS)
        self._show("Creating" if self._new is None else "Updating")
        self._wait(timing.PROVISION_VIRTUAL_SECONDS)
        wanted = with_instances(self._operation.capacities, stage.new)
        if self._new is None:
            self._new = self._site.add(self._deployment, wanted)
        with self._limit.process_time():
            self._new.launch(wanted)
            self._new.await_healthy(self._check_time)
        self._new_counts = stage.new
        self._site.say_ready(self._new, sum(stage.new.values()))

    def _move(self, share: float) -> None:
        """Give the new fleet its share of the traffic."""
        if self._share == share or self._new is None:
            return
        if self._site.rollout is None or self._site.rollout.stage != "rolling-back":
            self._enter("shifting")
            self._show("ActivatingTraffic")
        self._site.route(
            [(fleet, part * (1 - share)) for fleet, part in self._before] + [(self._new, share)]
        )
        self._share = share

    def _bake(self, seconds: float, stage: str) -> None:
        """Watch for so long; an alarm that fires, a lost fleet or the time limit end it."""
        began = self._clock.now()
        if stage == "terminating" and seconds == 0:
            return  # The last bake has just ended.
        if seconds > 0:
            self._enter(stage, seconds)
            self._show("Baking")
            config = self._deployment.config_name
            self._site.say(
                "bake-started",
                f"Alarms are watched for {seconds:.0f} s.",
                seconds=seconds,
                config=config,
            )
        while True:
            self._check_time()
            self._check_alarms(began)
            if self._new is not None:
                self._new.check_alive()
            left = began + seconds - self._clock.now()
            if left <= 0:
                return
            self._wait(min(left, timing.watch_virtual_seconds(self._clock.time_scale)))

    def _check_alarms(self, since: float) -> None:
        """Halt when an alarm is in ALARM or was since then; INSUFFICIENT_DATA is no ALARM."""
        record, alarms = self._site.record, self._site.services.alarms
        where = (record.account_id, record.region)
        fired, unknown = list[str](), list[str]()
        if not self._course.alarms:
            return
        with self._site.changing():
            for name in self._course.alarms:
                if alarms.state(*where, name) is None:
                    unknown.append(name)
                elif alarms.fired_since(*where, name, since):
                    fired.append(name)
        if fired:
            raise Halted(
                "The deployment was rolled back because one or more CloudWatch alarms went into "
                f"the ALARM state: {', '.join(fired)}."
            )
        if unknown:
            raise Halted(
                "The deployment was rolled back because one or more CloudWatch alarms could not "
                f"be read: {', '.join(unknown)}."
            )

    def _check_time(self) -> None:
        if self._limit.left_seconds <= 0:
            raise Halted(
                "The deployment was rolled back because it did not complete within "
                f"MaximumExecutionTimeoutInSeconds, {self._limit.seconds:.0f} seconds."
            )

    def _wait(self, seconds: float) -> None:
        """Wait in virtual time, not beyond the time limit."""
        self._site.wait(max(0.0, min(seconds, self._limit.left_seconds)))
        self._check_time()

    def _shed(self, counts: Counts) -> None:
        """End the instances of the old fleet that are no longer needed."""
        if counts != self._old_counts:
            self._old_counts = counts
            self._show("Baking")
            with self._limit.process_time():
                self._old.shrink(with_instances(self._site.record.current, counts))

    def _back(self, reason: str) -> None:
        """Undo everything; always raises."""
        site, old_config = self._site, self._old.config_name
        reason = reason[: timing.FAILURE_REASON_CHARACTERS]
        served = self._share > 0
        self._enter("rolling-back")
        site.say("rollback-started", f"Going back to {old_config}: {reason}", reason=reason)
        if self._new is not None:
            site.blame(self._new)  # on the way back its replicas go
        steps = self._course.way_back(self._reached)
        self._move(steps[0].share)
        self._decided(reason)
        with site.changing():
            site.record.roll_back()
        for step in steps:
            self._regain(step, reason)
            self._move(step.share)
            self._show("Deleting")
            if self._new is not None:
                self._new.shrink(with_instances(self._operation.capacities, step.new))
                self._new_counts = step.new
        if self._new is not None:
            site.end(self._new, drain=served)
        raise RolledBack(reason)

    def _regain(self, step: Return, reason: str) -> None:
        """Bring the old fleet to a step's capacity."""
        if step.old == self._old_counts:
            return
        current = self._site.record.current
        try:
            self._site.wait(timing.PROVISION_VIRTUAL_SECONDS)
            self._old.launch(with_instances(current, step.old))
            self._old.await_healthy()
        except FleetFailed as failure:
            self._old.shrink(with_instances(current, self._old_counts))
            mix = Mix(dict(self._old_counts), dict(self._new_counts), self._share)
            raise RollbackFailed(f"{reason} The rollback failed: {failure}", mix) from failure
        self._old_counts = step.old

    def _enter(self, stage: str, seconds: float | None = None) -> None:
        until = None if seconds is None else self._clock.now() + seconds
        self._site.rollout = RolloutStage(stage, self._deployment.config_name, until)

    def _show(self, status: str) -> None:
        """Show the state of the new variants in DescribeEndpoint."""
        with self._site.changing():
            self._site.record.progress = Progress(
                status=status,
                since=self._clock.utcnow(),
                share=self._share,
                new=dict(self._new_counts),
                old=dict(self._old_counts),
            )
