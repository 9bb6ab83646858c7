"""What is declared outlives the emulator's process and goes on working."""

import time
from functools import cache

import boto3
import pytest

from modelway.emulator.process import start

pytestmark = pytest.mark.integration


def clients(emulator):
    @cache
    def of(service):
        return boto3.client(
            service,
            endpoint_url=emulator.url,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    return of


def hosted(client):
    """An endpoint without anything behind it; gives the scalable target's names."""
    role = client("iam").create_role(
        RoleName="scaling",
        AssumeRolePolicyDocument='{"Version": "2012-10-17", "Statement": [{"Effect": "Allow", '
        '"Principal": {"Service": "sagemaker.amazonaws.com"}, "Action": "sts:AssumeRole"}]}',
    )
    client("s3").create_bucket(Bucket="scaling-models")
    client("s3").put_object(Bucket="scaling-models", Key="model.tar.gz", Body=b"unread")
    sagemaker = client("sagemaker")
    sagemaker.create_model(
        ModelName="model",
        ExecutionRoleArn=role["Role"]["Arn"],
        PrimaryContainer={
            "Image": "123456789012.dkr.ecr.us-east-1.amazonaws.com/serving:one",
            "ModelDataUrl": "s3://scaling-models/model.tar.gz",
        },
    )
    variant = {
        "VariantName": "primary",
        "ModelName": "model",
        "InitialInstanceCount": 1,
        "InstanceType": "ml.m5.large",
    }
    sagemaker.create_endpoint_config(EndpointConfigName="config", ProductionVariants=[variant])
    sagemaker.create_endpoint(EndpointName="fraud", EndpointConfigName="config")
    return {
        "ServiceNamespace": "sagemaker",
        "ResourceId": "endpoint/fraud/variant/primary",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }


def declared(client):
    """All that was declared, without the states, which are evaluated anew."""
    scaling, volatile = client("application-autoscaling"), ("State", "ResponseMetadata")
    alarms = client("cloudwatch").describe_alarms()["MetricAlarms"]
    return {
        "targets": scaling.describe_scalable_targets(ServiceNamespace="sagemaker")[
            "ScalableTargets"
        ],
        "policies": scaling.describe_scaling_policies(ServiceNamespace="sagemaker")[
            "ScalingPolicies"
        ],
        "actions": scaling.describe_scheduled_actions(ServiceNamespace="sagemaker")[
            "ScheduledActions"
        ],
        "alarms": [{k: v for k, v in a.items() if not k.startswith(volatile)} for a in alarms],
    }


def test_targets_policies_actions_and_alarms_outlive_the_process(tmp_path):
    options = {"port": 0, "time_scale": 240.0, "state": tmp_path, "replicas": False}
    first = start(**options)
    try:
        client = clients(first)
        target = hosted(client)
        scaling = client("application-autoscaling")
        scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=4)
        scaling.put_scaling_policy(
            **target,
            PolicyName="tracking",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration={
                "TargetValue": 10.0,
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
                },
            },
        )
        scaling.put_scheduled_action(
            **target,
            ScheduledActionName="later",
            Schedule="cron(0 0 1 1 ? 2190)",
            ScalableTargetAction={"MinCapacity": 2},
        )
        before = declared(client)
    finally:
        first.stop()

    second = start(**options)
    try:
        client = clients(second)
        assert declared(client) == before
        assert len(before["alarms"]) == 2

        client("application-autoscaling").put_scheduled_action(
            **target,
            ScheduledActionName="now",
            Schedule="rate(1 minute)",
            ScalableTargetAction={"MinCapacity": 3},
        )
        deadline = time.monotonic() + 20
        while True:
            endpoint = client("sagemaker").describe_endpoint(EndpointName="fraud")
            if endpoint["ProductionVariants"][0]["CurrentInstanceCount"] == 3:
                break
            assert time.monotonic() < deadline, endpoint
            time.sleep(0.05)
    finally:
        second.stop()
