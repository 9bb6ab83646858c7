"""The plan: what is to be declared for one model in one environment, every number decided.

Frozen dataclasses only, in AWS's own nouns and units. `modelway.plan.build` makes them from a spec;
components turn them into resources without deciding anything. Must not import Pulumi or boto3.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path


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
    """The model file as found, read once by `modelway.package`."""

    digest: str
    """`sha256:` and the hexadecimal digest of the model file's bytes."""
    size_bytes: int
    """Size of the model file; 0 when it lies in S3 and was not read."""
    path: Path | None = None
    """The file; None when it lies in S3."""
    uri: str | None = None
    """The `s3://` URI of a `model.tar.gz`; None when it is a file."""
    beside: Mapping[str, bytes] = field(default_factory=dict[str, bytes])
    """Contents of the small files that are packed beside the model, by their names there."""

    @property
    def content_digest(self) -> str:
        """`sha256:` and the digest of all that is packed; the model's own when it is alone."""
        if not self.beside:
            return self.digest
        sha = hashlib.sha256(self.digest.encode())
        for name, content in sorted(self.beside.items()):
            sha.update(f"\n{name} {hashlib.sha256(content).hexdigest()}".encode())
        return f"sha256:{sha.hexdigest()}"


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
    volume_gib: int | None
    startup_timeout_seconds: int
    download_timeout_seconds: int
    inference_ami_version: str | None


@dataclass(frozen=True)
class ContainerPlan:
    """What SageMaker starts. The image is None until a build or the emulator gives one."""

    image: str | None
    environment: Mapping[str, str]
    artifact: Artifact
    artifact_key: str
    """Content-addressed key in the platform's bucket; empty when the artifact has a URI."""


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


@dataclass(frozen=True)
class RolloutPlan:
    """How an update moves traffic."""

    deployment_config: Mapping[str, object] | None
    """UpdateEndpoint's `DeploymentConfig` in AWS's own shape; None for plain all-at-once."""
    history: int
    timeout_seconds: int


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
    container: ContainerPlan
    variant: VariantPlan
    network: NetworkPlan
    kms_key_arn: str | None
    """The user's own key; None for the platform's."""
    volume_encryption: bool
    """False for instance types with local NVMe storage, which take no volume key."""
    scaling: ScalingPlan | None
    alarms: tuple[AlarmPlan, ...]
    notify: tuple[str, ...]
    rollout: RolloutPlan
    data_capture: DataCapturePlan | None
    log_retention_days: int
    dashboard_body: Mapping[str, object]
    """CloudWatch's dashboard JSON, except for the region, which components fill in."""
    tags: Mapping[str, str]
    decisions: tuple[Decision, ...]
