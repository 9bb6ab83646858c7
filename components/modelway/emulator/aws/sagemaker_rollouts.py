"""The rules of UpdateEndpoint's DeploymentConfig that need more than one field.

Takes a DeploymentConfig and the variants before and after, raises AWS's ValidationException with
every broken rule. Ranges of single fields are in the service model and checked by
`sagemaker_limits`. Sources: botocore's documentation of DeploymentConfig, BlueGreenUpdatePolicy,
TrafficRoutingConfig and RollingUpdatePolicy, and the developer guide's pages on deployment
guardrails and their exclusions. Must not carry a rollout out.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from moto.sagemaker.exceptions import ValidationError

from modelway.emulator.hosting.deployment import Capacity, Deployment
from modelway.emulator.hosting.stages import course_of
from modelway.emulator.services import Alarms

CANARY_PERCENT = (1, 50)
LINEAR_PERCENT = (10, 50)
ROLLING_PERCENT = (5, 50)
ROLLBACK_PERCENT = (5, 100)


def check_deployment_config(config: Mapping[str, Any], instances: Mapping[str, int]) -> None:
    """Refuse a DeploymentConfig that AWS would refuse.

    Args:
        config: UpdateEndpoint's or CreateEndpoint's DeploymentConfig.
        instances: the number of instances that each variant is to have.
    """
    found = list(_problems(config, instances)) or list(_waits(config, instances))
    if found:
        raise ValidationError(message=f"Invalid DeploymentConfig: {'; '.join(found)}.")


def check_variants(config: Mapping[str, Any], old: Deployment, new: Deployment) -> None:
    """Refuse a shift of traffic between fleets that do not have the same variants.

    Args:
        config: UpdateEndpoint's DeploymentConfig.
        old: what serves.
        new: what is to serve.
    """
    routing = (config.get("BlueGreenUpdatePolicy") or {}).get("TrafficRoutingConfiguration") or {}
    kind = "ROLLING" if config.get("RollingUpdatePolicy") else routing.get("Type", "ALL_AT_ONCE")
    if kind == "ALL_AT_ONCE":
        return
    before, after = ({each.name for each in deployment.variants} for deployment in (old, new))
    if before != after:
        raise ValidationError(
            message=f"Invalid DeploymentConfig: a {kind} update keeps the names of all variants; "
            f"the endpoint has {', '.join(sorted(before))}, endpoint configuration "
            f"{new.config_name} has {', '.join(sorted(after))}."
        )
    if kind == "ROLLING" and any("ServerlessConfig" in each.source for each in new.variants):
        raise ValidationError(
            message="Invalid DeploymentConfig: RollingUpdatePolicy does not take a serverless "
            "variant."
        )


def check_alarms(config: Mapping[str, Any], alarms: Alarms, account: str, region: str) -> None:
    """Refuse rollback alarms that are not there to be read.

    AWS documents only that they must exist in the account and be readable with the execution role;
    its wording is not known.
    """
    given = (config.get("AutoRollbackConfiguration") or {}).get("Alarms") or ()
    names = [str(each.get("AlarmName") or "") for each in given]
    absent = [name for name in names if alarms.state(account, region, name) is None]
    if absent:
        raise ValidationError(
            message="Invalid AutoRollbackConfiguration: these CloudWatch alarms do not exist in "
            f"account {account}, region {region}: {', '.join(absent)}."
        )


def _problems(config: Mapping[str, Any], instances: Mapping[str, int]) -> Iterator[str]:
    blue_green, rolling = config.get("BlueGreenUpdatePolicy"), config.get("RollingUpdatePolicy")
    if blue_green and rolling:
        yield "only one of BlueGreenUpdatePolicy and RollingUpdatePolicy is allowed"
    if blue_green:
        yield from _blue_green(blue_green, instances)
    if rolling:
        if len(instances) > 1:
            yield "RollingUpdatePolicy does not take an endpoint with several variants"
        yield from _size(
            "MaximumBatchSize", rolling["MaximumBatchSize"], ROLLING_PERCENT, instances
        )
        back = rolling.get("RollbackMaximumBatchSize")
        if back:
            yield from _size("RollbackMaximumBatchSize", back, ROLLBACK_PERCENT, instances)


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


def _waits(config: Mapping[str, Any], instances: Mapping[str, int]) -> Iterator[str]:
    """Check the time limit; only a configuration without other problems has a course."""
    capacities = {name: Capacity(count, 1.0) for name, count in instances.items()}
    course = course_of(config, capacities, capacities)
    limit, waits = course.limit_seconds, course.waits_seconds
    if limit is not None and limit <= waits:
        yield (
            f"MaximumExecutionTimeoutInSeconds {limit:.0f} is not above the sum of the waits, "
            f"{waits:.0f}"
        )


def _size(
    field: str, size: Mapping[str, Any], percents: tuple[int, int], instances: Mapping[str, int]
) -> Iterator[str]:
    low, high = percents
    value = size["Value"]
    if size["Type"] == "CAPACITY_PERCENT" and not low <= value <= high:
        yield f"{field} is {value} percent; allowed are {low} to {high}"
    for variant, count in instances.items():
        if size["Type"] == "INSTANCE_COUNT" and value > count * high / 100:
            yield (
                f"{field} is {value} instances, above {high} percent of the {count} of "
                f"variant {variant}"
            )
        elif size["Type"] == "INSTANCE_COUNT" and value < count * low / 100:
            yield (
                f"{field} is {value} instances, below {low} percent of the {count} of "
                f"variant {variant}"
            )
        elif size["Type"] == "CAPACITY_PERCENT" and count * high < 100:  # noqa: PLR2004 - percent
            # Derived: the smallest step is one instance, which is all of such a variant.
            yield (
                f"{field} needs a variant of 2 instances or more; variant {variant} is to have "
                f"{count}"
            )
