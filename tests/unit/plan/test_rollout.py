"""How an update moves traffic, in AWS's own shape."""

import botocore.session
import pytest
from botocore.validate import ParamValidator

BASE = {
    "scaling": {"min_instances": 2},
    "objectives": {"p99_latency_ms": 50, "error_rate_percent": 1},
}
ROLLBACK = {
    "Alarms": [
        {"AlarmName": "fraud-prod-rollout-new-p99-latency"},
        {"AlarmName": "fraud-prod-rollout-new-error-rate"},
        {"AlarmName": "fraud-prod-rollout-too-few-requests"},
    ]
}


def rollout(make_plan, **fields):
    return make_plan({**BASE, "rollout": fields}).rollout


def test_all_at_once_has_no_configuration(make_plan):
    plan = rollout(make_plan)

    assert (plan.deployment_config, plan.history, plan.timeout_seconds) == (None, 3, 3600)


def test_all_at_once_is_watched_for_as_long_as_the_old_fleet_stays(make_plan):
    plan = rollout(make_plan, termination_wait_seconds=300)

    assert plan.deployment_config == {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 0},
            "TerminationWaitInSeconds": 300,
            "MaximumExecutionTimeoutInSeconds": 3600,
        },
        "AutoRollbackConfiguration": ROLLBACK,
    }


def test_all_at_once_may_keep_the_old_fleet_although_nothing_is_watched(make_plan, decision):
    plan = make_plan(
        {"rollout": {"termination_wait_seconds": 60, "minimum_requests_per_minute": None}}
    )

    assert "AutoRollbackConfiguration" not in plan.rollout.deployment_config
    assert decision(plan, "rollout.rollback_alarms") == (
        None,
        "NOTHING ROLLS BACK A BAD MODEL: the spec has neither objectives nor needs evidence",
        "SageMaker developer guide, auto-rollback configuration and monitoring",
    )


def test_a_canary_is_rolled_back_by_alarms_on_the_new_fleet(make_plan):
    plan = rollout(make_plan, strategy="canary", step_percent=20, wait_seconds=600)

    assert plan.deployment_config == {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "WaitIntervalInSeconds": 600,
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 20},
            },
            "TerminationWaitInSeconds": 0,
            "MaximumExecutionTimeoutInSeconds": 3600,
        },
        "AutoRollbackConfiguration": ROLLBACK,
    }


def test_a_linear_roll_out_moves_in_equal_steps(make_plan):
    config = rollout(make_plan, strategy="linear").deployment_config

    assert config["BlueGreenUpdatePolicy"]["TrafficRoutingConfiguration"] == {
        "Type": "LINEAR",
        "WaitIntervalInSeconds": 300,
        "LinearStepSize": {"Type": "CAPACITY_PERCENT", "Value": 25},
    }


def test_a_rolling_update_goes_batch_by_batch(make_plan):
    plan = rollout(make_plan, strategy="rolling", step_percent=50, timeout_seconds=7200, history=0)

    assert plan.deployment_config == {
        "RollingUpdatePolicy": {
            "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
            "WaitIntervalInSeconds": 300,
            "MaximumExecutionTimeoutInSeconds": 7200,
        },
        "AutoRollbackConfiguration": ROLLBACK,
    }
    assert plan.history == 0


def test_no_roll_out_starts_while_an_objective_is_broken(make_plan, decision):
    plan = make_plan({**BASE, "rollout": {"strategy": "canary"}})

    assert plan.rollout.guard_alarms == ("fraud-prod-p99-latency", "fraud-prod-error-rate")
    assert plan.rollout.repair is False
    assert decision(plan, "rollout.guard_alarms")[1] == (
        "no roll-out starts while one of these fires, unless rollout.repair is true"
    )


def test_a_roll_out_that_repairs_starts_anyway_and_says_so(make_plan, decision):
    plan = make_plan({**BASE, "rollout": {"strategy": "canary", "repair": True}})

    assert plan.rollout.repair is True
    assert decision(plan, "rollout.guard_alarms")[1:] == (
        "STARTS EVEN WHILE THESE FIRE: rollout.repair says that this roll-out repairs it",
        "spec",
    )


@pytest.mark.parametrize("strategy", ["canary", "linear", "rolling"])
def test_the_configuration_is_one_that_botocore_accepts(make_plan, strategy):
    shape = (
        botocore.session.get_session().get_service_model("sagemaker").shape_for("DeploymentConfig")
    )

    config = rollout(make_plan, strategy=strategy).deployment_config

    assert ParamValidator().validate(config, shape).has_errors() is False


def test_the_steps_and_the_alarms_are_explained(make_plan, decision):
    plan = make_plan({**BASE, "rollout": {"strategy": "canary"}})

    assert decision(plan, "rollout.step_percent") == (
        10,
        "small enough that few requests meet a bad model",
        "modelway's default",
    )
    assert decision(plan, "rollout.rollback_alarms")[0] == (
        "fraud-prod-rollout-new-p99-latency, fraud-prod-rollout-new-error-rate, "
        "fraud-prod-rollout-too-few-requests"
    )
    assert decision(plan, "rollout.strategy") == ("canary", "as the spec says", "spec")
