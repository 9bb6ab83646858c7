"""The plan: what is to be declared for one model in one environment, every number decided."""

from modelway.plan.build import PROTECTED_ENVIRONMENTS, plan_deployment, plan_names
from modelway.plan.live import LiveEndpoint, WantedEndpoint, wanted_endpoint
from modelway.plan.model import (
    AlarmPlan,
    Artifact,
    CompositeAlarmPlan,
    ContainerPlan,
    DataCapturePlan,
    Decision,
    DeploymentPlan,
    EvidenceLease,
    MetricPlan,
    Names,
    NetworkPlan,
    RolloutPlan,
    ScalingPlan,
    SchedulePlan,
    VariantPlan,
)
from modelway.plan.update import UpdatePlan, plan_update

__all__ = [
    "PROTECTED_ENVIRONMENTS",
    "AlarmPlan",
    "Artifact",
    "CompositeAlarmPlan",
    "ContainerPlan",
    "DataCapturePlan",
    "Decision",
    "DeploymentPlan",
    "EvidenceLease",
    "LiveEndpoint",
    "MetricPlan",
    "Names",
    "NetworkPlan",
    "RolloutPlan",
    "ScalingPlan",
    "SchedulePlan",
    "UpdatePlan",
    "VariantPlan",
    "WantedEndpoint",
    "plan_deployment",
    "plan_names",
    "plan_update",
    "wanted_endpoint",
]
