"""What Application Auto Scaling accepts and refuses, as boto3 shows it."""

import pytest

pytestmark = pytest.mark.integration

REPLICAS = False
"""Nothing is invoked here."""

TRACKING = {
    "TargetValue": 10.0,
    "PredefinedMetricSpecification": {
        "PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    },
}


@pytest.fixture(scope="module")
def scaling(client):
    return client("application-autoscaling")


def refused(scaling, call, *, code="ValidationException"):
    with pytest.raises(scaling.exceptions.ClientError) as caught:
        call()
    assert caught.value.response["Error"]["Code"] == code
    return caught.value.response["Error"]["Message"]


def test_an_unknown_endpoint_is_refused(scaling, endpoint):
    target = endpoint.target | {"ResourceId": "endpoint/nowhere/variant/primary"}

    told = refused(
        scaling,
        lambda: scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2),
    )

    assert told == (
        'Could not find endpoint "arn:aws:sagemaker:us-east-1:123456789012:endpoint/nowhere".'
    )


def test_an_unknown_variant_is_refused(scaling, endpoint):
    target = endpoint.target | {"ResourceId": f"endpoint/{endpoint.name}/variant/canary"}

    told = refused(
        scaling,
        lambda: scaling.register_scalable_target(**target, MinCapacity=1, MaxCapacity=2),
    )

    assert 'The variant "canary"' in told


def test_a_burstable_instance_is_refused(scaling, make_endpoint):
    endpoint = make_endpoint("ml.t2.medium")

    told = refused(
        scaling,
        lambda: scaling.register_scalable_target(**endpoint.target, MinCapacity=1, MaxCapacity=2),
    )

    assert told.startswith(
        "You cannot register a variant with ml.t2.medium instance type as a scalable target."
    )


@pytest.mark.parametrize(
    ("limits", "told"),
    [
        ({"MinCapacity": 3, "MaxCapacity": 2}, "Maximum capacity cannot be less than minimum"),
        ({"MinCapacity": 1}, "MinCapacity and MaxCapacity are required"),
        ({"MinCapacity": -1, "MaxCapacity": 2}, "must be 0 or more; got -1"),
    ],
)
def test_wrong_limits_are_refused(scaling, endpoint, limits, told):
    assert told in refused(
        scaling, lambda: scaling.register_scalable_target(**endpoint.target, **limits)
    )


def test_an_update_is_checked_against_the_limit_it_does_not_name(scaling, endpoint):
    scaling.register_scalable_target(**endpoint.target, MinCapacity=1, MaxCapacity=2)

    told = refused(
        scaling, lambda: scaling.register_scalable_target(**endpoint.target, MinCapacity=3)
    )

    assert "a minimum of 3 and a maximum of 2" in told


def test_a_policy_needs_a_registered_target(scaling, endpoint):
    told = refused(
        scaling,
        lambda: scaling.put_scaling_policy(
            **endpoint.target,
            PolicyName="tracking",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=TRACKING,
        ),
        code="ObjectNotFoundException",
    )

    assert told.startswith("No scalable target registered for service namespace: sagemaker")


@pytest.mark.parametrize(
    ("configuration", "told"),
    [
        ({"TargetValue": 10.0}, "Exactly one of PredefinedMetricSpecification"),
        (TRACKING | {"TargetValue": 0.0}, "TargetValue must be above 0"),
        (
            TRACKING
            | {
                "PredefinedMetricSpecification": {
                    "PredefinedMetricType": "ECSServiceAverageCPUUtilization"
                }
            },
            "only supports the following predefined metric types: SageMakerVariantInvocations",
        ),
    ],
)
def test_a_policy_that_could_not_act_is_refused(scaling, endpoint, configuration, told):
    scaling.register_scalable_target(**endpoint.target, MinCapacity=1, MaxCapacity=2)

    assert told in refused(
        scaling,
        lambda: scaling.put_scaling_policy(
            **endpoint.target,
            PolicyName="tracking",
            PolicyType="TargetTrackingScaling",
            TargetTrackingScalingPolicyConfiguration=configuration,
        ),
    )


def test_a_schedule_that_is_wrong_is_refused(scaling, endpoint):
    scaling.register_scalable_target(**endpoint.target, MinCapacity=1, MaxCapacity=2)

    told = refused(
        scaling,
        lambda: scaling.put_scheduled_action(
            **endpoint.target,
            ScheduledActionName="nightly",
            Schedule="cron(0 8 * * *)",
            ScalableTargetAction={"MinCapacity": 2},
        ),
    )

    assert "cron has 6 fields, this has 5" in told


def test_deregistering_takes_policies_actions_and_tags_along(scaling, endpoint):
    arn = scaling.register_scalable_target(
        **endpoint.target, MinCapacity=1, MaxCapacity=2, Tags={"team": "fraud"}
    )["ScalableTargetARN"]
    scaling.put_scaling_policy(
        **endpoint.target,
        PolicyName="tracking",
        PolicyType="TargetTrackingScaling",
        TargetTrackingScalingPolicyConfiguration=TRACKING,
    )
    scaling.put_scheduled_action(
        **endpoint.target,
        ScheduledActionName="nightly",
        Schedule="cron(0 8 * * ? *)",
        ScalableTargetAction={"MinCapacity": 2},
    )

    scaling.deregister_scalable_target(**endpoint.target)

    of_endpoint = {"ServiceNamespace": "sagemaker", "ResourceId": endpoint.target["ResourceId"]}
    assert scaling.describe_scaling_policies(**of_endpoint)["ScalingPolicies"] == []
    assert scaling.describe_scheduled_actions(**of_endpoint)["ScheduledActions"] == []
    alarms = endpoint.client("cloudwatch").describe_alarms(
        AlarmNamePrefix=f"TargetTracking-{endpoint.target['ResourceId']}"
    )
    assert alarms["MetricAlarms"] == []
    refused(
        scaling,
        lambda: scaling.list_tags_for_resource(ResourceARN=arn),
        code="ObjectNotFoundException",
    )


def test_tags_of_a_target_are_kept(scaling, endpoint):
    arn = scaling.register_scalable_target(
        **endpoint.target, MinCapacity=1, MaxCapacity=2, Tags={"team": "fraud", "cost": "a"}
    )["ScalableTargetARN"]

    scaling.tag_resource(ResourceARN=arn, Tags={"cost": "b"})
    scaling.untag_resource(ResourceARN=arn, TagKeys=["team"])

    assert scaling.list_tags_for_resource(ResourceARN=arn)["Tags"] == {"cost": "b"}


@pytest.mark.parametrize("operation", ["delete_scaling_policy", "delete_scheduled_action"])
def test_deleting_what_does_not_exist_is_refused(scaling, endpoint, operation):
    named = {
        "delete_scaling_policy": "PolicyName",
        "delete_scheduled_action": "ScheduledActionName",
    }

    told = refused(
        scaling,
        lambda: getattr(scaling, operation)(**endpoint.target, **{named[operation]: "none"}),
        code="ObjectNotFoundException",
    )

    assert "none" in told
