"""One update of a live endpoint: guarded while it runs, judged by what is live when it has ended.

Takes what is wanted and what is live, starts UpdateEndpoint with the rollback alarms in place,
follows it, and gives the endpoint as it came to rest. It must not create models or configurations,
and must not decide whether the update is allowed (that is `preflight`).

SageMaker is InService again after a failed update, on the old configuration, with nothing but a
reason beside it (hashicorp/terraform-provider-aws issues 46663 and 48997). So the verdict here is
the configuration that serves, never the status.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from botocore.exceptions import ClientError

from modelway.plan.changes import moved_variants
from modelway.sagemaker import (
    container_log,
    failures,
    live,
    rollout_log,
    scaling_pause,
    update_plan,
)
from modelway.sagemaker.api import SageMakerApi, as_tag_list
from modelway.sagemaker.calls import Service
from modelway.sagemaker.desired import DesiredEndpoint
from modelway.sagemaker.progress import Stage, phrase, stage_of
from modelway.sagemaker.rollback_alarms import RollbackAlarms
from modelway.sagemaker.told import Told
from modelway.sagemaker.waiting import is_busy, settled


class Rollout:
    """One endpoint's way to the wanted configuration.

    Args:
        api: SageMaker.
        service: calls to the other services.
        desired: what is wanted.
        told: hears of every step.
        utcnow: gives the time, in UTC.
    """

    def __init__(
        self,
        api: SageMakerApi,
        service: Service,
        desired: DesiredEndpoint,
        told: Told,
        utcnow: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._api, self._service, self._desired = api, service, desired
        self._told, self._utcnow = told, utcnow
        self._doing = f"updating endpoint {desired.name} to configuration {desired.config_name}"
        alarms = desired.rollback_alarms
        # Without alarms nothing is asked of CloudWatch, not even for a client.
        self._alarms = (
            RollbackAlarms(
                service("cloudwatch"), desired.name, alarms, desired.config_name, desired.tags
            )
            if alarms
            else None
        )
        self._bakes: list[datetime | None] = []
        self._last = self._shown = ""

    def run(self, found: Mapping[str, Any]) -> tuple[dict[str, Any] | None, bool]:
        """Start the update and follow it to its end.

        Returns:
            The endpoint as it came to rest, and whether this update was taken: False when
            SageMaker was busy with somebody else's.

        Raises:
            DeploymentError: the wanted configuration does not serve; what does is said.
            ClientError: AWS refused the update; nothing has changed.
        """
        if self._alarms is not None:
            self._told.step(f"{self._desired.name}: putting the rollback alarms")
            self._alarms.put()
        paused = self._pause_scaling(found)
        try:
            started = self._start()
            rested = settled(self._api, self._desired, self._doing, self._look)
        finally:
            if paused:
                scaling_pause.register_again(self._service("application-autoscaling"), paused)
        if not started:
            self._clear()
            return rested, False
        return self._judged(rested), True

    def resume(self) -> dict[str, Any] | None:
        """Follow an update to the wanted configuration that another run has started.

        Raises:
            DeploymentError: it did not end in the wanted configuration.
        """
        self._told.note(f"{self._desired.name}: an update to this version is under way; waiting")
        rested = self._judged(settled(self._api, self._desired, self._doing, self._look))
        self._miss_scaling(sorted(self._desired.autoscaled_variants))
        return rested

    def _judged(self, rested: dict[str, Any] | None) -> dict[str, Any] | None:
        fired = [] if self._alarms is None else _firing(self._alarms.found())
        self._clear()
        served = rested is not None and live.serves(self._desired, rested)
        if rested is not None:
            self._record(rested, served=served, fired=fired)
        if not served:
            said = container_log.last_reasons(self._service, rested)
            raise failures.not_served(self._desired, rested, self._doing, fired, said)
        self._told.note(f"{self._desired.name}: {self._desired.config_name} has all traffic")
        return rested

    def _record(
        self, rested: Mapping[str, Any], *, served: bool, fired: Sequence[Mapping[str, Any]]
    ) -> None:
        outcome = rollout_log.PROMOTED if served else rollout_log.FAILED
        if not served and rested["EndpointStatus"] == "InService":
            outcome = rollout_log.ROLLED_BACK
        reason = " ".join(
            ["" if served else str(rested.get("FailureReason") or "")]
            + [str(alarm["AlarmName"]) for alarm in fired]
        )
        arn = rested["EndpointArn"]
        tags = rollout_log.with_outcome(
            self._api.tags(arn), self._utcnow(), self._desired.config_name, outcome, reason
        )
        self._api.call("add_tags", ResourceArn=arn, Tags=as_tag_list(tags))

    def _clear(self) -> None:
        if self._alarms is not None:
            self._alarms.remove()

    def _start(self) -> bool:
        request: dict[str, Any] = {
            "EndpointName": self._desired.name,
            "EndpointConfigName": self._desired.config_name,
            **live.retained(self._desired),
        }
        if self._desired.deployment_config is not None:
            request["DeploymentConfig"] = self._desired.deployment_config
        self._told.note(self._doing)
        try:
            self._api.call_when_visible("update_endpoint", **request)
        except ClientError as error:
            if is_busy(error):
                return False
            self._clear()
            raise
        return True

    def _pause_scaling(self, found: Mapping[str, Any]) -> list[scaling_pause.Registration]:
        """Set autoscaling aside where SageMaker would refuse the update because of it."""
        config = self._api.config(found["EndpointConfigName"])
        live_side = update_plan.described(found, config)
        names = sorted(moved_variants(live_side, update_plan.wanted(self._desired)))
        if not names:
            return []
        scaling = self._service("application-autoscaling")
        registrations = scaling_pause.registered(scaling, self._desired.name, names)
        self._miss_scaling([name for name in names if name in self._desired.autoscaled_variants])
        if registrations:
            variants = ", ".join(names)
            self._told.note(f"{self._desired.name}: autoscaling of {variants} is set aside")
            scaling_pause.deregister(scaling, registrations)
        return registrations

    def _miss_scaling(self, names: Sequence[str]) -> None:
        """Say that autoscaling is not registered: a run may have been killed while it was aside."""
        if not names:
            return
        scaling = self._service("application-autoscaling")
        there = scaling_pause.registered(scaling, self._desired.name, names)
        held = {registration.resource_id for registration in there}
        missing = [
            name
            for name in names
            if scaling_pause.resource_id(self._desired.name, name) not in held
        ]
        if missing:
            self._told.note(
                f"{self._desired.name}: autoscaling of {', '.join(missing)} is not registered now; "
                "if this run does not register it, run `pulumi up --refresh`"
            )

    def _look(self, found: Mapping[str, Any]) -> None:
        stage = stage_of(found)
        ours = stage.config_name == self._desired.config_name
        alarms: list[dict[str, Any]] = []
        if self._alarms is not None and ours:
            if stage.provisions:
                self._alarms.renew_lease()
            alarms = self._alarms.found()
        self._count(stage)
        step = len(self._bakes)
        self._tell(stage, step, alarms)

    def _count(self, stage: Stage) -> None:
        if stage.variant_status == "Baking" and stage.began not in self._bakes:
            self._bakes.append(stage.began)

    def _tell(self, stage: Stage, step: int, alarms: Sequence[Mapping[str, Any]]) -> None:
        text = phrase(stage, self._desired.deployment_config, step, alarms, self._utcnow())
        if text != self._shown:
            self._shown = text
            self._told.step(f"{self._desired.name}: {text}")
        doing = text.split(",", 1)[0]
        if doing != self._last:
            self._last = doing
            self._told.note(f"{self._desired.name}: {doing}")


def _firing(alarms: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    return [alarm for alarm in alarms if alarm["StateValue"] == "ALARM"]
