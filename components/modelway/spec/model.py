"""The spec: what a user says about one model's deployment.

Takes plain values, gives frozen, validated objects. It decides no numbers (that is `modelway.plan`)
and must not import Pulumi, boto3 or read files (that is `modelway.spec.load`). Rules that need
more than one field are in `modelway.spec.rules`. Where AWS sets a field's range, the field carries
its source (`x-source` in the JSON Schema); shapes are those of the botocore service models.
"""

from enum import StrEnum
from typing import Any, Literal, Self, cast

from pydantic import Field, ValidationError, field_validator

from modelway.errors import SpecError
from modelway.spec.image import Image, image_override_problems
from modelway.spec.merge import merge
from modelway.spec.model_file import Model
from modelway.spec.part import Name, Part, source
from modelway.spec.problems import field_problems, override_problems
from modelway.spec.variants import Challenger, Shadow


class Serving(Part):
    """How the model answers."""

    mode: Literal["real-time"] = "real-time"
    """Real-time endpoints only, for now."""
    instance_type: str = "ml.m5.large"
    """A SageMaker hosting instance type."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Extra environment of the container: up to 100 entries, 1 024 bytes a key and a value."""
    volume_gib: int | None = Field(
        default=None,
        ge=1,
        le=512,
        json_schema_extra=source("SageMaker ProductionVariant.VolumeSizeInGB"),
    )
    """Storage of an instance in GiB. Default: SageMaker's own."""
    startup_timeout_seconds: int | None = Field(
        default=None,
        ge=60,
        le=3600,
        json_schema_extra=source(
            "SageMaker ProductionVariant.ContainerStartupHealthCheckTimeoutInSeconds"
        ),
    )
    """How long a container may take until it answers /ping. Default: decided by the plan."""
    download_timeout_seconds: int | None = Field(
        default=None,
        ge=60,
        le=3600,
        json_schema_extra=source("SageMaker ProductionVariant.ModelDataDownloadTimeoutInSeconds"),
    )
    """How long the model may take to download. Default: decided by the plan."""
    inference_ami_version: str | None = None
    """Pins the GPU driver of the instances. Default: SageMaker's own."""


_NO_ZERO = "SageMaker auto scaling: a variant that is no inference component keeps one instance"


class Schedule(Part):
    """A change of the scaling bounds at given times."""

    name: Name
    """Unique within the spec."""
    schedule: str
    """`cron(...)`, `rate(...)` or `at(...)` as Application Auto Scaling takes them."""
    timezone: str = "UTC"
    """An IANA time zone."""
    min_instances: int | None = Field(default=None, ge=1, json_schema_extra=source(_NO_ZERO))
    """New lower bound."""
    max_instances: int | None = Field(default=None, ge=1, json_schema_extra=source(_NO_ZERO))
    """New upper bound."""


class Scaling(Part):
    """How many instances serve the model."""

    min_instances: int = Field(default=1, ge=1, json_schema_extra=source(_NO_ZERO))
    """Lower bound, and the count to start with."""
    max_instances: int | None = Field(default=None, ge=1, json_schema_extra=source(_NO_ZERO))
    """Upper bound. Default: the same as `min_instances`, which means no autoscaling."""
    target_invocations_per_instance_per_minute: float | None = Field(default=None, gt=0)
    """What target tracking keeps each instance at. Needed when `max_instances` is above
    `min_instances`."""
    scale_out_cooldown_seconds: int = Field(default=60, ge=0)
    """Wait after adding instances."""
    scale_in_cooldown_seconds: int = Field(default=300, ge=0)
    """Wait after removing instances."""
    schedules: tuple[Schedule, ...] = ()
    """Changes of the bounds at given times. Default: none."""


class Objectives(Part):
    """What the service promises. Alarms derive from it."""

    p99_latency_ms: float | None = Field(
        default=None,
        gt=0,
        le=60_000,
        json_schema_extra=source("SageMaker InvokeEndpoint: a container answers within 60 s"),
    )
    """99th percentile of the container's answer time in milliseconds. Default: no such alarm."""
    error_rate_percent: float | None = Field(default=None, gt=0, lt=100)
    """Share of requests that may end in a 5xx. Default: no such alarm."""
    availability_percent: float | None = Field(
        default=None,
        ge=95,
        lt=100,
        json_schema_extra=source(
            "Google, The Site Reliability Workbook, chapter 5: an outage must burn the budget 14.4 "
            "times too fast"
        ),
    )
    """Share of requests of 30 days that must not end in a 5xx. Alarms tell when the rest is spent
    too fast. Default: no such alarms."""


class Alarms(Part):
    """What is watched beside the objectives, and whom it tells."""

    notify: tuple[str, ...] = ()
    """E-mail addresses or `https://` URLs to subscribe to the topic. Default: none."""
    client_error_rate_percent: float | None = Field(default=None, gt=0, lt=100)
    """Share of requests that end in a 4xx. Default: no such alarm."""
    cpu_utilization_percent: float | None = Field(default=90.0, gt=0, le=100)
    """Per vCPU; the plan multiplies by the instance's vCPUs as the metric does. null: no such
    alarm."""
    memory_utilization_percent: float | None = Field(default=90.0, gt=0, le=100)
    """Of the instance's memory. null: no such alarm."""
    disk_utilization_percent: float | None = Field(default=90.0, gt=0, le=100)
    """Of the container's volume. null: no such alarm."""
    gpu_utilization_percent: float | None = Field(default=None, gt=0, le=100)
    """Per GPU. Only for GPU instance types. Default: no such alarm."""
    gpu_memory_utilization_percent: float | None = Field(default=None, gt=0, le=100)
    """Per GPU. Only for GPU instance types. Default: no such alarm."""
    no_invocations_minutes: int | None = Field(
        default=None,
        ge=1,
        le=1440,
        json_schema_extra=source(
            "CloudWatch PutMetricAlarm: periods of one alarm span one day at most"
        ),
    )
    """Tell when no request came for so long. Default: no such alarm."""


class Strategy(StrEnum):
    """How traffic moves to a new fleet, in SageMaker's words."""

    ALL_AT_ONCE = "all-at-once"
    CANARY = "canary"
    LINEAR = "linear"
    ROLLING = "rolling"


class Rollout(Part):
    """How a change reaches the endpoint."""

    strategy: Strategy = Strategy.ALL_AT_ONCE
    """Default: all-at-once blue/green."""
    step_percent: int | None = Field(default=None, ge=1, le=100)
    """Canary: first step, up to 50. Linear: each step, 10 to 50. Rolling: batch, 5 to 50."""
    wait_seconds: int = Field(
        default=300,
        ge=0,
        le=3600,
        json_schema_extra=source("SageMaker TrafficRoutingConfig.WaitIntervalInSeconds"),
    )
    """Bake time of each step. Not for all-at-once, which has no steps to watch."""
    termination_wait_seconds: int = Field(
        default=0,
        ge=0,
        le=3600,
        json_schema_extra=source("SageMaker BlueGreenUpdatePolicy.TerminationWaitInSeconds"),
    )
    """How long the old fleet stays after the last step. Not for rolling."""
    timeout_seconds: int = Field(
        default=3600,
        ge=600,
        le=28_800,
        json_schema_extra=source(
            "SageMaker BlueGreenUpdatePolicy.MaximumExecutionTimeoutInSeconds"
        ),
    )
    """The whole deployment; must exceed the sum of the waits."""
    history: int = Field(default=3, ge=0, le=20)
    """Previous models and configurations kept as roll-back targets."""
    minimum_requests_per_minute: int | None = Field(default=1, ge=1)
    """Evidence that a bake needs: fewer requests on the new fleet roll it back. null: a roll-out
    may be promoted without evidence."""
    expected_requests_per_minute: float | None = Field(default=None, gt=0)
    """Usual traffic of the endpoint; `modelway plan` says what a bake can detect with it. Default:
    what autoscaling keeps its least instances at, where it tracks a target; else unknown."""
    repair: bool = False
    """Start although an alarm of the objectives is firing, because this roll-out repairs it."""


RETENTION_DAYS = (
    *(1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096),
    *(1827, 2192, 2557, 2922, 3288, 3653),
)
"""What CloudWatch Logs offers (PutRetentionPolicy.retentionInDays)."""


class Logging(Part):
    """The endpoint's log group."""

    retention_days: int = Field(default=90, json_schema_extra={"enum": [*RETENTION_DAYS]})
    """One of CloudWatch Logs' own values, such as 7, 30, 90, 180 or 365."""


class DataCapture(Part):
    """Requests and answers written to S3 by SageMaker."""

    sampling_percent: int = Field(
        default=100,
        ge=0,
        le=100,
        json_schema_extra=source("SageMaker DataCaptureConfig.InitialSamplingPercentage"),
    )
    """Share of the requests."""
    capture: tuple[Literal["input", "output"], ...] = ("input", "output")
    """Which side is written."""
    destination: str | None = None
    """An `s3://` URI of up to 512 characters. Default: a prefix in the platform's bucket."""


class Network(Part):
    """Where the containers are attached."""

    subnet_ids: tuple[str, ...] = ()
    """VPC subnets, 1 to 16. Default: SageMaker's own network."""
    security_group_ids: tuple[str, ...] = ()
    """1 to 5; needed with subnets."""
    isolation: bool = True
    """No outbound calls from the container."""


class Encryption(Part):
    """The customer's own key."""

    kms_key_arn: str | None = None
    """Default: the platform's key."""


class ModelSpec(Part):
    """One model's deployment: a base, and what differs in each environment."""

    name: Name
    """The model's name; names of resources begin with it."""
    model: Model
    """The trained model."""
    image: Image | None = None
    """The model server's image: by digest, `REPOSITORY@sha256:...`, or how it is built and what is
    added to it. Only environment `local` does without; the emulator then stands in."""
    target: Literal["sagemaker"] = "sagemaker"
    """Where it runs."""
    serving: Serving = Serving()
    """How it answers."""
    scaling: Scaling = Scaling()
    """How many instances."""
    objectives: Objectives = Objectives()
    """What it promises."""
    alarms: Alarms = Alarms()
    """What is watched beside that."""
    rollout: Rollout = Rollout()
    """How a change reaches it."""
    logging: Logging = Logging()
    """Its log group."""
    data_capture: DataCapture | None = None
    """Default: nothing is captured, or everything where there is a shadow."""
    challengers: tuple[Challenger, ...] = ()
    """Models that share the traffic with this one, by weight. Default: none."""
    shadow: Shadow | None = None
    """A model that gets copies of the requests. Default: none."""
    network: Network = Network()
    """Where it is attached."""
    encryption: Encryption = Encryption()
    """Its key."""
    tags: dict[str, str] = Field(default_factory=dict)
    """On every resource, beside modelway's own."""
    environments: dict[Name, dict[str, Any]] = Field(default_factory=dict)
    """Overrides by stack name (`local`, `dev`, `prod`, ...). Mappings merge with the base, lists
    and plain values replace. Default: every environment is the base."""

    @property
    def beside(self) -> tuple[Challenger | Shadow, ...]:
        """The variants beside the champion, challengers first."""
        return (*self.challengers, *(() if self.shadow is None else (self.shadow,)))

    def models(self) -> list[tuple[str, Model]]:
        """Give every trained model with its place in the spec, the champion's first."""
        challengers = enumerate(self.challengers)
        found = [("model", self.model)]
        found += [(f"challengers[{index}].model", each.model) for index, each in challengers]
        return found if self.shadow is None else [*found, ("shadow.model", self.shadow.model)]

    @field_validator("environments", mode="before")
    @classmethod
    def _empty_overrides(cls, value: Any) -> Any:
        """Let an environment without overrides be written as `prod:`, which YAML reads as null."""
        if not isinstance(value, dict):
            return value
        nothing: dict[str, Any] = {}
        members = cast("dict[Any, Any]", value)
        return {key: nothing if item is None else item for key, item in members.items()}

    def for_environment(self, environment: str) -> Self:
        """Give the spec of one environment: the overrides laid over the base.

        Args:
            environment: the stack's name; one that the spec does not mention has no overrides.

        Returns:
            A complete spec whose own `environments` is empty.

        Raises:
            SpecError: when the overrides break a rule of a field, with every problem.
        """
        overrides = self.environments.get(environment, {})
        problems = override_problems(type(self), environment, overrides)
        problems += image_override_problems(self.image, environment, overrides)
        if problems:
            raise SpecError(problems)
        base = self.model_dump(mode="json", exclude={"environments"})
        try:
            return type(self).model_validate(merge(base, overrides))
        except ValidationError as error:
            raise SpecError(field_problems(type(self), error, environment, overrides)) from None
