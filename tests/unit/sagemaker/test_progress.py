"""Where a rollout is, in words, from what DescribeEndpoint says."""

from datetime import UTC, datetime

import pytest

from modelway.sagemaker.progress import phrase, shares_percent, stage_of

NOW = datetime(2026, 11, 28, 10, 2, tzinfo=UTC)
BEGAN = datetime(2026, 11, 28, 10, 0, tzinfo=UTC)


def percent(value):
    return {"Type": "CAPACITY_PERCENT", "Value": value}


def blue_green(kind, **size):
    routing = {"Type": kind, "WaitIntervalInSeconds": 300, **size}
    return {"BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": routing}}


CANARY = blue_green("CANARY", CanarySize=percent(10))


def described(status, *variant_statuses):
    return {
        "EndpointStatus": status,
        "PendingDeploymentSummary": {
            "EndpointConfigName": "fraud-dev-new",
            "ProductionVariants": [
                {"VariantStatus": [{"Status": each, "StartTime": BEGAN}]}
                for each in variant_statuses
            ],
        },
    }


@pytest.mark.parametrize(
    ("policy", "shares"),
    [
        (None, [100]),
        (blue_green("ALL_AT_ONCE"), [100]),
        (CANARY, [10, 100]),
        (blue_green("LINEAR", LinearStepSize=percent(30)), [30, 60, 90, 100]),
        ({"RollingUpdatePolicy": {"MaximumBatchSize": percent(50)}}, [50, 100]),
        (blue_green("CANARY", CanarySize={"Type": "INSTANCE_COUNT", "Value": 1}), []),
    ],
)
def test_the_shares_of_the_bakes_follow_from_the_policy(policy, shares):
    assert shares_percent(policy) == shares


@pytest.mark.parametrize(
    ("found", "step", "text"),
    [
        (described("Updating", "Creating"), 0, "provisioning the new fleet"),
        (described("Updating", "ActivatingTraffic"), 0, "shifting traffic to the new fleet"),
        (
            described("Updating", "Baking"),
            1,
            "baking 10 % of the traffic on the new fleet (step 1 of 2), 3 min left",
        ),
        (described("Updating", "Baking"), 0, "baking traffic on the new fleet, 3 min left"),
        (described("RollingBack", "Baking"), 1, "rolling back to the old fleet"),
        ({"EndpointStatus": "SystemUpdating"}, 0, "SystemUpdating"),
    ],
)
def test_a_stage_is_told_in_a_phrase(found, step, text):
    assert phrase(stage_of(found), CANARY, step, [], NOW) == text


def test_the_states_of_the_alarms_are_counted():
    alarms = [{"StateValue": state} for state in ("OK", "INSUFFICIENT_DATA", "OK")]

    said = phrase(stage_of(described("Updating", "Creating")), CANARY, 0, alarms, NOW)

    assert said == "provisioning the new fleet, alarms 1 INSUFFICIENT_DATA, 2 OK"


def test_the_last_minute_of_a_bake_is_told_as_such():
    almost = datetime(2026, 11, 28, 10, 4, 30, tzinfo=UTC)

    said = phrase(stage_of(described("Updating", "Baking")), CANARY, 2, [], almost)

    assert said.endswith("(step 2 of 2), less than a minute left")


def test_clocks_that_differ_give_no_time_left():
    late = datetime(2026, 11, 28, 9, 0, tzinfo=UTC)

    said = phrase(stage_of(described("Updating", "Baking")), CANARY, 1, [], late)

    assert said == "baking 10 % of the traffic on the new fleet (step 1 of 2)"


def test_the_variant_that_is_furthest_tells_whether_there_is_traffic():
    assert stage_of(described("Updating", "Creating", "Baking")).has_traffic
    assert not stage_of(described("Updating", "Creating", "Creating")).has_traffic


def test_only_a_fleet_in_the_making_is_vouched_for():
    assert stage_of(described("Updating", "Creating")).provisions
    assert not stage_of(described("Updating", "Baking")).provisions
    assert not stage_of(described("RollingBack", "Creating")).provisions
    assert not stage_of({"EndpointStatus": "Updating"}).provisions
