"""One endpoint as the control plane shows it: status, configuration, capacities.

Takes what was asked for and what came of it, gives DescribeEndpoint's answer. A state machine
without time, threads or processes: `begin` enters an operation, `settle` leaves it, and replaying
the same operations with the same outcomes gives the same record. moto keeps these objects in its
own store of endpoints, hence the attribute names that moto reads.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from modelway.emulator.hosting.deployment import (
    Capacity,
    Deployment,
    Variant,
    with_instances,
)
from modelway.emulator.hosting.stages import Course

IN_PROGRESS = frozenset({"Creating", "Updating", "SystemUpdating", "RollingBack", "Deleting"})
"""States in which every change is refused (DescribeEndpoint, EndpointStatus)."""


@dataclass(frozen=True)
class Operation:
    """One accepted call that takes time."""

    kind: str
    """`create`, `update`, `resize` or `delete`."""
    number: int
    """Counts the operations on this endpoint's name, so that outcomes can be told apart."""
    deployment: Deployment | None
    """What is to run in the end; None for `delete`."""
    capacities: Mapping[str, Capacity]
    """What each variant is to have in the end."""
    started_at: datetime
    """When it was accepted: naive UTC, virtual time."""
    course: Course | None = None
    """How an update gets there; None for the other kinds."""


@dataclass(frozen=True)
class Mix:
    """What a rolling update leaves behind whose rollback failed: two fleets that both serve."""

    old: Mapping[str, int]
    """Instances with the old configuration, by variant."""
    new: Mapping[str, int]
    share: float
    """Share of the traffic that goes to the new configuration, 0 to 1."""


@dataclass(frozen=True)
class Outcome:
    """What came of an operation."""

    succeeded: bool
    failure_reason: str | None
    at: datetime
    """Naive UTC, virtual time."""
    mix: Mix | None = None
    """What is left where an update and its rollback both failed."""


@dataclass(frozen=True)
class Progress:
    """How far an update has come."""

    status: str
    """Of the new variants: a VariantStatus of SageMaker's."""
    since: datetime
    """When that status began: naive UTC, virtual time."""
    share: float
    """The new fleet's share of the traffic, 0 to 1."""
    new: Mapping[str, int]
    """Instances of the new fleet, by variant."""
    old: Mapping[str, int]
    """Instances of the old fleet, by variant."""


class EndpointRecord:
    """One endpoint of one account and region."""

    def __init__(
        self, *, account_id: str, region: str, name: str, arn: str, tags: list[dict[str, str]]
    ) -> None:
        self.account_id = account_id
        self.region = region
        self.endpoint_name = name
        self.arn = arn
        self.tags = tags
        self.endpoint_status = "Creating"
        self.failure_reason: str | None = None
        self.last_deployment_config: Mapping[str, Any] | None = None
        self.deployment: Deployment | None = None
        """What serves; None until the endpoint was once in service."""
        self.current: dict[str, Capacity] = {}
        self.desired: dict[str, Capacity] = {}
        self.operation: Operation | None = None
        self.progress: Progress | None = None
        """How far the update under way has come; None before its first stage."""
        self.mix: Mix | None = None
        """What serves beside `deployment` since a rollback failed; else None."""
        self.mixed_with: Deployment | None = None
        """The configuration that the failed update was to bring."""
        self.creation_time: datetime = datetime.min  # noqa: DTZ901 - naive as moto keeps it
        self.last_modified_time: datetime = self.creation_time

    @property
    def endpoint_config_name(self) -> str:
        """The configuration that serves, or that is being created."""
        if self.deployment is not None:
            return self.deployment.config_name
        if self.operation is not None and self.operation.deployment is not None:
            return self.operation.deployment.config_name
        return self._failed_config_name

    _failed_config_name = ""

    def begin(self, operation: Operation) -> None:
        """Enter an operation; whether it is allowed was checked before."""
        self.operation = operation
        self.last_modified_time = operation.started_at
        match operation.kind:
            case "create":
                self.endpoint_status = "Creating"
                self.creation_time = operation.started_at
                self.desired = dict(operation.capacities)
                self.current = {
                    name: replace(wanted, instances=0) for name, wanted in self.desired.items()
                }
            case "update":
                self.endpoint_status = "Updating"
                self.failure_reason = None
            case "resize":
                self.endpoint_status = "Updating"
                self.failure_reason = None
                self.desired = dict(operation.capacities)
            case _:
                self.endpoint_status = "Deleting"

    def roll_back(self) -> None:
        """Show that the running update has failed and is being undone."""
        self.endpoint_status = "RollingBack"

    def settle(self, outcome: Outcome) -> None:
        """Leave the running operation; after a `delete` the record is of no more use."""
        operation = self.operation
        if operation is None:
            return
        self.operation = None
        self.progress = None
        self.last_modified_time = outcome.at
        self.failure_reason = outcome.failure_reason
        if outcome.succeeded:
            self.endpoint_status = "InService"
            self.deployment = operation.deployment
            self.desired = dict(operation.capacities)
            self.current = dict(operation.capacities)
            if operation.kind == "update":
                self.mix = self.mixed_with = None
        elif operation.kind == "create":
            self.endpoint_status = "Failed"
            if operation.deployment is not None:
                self._failed_config_name = operation.deployment.config_name
        else:
            # A failed update leaves the endpoint in service as it was, with the reason beside it
            # (terraform-provider-aws issues 39099 and 46663).
            if outcome.mix is not None:
                self.mix, self.mixed_with = outcome.mix, operation.deployment
                self.current = with_instances(self.current, outcome.mix.old)
            self.desired = dict(self.current)
        if operation.kind != "create":
            self.endpoint_status = "InService" if self.mix is None else "UpdateRollbackFailed"

    def summary(self) -> dict[str, Any]:
        """Give ListEndpoints' entry; moto calls this."""
        return {
            "EndpointName": self.endpoint_name,
            "EndpointArn": self.arn,
            "CreationTime": self.creation_time,
            "LastModifiedTime": self.last_modified_time,
            "EndpointStatus": self.endpoint_status,
        }

    def describe(self) -> dict[str, Any]:
        """Give DescribeEndpoint's answer."""
        answer = self.summary() | {"EndpointConfigName": self.endpoint_config_name}
        if self.failure_reason is not None:
            answer["FailureReason"] = self.failure_reason
        if self.last_deployment_config is not None:
            answer["LastDeploymentConfig"] = self.last_deployment_config
        operation = self.operation
        shown = self.deployment
        if shown is None and operation is not None and operation.kind == "create":
            shown = operation.deployment
        if shown is not None:
            answer["ProductionVariants"] = [self._variant(shown, each) for each in shown.production]
            if shown.shadow is not None:
                answer["ShadowProductionVariants"] = [self._variant(shown, shown.shadow)]
            answer |= _copied(shown.config)
        if operation is not None and operation.kind == "update" and operation.deployment:
            answer["PendingDeploymentSummary"] = {
                "EndpointConfigName": operation.deployment.config_name,
                "ProductionVariants": [
                    _pending(operation, self.progress, variant)
                    for variant in operation.deployment.production
                ],
                "StartTime": operation.started_at,
            }
            shadow = operation.deployment.shadow
            if shadow is not None:
                answer["PendingDeploymentSummary"]["ShadowProductionVariants"] = [
                    _pending(operation, self.progress, shadow)
                ]
        return answer

    def _variant(self, deployment: Deployment, variant: Variant) -> dict[str, Any]:
        current, desired = self.current[variant.name], self.desired[variant.name]
        if self.progress is not None:
            # A rolling update takes old instances away while it goes on.
            left = self.progress.old.get(variant.name, current.instances)
            current = replace(current, instances=left)
        return _common(deployment, variant) | {
            "CurrentWeight": current.weight,
            "DesiredWeight": desired.weight,
            "CurrentInstanceCount": current.instances,
            "DesiredInstanceCount": desired.instances,
        }


def _pending(operation: Operation, progress: Progress | None, variant: Variant) -> dict[str, Any]:
    """Give PendingDeploymentSummary's entry for a new variant.

    AWS does not say what CurrentWeight is while traffic shifts; here it is the desired weight times
    the new fleet's share, so that it grows from 0 to the desired weight.
    """
    if operation.deployment is None:
        return {}
    if progress is None:
        progress = Progress("Creating", operation.started_at, 0.0, {}, {})
    wanted = operation.capacities[variant.name]
    return _common(operation.deployment, variant) | {
        "InstanceType": variant.instance_type,
        "CurrentWeight": wanted.weight * progress.share,
        "DesiredWeight": wanted.weight,
        "CurrentInstanceCount": progress.new.get(variant.name, 0),
        "DesiredInstanceCount": wanted.instances,
        "VariantStatus": [{"Status": progress.status, "StartTime": progress.since}],
    }


def _common(deployment: Deployment, variant: Variant) -> dict[str, Any]:
    answer: dict[str, Any] = {
        "VariantName": variant.name,
        "DeployedImages": [
            {
                "SpecifiedImage": variant.container.image,
                "ResolvedImage": variant.container.resolved_image,
                "ResolutionTime": deployment.resolved_at,
            }
        ],
    }
    for field in ("ManagedInstanceScaling", "RoutingConfig"):
        if field in variant.source:
            answer[field] = variant.source[field]
    if "ServerlessConfig" in variant.source:
        answer["CurrentServerlessConfig"] = variant.source["ServerlessConfig"]
        answer["DesiredServerlessConfig"] = variant.source["ServerlessConfig"]
    return answer


def _copied(config: Mapping[str, Any]) -> dict[str, Any]:
    """Give what DescribeEndpoint repeats of the configuration."""
    answer: dict[str, Any] = {}
    capture = config.get("DataCaptureConfig")
    if capture:
        enabled = bool(capture.get("EnableCapture", False))
        answer["DataCaptureConfig"] = {
            "EnableCapture": enabled,
            "CaptureStatus": "Started" if enabled else "Stopped",
            "CurrentSamplingPercentage": capture["InitialSamplingPercentage"],
            "DestinationS3Uri": capture["DestinationS3Uri"],
            "KmsKeyId": capture.get("KmsKeyId", ""),
        }
    for field in ("AsyncInferenceConfig", "ExplainerConfig", "MetricsConfig"):
        if config.get(field):
            answer[field] = config[field]
    return answer
