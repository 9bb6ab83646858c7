"""An update's guards: alarms on the new fleet, the evidence lease, what is said in the end."""

import json

import pytest

from modelway.errors import DeploymentError

ERRORS = {
    "key": "new-error-rate",
    "name": "fraud-dev-rollout-new-error-rate",
    "description": "Less than 1 % of the new fleet's requests fail.",
    "metrics": [
        {
            "id": "errors",
            "namespace": "AWS/SageMaker",
            "name": "Invocation5XXErrors",
            "dimensions": {"EndpointName": "fraud-dev", "VariantName": "primary"},
            "statistic": "Average",
            "unit": None,
        }
    ],
    "expression": None,
    "period_seconds": 60,
    "evaluation_periods": 2,
    "datapoints_to_alarm": 2,
    "threshold": 0.01,
    "comparison_operator": "GreaterThanThreshold",
    "treat_missing_data": "notBreaching",
}
EVIDENCE = {
    **ERRORS,
    "key": "too-few-requests",
    "name": "fraud-dev-rollout-too-few-requests",
    "metrics": [
        {**ERRORS["metrics"][0], "id": "requests", "name": "Invocations", "statistic": "Sum"},
        {
            **ERRORS["metrics"][0],
            "id": "lease",
            "namespace": "modelway/Rollouts",
            "name": "EvidenceLease",
            "statistic": "Sum",
        },
    ],
    "expression": "SUM([requests, lease])",
    "threshold": 3.0,
    "comparison_operator": "LessThanThreshold",
    "treat_missing_data": "breaching",
}
CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "WaitIntervalInSeconds": 300,
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 10},
        },
        "TerminationWaitInSeconds": 0,
        "MaximumExecutionTimeoutInSeconds": 3600,
    },
    "AutoRollbackConfiguration": {
        "Alarms": [{"AlarmName": ERRORS["name"]}, {"AlarmName": EVIDENCE["name"]}]
    },
}


@pytest.fixture
def guarded(inputs):
    """Inputs of a canary with rollback alarms."""

    def make(image="a", **changes):
        return inputs(
            image,
            **{
                "rollback_alarms": [ERRORS, EVIDENCE],
                "deployment_config": CANARY,
                "count": 2,
                **changes,
            },
        )

    return make


def test_the_alarms_watch_the_new_configuration_and_exist_before_the_update_starts(
    aws, deployment, guarded
):
    first = deployment.create(guarded("a"))
    aws.calls.clear()

    second = deployment.update(guarded("b"), first)

    order = aws.order("put_metric_alarm", "update_endpoint", "delete_alarms")
    assert order == ["put_metric_alarm", "put_metric_alarm", "update_endpoint", "delete_alarms"]
    put = {call["AlarmName"]: call for call in aws.called("put_metric_alarm")}
    new = {"Name": "EndpointConfigName", "Value": second["endpoint_config_name"]}
    assert put[ERRORS["name"]]["Dimensions"] == [
        {"Name": "EndpointName", "Value": "fraud-dev"},
        {"Name": "VariantName", "Value": "primary"},
        new,
    ]
    assert put[ERRORS["name"]]["TreatMissingData"] == "notBreaching"
    result, requests, lease = put[EVIDENCE["name"]]["Metrics"]
    assert result == {"Id": "result", "Expression": "SUM([requests, lease])", "ReturnData": True}
    assert new in requests["MetricStat"]["Metric"]["Dimensions"]
    assert lease["MetricStat"]["Metric"]["Namespace"] == "modelway/Rollouts"


def test_numbers_that_the_engine_made_floats_reach_sagemaker_as_integers(aws, deployment, guarded):
    engine = json.loads(json.dumps(CANARY), parse_int=float)
    first = deployment.create(guarded("a", deployment_config=engine))

    deployment.update(guarded("b", deployment_config=engine), first)

    (update,) = aws.called("update_endpoint")
    policy = update["DeploymentConfig"]["BlueGreenUpdatePolicy"]
    assert repr(policy["TrafficRoutingConfiguration"]["CanarySize"]["Value"]) == "10"
    assert repr(policy["MaximumExecutionTimeoutInSeconds"]) == "3600"


def test_a_first_deployment_has_no_rollback_alarms(aws, deployment, guarded):
    deployment.create(guarded("a"))

    assert aws.called("put_metric_alarm", "put_metric_data") == []


def test_the_lease_is_renewed_while_the_new_fleet_is_made_and_never_once_it_has_traffic(
    aws, deployment, guarded
):
    first = deployment.create(guarded("a"))
    aws.stages = ["Creating", "Creating", "Creating", "ActivatingTraffic", "Baking", "Baking"]

    second = deployment.update(guarded("b"), first)

    leases = aws.called("put_metric_data")
    assert len(leases) == 4  # one with the alarms, one for each look at a fleet in the making
    assert leases[0] == {
        "Namespace": "modelway/Rollouts",
        "MetricData": [
            {
                "MetricName": "EvidenceLease",
                "Dimensions": [
                    {"Name": "EndpointName", "Value": "fraud-dev"},
                    {"Name": "VariantName", "Value": "primary"},
                    {"Name": "EndpointConfigName", "Value": second["endpoint_config_name"]},
                ],
                "Value": 3.0,
                "Unit": "None",
            }
        ],
    }


def test_a_roll_back_names_the_alarm_and_leaves_no_alarm_behind(aws, services, deployment, guarded):
    first = deployment.create(guarded("a"))
    aws.outcomes = ["rollback"]
    services["cloudwatch"].states = {ERRORS["name"]: "ALARM"}

    with pytest.raises(DeploymentError) as failure:
        deployment.update(guarded("b"), first)

    assert (
        "The alarm fraud-dev-rollout-new-error-rate fired: Threshold Crossed: 2 datapoints were "
        "greater than 0.5." in str(failure.value)
    )
    assert f"Serving now: {first['endpoint_config_name']}, as before." in str(failure.value)
    assert services["cloudwatch"].alarms == {}


def test_the_last_three_outcomes_stay_with_the_endpoint(aws, services, deployment, guarded):
    outputs = deployment.create(guarded("a"))
    for image in "bcd":
        outputs = deployment.update(guarded(image), outputs)
    aws.outcomes = ["rollback"]
    services["cloudwatch"].states = {ERRORS["name"]: "ALARM"}
    with pytest.raises(DeploymentError):
        deployment.update(guarded("e"), outputs)

    tags = aws.tags[outputs["endpoint_arn"]]

    log = [tags[f"modelway:rollout-{number}"] for number in (1, 2, 3)]
    assert " rolled back fraud-dev-" in log[0]
    assert log[0].endswith("ping health check. fraud-dev-rollout-new-error-rate")
    assert [" promoted fraud-dev-" in entry for entry in log] == [False, True, True]
    assert "modelway:rollout-4" not in tags


def test_the_log_of_outcomes_is_no_drift(aws, deployment, guarded):
    first = deployment.create(guarded("a"))
    second = deployment.update(guarded("b"), first)

    assert deployment.read(second) == second
    assert "modelway:rollout-1" in aws.tags[second["endpoint_arn"]]


def test_an_update_that_another_run_began_is_followed_and_not_started_again(
    aws, deployment, guarded
):
    first = deployment.create(guarded("a"))
    aws.stages = ["Creating", "Baking", "Baking"]
    aws.refusals["describe_endpoint"] = []
    _die_after(aws, "update_endpoint", deployment, guarded("b"), first)
    aws.calls.clear()

    second = deployment.update(guarded("b"), first)

    assert aws.called("update_endpoint") == []
    assert aws.endpoint["EndpointConfigName"] == second["endpoint_config_name"]
    assert len(aws.called("delete_alarms")) == 1


def test_an_update_that_another_run_began_and_that_is_rolled_back_is_told_and_not_tried_again(
    aws, deployment, guarded
):
    first = deployment.create(guarded("a"))
    aws.stages = ["Creating", "Baking", "Baking"]
    aws.outcomes = ["rollback"]
    _die_after(aws, "update_endpoint", deployment, guarded("b"), first)
    aws.calls.clear()

    with pytest.raises(DeploymentError, match="SageMaker rolled the update back"):
        deployment.update(guarded("b"), first)

    assert aws.called("update_endpoint") == []


def test_the_status_line_says_stage_step_and_alarms(aws, deployment, guarded, heard):
    first = deployment.create(guarded("a"))
    aws.stages = ["Creating", "ActivatingTraffic", "Baking", "Baking"]

    deployment.update(guarded("b"), first)

    said = [step.removeprefix("fraud-dev: ") for step in heard["steps"]]
    assert "provisioning the new fleet, alarms 2 OK" in said
    assert "shifting traffic to the new fleet, alarms 2 OK" in said
    assert any(text.startswith("baking 10 % of the traffic on the new fleet") for text in said)
    assert [note.split(": ", 1)[1] for note in heard["notes"] if "baking" in note] == [
        "baking 10 % of the traffic on the new fleet (step 1 of 2)",
        "baking 100 % of the traffic on the new fleet (step 2 of 2)",
    ]


def test_expired_credentials_stop_the_run_and_say_how_to_go_on(aws, deployment, guarded, refuse):
    first = deployment.create(guarded("a"))
    aws.stages = ["Creating"]
    aws.refusals["update_endpoint"] = [
        refuse("The security token included in the request is expired", "ExpiredTokenException")
    ]

    with pytest.raises(DeploymentError) as failure:
        deployment.update(guarded("b"), first)

    assert "the credentials have expired" in str(failure.value)
    assert "Renew the credentials and run `pulumi up` again" in str(failure.value)
    assert aws.endpoint["EndpointConfigName"] == first["endpoint_config_name"]


def test_destroy_removes_alarms_that_a_killed_rollout_left(aws, services, deployment, guarded):
    first = deployment.create(guarded("a"))
    _die_after(aws, "update_endpoint", deployment, guarded("b"), first)
    assert set(services["cloudwatch"].alarms) == {ERRORS["name"], EVIDENCE["name"]}

    deployment.delete(first)

    assert services["cloudwatch"].alarms == {}


def test_an_update_that_ended_well_without_its_engine_leaves_no_alarms_to_the_next_run(
    aws, services, deployment, guarded
):
    first = deployment.create(guarded("a"))
    _die_after(aws, "update_endpoint", deployment, guarded("b"), first)
    while aws.endpoint["EndpointStatus"] != "InService":
        aws.describe_endpoint(EndpointName="fraud-dev")

    deployment.update(guarded("b"), first)

    assert services["cloudwatch"].alarms == {}


def _die_after(aws, operation, deployment, wanted, outputs):
    """End a run as SIGKILL would, at the first look after an operation."""
    original = object.__getattribute__(aws, f"_{operation}")

    def last(**parameters):
        original(**parameters)
        aws.refusals["describe_endpoint"] = [KeyboardInterrupt()]

    setattr(aws, f"_{operation}", last)
    with pytest.raises(KeyboardInterrupt):
        deployment.update(wanted, outputs)
    setattr(aws, f"_{operation}", original)


def test_alarms_that_the_spec_of_today_does_not_have_go_too(aws, services, deployment, guarded):
    first = deployment.create(guarded("a"))
    _die_after(aws, "update_endpoint", deployment, guarded("b"), first)

    second = deployment.update(guarded("b", rollback_alarms=[ERRORS]), first)

    assert services["cloudwatch"].alarms == {}
    assert second["endpoint_config_name"] != first["endpoint_config_name"]


def test_alarms_of_an_endpoint_whose_name_begins_alike_stay(services, deployment, guarded):
    other = {"Dimensions": [{"Name": "EndpointName", "Value": "fraud-dev-rollout-x"}]}
    fleet = {"Dimensions": [*other["Dimensions"], {"Name": "EndpointConfigName", "Value": "c"}]}
    services["cloudwatch"].alarms = {
        "fraud-dev-rollout-x-p99-latency": other,
        "fraud-dev-rollout-x-rollout-new-error-rate": fleet,
    }
    first = deployment.create(guarded("a"))

    deployment.delete(deployment.update(guarded("b"), first))

    assert sorted(services["cloudwatch"].alarms) == [
        "fraud-dev-rollout-x-p99-latency",
        "fraud-dev-rollout-x-rollout-new-error-rate",
    ]
