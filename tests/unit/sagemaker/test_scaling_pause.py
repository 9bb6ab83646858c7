"""Autoscaling while an instance type changes: set aside, and put back exactly as it was."""

import pytest
from botocore.exceptions import ClientError

from modelway.errors import DeploymentError

AT = {
    "ServiceNamespace": "sagemaker",
    "ResourceId": "endpoint/fraud-dev/variant/primary",
    "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
}
SUSPENDED = {"DynamicScalingInSuspended": True}
TRACKING = {"TargetValue": 600.0, "ScaleInCooldown": 300, "ScaleOutCooldown": 60}
AT_NIGHT = {"MinCapacity": 1, "MaxCapacity": 1}


@pytest.fixture
def scaled(services):
    """A target with a policy and a scheduled action, as the service describes them."""
    services["application-autoscaling"].answers = {
        "describe_scalable_targets": {
            "ScalableTargets": [
                {
                    **AT,
                    "MinCapacity": 2,
                    "MaxCapacity": 7,
                    "RoleARN": "arn:aws:iam::123456789012:role/aws-service-role/x",
                    "CreationTime": 0,
                    "SuspendedState": SUSPENDED,
                    "ScalableTargetARN": "arn:target",
                }
            ]
        },
        "describe_scaling_policies": {
            "ScalingPolicies": [
                {
                    **AT,
                    "PolicyARN": "arn:policy",
                    "PolicyName": "by-hand",
                    "PolicyType": "TargetTrackingScaling",
                    "TargetTrackingScalingPolicyConfiguration": TRACKING,
                    "Alarms": [{"AlarmName": "made by the service"}],
                }
            ]
        },
        "describe_scheduled_actions": {
            "ScheduledActions": [
                {
                    **AT,
                    "ScheduledActionName": "night",
                    "ScheduledActionARN": "arn:action",
                    "Schedule": "cron(0 22 * * ? *)",
                    "Timezone": "Europe/Berlin",
                    "ScalableTargetAction": AT_NIGHT,
                }
            ]
        },
        "list_tags_for_resource": {"Tags": {"team": "risk"}},
    }


def on(inputs, image, machine):
    wanted = inputs(image, autoscaled=True)
    wanted["variants"][0]["instance_type"] = machine
    return wanted


def test_another_instance_type_sets_autoscaling_aside_and_puts_it_back_exactly(
    aws, deployment, inputs, scaled
):
    first = deployment.create(on(inputs, "a", "ml.m5.large"))
    aws.calls.clear()

    deployment.update(on(inputs, "a", "ml.c5.xlarge"), first)

    changes = aws.order(
        "deregister_scalable_target",
        "update_endpoint",
        "register_scalable_target",
        "put_scaling_policy",
        "put_scheduled_action",
    )
    assert changes == [
        "deregister_scalable_target",
        "update_endpoint",
        "register_scalable_target",
        "put_scaling_policy",
        "put_scheduled_action",
    ]
    assert aws.called("deregister_scalable_target") == [AT]
    assert aws.called("register_scalable_target") == [
        {
            **AT,
            "MinCapacity": 2,
            "MaxCapacity": 7,
            "SuspendedState": SUSPENDED,
            "Tags": {"team": "risk"},
        }
    ]
    assert aws.called("put_scaling_policy") == [
        {
            **AT,
            "PolicyName": "by-hand",
            "PolicyType": "TargetTrackingScaling",
            "TargetTrackingScalingPolicyConfiguration": TRACKING,
        }
    ]
    assert aws.called("put_scheduled_action") == [
        {
            **AT,
            "ScheduledActionName": "night",
            "Schedule": "cron(0 22 * * ? *)",
            "Timezone": "Europe/Berlin",
            "ScalableTargetAction": AT_NIGHT,
        }
    ]


def test_autoscaling_comes_back_after_a_roll_back_too(aws, deployment, inputs, scaled):
    first = deployment.create(on(inputs, "a", "ml.m5.large"))
    aws.outcomes = ["rollback"]

    with pytest.raises(DeploymentError):
        deployment.update(on(inputs, "a", "ml.c5.xlarge"), first)

    assert len(aws.called("register_scalable_target")) == 1
    assert len(aws.called("put_scheduled_action")) == 1


def test_autoscaling_comes_back_when_sagemaker_refuses_the_update(
    aws, deployment, inputs, scaled, refuse
):
    first = deployment.create(on(inputs, "a", "ml.m5.large"))
    aws.refusals["update_endpoint"] = [refuse("no such quota", "ResourceLimitExceeded")]

    with pytest.raises(DeploymentError, match="no such quota"):
        deployment.update(on(inputs, "a", "ml.c5.xlarge"), first)

    assert len(aws.called("register_scalable_target")) == 1


def test_a_target_that_went_away_meanwhile_is_put_back_all_the_same(
    aws, services, deployment, inputs, scaled
):
    first = deployment.create(on(inputs, "a", "ml.m5.large"))
    services["application-autoscaling"].answers["deregister_scalable_target"] = ClientError(
        {"Error": {"Code": "ObjectNotFoundException", "Message": "gone"}}, "Deregister"
    )

    deployment.update(on(inputs, "a", "ml.c5.xlarge"), first)

    assert len(aws.called("register_scalable_target")) == 1


def test_autoscaling_that_a_killed_run_left_aside_is_told_with_the_way_back(
    aws, deployment, inputs, heard
):
    first = deployment.create(on(inputs, "a", "ml.m5.large"))

    deployment.update(on(inputs, "a", "ml.c5.xlarge"), first)

    assert (
        "fraud-dev: autoscaling of primary is not registered now; if this run does not register "
        "it, run `pulumi up --refresh`"
    ) in heard["notes"]


def test_another_model_on_the_same_instances_leaves_autoscaling_alone(
    aws, deployment, inputs, scaled
):
    first = deployment.create(on(inputs, "a", "ml.m5.large"))

    deployment.update(on(inputs, "b", "ml.m5.large"), first)

    assert aws.called("deregister_scalable_target", "describe_scalable_targets") == []
