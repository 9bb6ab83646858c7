"""Inputs that cannot be used, and what is made of those that can."""

import json

import grpc
import pytest

from modelway.emulator.provider.wire import UNKNOWN


def failures(response):
    return {failure.property: failure.reason for failure in response.failures}


def test_every_unusable_input_is_named_at_once(engine):
    response = engine.check(
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "alarm",
        {"threshold": "high", "actionsEnabled": "maybe", "okActions": "arn", "color": "red"},
    )

    assert failures(response) == {
        "threshold": "must be a number, not 'high'",
        "actionsEnabled": "must be true or false, not 'maybe'",
        "okActions": "must be a list, not 'arn'",
        "color": "aws:cloudwatch/metricAlarm:MetricAlarm has no property 'color'",
    }


def test_a_missing_required_property_is_named(engine):
    response = engine.check("aws:iam/rolePolicy:RolePolicy", "p", {"role": "r"})

    assert failures(response) == {
        "policy": "missing required property 'policy' of aws:iam/rolePolicy:RolePolicy"
    }


def test_a_property_that_is_not_known_yet_is_not_missing(engine):
    inputs = engine.checked(
        "aws:iam/rolePolicy:RolePolicy", "p", {"role": UNKNOWN, "policy": UNKNOWN}
    )

    assert inputs["role"] is UNKNOWN


def test_a_property_of_an_object_that_does_not_exist_is_named_by_its_path(engine):
    response = engine.check(
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration",
        "c",
        {"productionVariants": [{"modelName": "m", "instances": 1}]},
    )

    assert failures(response) == {
        "productionVariants[0].instances": "productionVariants[0] has no property 'instances'"
    }


def test_what_the_emulator_does_not_cover_names_the_type_to_use_instead(engine):
    response = engine.check("aws:s3/bucket:Bucket", "b", {"versioning": {"enabled": True}})

    assert failures(response) == {
        "versioning": "the emulator does not cover it: declare it with aws.s3.BucketVersioning, "
        "which replaces this property"
    }


def test_a_policy_written_as_an_object_becomes_its_text(engine):
    document = {"Version": "2012-10-17", "Statement": []}

    inputs = engine.checked("aws:iam/policy:Policy", "p", {"policy": document})

    assert json.loads(inputs["policy"]) == document


def test_an_unknown_type_is_named_with_what_there_is(engine):
    with pytest.raises(grpc.RpcError) as caught:
        engine.check("aws:ec2/instance:Instance", "i", {})

    message = caught.value.details()
    assert "does not cover the resource type aws:ec2/instance:Instance" in message
    assert "aws:s3/bucket:Bucket" in message


def test_secret_inputs_stay_secret(engine):
    response = engine.check(
        "aws:sns/topic:Topic", "t", {"displayName": "x"}, secrets=["displayName"]
    )

    from modelway.emulator.provider.wire import read_struct

    assert read_struct(response.inputs).secrets == {"displayName"}
