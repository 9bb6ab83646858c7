"""The planner's view of an update: from AWS, from the state, and in words."""

import pytest

from modelway.errors import DeploymentError
from modelway.plan.update import plan_update
from modelway.sagemaker.desired import DesiredEndpoint
from modelway.sagemaker.update_plan import described, in_words, refuse, remembered, wanted

CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "WaitIntervalInSeconds": 300,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
        },
        "TerminationWaitInSeconds": 120,
        "MaximumExecutionTimeoutInSeconds": 3600,
    }
}
ROLLING = {
    "RollingUpdatePolicy": {
        "MaximumBatchSize": {"Type": "CAPACITY_PERCENT", "Value": 50},
        "WaitIntervalInSeconds": 300,
        "MaximumExecutionTimeoutInSeconds": 3600,
    }
}


def outputs_of(inputs):
    desired = DesiredEndpoint.from_inputs(inputs)
    return {**inputs, "endpoint_config_name": desired.config_name, "endpoint_status": "InService"}


def planned(before, after):
    return plan_update(remembered(outputs_of(before)), wanted(DesiredEndpoint.from_inputs(after)))


def test_a_new_model_on_a_canary_is_told_with_shares_time_and_instances(inputs):
    plan = planned(
        inputs("a", count=2, deployment_config=CANARY),
        inputs("b", count=2, deployment_config=CANARY),
    )

    assert in_words(plan) == [
        (
            "model changes: a new fleet takes 10 % of the traffic for 300 s, then 100 % of the "
            "traffic for 300 s, then 100 % of the traffic for 120 s"
        ),
        "this takes about 840 to 1320 s, with at most 4 instances at once",
        "note: nothing rolls back a bad model: this roll-out has no alarm",
    ]


def test_a_roll_out_with_alarms_is_not_said_to_have_none(inputs):
    alarm = {
        "key": "new-error-rate",
        "name": "fraud-dev-rollout-new-error-rate",
        "description": "",
        "metrics": [
            {
                "id": "errors",
                "namespace": "AWS/SageMaker",
                "name": "Invocation5XXErrors",
                "dimensions": {},
                "statistic": "Sum",
            }
        ],
        "period_seconds": 60.0,
        "evaluation_periods": 3.0,
        "datapoints_to_alarm": 2.0,
        "threshold": 1.0,
        "comparison_operator": "GreaterThanThreshold",
        "treat_missing_data": "notBreaching",
    }
    guarded = {"count": 2, "deployment_config": CANARY, "rollback_alarms": [alarm]}

    plan = planned(inputs("a", **guarded), inputs("b", **guarded))

    assert plan.warnings == ()
    assert plan.changes == ("model",)


def test_a_rolling_update_needs_only_one_batch_more(inputs):
    plan = planned(
        inputs("a", count=4, deployment_config=ROLLING),
        inputs("b", count=4, deployment_config=ROLLING),
    )

    assert plan.peak_instances == 6
    assert [stage.traffic_percent for stage in plan.stages] == [50, 100]


def test_what_cannot_be_done_is_told_and_refused_before_it_starts(inputs):
    plan = planned(inputs("a", count=1), inputs("b", count=1, deployment_config=CANARY))

    (line,) = in_words(plan)
    assert line.startswith("cannot be updated: variant primary has one instance")
    with pytest.raises(DeploymentError, match="not started, and nothing was changed"):
        refuse(plan, "updating endpoint fraud-dev")


def test_an_endpoint_as_aws_describes_it_compares_equal_to_the_inputs_that_made_it(
    aws, deployment, inputs
):
    made = inputs("a", count=2)
    deployment.create(made)
    found = aws.describe_endpoint(EndpointName="fraud-dev")
    config = aws.describe_endpoint_config(EndpointConfigName=found["EndpointConfigName"])

    live = described(found, config)

    assert plan_update(live, wanted(DesiredEndpoint.from_inputs(made))).changes == ()


def test_the_update_is_refused_by_what_is_live_and_not_by_what_the_state_says(
    aws, deployment, inputs
):
    first = deployment.create(inputs("a", count=2))
    aws.endpoint["ProductionVariants"][0]["DesiredInstanceCount"] = 1
    aws.calls.clear()

    with pytest.raises(DeploymentError, match="variant primary has one instance"):
        deployment.update(inputs("b", count=1, deployment_config=CANARY), first)

    assert aws.called("create_model", "update_endpoint") == []
