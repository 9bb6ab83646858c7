"""What an endpoint is to run: an endpoint configuration with its models, taken when it is deployed.

Frozen values. SageMaker lets models and configurations of a live endpoint be deleted, so an
endpoint must not read them again after it took them. Must not import moto, start anything or know
how AWS spells its requests beyond the production variant it is made from.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

DEFAULT_VOLUME_GIB = 30
"""Storage of an instance without VolumeSizeInGB, against which DiskUtilization is counted."""


@dataclass(frozen=True)
class ModelData:
    """Where a container's model comes from."""

    uri: str
    """`s3://bucket/key` of an archive or object, or `s3://bucket/prefix/`."""
    prefix: bool = False
    """True: every object below `uri`; False: the one object."""
    compressed: bool = True
    """True: a `tar.gz` to extract; False: files as they are."""


@dataclass(frozen=True)
class Container:
    """The one container of a model."""

    image: str
    """As the model names it."""
    resolved_image: str
    """The same by digest, where the emulated registry knows it."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    model_data: ModelData | None = None
    hostname: str = "primary"
    """What AWS calls it in messages."""


@dataclass(frozen=True)
class Variant:
    """One production or shadow variant of a configuration."""

    name: str
    container: Container
    instance_type: str | None
    initial_instance_count: int
    initial_weight: float
    startup_seconds: float
    """Real time from the container's start to its first passed health check."""
    volume_gib: int
    source: Mapping[str, Any]
    """The variant as CreateEndpointConfig was given it, for DescribeEndpoint."""
    shadow: bool = False
    """Whether it gets copies of requests instead of a share of them."""

    @property
    def initial_capacity(self) -> "Capacity":
        """What the configuration itself asks for."""
        return Capacity(self.initial_instance_count, self.initial_weight)

    @property
    def guarded(self) -> bool:
        """Whether deployment guardrails apply (developer guide, exclusions: serverless, Inf1)."""
        serverless = "ServerlessConfig" in self.source
        return not serverless and not (self.instance_type or "").startswith("ml.inf1.")


@dataclass(frozen=True)
class Deployment:
    """One configuration as an endpoint runs it."""

    config_name: str
    variants: tuple[Variant, ...]
    """Production variants, then the shadow if there is one."""
    resolved_at: datetime
    """When the images were resolved: naive UTC, virtual time."""
    config: Mapping[str, Any]
    """The configuration as CreateEndpointConfig was given it, for DescribeEndpoint."""

    @property
    def production(self) -> tuple[Variant, ...]:
        """The variants that answer requests."""
        return tuple(variant for variant in self.variants if not variant.shadow)

    @property
    def shadow(self) -> Variant | None:
        """The variant that gets copies of requests; None where there is none."""
        return next((variant for variant in self.variants if variant.shadow), None)

    def variant(self, name: str) -> Variant | None:
        """Give the variant of that name, or None."""
        return next((variant for variant in self.variants if variant.name == name), None)


@dataclass(frozen=True)
class Capacity:
    """How many instances and what share of the traffic a variant has, or is to have."""

    instances: int
    weight: float


def initial_capacities(deployment: Deployment) -> dict[str, Capacity]:
    """Give what the configuration itself asks for."""
    return {variant.name: variant.initial_capacity for variant in deployment.variants}


def retained_capacities(
    deployment: Deployment, before: Mapping[str, Capacity], excluded: frozenset[str]
) -> dict[str, Capacity]:
    """Give what RetainAllVariantProperties keeps of the present capacities.

    Args:
        deployment: what is to be deployed.
        before: what the endpoint wants now, by variant.
        excluded: the VariantProperty types in ExcludeRetainedVariantProperties, which come from
            the new configuration all the same.
    """
    capacities = initial_capacities(deployment)
    for name, initial in capacities.items():
        old = before.get(name)
        if old is not None:
            capacities[name] = Capacity(
                initial.instances if "DesiredInstanceCount" in excluded else old.instances,
                initial.weight if "DesiredWeight" in excluded else old.weight,
            )
    return capacities


def with_instances(
    capacities: Mapping[str, Capacity], instances: Mapping[str, int]
) -> dict[str, Capacity]:
    """Give the same weights with other numbers of instances; 0 for a variant not named."""
    return {
        name: replace(each, instances=instances.get(name, 0)) for name, each in capacities.items()
    }
