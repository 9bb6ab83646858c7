"""The steps of an update, as data: what is called, in which order, with which arguments.

Frozen dataclasses only; `modelway.plan.update` orders them, whoever talks to AWS carries them out.
Each one says itself in a line for people.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from modelway.plan.live import ScalableTarget
from modelway.plan.stages import Stage


@dataclass(frozen=True)
class WaitUntilSettled:
    """SageMaker is busy with the endpoint and takes no change until it has ended."""

    status: str

    def __str__(self) -> str:
        return f"wait until the endpoint is no longer {self.status}"


@dataclass(frozen=True)
class CheckGuardAlarms:
    """Look at the alarms on the variant; one that fires stops the update here."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"refuse if one of these is in ALARM: {', '.join(self.names)}"


@dataclass(frozen=True)
class PutRollbackAlarms:
    """PutMetricAlarm for each, with the new configuration's name as a dimension."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"put the roll-back alarms {', '.join(self.names)}"


@dataclass(frozen=True)
class DeregisterScaling:
    """DeregisterScalableTarget; policies and scheduled actions go with it."""

    target: ScalableTarget

    def __str__(self) -> str:
        return f"deregister variant {self.target.variant} from auto scaling"


@dataclass(frozen=True)
class UpdateEndpoint:
    """UpdateEndpoint with exactly these parameters."""

    config_name: str
    retain_all_variant_properties: bool
    exclude_retained_variant_properties: tuple[str, ...]
    deployment_config: Mapping[str, object] | None

    def __str__(self) -> str:
        kept = "instance counts are kept" if self.retain_all_variant_properties else "no retention"
        return f"update to configuration {self.config_name} ({kept})"


@dataclass(frozen=True)
class Bake:
    """SageMaker shifts traffic and waits; nobody has to call anything."""

    stage: Stage

    def __str__(self) -> str:
        stage = self.stage
        return f"{stage.name}: {stage.traffic_percent:g} % of the traffic, {stage.wait_seconds} s"


@dataclass(frozen=True)
class DeleteRollbackAlarms:
    """DeleteAlarms: they watch a fleet that is the only one now, or is gone."""

    names: tuple[str, ...]

    def __str__(self) -> str:
        return f"delete the roll-back alarms {', '.join(self.names)}"


@dataclass(frozen=True)
class RegisterScaling:
    """RegisterScalableTarget, PutScalingPolicy, PutScheduledAction: exactly as it was."""

    target: ScalableTarget

    def __str__(self) -> str:
        policies, actions = len(self.target.policies), len(self.target.scheduled_actions)
        return (
            f"register variant {self.target.variant} again with {policies} policies and "
            f"{actions} scheduled actions"
        )


@dataclass(frozen=True)
class Capacity:
    """What UpdateEndpointWeightsAndCapacities is to make of one variant."""

    variant: str
    instance_count: int | None
    """None: as it is."""
    weight: float | None
    """None: as it is."""


@dataclass(frozen=True)
class ChangeCapacities:
    """UpdateEndpointWeightsAndCapacities: no new fleet, no bake."""

    capacities: tuple[Capacity, ...]

    def __str__(self) -> str:
        names = ", ".join(capacity.variant for capacity in self.capacities)
        return f"set instance counts and weights of {names}"


Step = (
    WaitUntilSettled
    | CheckGuardAlarms
    | PutRollbackAlarms
    | DeregisterScaling
    | UpdateEndpoint
    | Bake
    | DeleteRollbackAlarms
    | RegisterScaling
    | ChangeCapacities
)
"""One step of an update."""
