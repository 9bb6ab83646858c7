"""Scaling on a running emulator: real calls, real processes that come and go."""

import json
import time
import urllib.request
from functools import partial

import pytest

from modelway.rehearsal.traffic import Traffic, runtime_client

pytestmark = pytest.mark.integration

PREDEFINED = {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"}


def register(endpoint, minimum, maximum, **fields):
    scaling = endpoint.client("application-autoscaling")
    return scaling.register_scalable_target(
        **endpoint.target, MinCapacity=minimum, MaxCapacity=maximum, **fields
    )


def track(endpoint, value, **fields):
    return endpoint.client("application-autoscaling").put_scaling_policy(
        **endpoint.target,
        PolicyName="tracking",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration={
            "TargetValue": value,
            "PredefinedMetricSpecification": PREDEFINED,
            **fields,
        },
    )


def test_traffic_scales_out_and_its_end_scales_in_again(endpoint):
    register(endpoint, 1, 3)
    track(endpoint, 2.0, ScaleInCooldown=60)
    before = endpoint.processes()
    traffic = Traffic(
        endpoint.name,
        [b"1,2,3\n"],
        5.5,  # 5 or 6 in a minute: 3 instances for 2 each, and 11 calls per real second
        time_scale=endpoint.time_scale,
        client=partial(runtime_client, endpoint.emulator.url),
    )

    with traffic:
        endpoint.wait_for(3)
        during = endpoint.processes()
    endpoint.wait_for(1)

    assert (len(before), len(during)) == (1, 3)
    assert before < during
    assert len(endpoint.processes()) == 1
    assert traffic.summary().errors == 0
    out, back = endpoint.finished_activities()
    assert out["Description"] == "Setting desired instance count to 3."
    assert out["StatusCode"] == back["StatusCode"] == "Successful"
    assert "-AlarmHigh-" in out["Cause"]
    assert out["Cause"].endswith("in state ALARM triggered policy tracking")
    assert back["Description"] == "Setting desired instance count to 1."
    assert "-AlarmLow-" in back["Cause"]


def test_a_scheduled_action_changes_limits_and_count(endpoint):
    register(endpoint, 1, 4)

    endpoint.client("application-autoscaling").put_scheduled_action(
        **endpoint.target,
        ScheduledActionName="busy",
        Schedule="rate(1 minute)",
        ScalableTargetAction={"MinCapacity": 2, "MaxCapacity": 3},
    )

    endpoint.wait_for(2)
    found = endpoint.client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[endpoint.target["ResourceId"]]
    )
    (target,) = found["ScalableTargets"]
    assert (target["MinCapacity"], target["MaxCapacity"]) == (2, 3)
    told = [(each["Description"], each["Cause"]) for each in endpoint.activities()]
    assert told[0] == (
        "Setting min capacity to 2 and max capacity to 3",
        "scheduled action name busy was triggered",
    )
    assert ("Setting desired instance count to 2.", "minimum capacity was set to 2") in told


def test_an_alarm_runs_a_step_policy(endpoint):
    register(endpoint, 1, 4)
    policy = endpoint.client("application-autoscaling").put_scaling_policy(
        **endpoint.target,
        PolicyName="steps",
        PolicyType="StepScaling",
        StepScalingPolicyConfiguration={
            "AdjustmentType": "ChangeInCapacity",
            "StepAdjustments": [{"MetricIntervalLowerBound": 0, "ScalingAdjustment": 1}],
        },
    )["PolicyARN"]
    cloudwatch = endpoint.client("cloudwatch")
    cloudwatch.put_metric_alarm(
        AlarmName=endpoint.name,
        Namespace=endpoint.name,
        MetricName="Backlog",
        Statistic="Maximum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=10.0,
        ComparisonOperator="GreaterThanThreshold",
        AlarmActions=[policy],
    )

    cloudwatch.put_metric_data(
        Namespace=endpoint.name, MetricData=[{"MetricName": "Backlog", "Value": 50.0}]
    )

    endpoint.wait_for(2)
    cause = endpoint.activities()[-1]["Cause"]
    assert cause == f"monitor alarm {endpoint.name} in state ALARM triggered policy steps"


def test_registering_brings_the_count_within_the_limits(endpoint):
    register(endpoint, 2, 4)
    endpoint.wait_for(2)
    raised = endpoint.processes()

    register(endpoint, 1, 1)
    endpoint.wait_for(1)

    assert len(raised) == 2
    assert len(endpoint.processes()) == 1


def test_an_update_is_over_before_anything_scales(endpoint):
    endpoint.client("sagemaker").update_endpoint(
        EndpointName=endpoint.name,
        EndpointConfigName=endpoint.name,
        DeploymentConfig={
            "BlueGreenUpdatePolicy": {
                "TrafficRoutingConfiguration": {"Type": "ALL_AT_ONCE", "WaitIntervalInSeconds": 300}
            }
        },
    )
    register(endpoint, 2, 4)

    endpoint.wait_for(2)

    mine = [event for event in events(endpoint) if event["kind"] in {"promoted", "scaled"}]
    assert [event["kind"] for event in mine] == ["promoted", "scaled"]
    assert mine[1]["data"] == {"variant": "primary", "from": 1, "to": 2}
    assert mine[0]["at"] - endpoint.described()["CreationTime"].timestamp() >= 420


def events(endpoint):
    with urllib.request.urlopen(f"{endpoint.emulator.url}/_modelway/events") as answer:
        found = json.load(answer)["events"]
    return [event for event in found if event["endpoint"] == endpoint.name]


def test_a_deleted_endpoint_takes_its_target_along(make_endpoint, client):
    endpoint = make_endpoint(deleted_by_test=True)
    register(endpoint, 1, 4)
    track(endpoint, 70.0)

    client("sagemaker").delete_endpoint(EndpointName=endpoint.name)

    def targets():
        return client("application-autoscaling").describe_scalable_targets(
            ServiceNamespace="sagemaker", ResourceIds=[endpoint.target["ResourceId"]]
        )["ScalableTargets"]

    deadline = time.monotonic() + 20
    while targets():
        assert time.monotonic() < deadline
        time.sleep(0.1)
    alarms = client("cloudwatch").describe_alarms(
        AlarmNamePrefix=f"TargetTracking-{endpoint.target['ResourceId']}"
    )
    assert alarms["MetricAlarms"] == []


def test_suspended_scheduled_scaling_does_nothing(endpoint):
    register(endpoint, 1, 4, SuspendedState={"ScheduledScalingSuspended": True})
    endpoint.client("application-autoscaling").put_scheduled_action(
        **endpoint.target,
        ScheduledActionName="busy",
        Schedule="rate(1 minute)",
        ScalableTargetAction={"MinCapacity": 2},
    )

    time.sleep(2.0)  # four virtual minutes

    assert endpoint.activities() == []


def test_tracking_makes_two_alarms_and_deleting_the_policy_takes_them_away(endpoint):
    register(endpoint, 1, 4)

    made = track(endpoint, 70.0)

    names = [alarm["AlarmName"] for alarm in made["Alarms"]]
    high, low = endpoint.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"]
    prefix = f"TargetTracking-{endpoint.target['ResourceId']}-"
    assert high["AlarmName"].startswith(f"{prefix}AlarmHigh-")
    assert low["AlarmName"].startswith(f"{prefix}AlarmLow-")
    assert (high["Threshold"], high["EvaluationPeriods"]) == (70.0, 3)
    assert (low["Threshold"], low["EvaluationPeriods"]) == (63.0, 15)
    assert high["ComparisonOperator"] == "GreaterThanThreshold"
    assert low["ComparisonOperator"] == "LessThanThreshold"
    assert (high["Namespace"], high["MetricName"]) == ("AWS/SageMaker", "InvocationsPerInstance")
    assert (high["Statistic"], high["Period"]) == ("Sum", 60)
    assert high["AlarmActions"] == low["AlarmActions"] == [made["PolicyARN"]]
    endpoint.client("application-autoscaling").delete_scaling_policy(
        **endpoint.target, PolicyName="tracking"
    )
    assert endpoint.client("cloudwatch").describe_alarms(AlarmNames=names)["MetricAlarms"] == []


def test_an_updated_policy_keeps_its_arn_and_gets_new_alarms(endpoint):
    register(endpoint, 1, 4)

    first, second = track(endpoint, 70.0), track(endpoint, 80.0)

    assert first["PolicyARN"] == second["PolicyARN"]
    old = [alarm["AlarmName"] for alarm in first["Alarms"]]
    assert endpoint.client("cloudwatch").describe_alarms(AlarmNames=old)["MetricAlarms"] == []
    found = endpoint.client("application-autoscaling").describe_scaling_policies(
        ServiceNamespace="sagemaker", ResourceId=endpoint.target["ResourceId"]
    )["ScalingPolicies"]
    assert [policy["Alarms"] for policy in found] == [second["Alarms"]]
