"""The plan: what is to be declared for one model in one environment, every number decided."""

from modelway.plan.build import PROTECTED_ENVIRONMENTS, plan_deployment, plan_names
from modelway.plan.model import (
    AlarmPlan,
    Artifact,
    ContainerPlan,
    DataCapturePlan,
    Decision,
    DeploymentPlan,
    MetricPlan,
    Names,
    NetworkPlan,
    RolloutPlan,
    ScalingPlan,
    SchedulePlan,
    VariantPlan,
)

__all__ = [
    "PROTECTED_ENVIRONMENTS",
    "AlarmPlan",
    "Artifact",
    "ContainerPlan",
    "DataCapturePlan",
    "Decision",
    "DeploymentPlan",
    "MetricPlan",
    "Names",
    "NetworkPlan",
    "RolloutPlan",
    "ScalingPlan",
    "SchedulePlan",
    "VariantPlan",
    "plan_deployment",
    "plan_names",
]
