"""Rollouts through the real engine: guarded by alarms on the new fleet, and told as they are."""

import json
import threading
import time
import urllib.request

import numpy as np
import pytest
from botocore.exceptions import BotoCoreError, ClientError
from sklearn.datasets import load_digits

pytestmark = pytest.mark.integration

ROWS = load_digits().data[:20].astype(np.float32)

SLACK_SECONDS = 0.2
"""Between the emulator's clock and this process."""

CANARY = {
    "scaling": {"min_instances": 2},
    "objectives": {"error_rate_percent": 1},
    "rollout": {
        "strategy": "canary",
        "step_percent": 50,
        "wait_seconds": 300,
        "timeout_seconds": 3600,
    },
}


@pytest.fixture
def callers(predict):
    """Keep calling an endpoint; gives errors, and which model each answer came from."""

    class Callers:
        def __init__(self, endpoint):
            self.endpoint, self.errors, self.answers = endpoint, [], []
            self.done = threading.Event()
            self.thread = threading.Thread(target=self.run)

        def run(self):
            while not self.done.wait(0.02):
                sent = time.monotonic()
                try:
                    answer = float(predict(self.endpoint, ROWS[:1])[1][0, 0])
                except (ClientError, BotoCoreError) as error:
                    self.errors.append(error)
                else:
                    self.answers.append((sent, answer))

        def __enter__(self):
            self.thread.start()
            return self

        def __exit__(self, *_exception):
            self.done.set()
            self.thread.join()

    return Callers


@pytest.fixture
def told(modelway_emulator):
    """Read the emulator's own routes."""

    def read(route):
        with urllib.request.urlopen(f"{modelway_emulator.url}/_modelway/{route}") as answer:
            return json.load(answer)

    return read


def alarm_names(client):
    return {alarm["AlarmName"] for alarm in client("cloudwatch").describe_alarms()["MetricAlarms"]}


def test_a_healthy_canary_is_promoted_under_load_without_an_error(
    deploy, callers, predict, models, modelway_client, told
):
    deployment = deploy("canary", **CANARY)
    deployment.up()
    old = float(predict(deployment.endpoint, ROWS[:1])[1][0, 0])
    deployment.write(model={"path": str(models["b"])})

    clock, here = told("clock"), time.monotonic()

    with callers(deployment.endpoint) as seen:
        done = deployment.up()

    shifts = [event for event in told("events")["events"] if event["endpoint"] == "canary-local"]
    (cut_over,) = [
        event["at"]
        for event in shifts
        if event["kind"] == "traffic" and event["at"] > clock["now"]
        if max(event["data"]["shares"].values()) == 1
    ]
    cut_over_here = here + (cut_over - clock["now"]) / clock["time_scale"]
    new = float(predict(deployment.endpoint, ROWS[:1])[1][0, 0])
    assert new != old
    assert seen.errors == []
    during = {answer for sent, answer in seen.answers if sent < cut_over_here - SLACK_SECONDS}
    after = [answer for sent, answer in seen.answers if sent > cut_over_here + SLACK_SECONDS]
    assert during == {old, new}  # the canary really shared the traffic
    assert set(after) == {new}
    assert len(after) > 10
    assert "canary-local: baking 50 % of the traffic on the new fleet (step 1 of 2)" in done.stdout
    assert "has all traffic" in done.stdout
    assert {name for name in alarm_names(modelway_client) if "rollout" in name} == set()
    assert set(deployment.changes()) == {"same"}


def test_a_canary_that_nobody_tries_is_rolled_back_and_up_fails(
    deploy, predict, models, modelway_client
):
    deployment = deploy("untried", **CANARY)
    deployment.up()
    before = deployment.live["endpoint_config_name"]
    deployment.write(model={"path": str(models["b"])})

    done = deployment.up(check=False)

    assert done.returncode != 0
    assert "SageMaker rolled the update back" in done.stdout
    assert "The alarm untried-local-rollout-too-few-requests fired" in done.stdout
    assert f"Serving now: {before}, as before." in done.stdout
    described = modelway_client("sagemaker").describe_endpoint(EndpointName="untried-local")
    assert (described["EndpointStatus"], described["EndpointConfigName"]) == ("InService", before)
    assert {name for name in alarm_names(modelway_client) if "rollout" in name} == set()
    configs = modelway_client("sagemaker").list_endpoint_configs(NameContains="untried-local")
    assert [each["EndpointConfigName"] for each in configs["EndpointConfigs"]] == [before]
    assert deployment.live["endpoint_config_name"] == before


def test_a_firing_guard_alarm_refuses_the_rollout_before_any_change(
    deploy, models, modelway_client
):
    deployment = deploy("guarded", **CANARY)
    deployment.up()
    before = deployment.live["endpoint_config_name"]
    cloudwatch = modelway_client("cloudwatch")
    # One failure in every minute from now on keeps it firing.
    cloudwatch.put_metric_alarm(
        AlarmName="guarded-local-error-rate",
        Namespace="AWS/SageMaker",
        MetricName="Nothing",
        Statistic="Sum",
        Period=60,
        EvaluationPeriods=1,
        Threshold=1.0,
        ComparisonOperator="LessThanThreshold",
        TreatMissingData="breaching",
    )
    _until(
        lambda: (
            cloudwatch.describe_alarms(AlarmNames=["guarded-local-error-rate"])["MetricAlarms"][0][
                "StateValue"
            ]
            == "ALARM"
        )
    )
    deployment.write(model={"path": str(models["b"])})

    done = deployment.up(check=False)

    assert done.returncode != 0
    assert "the alarm guarded-local-error-rate is firing" in done.stdout
    configs = modelway_client("sagemaker").list_endpoint_configs(NameContains="guarded-local")
    assert [each["EndpointConfigName"] for each in configs["EndpointConfigs"]] == [before]


def test_another_instance_type_keeps_autoscaling_exactly_as_it_was(deploy, modelway_client):
    scaling = {
        "min_instances": 2,
        "max_instances": 4,
        "target_invocations_per_instance_per_minute": 600,
        "schedules": [{"name": "night", "schedule": "cron(0 22 * * ? *)", "max_instances": 2}],
    }
    deployment = deploy("retyped", scaling=scaling, serving={"instance_type": "ml.m5.large"})
    deployment.up()
    autoscaling = modelway_client("application-autoscaling")
    at = {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/retyped-local/variant/primary",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    # A bound that was set by hand is no business of an update.
    autoscaling.register_scalable_target(**at, MinCapacity=2, MaxCapacity=5)
    before = _registered(autoscaling, at)
    deployment.write(serving={"instance_type": "ml.c5.xlarge"})

    done = deployment.up()

    assert "autoscaling of primary is set aside" in done.stdout
    assert _registered(autoscaling, at) == before
    assert before["target"]["MaxCapacity"] == 5
    described = modelway_client("sagemaker").describe_endpoint(EndpointName="retyped-local")
    config = modelway_client("sagemaker").describe_endpoint_config(
        EndpointConfigName=described["EndpointConfigName"]
    )
    assert config["ProductionVariants"][0]["InstanceType"] == "ml.c5.xlarge"


def _registered(autoscaling, at):
    """Give what is registered, without what the service itself makes anew."""
    (target,) = autoscaling.describe_scalable_targets(
        ServiceNamespace="sagemaker", ResourceIds=[at["ResourceId"]]
    )["ScalableTargets"]
    (policy,) = autoscaling.describe_scaling_policies(**at)["ScalingPolicies"]
    (action,) = autoscaling.describe_scheduled_actions(**at)["ScheduledActions"]
    new = ("CreationTime", "PolicyARN", "Alarms", "ScheduledActionARN", "ScalableTargetARN")
    shown = {"target": target, "policy": policy, "action": action}
    return {
        name: {key: value for key, value in each.items() if key not in new}
        for name, each in shown.items()
    }


def _until(true, seconds=30):
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.1)
