"""What the components take, as other languages see it.

TypedDicts and enums only, and all of them here: Pulumi's component host finds them by annotation,
hands dictionaries over, and puts all types into one name space. The strings under the fields become
the descriptions in every language. A spec here is the same as in a file, in plain values;
`modelway.spec.ModelSpec` validates it. Only wiring may be a Pulumi output.

This module must not have `from __future__ import annotations`: the host reads real types.
"""

from typing import Any, NotRequired, TypedDict

import pulumi

from modelway.spec.model import Strategy
from modelway.spec.model_file import Datatype


class TensorArgs(TypedDict):
    """One input or output of the model."""

    name: str
    """The tensor's name in the model file."""
    datatype: Datatype
    """Element type."""
    shape: list[int]
    """Size of each axis; -1 for an axis that varies, such as the batch."""


class ModelArgs(TypedDict):
    """Where the trained model is, and what it takes and gives."""

    path: NotRequired[str]
    """A file or a package's folder, relative to the spec's folder, or an `s3://bucket/key` URI of a
    `model.tar.gz`. Default: none, where `registry` names the model."""
    registry: NotRequired[str | None]
    """A version of a SageMaker model package group instead of a path: `GROUP/VERSION`, or
    `GROUP@approved` for the newest approved one. Only approved versions are deployed, and a stack
    with release records deploys the package of its record. Default: none."""
    format: NotRequired[str]
    """How the file is to be read. Default: onnx."""
    version: NotRequired[str]
    """The user's own label; goes into tags and the dashboard, never into names or hashes. Default:
    1."""
    digest: NotRequired[str | None]
    """`sha256:` and the digest of the file. Needed for an S3 URI, checked for a file. Default: read
    from the file."""
    inputs: NotRequired[list[TensorArgs]]
    """Default: read from the file."""
    outputs: NotRequired[list[TensorArgs]]
    """Default: read from the file."""
    input_rules: NotRequired[str | None]
    """A JSON file of what values may go in, relative to the spec's folder; it is packed beside the
    model, and the server refuses requests by it. Default: only names, datatypes and shapes count.
    """
    generation: NotRequired[str | None]
    """A JSON file of how the model emits a sequence, relative to the spec's folder; it is packed
    beside the model. Default: one answer a request."""


class ServingArgs(TypedDict):
    """How the model answers."""

    mode: NotRequired[str]
    """Real-time endpoints only, for now. Default: real-time."""
    instance_type: NotRequired[str]
    """A SageMaker hosting instance type. Default: ml.m5.large."""
    environment: NotRequired[dict[str, str]]
    """Extra environment of the container: up to 100 entries, 1 024 bytes a key and a value.
    Default: none."""
    volume_gib: NotRequired[int | None]
    """Storage of an instance in GiB. Default: SageMaker's own."""
    startup_timeout_seconds: NotRequired[int | None]
    """How long a container may take until it answers /ping. Default: decided by the plan."""
    download_timeout_seconds: NotRequired[int | None]
    """How long the model may take to download. Default: decided by the plan."""
    inference_ami_version: NotRequired[str | None]
    """Pins the GPU driver of the instances. Default: SageMaker's own."""


class ScheduleArgs(TypedDict):
    """A change of the scaling bounds at given times."""

    name: str
    """Unique within the spec."""
    schedule: str
    """`cron(...)`, `rate(...)` or `at(...)` as Application Auto Scaling takes them."""
    timezone: NotRequired[str]
    """An IANA time zone. Default: UTC."""
    min_instances: NotRequired[int | None]
    """New lower bound. Default: none."""
    max_instances: NotRequired[int | None]
    """New upper bound. Default: none."""


class ScalingArgs(TypedDict):
    """How many instances serve the model."""

    min_instances: NotRequired[int]
    """Lower bound, and the count to start with. Default: 1."""
    max_instances: NotRequired[int | None]
    """Upper bound. Default: the same as `min_instances`, which means no autoscaling."""
    target_invocations_per_instance_per_minute: NotRequired[float | None]
    """What target tracking keeps each instance at. Needed when `max_instances` is above
    `min_instances`. Default: none."""
    scale_out_cooldown_seconds: NotRequired[int]
    """Wait after adding instances. Default: 60."""
    scale_in_cooldown_seconds: NotRequired[int]
    """Wait after removing instances. Default: 300."""
    schedules: NotRequired[list[ScheduleArgs]]
    """Changes of the bounds at given times. Default: none."""


class ObjectivesArgs(TypedDict):
    """What the service promises. Alarms derive from it."""

    p99_latency_ms: NotRequired[float | None]
    """99th percentile of the container's answer time in milliseconds. Default: no such alarm."""
    error_rate_percent: NotRequired[float | None]
    """Share of requests that may end in a 5xx. Default: no such alarm."""
    availability_percent: NotRequired[float | None]
    """Share of requests of 30 days that must not end in a 5xx. Alarms tell when the rest is spent
    too fast. Default: no such alarms."""


class AlarmsArgs(TypedDict):
    """What is watched beside the objectives, and whom it tells."""

    notify: NotRequired[list[str]]
    """E-mail addresses or `https://` URLs to subscribe to the topic. Default: none."""
    client_error_rate_percent: NotRequired[float | None]
    """Share of requests that end in a 4xx. Default: no such alarm."""
    cpu_utilization_percent: NotRequired[float | None]
    """Per vCPU; the plan multiplies by the instance's vCPUs as the metric does. null: no such
    alarm. Default: 90."""
    memory_utilization_percent: NotRequired[float | None]
    """Of the instance's memory. null: no such alarm. Default: 90."""
    disk_utilization_percent: NotRequired[float | None]
    """Of the container's volume. null: no such alarm. Default: 90."""
    gpu_utilization_percent: NotRequired[float | None]
    """Per GPU. Only for GPU instance types. Default: no such alarm."""
    gpu_memory_utilization_percent: NotRequired[float | None]
    """Per GPU. Only for GPU instance types. Default: no such alarm."""
    no_invocations_minutes: NotRequired[int | None]
    """Tell when no request came for so long. Default: no such alarm."""


class RolloutArgs(TypedDict):
    """How a change reaches the endpoint."""

    strategy: NotRequired[Strategy]
    """Default: all-at-once blue/green."""
    step_percent: NotRequired[int | None]
    """Canary: first step, up to 50. Linear: each step, 10 to 50. Rolling: batch, 5 to 50. Default:
    none."""
    wait_seconds: NotRequired[int]
    """Bake time of each step. Not for all-at-once, which has no steps to watch. Default: 300."""
    termination_wait_seconds: NotRequired[int]
    """How long the old fleet stays after the last step. Not for rolling. Default: 0."""
    timeout_seconds: NotRequired[int]
    """The whole deployment; must exceed the sum of the waits. Default: 3600."""
    history: NotRequired[int]
    """Previous models and configurations kept as roll-back targets. Default: 3."""
    minimum_requests_per_minute: NotRequired[int | None]
    """Evidence that a bake needs: fewer requests on the new fleet roll it back. null: a roll-out
    may be promoted without evidence. Default: 1."""
    expected_requests_per_minute: NotRequired[float | None]
    """Usual traffic of the endpoint; `modelway plan` says what a bake can detect with it. Default:
    what autoscaling keeps its least instances at, where it tracks a target; else unknown."""
    repair: NotRequired[bool]
    """Start although an alarm of the objectives is firing, because this roll-out repairs it.
    Default: false."""


class LoggingArgs(TypedDict):
    """The endpoint's log group."""

    retention_days: NotRequired[int]
    """One of CloudWatch Logs' own values, such as 7, 30, 90, 180 or 365. Default: 90."""


class DataCaptureArgs(TypedDict):
    """Requests and answers written to S3 by SageMaker."""

    sampling_percent: NotRequired[int]
    """Share of the requests. Default: 100."""
    capture: NotRequired[list[str]]
    """Which side is written. Default: input and output."""
    destination: NotRequired[str | None]
    """An `s3://` URI of up to 512 characters. Default: a prefix in the platform's bucket."""


class NetworkArgs(TypedDict):
    """Where the containers are attached."""

    subnet_ids: NotRequired[list[str]]
    """VPC subnets, 1 to 16. Default: SageMaker's own network."""
    security_group_ids: NotRequired[list[str]]
    """1 to 5; needed with subnets. Default: none."""
    isolation: NotRequired[bool]
    """No outbound calls from the container. Default: true."""


class EncryptionArgs(TypedDict):
    """The customer's own key."""

    kms_key_arn: NotRequired[str | None]
    """Default: the platform's key."""


class ChallengerArgs(TypedDict):
    """A model that answers a part of the traffic beside the spec's own, the champion."""

    name: str
    """The variant's name, unique within the spec. It never carries a version, since a roll-out
    needs it to stay."""
    model: ModelArgs
    """The trained model."""
    traffic_percent: float
    """Share of the requests. The champion has what all challengers leave. With 0 only requests that
    name this variant reach it."""
    instance_type: NotRequired[str | None]
    """A SageMaker hosting instance type. Default: the champion's."""
    min_instances: NotRequired[int | None]
    """Lower bound, and the count to start with. Default: the champion's."""
    max_instances: NotRequired[int | None]
    """Upper bound. Default: the same as `min_instances`, which means no autoscaling of this
    variant."""
    target_invocations_per_instance_per_minute: NotRequired[float | None]
    """What target tracking keeps each instance at. Default: the champion's. Cooldowns are the
    champion's too; its schedules are its own."""
    environment: NotRequired[dict[str, str]]
    """Extra environment of the container, laid over that of `serving`. Default: none."""


class ShadowArgs(TypedDict):
    """A model that gets copies of the requests and whose answers nobody sees."""

    name: NotRequired[str]
    """The variant's name, unique within the spec. Default: shadow."""
    model: ModelArgs
    """The trained model."""
    sampling_percent: NotRequired[float]
    """Share of the requests that are copied. Default: 100."""
    instance_type: NotRequired[str | None]
    """A SageMaker hosting instance type. Default: the champion's."""
    instance_count: NotRequired[int | None]
    """Number of instances, fixed. Default: `scaling.min_instances` times `sampling_percent`,
    rounded up."""
    environment: NotRequired[dict[str, str]]
    """Extra environment of the container, laid over that of `serving`. Default: none."""


class ModelSpecArgs(TypedDict):
    """One model's deployment: a base, and what differs in each environment."""

    name: str
    """The model's name; names of resources begin with it."""
    model: ModelArgs
    """The trained model."""
    image: NotRequired[Any | None]
    """The model server's image: by digest, `REPOSITORY@sha256:...`, or how it is built and what is
    added to it. Only environment `local` does without; the emulator then stands in. Default:
    none."""
    target: NotRequired[str]
    """Where it runs. Default: sagemaker."""
    serving: NotRequired[ServingArgs]
    """How it answers. Default: the defaults of its fields."""
    scaling: NotRequired[ScalingArgs]
    """How many instances. Default: the defaults of its fields."""
    objectives: NotRequired[ObjectivesArgs]
    """What it promises. Default: the defaults of its fields."""
    alarms: NotRequired[AlarmsArgs]
    """What is watched beside that. Default: the defaults of its fields."""
    rollout: NotRequired[RolloutArgs]
    """How a change reaches it. Default: the defaults of its fields."""
    logging: NotRequired[LoggingArgs]
    """Its log group. Default: the defaults of its fields."""
    data_capture: NotRequired[DataCaptureArgs | None]
    """Default: nothing is captured, or everything where there is a shadow."""
    challengers: NotRequired[list[ChallengerArgs]]
    """Models that share the traffic with this one, by weight. Default: none."""
    shadow: NotRequired[ShadowArgs | None]
    """A model that gets copies of the requests. Default: none."""
    network: NotRequired[NetworkArgs]
    """Where it is attached. Default: the defaults of its fields."""
    encryption: NotRequired[EncryptionArgs]
    """Its key. Default: the defaults of its fields."""
    tags: NotRequired[dict[str, str]]
    """On every resource, beside modelway's own. Default: none."""
    environments: NotRequired[dict[str, Any]]
    """Overrides by stack name (`local`, `dev`, `prod`, ...). Mappings merge with the base, lists
    and plain values replace. Default: every environment is the base."""


class ModelPlatformArgs(TypedDict):
    """What the models of a stack share."""

    protect: NotRequired[bool]
    """Refuse to destroy bucket, repository, key and topic, and keep what is in them. Default: true
    in the stacks `prod` and `production`, false elsewhere."""
    notify: NotRequired[list[str]]
    """E-mail addresses or `https://` URLs that hear of every model's alarms. Default: none."""
    tags: NotRequired[dict[str, str]]
    """On every resource. Default: none."""
    model_package_groups: NotRequired[list[str]]
    """Names of groups of the SageMaker Model Registry, 1 to 63 characters each. Default: none."""
    approvers: NotRequired[list[str]]
    """ARNs of the only IAM roles and users who may approve or change versions of these groups; `*`
    stands for any characters. Default: whoever IAM lets."""


class ModelDeploymentArgs(TypedDict):
    """One model's deployment and its wiring.

    The four names of a platform go together: give all of them, or none for a private platform.
    """

    spec: ModelSpecArgs
    """The model's spec, as in a spec file."""
    environment: NotRequired[str]
    """Which of the spec's `environments` applies; part of every name. Default: the stack's name."""
    bucket_name: NotRequired[pulumi.Input[str]]
    """The platform's bucket. Default: a private platform."""
    repository_url: NotRequired[pulumi.Input[str]]
    """The platform's image repository. Default: a private platform."""
    kms_key_arn: NotRequired[pulumi.Input[str]]
    """The platform's key. Default: a private platform."""
    alarm_topic_arn: NotRequired[pulumi.Input[str]]
    """The platform's topic. Default: a private platform."""
    role_arn: NotRequired[pulumi.Input[str]]
    """An existing execution role, taken as it is. Default: one with exactly what is needed."""
    permissions_boundary_arn: NotRequired[pulumi.Input[str]]
    """The permissions boundary of the execution role. Default: none."""
    rollback: NotRequired[dict[str, Any]]
    """The members of the file that `modelway rollback` writes, when an earlier version is wanted.
    Default: the spec's own."""
    releases: NotRequired[str]
    """The folder of release records. A stack that has records of this model deploys the newest and
    refuses anything else. Default: `releases` in the working directory."""
