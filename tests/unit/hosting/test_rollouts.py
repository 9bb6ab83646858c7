"""DeploymentConfig: the rules over several fields."""

import pytest
from moto.sagemaker.exceptions import ValidationError

from modelway.emulator.aws.sagemaker_configs import _LOCAL_STORAGE
from modelway.emulator.aws.sagemaker_rollouts import (
    check_alarms,
    check_deployment_config,
    check_variants,
)


def blue_green(kind, wait=60, **fields):
    policy = {"TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": wait}}
    for field in ("CanarySize", "LinearStepSize"):
        if field in fields:
            policy["TrafficRoutingConfiguration"][field] = fields.pop(field)
    return {"BlueGreenUpdatePolicy": policy | fields}


def rolling(**fields):
    return {"RollingUpdatePolicy": {"WaitIntervalInSeconds": 60} | fields}


def percent(value):
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def instances(value):
    return {"Type": "INSTANCE_COUNT", "Value": value}


TWO = {"primary": 2}


def refusal(config, instances):
    """Give what a configuration is refused with; None where it is allowed."""
    try:
        check_deployment_config(config, instances)
    except ValidationError as error:
        return error.message
    return None


@pytest.mark.parametrize(
    "config",
    [
        blue_green("ALL_AT_ONCE"),
        blue_green("CANARY", CanarySize=percent(50)),
        blue_green("CANARY", CanarySize=instances(1)),
        blue_green("LINEAR", LinearStepSize=percent(10)),
        rolling(MaximumBatchSize=percent(5), RollbackMaximumBatchSize=percent(100)),
        blue_green(
            "LINEAR",
            wait=300,
            LinearStepSize=percent(50),
            TerminationWaitInSeconds=60,
            MaximumExecutionTimeoutInSeconds=661,
        ),
        blue_green(
            "CANARY", wait=300, CanarySize=percent(10), MaximumExecutionTimeoutInSeconds=601
        ),
        rolling(MaximumBatchSize=instances(1), MaximumExecutionTimeoutInSeconds=600),
        {},
    ],
)
def test_what_aws_allows_is_allowed(config):
    assert refusal(config, TWO) is None


@pytest.mark.parametrize(
    ("config", "message"),
    [
        (
            blue_green("ALL_AT_ONCE") | rolling(MaximumBatchSize=percent(20)),
            "only one of BlueGreenUpdatePolicy and RollingUpdatePolicy is allowed",
        ),
        (blue_green("CANARY"), "CanarySize is required with traffic routing type CANARY"),
        (
            blue_green("ALL_AT_ONCE", CanarySize=percent(10)),
            "CanarySize is not allowed with traffic routing type ALL_AT_ONCE",
        ),
        (
            blue_green("CANARY", CanarySize=percent(51)),
            "CanarySize is 51 percent; allowed are 1 to 50",
        ),
        (
            blue_green("CANARY", CanarySize=instances(2)),
            "CanarySize is 2 instances, above 50 percent of the 2 of variant primary",
        ),
        (
            blue_green("LINEAR", LinearStepSize=percent(9)),
            "LinearStepSize is 9 percent; allowed are 10 to 50",
        ),
        (
            rolling(MaximumBatchSize=percent(4)),
            "MaximumBatchSize is 4 percent; allowed are 5 to 50",
        ),
        (
            blue_green(
                "LINEAR",
                wait=300,
                LinearStepSize=percent(50),
                TerminationWaitInSeconds=60,
                MaximumExecutionTimeoutInSeconds=660,
            ),
            "MaximumExecutionTimeoutInSeconds 660 is not above the sum of the waits, 660",
        ),
        (
            # A canary bakes twice: after the first step and after the rest.
            blue_green(
                "CANARY",
                wait=300,
                CanarySize=percent(10),
                MaximumExecutionTimeoutInSeconds=600,
            ),
            "MaximumExecutionTimeoutInSeconds 600 is not above the sum of the waits, 600",
        ),
        (
            rolling(
                MaximumBatchSize=instances(1),
                WaitIntervalInSeconds=300,
                MaximumExecutionTimeoutInSeconds=600,
            ),
            "MaximumExecutionTimeoutInSeconds 600 is not above the sum of the waits, 600",
        ),
        (
            rolling(MaximumBatchSize=instances(1), RollbackMaximumBatchSize=percent(4)),
            "RollbackMaximumBatchSize is 4 percent; allowed are 5 to 100",
        ),
    ],
)
def test_what_aws_refuses_is_refused_with_the_reason(config, message):
    assert refusal(config, TWO) == f"Invalid DeploymentConfig: {message}."


@pytest.mark.parametrize(
    ("config", "count", "message"),
    [
        (
            blue_green("CANARY", CanarySize=percent(10)),
            1,
            "CanarySize needs a variant of 2 instances or more; variant primary is to have 1",
        ),
        (
            blue_green("LINEAR", LinearStepSize=instances(1)),
            11,
            "LinearStepSize is 1 instances, below 10 percent of the 11 of variant primary",
        ),
        (
            rolling(MaximumBatchSize=instances(1)),
            21,
            "MaximumBatchSize is 1 instances, below 5 percent of the 21 of variant primary",
        ),
    ],
)
def test_a_step_is_a_part_of_the_fleet_that_is_to_be(config, count, message):
    assert refusal(config, {"primary": count}) == f"Invalid DeploymentConfig: {message}."


def test_a_shift_of_traffic_keeps_the_names_of_the_variants(deployment):
    old, new = deployment("config-1", a=(1.0, 2)), deployment("config-2", b=(1.0, 2))

    check_variants(blue_green("ALL_AT_ONCE"), old, new)
    with pytest.raises(ValidationError) as caught:
        check_variants(blue_green("CANARY", CanarySize=percent(10)), old, new)

    assert caught.value.message == (
        "Invalid DeploymentConfig: a CANARY update keeps the names of all variants; the endpoint "
        "has a, endpoint configuration config-2 has b."
    )


def test_rollback_alarms_must_be_there_to_be_read():
    config = {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "a"}, {"AlarmName": "b"}]}}

    class Alarms:
        def state(self, account, region, name):
            known = {("123456789012", "eu-west-1", "a"): "INSUFFICIENT_DATA"}
            return known.get((account, region, name))

    with pytest.raises(ValidationError) as caught:
        check_alarms(config, Alarms(), "123456789012", "eu-west-1")

    assert caught.value.message == (
        "Invalid AutoRollbackConfiguration: these CloudWatch alarms do not exist in account "
        "123456789012, region eu-west-1: b."
    )


def test_rolling_does_not_take_several_variants():
    found = refusal(rolling(MaximumBatchSize=percent(20)), {"a": 2, "b": 2})

    assert "several variants" in found


@pytest.mark.parametrize(
    ("instance_type", "local"),
    [
        ("ml.m5.large", False),
        ("ml.m5d.large", True),
        ("ml.c6gd.large", True),
        ("ml.m6id.large", True),
        ("ml.g4dn.xlarge", True),
        ("ml.g5.xlarge", True),
        ("ml.p3.2xlarge", False),
        ("ml.p4d.24xlarge", True),
        ("ml.p5.48xlarge", True),
        ("ml.inf2.xlarge", False),
        ("ml.trn1.2xlarge", True),
        ("ml.t2.medium", False),
        ("ml.c7i.large", False),
    ],
)
def test_local_storage_is_read_from_the_instance_family(instance_type, local):
    assert bool(_LOCAL_STORAGE.match(instance_type)) is local
