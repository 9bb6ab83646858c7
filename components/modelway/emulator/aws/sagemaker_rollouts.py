"""The rules of UpdateEndpoint's DeploymentConfig that need more than one field.

Takes a DeploymentConfig and the variants before and after, raises AWS's ValidationException with
every broken rule. Ranges of single fields are in the service model and checked by
`sagemaker_limits`. Sources: botocore's documentation of DeploymentConfig, BlueGreenUpdatePolicy,
TrafficRoutingConfig and RollingUpdatePolicy. Must not carry a rollout out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from moto.sagemaker.exceptions import ValidationError

CANARY_PERCENT = (1, 50)
LINEAR_PERCENT = (10, 50)
ROLLING_PERCENT = (5, 50)


def check_deployment_config(config: Mapping[str, Any], instances: Mapping[str, int]) -> None:
    """Refuse a DeploymentConfig that AWS would refuse.

    Args:
        config: UpdateEndpoint's or CreateEndpoint's DeploymentConfig.
        instances: the number of instances that each variant is to have.
    """
    found = list(_problems(config, instances))
    if found:
        raise ValidationError(message=f"Invalid DeploymentConfig: {'; '.join(found)}.")


def _problems(config: Mapping[str, Any], instances: Mapping[str, int]) -> Iterator[str]:
    blue_green, rolling = config.get("BlueGreenUpdatePolicy"), config.get("RollingUpdatePolicy")
    if blue_green and rolling:
        yield "only one of BlueGreenUpdatePolicy and RollingUpdatePolicy is allowed"
    if blue_green:
        yield from _blue_green(blue_green, instances)
    if rolling:
        if len(instances) > 1:
            yield "RollingUpdatePolicy does not take an endpoint with several variants"
        for field in ("MaximumBatchSize", "RollbackMaximumBatchSize"):
            if field in rolling:
                highest = (5, 100) if field.startswith("Rollback") else ROLLING_PERCENT
                yield from _size(field, rolling[field], highest, instances)


def _blue_green(policy: Mapping[str, Any], instances: Mapping[str, int]) -> Iterator[str]:
    routing = policy["TrafficRoutingConfiguration"]
    kind = routing["Type"]
    fields = {
        "CANARY": ("CanarySize", CANARY_PERCENT),
        "LINEAR": ("LinearStepSize", LINEAR_PERCENT),
    }
    for owner, (field, percents) in fields.items():
        if kind == owner and not routing.get(field):
            yield f"{field} is required with traffic routing type {kind}"
        elif kind != owner and routing.get(field):
            yield f"{field} is not allowed with traffic routing type {kind}"
        elif kind == owner:
            yield from _size(field, routing[field], percents, instances)
    steps = 1
    size = routing.get("LinearStepSize")
    if kind == "LINEAR" and size and size["Type"] == "CAPACITY_PERCENT":
        steps = -(-100 // size["Value"])
    waits = routing["WaitIntervalInSeconds"] * steps + policy.get("TerminationWaitInSeconds", 0)
    limit = policy.get("MaximumExecutionTimeoutInSeconds")
    if limit is not None and limit <= waits:
        yield (
            f"MaximumExecutionTimeoutInSeconds {limit} is not above the sum of the waits, {waits}"
        )


def _size(
    field: str, size: Mapping[str, Any], percents: tuple[int, int], instances: Mapping[str, int]
) -> Iterator[str]:
    low, high = percents
    value = size["Value"]
    if size["Type"] == "CAPACITY_PERCENT" and not low <= value <= high:
        yield f"{field} is {value} percent; allowed are {low} to {high}"
    if size["Type"] == "INSTANCE_COUNT":
        for variant, count in instances.items():
            if value > count * high / 100:
                yield (
                    f"{field} is {value} instances, above {high} percent of the {count} of "
                    f"variant {variant}"
                )
