"""The plan: what is to be declared for one model in one environment, every number decided.

Frozen dataclasses only, in AWS's own nouns and units. `modelway.plan.build` makes them from a spec;
components turn them into resources without deciding anything. Must not import Pulumi or boto3.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelway.spec.model import Strategy


@dataclass(frozen=True)
class Decision:
    """One number or choice of the plan with its reason, as `modelway plan` prints it."""

    path: str
    """The plan's field, for example `variant.startup_timeout_seconds`."""
    value: object
    """What was decided."""
    reason: str
    """Why, in one sentence."""
    source: str = ""
    """Where the rule or figure comes from; `spec` when the user said so."""


@dataclass(frozen=True)
class Artifact:
    """The model file, or the package, as found; read once by `modelway.package`."""

    digest: str
    """`sha256:` and the hexadecimal digest of the model file's bytes, or of a package's manifest.
    """
    size_bytes: int
    """Size of the model file, or of a package's files; 0 when it lies in S3 and was not read."""
    path: Path | None = None
    """The file, or the package's folder; None when it lies in S3."""
    uri: str | None = None
    """The `s3://` URI of a `model.tar.gz`; None when it is a file."""
    beside: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """Contents of the small files that are packed beside the model, by their names there."""
    members: Mapping[str, str] = field(default_factory=dict[str, str])
    """Of a package: the hexadecimal SHA-256 of each file of the folder that is packed, by its path
    there. Empty for a model file."""

    @property
    def content_digest(self) -> str:
        """`sha256:` and the digest of all that is packed.

        The model's own when it is alone, and a package's own when it is not signed.
        """
        if not self.beside:
            return self.digest
        sha = hashlib.sha256(self.digest.encode())
        for name, content in sorted(self.beside.items()):
            sha.update(f"\n{name} {hashlib.sha256(content).hexdigest()}".encode())
        return f"sha256:{sha.hexdigest()}"


@dataclass(frozen=True)
class Extras:
    """What a spec adds to the model server's image; read once by `modelway.image.extras`."""

    requirements: str = ""
    """Pinned packages with hashes, one a line, sorted; empty for none."""
    code: Mapping[str, str] = field(default_factory=dict[str, str])
    """Python files by their names."""


@dataclass(frozen=True)
class ImagePlan:
    """An image that is to be built. All of it is part of the image's content."""

    builder: str
    """`codebuild` or `docker-build`."""
    variant: str
    """`cpu` or `cuda`."""
    platform: str
    """As Docker writes it, such as `linux/amd64`."""
    base: str | None
    """Base image by digest; None for the Dockerfile's own."""
    extras: Extras


@dataclass(frozen=True)
class Names:
    """Physical names that are the same at every update. All follow from name and environment."""

    endpoint: str
    """1 to 63 characters."""
    role: str
    """1 to 64 characters (IAM)."""
    log_group: str
    """`/aws/sagemaker/Endpoints/<endpoint>`: SageMaker's own, created by us for its retention."""
    dashboard: str
    """1 to 255 characters."""


@dataclass(frozen=True)
class VariantPlan:
    """One production variant. Its name never carries a version: roll-outs need it to stay."""

    name: str
    instance_type: str
    initial_instance_count: int
    initial_weight: float
    """Its share in per cent, or 1 when it stands alone. A shadow's: the copied share, 0 to 1."""
    volume_gib: int | None
    startup_timeout_seconds: int
    download_timeout_seconds: int
    inference_ami_version: str | None
    model: str = "primary"
    """The key of what it runs among `DeploymentPlan.containers`."""


@dataclass(frozen=True)
class ContainerPlan:
    """What SageMaker starts."""

    image: str | None
    """By digest; None until a build or the emulator gives one."""
    environment: Mapping[str, str]
    artifact: Artifact
    artifact_key: str
    """Content-addressed key in the platform's bucket; empty when the artifact has a URI."""
    build: ImagePlan | None = None
    """How the image is built; None where it is given, or the emulator stands in for it."""


@dataclass(frozen=True)
class SchedulePlan:
    """One scheduled action."""

    name: str
    schedule: str
    timezone: str
    min_capacity: int | None
    max_capacity: int | None


@dataclass(frozen=True)
class ScalingPlan:
    """Application Auto Scaling of the variant's instance count."""

    resource_id: str
    """`endpoint/<endpoint>/variant/<variant>`."""
    min_capacity: int
    max_capacity: int
    target_value: float | None
    """Invocations per instance per minute; None when only schedules change the bounds."""
    scale_out_cooldown_seconds: int
    scale_in_cooldown_seconds: int
    schedules: tuple[SchedulePlan, ...]


@dataclass(frozen=True)
class MetricPlan:
    """One metric of an alarm or a dashboard."""

    id: str
    """Lower-case id in metric math, such as `errors`."""
    namespace: str
    """`AWS/SageMaker` for invocations, `/aws/sagemaker/Endpoints` for utilisation."""
    name: str
    dimensions: Mapping[str, str]
    statistic: str
    """`Sum`, `Average`, `SampleCount`, `Minimum`, `Maximum` or `pNN`."""
    unit: str | None = None


@dataclass(frozen=True)
class AlarmPlan:
    """One CloudWatch alarm: a single metric, or an expression over several."""

    key: str
    """What it watches, such as `p99-latency`; unique within the deployment."""
    name: str
    """1 to 255 characters."""
    description: str
    metrics: tuple[MetricPlan, ...]
    expression: str | None
    """Metric math over the ids of `metrics`; None for a single metric."""
    period_seconds: int
    evaluation_periods: int
    datapoints_to_alarm: int
    threshold: float
    """In the metric's own unit: latency is in microseconds."""
    comparison_operator: str
    treat_missing_data: str
    """`breaching`, `notBreaching`, `ignore` or `missing`."""
    evaluate_low_sample_count_percentile: str | None = None
    """`evaluate` or `ignore`, for a percentile; None for CloudWatch's default."""


@dataclass(frozen=True)
class CompositeAlarmPlan:
    """One CloudWatch composite alarm: fires while all its metric alarms are in ALARM."""

    key: str
    name: str
    """1 to 255 characters."""
    description: str
    children: tuple[AlarmPlan, ...]
    """These tell nobody; the composite does."""

    @property
    def rule(self) -> str:
        """PutCompositeAlarm's AlarmRule."""
        return " AND ".join(f'ALARM("{child.name}")' for child in self.children)


@dataclass(frozen=True)
class EvidenceLease:
    """The custom metric that keeps `too-few-requests` quiet until the bake begins.

    Published every period while the new fleet is provisioned, and no longer: if the publisher dies,
    the lease runs out and AWS rolls back.
    """

    namespace: str
    name: str
    dimensions: Mapping[str, str]
    """As those of the roll-back alarms: without `EndpointConfigName`."""
    value: float
    """One datum a period; with it the alarm's sum is not below its threshold."""
    period_seconds: int


@dataclass(frozen=True)
class RolloutPlan:
    """How an update moves traffic, and what decides it."""

    deployment_config: Mapping[str, object] | None
    """UpdateEndpoint's `DeploymentConfig` in AWS's own shape; None for plain all-at-once."""
    history: int
    timeout_seconds: int
    rollback_alarms: tuple[AlarmPlan, ...] = ()
    """Alarms on the new fleet, exactly those that `deployment_config` names. Their metrics lack one
    dimension, `EndpointConfigName`, whose value is the new configuration's name: the alarms are put
    just before UpdateEndpoint and deleted when the roll-out has ended."""
    evidence_lease: EvidenceLease | None = None
    """None when no evidence is demanded, or nothing is watched."""
    guard_alarms: tuple[str, ...] = ()
    """Names of alarms on the variant; while one is in ALARM, no roll-out starts."""
    repair: bool = False
    """Start although one of `guard_alarms` is in ALARM."""
    strategy: Strategy = Strategy.ALL_AT_ONCE
    step_percent: int | None = None
    """Size of a step in percent of the fleet; None for all at once."""
    wait_seconds: int = 0
    """Bake after each step; 0 for all at once, whose only wait is the next one."""
    termination_wait_seconds: int = 0
    """How long the old fleet stays after the last step."""
    expected_requests_per_minute: float | None = None
    """Usual traffic of the endpoint; None when nobody said."""


@dataclass(frozen=True)
class DataCapturePlan:
    """SageMaker's own data capture."""

    sampling_percent: int
    capture_modes: tuple[str, ...]
    """`Input`, `Output`."""
    destination: str | None
    """An `s3://` URI; None for `destination_prefix` in the platform's bucket."""
    destination_prefix: str


@dataclass(frozen=True)
class NetworkPlan:
    """VPC attachment and isolation."""

    subnet_ids: tuple[str, ...]
    security_group_ids: tuple[str, ...]
    isolation: bool


@dataclass(frozen=True)
class DeploymentPlan:
    """Everything that is declared for one model in one environment."""

    name: str
    """The spec's name."""
    environment: str
    """The stack's name, such as `prod`."""
    protect: bool
    """Stateful resources cannot be destroyed by mistake: true in prod."""
    names: Names
    containers: Mapping[str, ContainerPlan]
    """What is started, by variant name: `primary` is the spec's own model."""
    variants: tuple[VariantPlan, ...]
    """Production variants, the champion first."""
    shadow: VariantPlan | None
    """Gets copies of the champion's requests; its answers are only captured."""
    network: NetworkPlan
    kms_key_arn: str | None
    """The user's own key; None for the platform's."""
    volume_encryption: bool
    """False for instance types with local NVMe storage, which take no volume key."""
    scaling: ScalingPlan | None
    """The champion's."""
    challenger_scalings: Mapping[str, ScalingPlan]
    """By variant name; only those that scale."""
    alarms: tuple[AlarmPlan, ...]
    composite_alarms: tuple[CompositeAlarmPlan, ...]
    notify: tuple[str, ...]
    rollout: RolloutPlan
    data_capture: DataCapturePlan | None
    log_retention_days: int
    dashboard_body: Mapping[str, object]
    """CloudWatch's dashboard JSON, except for the region, which components fill in."""
    tags: Mapping[str, str]
    decisions: tuple[Decision, ...]

    @property
    def variant(self) -> VariantPlan:
        """The champion: the variant of the spec's own model."""
        return self.variants[0]

    @property
    def container(self) -> ContainerPlan:
        """What the champion runs."""
        return self.containers[self.variant.model]

    @property
    def autoscaled(self) -> tuple[str, ...]:
        """Names of the variants whose instance counts Application Auto Scaling owns."""
        champion = () if self.scaling is None else (self.variant.name,)
        return (*champion, *self.challenger_scalings)
