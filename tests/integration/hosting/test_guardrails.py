"""Deployment guardrails with real replicas and traffic: UpdateEndpoint with a DeploymentConfig."""

import time

import pytest

pytestmark = pytest.mark.integration


@pytest.fixture
def updated(account, name, good, other):
    """An endpoint with two instances, and a second configuration with another model."""
    account.endpoint(name, good, count=2)
    account.config(f"{name}-b", ("primary", account.model(f"{name}-b", other), 1.0, 2))

    def begin(deployment_config, config=f"{name}-b"):
        account.sagemaker.update_endpoint(
            EndpointName=name, EndpointConfigName=config, DeploymentConfig=deployment_config
        )

    yield begin
    account.settled(name)
    account.sagemaker.delete_endpoint(EndpointName=name)


@pytest.fixture
def alarm(account, name):
    """An alarm on the new fleet's errors; without data it is OK."""
    alarm_name = f"{name}-errors"
    account.client("cloudwatch").put_metric_alarm(
        AlarmName=alarm_name,
        Namespace="AWS/SageMaker",
        MetricName="Invocation5XXErrors",
        Dimensions=[
            {"Name": "EndpointName", "Value": name},
            {"Name": "VariantName", "Value": "primary"},
            {"Name": "EndpointConfigName", "Value": f"{name}-b"},
        ],
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
    )
    yield alarm_name
    account.client("cloudwatch").delete_alarms(AlarmNames=[alarm_name])


def blue_green(kind, wait, termination=0, limit=3600, alarms=(), **sizes):
    return {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {"Type": kind, "WaitIntervalInSeconds": wait, **sizes},
            "TerminationWaitInSeconds": termination,
            "MaximumExecutionTimeoutInSeconds": limit,
        }
    } | watched(alarms)


def watched(alarms):
    if not alarms:
        return {}
    return {"AutoRollbackConfiguration": {"Alarms": [{"AlarmName": name} for name in alarms]}}


HALF = {"Type": "CAPACITY_PERCENT", "Value": 50}
TENTH = {"Type": "CAPACITY_PERCENT", "Value": 10}


def test_a_healthy_canary_fails_no_request_and_answers_with_the_new_version_after_cut_over(
    account, name, updated, alarm, rows, reference, calling, ended
):
    old, new = reference(rows).tobytes(), reference(rows, 3.0).tobytes()
    before = account.pids(name)

    def call():
        begun = time.monotonic()
        return begun, account.predict(name, rows).tobytes()

    with calling(call) as client:
        updated(blue_green("CANARY", 240, termination=120, alarms=[alarm], CanarySize=TENTH))
        canary = account.awaited(name, lambda e: len(e["traffic"]) == 2)
        during = account.sagemaker.describe_endpoint(EndpointName=name)
        account.awaited(name, lambda e: e["traffic"] == {f"{name}-b": 1.0})
        cut_over = time.monotonic()
        found = account.settled(name)

    assert client.errors == []
    assert {answer for begun, answer in client.answers if begun > cut_over} == {new}
    assert {answer for _, answer in client.answers} == {old, new}
    assert canary["traffic"] == {name: 0.9, f"{name}-b": 0.1}
    assert canary["rollout"]["config"] == f"{name}-b"
    pending = during["PendingDeploymentSummary"]["ProductionVariants"][0]
    assert pending["CurrentInstanceCount"] == 2
    assert pending["CurrentWeight"] == pytest.approx(0.1)
    assert pending["VariantStatus"][0]["Status"] in {"ActivatingTraffic", "Baking"}
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", f"{name}-b")
    assert "FailureReason" not in found
    assert account.status(name)["rollout"] is None
    assert ended(before)
    assert [each["kind"] for each in account.events(name, "promoted", "fleet-ended")] == [
        "promoted",
        "fleet-ended",
    ]


def test_a_canary_whose_alarm_fires_is_rolled_back_and_nothing_of_it_is_left(
    account, name, updated, alarm, rows, reference, calling, ended
):
    before = account.pids(name)

    with calling(lambda: account.predict(name, rows).tobytes()) as client:
        updated(blue_green("CANARY", 3000, limit=28800, alarms=[alarm], CanarySize=HALF))
        account.awaited(name, lambda e: e["rollout"] and e["rollout"]["stage"] == "baking")
        green = account.pids(name) - before
        account.client("cloudwatch").set_alarm_state(
            AlarmName=alarm, StateValue="ALARM", StateReason="a test"
        )
        found = account.settled(name)
        settled = len(client.answers)
        while len(client.answers) < settled + 20 and not client.errors:
            time.sleep(0.01)

    assert client.errors == []
    assert set(client.answers[settled + 5 :]) == {reference(rows).tobytes()}
    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", name)
    assert found["FailureReason"] == (
        "The deployment was rolled back because one or more CloudWatch alarms went into the ALARM "
        f"state: {alarm}."
    )
    assert len(green) == 2
    assert ended(green)
    assert account.pids(name) == before
    assert account.status(name)["traffic"] == {name: 1.0}
    kinds = ("alarm", "rollback-started", "fleet-ended", "rolled-back")
    fired = [each for each in account.events(name, *kinds) if each["data"].get("to") != "OK"]
    assert [each["kind"] for each in fired] == list(kinds)


def test_errors_of_the_new_fleet_alone_trip_the_alarm_with_its_configurations_name(
    account, name, updated, alarm, calling
):
    def bad_request():
        account.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=name, Body=b"{", ContentType="application/json"
        )

    metric = {"MetricName": "Invocation4XXErrors", "Threshold": 1}
    described = account.client("cloudwatch").describe_alarms(AlarmNames=[alarm])["MetricAlarms"][0]
    keep = ("Namespace", "Dimensions", "Statistic", "Period", "EvaluationPeriods")
    account.client("cloudwatch").put_metric_alarm(
        AlarmName=alarm,
        ComparisonOperator="GreaterThanOrEqualToThreshold",
        TreatMissingData="notBreaching",
        **{key: described[key] for key in keep},
        **metric,
    )

    with calling(bad_request):
        updated(blue_green("CANARY", 1200, limit=28800, alarms=[alarm], CanarySize=HALF))
        found = account.settled(name)

    assert found["EndpointConfigName"] == name
    assert found["FailureReason"].endswith(f"ALARM state: {alarm}.")
    fired = next(e for e in account.events(name, "alarm") if e["data"]["to"] == "ALARM")
    baked = account.events(name, "bake-started")[0]
    back = account.events(name, "rollback-started")[0]
    # Two periods are enough for the first whole minute with errors; acting on it is at once.
    assert fired["at"] - baked["at"] <= 180
    assert back["at"] - fired["at"] <= 30


def test_linear_moves_traffic_in_equal_steps_without_an_error(
    account, name, updated, rows, calling
):
    with calling(lambda: account.predict(name, rows).tobytes()) as client:
        updated(blue_green("LINEAR", 60, LinearStepSize=HALF))
        found = account.settled(name)

    assert client.errors == []
    assert found["EndpointConfigName"] == f"{name}-b"
    moved = [each["data"]["shares"] for each in account.events(name, "traffic")]
    assert moved == [{name: 1.0}, {name: 0.5, f"{name}-b": 0.5}, {f"{name}-b": 1.0}]


def test_rolling_replaces_instances_batch_by_batch_without_an_error(
    account, name, updated, rows, reference, calling, ended
):
    before = account.pids(name)
    most = 0

    with calling(lambda: account.predict(name, rows).tobytes()) as client:
        updated({"RollingUpdatePolicy": {"MaximumBatchSize": HALF, "WaitIntervalInSeconds": 120}})
        while account.sagemaker.describe_endpoint(EndpointName=name)["EndpointStatus"] != (
            "InService"
        ):
            most = max(most, len(account.status(name)["replicas"]))
            time.sleep(0.02)

    assert client.errors == []
    assert most == 3
    assert ended(before)
    assert account.settled(name)["EndpointConfigName"] == f"{name}-b"
    assert account.predict(name, rows).tobytes() == reference(rows, 3.0).tobytes()


def test_an_update_that_takes_longer_than_its_limit_is_rolled_back(
    account, name, updated, good, ended
):
    before = account.pids(name)
    # Two minutes go into provisioning, so that the wait cannot end in time.
    updated(blue_green("ALL_AT_ONCE", 590, limit=600))

    found = account.settled(name)

    assert (found["EndpointStatus"], found["EndpointConfigName"]) == ("InService", name)
    assert "MaximumExecutionTimeoutInSeconds, 600 seconds" in found["FailureReason"]
    assert account.pids(name) == before


def test_nothing_else_may_change_while_an_update_is_under_way(account, name, updated):
    refused = account.sagemaker.exceptions.ClientError
    updated(blue_green("CANARY", 300, CanarySize=HALF))
    account.awaited(name, lambda e: len(e["traffic"]) == 2)

    for call in (
        lambda: account.sagemaker.delete_endpoint(EndpointName=name),
        lambda: account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=name),
        lambda: account.sagemaker.update_endpoint_weights_and_capacities(
            EndpointName=name,
            DesiredWeightsAndCapacities=[{"VariantName": "primary", "DesiredInstanceCount": 3}],
        ),
    ):
        with pytest.raises(refused, match="Cannot update in-progress endpoint"):
            call()


def test_an_emulator_that_is_stopped_in_a_bake_carries_the_update_on(
    new_account, name, good, other, rows, reference
):
    first = new_account()
    first.endpoint(name, good, count=2)
    first.config(f"{name}-b", ("primary", first.model(f"{name}-b", other), 1.0, 2))
    first.sagemaker.update_endpoint(
        EndpointName=name,
        EndpointConfigName=f"{name}-b",
        DeploymentConfig=blue_green("CANARY", 600, limit=28800, CanarySize=HALF),
    )
    first.awaited(name, lambda e: len(e["traffic"]) == 2)
    first.emulator.stop()

    second = new_account()
    found = second.settled(name)

    assert found["EndpointConfigName"] == f"{name}-b"
    assert second.predict(name, rows).tobytes() == reference(rows, 3.0).tobytes()
    assert len(second.pids(name)) == 2
