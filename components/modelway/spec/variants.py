"""Variants beside the spec's own model: challengers that share its traffic, and a shadow.

Frozen, validated values. Rules that need more than one field are `modelway.spec.rules.variants`.
Shapes are those of SageMaker's ProductionVariant (botocore service model).
"""

from pydantic import Field

from modelway.spec.model_file import Model
from modelway.spec.part import Name, Part, source

_NO_ZERO = "SageMaker ProductionVariant.InitialInstanceCount"


class Challenger(Part):
    """A model that answers a part of the traffic beside the spec's own, the champion."""

    name: Name
    """The variant's name, unique within the spec. It never carries a version, since a roll-out
    needs it to stay."""
    model: Model
    """The trained model."""
    traffic_percent: float = Field(
        ge=0,
        lt=100,
        json_schema_extra=source("SageMaker ProductionVariant.InitialVariantWeight"),
    )
    """Share of the requests. The champion has what all challengers leave. With 0 only requests that
    name this variant reach it."""
    instance_type: str | None = None
    """A SageMaker hosting instance type. Default: the champion's."""
    min_instances: int | None = Field(default=None, ge=1, json_schema_extra=source(_NO_ZERO))
    """Lower bound, and the count to start with. Default: the champion's."""
    max_instances: int | None = Field(default=None, ge=1, json_schema_extra=source(_NO_ZERO))
    """Upper bound. Default: the same as `min_instances`, which means no autoscaling of this
    variant."""
    target_invocations_per_instance_per_minute: float | None = Field(default=None, gt=0)
    """What target tracking keeps each instance at. Default: the champion's. Cooldowns are the
    champion's too; its schedules are its own."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Extra environment of the container, laid over that of `serving`."""


class Shadow(Part):
    """A model that gets copies of the requests and whose answers nobody sees.

    SageMaker discards the answers, so data capture is on by default where there is a shadow.
    """

    name: Name = "shadow"
    """The variant's name, unique within the spec."""
    model: Model
    """The trained model."""
    sampling_percent: float = Field(
        default=100,
        gt=0,
        le=100,
        json_schema_extra=source("SageMaker ShadowModelVariantConfig.SamplingPercentage"),
    )
    """Share of the requests that are copied."""
    instance_type: str | None = None
    """A SageMaker hosting instance type. Default: the champion's."""
    instance_count: int | None = Field(default=None, ge=1, json_schema_extra=source(_NO_ZERO))
    """Number of instances, fixed. Default: `scaling.min_instances` times `sampling_percent`,
    rounded up."""
    environment: dict[str, str] = Field(default_factory=dict)
    """Extra environment of the container, laid over that of `serving`."""
