"""The emulator itself: its control plane, alarms, faults and hosting on a stepped clock.

Takes a folder, changes moto and the emulator's modules until `close`. Instances are stand-ins
(`instances`), requests go through the emulator's own invocation and metrics. Must not deploy.
"""

import io
import json
import tarfile
import threading
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from moto.applicationautoscaling import models as scaling_models
from moto.applicationautoscaling import responses as scaling_responses
from moto.applicationautoscaling.models import (
    ApplicationAutoscalingBackend,
    FakeApplicationAutoscalingPolicy,
    applicationautoscaling_backends,
)
from moto.cloudwatch.models import CloudWatchBackend, cloudwatch_backends
from moto.iam.models import iam_backends
from moto.moto_api._internal.models import moto_api_backend
from moto.s3.models import s3_backends
from moto.sagemaker.models import sagemaker_backends

from modelway.emulator.autoscaling.api import ScalingApi
from modelway.emulator.aws import sagemaker
from modelway.emulator.cloudwatch.alarm_api import AlarmApi
from modelway.emulator.cloudwatch.evaluator import AlarmEvaluator
from modelway.emulator.cloudwatch.metric_api import MetricApi
from modelway.emulator.cloudwatch.metrics import MetricStore
from modelway.emulator.cloudwatch.states import AlarmStates
from modelway.emulator.faults import FaultInjection
from modelway.emulator.faults.model import ExpiredCredentials, Throttling
from modelway.emulator.hosting import EndpointHosting, fleet, invoke, site
from modelway.emulator.hosting.artifact import ModelStore
from modelway.emulator.hosting.capture import Capture
from modelway.emulator.hosting.endpoint import Endpoint
from modelway.emulator.hosting.outcomes import Outcomes
from modelway.emulator.hosting.time_limit import TimeLimit
from modelway.emulator.hosting.utilization import Utilization
from modelway.emulator.services import Services, Settings
from rollout_model import instances
from rollout_model.direct import ACCOUNT, REGION, RESPONSES, answer
from rollout_model.stepped import SteppedClock

ENDPOINT = "fraud-prod"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/fraud"
GUARD = f"{ENDPOINT}-guard"
TRUST = {
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "sagemaker.amazonaws.com"}}],
}
OK = 200
TRAFFIC_SECONDS = 30
TRACKING = "target_tracking_scaling_policy_configuration"
EXPIRED = "The security token included in the request is expired"
REQUESTS_A_TICK = 2
"""Unless a test wants others."""

GRACE_SECONDS = 60
"""After a fault, until every instance has started again."""


class World:
    """One emulator at a time; `begin_anew` gives a fresh one."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self.clock, self._folder = SteppedClock(), folder
        self.time = instances.ProcessTime()
        self.images = instances.Images(self.time)
        self.services = Services(Settings(port=0, state_dir=folder), self.clock)
        self.services.metrics = self._metrics = MetricStore(self.clock)
        self.services.logs = SimpleNamespace(write=lambda *_: None)
        self.services.stopping = _Waits(self.time)
        self._install(patch)
        archive = _archive()
        self.hosting = EndpointHosting(
            self.services, lambda *_: [("model.tar.gz", archive)], instances.Launcher(self.images)
        )
        self.services.hosting = self.hosting
        self.faults = FaultInjection(self.services, self.hosting, self._metrics)
        self.services.faults = self.faults.effects
        self.traffic, self.requests_a_tick = False, REQUESTS_A_TICK
        self.answers: list[tuple[int, str]] = []
        """Status and reason of each request that failed without a fault."""
        self.explained_until = 0.0
        """Until when clients may see errors: some time after the last fault."""

    @property
    def sagemaker(self) -> Any:
        return sagemaker_backends[ACCOUNT][REGION]

    @property
    def alarms(self) -> dict[str, Any]:
        return dict(cloudwatch_backends[ACCOUNT][REGION].alarms)

    @property
    def record(self) -> Any:
        """The endpoint's control-plane side, or None."""
        return self.sagemaker.endpoints.get(ENDPOINT)

    @property
    def parts(self) -> frozenset[str]:
        """Names of all configurations and models."""
        return frozenset([*self.sagemaker.endpoint_configs, *self.sagemaker._models])

    @property
    def endpoint(self) -> Endpoint | None:
        """The endpoint's running side."""
        return self.hosting._endpoints.get((ACCOUNT, REGION, ENDPOINT))

    @property
    def scaling(self) -> list[tuple[Any, ...]]:
        """Scalable targets, policies and scheduled actions, in a form that can be compared."""
        backend = applicationautoscaling_backends[ACCOUNT][REGION]
        targets = [
            (each.resource_id, each.min_capacity, each.max_capacity, str(each.suspended_state))
            for by_resource in backend.targets.values()
            for each in by_resource.values()
        ]
        policies = [
            (
                each.policy_name,
                each.resource_id,
                str(vars(each)["target_tracking_scaling_policy_configuration"]),
            )
            for each in backend.policies.values()
        ]
        return sorted([*targets, *policies])

    def begin_anew(self) -> None:
        """Forget everything."""
        self.clock.begin_anew()
        self.faults.reset()
        self.hosting.reset()
        moto_api_backend.reset()
        self._metrics.reset()
        self.services.events.clear()
        self.images.late, self.images.failing = set(), set()
        self.traffic, self.requests_a_tick = False, REQUESTS_A_TICK
        self.answers, self.explained_until = [], 0.0
        role = iam_backends[ACCOUNT]["aws"].create_role(
            "fraud", json.dumps(TRUST), "/", None, "", [], "3600"
        )
        assert role.arn == ROLE
        bucket = s3_backends[ACCOUNT]["aws"]
        bucket.create_bucket("artifacts", REGION)
        bucket.put_object("artifacts", "fraud/model.tar.gz", _archive())
        self.clock.every(60, self.evaluator.evaluate_due)
        self.clock.every(TRAFFIC_SECONDS, self._send)
        self.clock.every(15, self.faults._crashes.step)

    def fault(self, kind: str, **fields: Any) -> None:
        """Ask for a fault, as `POST /_modelway/faults` does."""
        body = json.dumps({"kind": kind, **fields}).encode()
        status, said = self.faults.routes.answer("POST", "faults", lambda: body)
        assert status == 200, said

    def heal(self) -> None:
        """End every fault and every regression."""
        if self.troubled:
            self.explained_until = self.clock.now() + GRACE_SECONDS
        self.faults.routes.answer("DELETE", "faults", lambda: b"")
        self.images.late.clear()
        self.images.failing.clear()

    @property
    def troubled(self) -> bool:
        """Whether anything is wrong with instances now, so that clients may see errors."""
        return bool(self.images.failing) or self.faults._registry.pending

    def refused(self, service: str, operation: str) -> tuple[str, str] | None:
        """Give code and message with which a fault refuses a call, as the emulator's front does."""
        registry = self.faults._registry
        for _fault, expired in registry.active(ExpiredCredentials):
            if expired.service in (None, service):
                return (
                    "ExpiredTokenException",
                    "The security token included in the request is expired",
                )
        name = "".join(part.title() for part in operation.split("_"))
        for fault, throttling in registry.active(Throttling):
            if (
                throttling.service == service
                and throttling.operation in (None, name)
                and registry.takes(fault, throttling.percent)
            ):
                return "ThrottlingException", "Rate exceeded"
        return None

    def evidence(self, config: str, since: float) -> float:
        """Give how many requests to a configuration's fleet CloudWatch can show."""
        found = self._metrics.periods(
            "AWS/SageMaker",
            "Invocations",
            {"EndpointName": ENDPOINT, "VariantName": "primary", "EndpointConfigName": config},
            start=since // 60 * 60,
            end=self.clock.now() + 60,
            period_seconds=60,
        )
        return sum(sum(samples.values) for samples in found.values())

    def put_guard(self) -> None:
        """Make the alarm that guards operation; it watches a metric of its own."""
        answer(
            "cloudwatch",
            "put_metric_alarm",
            {
                "AlarmName": GUARD,
                "Namespace": "Guard",
                "MetricName": "Bad",
                "ComparisonOperator": "GreaterThanThreshold",
                "EvaluationPeriods": 1,
                "DatapointsToAlarm": 1,
                "Period": 60,
                "Threshold": 0.5,
                "Statistic": "Maximum",
                "TreatMissingData": "ignore",
            },
        )

    def guard(self, *, fires: bool) -> None:
        """Put the guarding alarm's state."""
        answer(
            "cloudwatch",
            "set_alarm_state",
            {
                "AlarmName": GUARD,
                "StateValue": "ALARM" if fires else "OK",
                "StateReason": "the test says so",
            },
        )

    def _send(self) -> None:
        if not self.traffic or self.endpoint is None:
            return
        if self.record is None or self.record.endpoint_status in ("Creating", "Deleting", "Failed"):
            return
        if self.troubled:
            self.explained_until = self.clock.now() + GRACE_SECONDS
        for _ in range(self.requests_a_tick):
            status, _headers, body = self.hosting.invoke(REGION, ENDPOINT, b"{}", {})
            if status != OK and self.clock.now() > self.explained_until:
                self.answers.append((status, body.decode()[:200]))

    def _install(self, patch: pytest.MonkeyPatch) -> None:
        clock = self.clock
        patched = (
            *RESPONSES.values(),
            CloudWatchBackend,
            ApplicationAutoscalingBackend,
            FakeApplicationAutoscalingPolicy,
            scaling_models,
            scaling_responses,
        )
        self._before = [(each, dict(vars(each))) for each in patched]
        sagemaker.install(self.services)
        MetricApi(self.services).install()
        AlarmApi(self.services).install()
        ScalingApi(self.services).install()
        self.evaluator = AlarmEvaluator(self.services)
        self.services.alarms = AlarmStates(self.evaluator)
        patch.setattr(Endpoint, "_start", lambda self, work: _start(clock, self, work))
        patch.setattr(Utilization, "start", lambda _self: None)
        patch.setattr(Capture, "start", lambda _self: None)
        patch.setattr(fleet, "Replica", partial(instances.InstantReplica, clock))
        patch.setattr(fleet, "ThreadPoolExecutor", instances.OneByOne)
        patch.setattr(fleet, "threading", instances.threads(clock))
        patch.setattr(fleet, "time", SimpleNamespace(monotonic=clock.now))
        # Processes start in virtual time here, so that there is none to take off.
        patch.setattr(TimeLimit, "_open_surplus", lambda _self, _now: 0.0)
        patch.setattr(invoke, "time", self.time)
        patch.setattr(invoke, "uuid", SimpleNamespace(uuid4=lambda: "request"))
        patch.setattr(ModelStore, "directory", lambda _self, *_data: self._folder)
        patch.setattr(Outcomes, "add", lambda *_outcome: None)
        patch.setattr(site, "locked", instances.locked)

    def close(self) -> None:
        """End everything, and give moto back as it was."""
        self.clock.begin_anew()
        self.hosting.reset()
        moto_api_backend.reset()
        for owner, before in self._before:
            for name in [each for each in vars(owner) if each not in before]:
                delattr(owner, name)
            for name, value in before.items():
                if vars(owner)[name] is not value:
                    setattr(owner, name, value)


class _Waits(threading.Event):
    """The sign to stop, never given; whoever waits for it only measures more time."""

    def __init__(self, time: instances.ProcessTime) -> None:
        super().__init__()
        self._time = time

    def wait(self, timeout: float | None = None) -> bool:
        self._time.seconds += timeout or 0.0
        return False


def _start(clock: SteppedClock, endpoint: Any, work: Any) -> None:
    endpoint._thread = clock.spawn(work)


def _archive() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz"):
        pass
    return buffer.getvalue()
