"""An endpoint as it is live, and as it is wanted, in one shape so that both can be compared.

Frozen dataclasses only. Whoever reads AWS makes the live side from DescribeEndpoint,
DescribeEndpointConfig and Application Auto Scaling's Describe calls; the wanted side follows from a
`DeploymentPlan`. Must not import Pulumi or boto3.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from modelway.plan.model import AlarmPlan, DeploymentPlan, RolloutPlan

SERVERLESS = None
"""The instance type of a serverless variant."""


@dataclass(frozen=True)
class VariantConfig:
    """One production variant of an endpoint configuration."""

    name: str
    model: str
    """What tells models apart: the model's name, which follows from its content."""
    instance_type: str | None
    """None for a serverless variant."""
    initial_instance_count: int = 1
    initial_weight: float = 1.0
    settings: Mapping[str, object] = field(default_factory=dict[str, object])
    """Everything else of the variant by its AWS name, such as VolumeSizeInGB."""

    @property
    def serverless(self) -> bool:
        """Whether SageMaker runs it without instances of its own."""
        return self.instance_type is SERVERLESS


@dataclass(frozen=True)
class LiveVariant:
    """One variant as it serves: its configuration, and what changed since."""

    config: VariantConfig
    desired_instance_count: int
    current_weight: float = 1.0


@dataclass(frozen=True)
class ScalableTarget:
    """A variant's registration with Application Auto Scaling, complete enough to restore it.

    The requests are those of RegisterScalableTarget, PutScalingPolicy and PutScheduledAction in
    AWS's own shape: deregistering deletes policies and scheduled actions with the target
    (DeregisterScalableTarget), so whatever is not kept here is lost.
    """

    variant: str
    register: Mapping[str, object]
    policies: tuple[Mapping[str, object], ...] = ()
    scheduled_actions: tuple[Mapping[str, object], ...] = ()


@dataclass(frozen=True)
class LiveEndpoint:
    """What AWS says of an endpoint."""

    name: str
    status: str
    """EndpointStatus, such as `InService`."""
    config_name: str
    variants: tuple[LiveVariant, ...]
    scalable_targets: tuple[ScalableTarget, ...] = ()
    data_capture: Mapping[str, object] | None = None
    """DataCaptureConfig; None when nothing is captured."""
    deployment_config: Mapping[str, object] | None = None
    """LastDeploymentConfig; None for plain all-at-once."""
    rollback_alarms: tuple[AlarmPlan, ...] = ()
    """Those of the last roll-out, where they are known."""


@dataclass(frozen=True)
class WantedEndpoint:
    """What an endpoint shall become."""

    config_name: str
    variants: tuple[VariantConfig, ...]
    rollout: RolloutPlan
    scaled_variants: frozenset[str] = frozenset()
    """Variants whose instance count Application Auto Scaling owns."""
    data_capture: Mapping[str, object] | None = None


def wanted_endpoint(
    plan: DeploymentPlan,
    config_name: str,
    model: str,
    data_capture: Mapping[str, object] | None = None,
) -> WantedEndpoint:
    """Give the wanted side of a plan.

    Args:
        plan: the deployment's plan.
        config_name: the endpoint configuration's name, which follows from its content.
        model: the model's name, which follows from its content.
        data_capture: DataCaptureConfig as it is sent; None when nothing is captured.
    """
    variant = plan.variant
    settings: dict[str, object] = {
        "VolumeSizeInGB": variant.volume_gib,
        "ContainerStartupHealthCheckTimeoutInSeconds": variant.startup_timeout_seconds,
        "ModelDataDownloadTimeoutInSeconds": variant.download_timeout_seconds,
        "InferenceAmiVersion": variant.inference_ami_version,
    }
    config = VariantConfig(
        name=variant.name,
        model=model,
        instance_type=variant.instance_type,
        initial_instance_count=variant.initial_instance_count,
        initial_weight=variant.initial_weight,
        settings={key: value for key, value in settings.items() if value is not None},
    )
    return WantedEndpoint(
        config_name=config_name,
        variants=(config,),
        rollout=plan.rollout,
        scaled_variants=frozenset() if plan.scaling is None else frozenset({variant.name}),
        data_capture=data_capture,
    )
