"""What changes, what does not, and what needs a new resource."""

import json

import pytest
from pulumi.runtime.proto import provider_pb2

from modelway.emulator.provider.table import entries
from modelway.emulator.provider.wire import UNKNOWN

ALARM = "aws:cloudwatch/metricAlarm:MetricAlarm"
NONE = provider_pb2.DiffResponse.DIFF_NONE

POLICY = {
    "Version": "2012-10-17",
    "Statement": [
        {"Effect": "Allow", "Action": "s3:GetObject", "Resource": ["a", "b"]},
        {"Effect": "Allow", "Principal": {"AWS": "123456789012"}, "Action": ["x", "y"]},
    ],
}
SAME_POLICY = {
    "Statement": [
        {
            "Action": ["y", "x"],
            "Principal": {"AWS": ["arn:aws:iam::123456789012:root"]},
            "Effect": "Allow",
        },
        {"Action": ["s3:GetObject"], "Effect": "Allow", "Resource": ["b", "a"]},
    ],
    "Version": "2012-10-17",
}


def paths(response):
    names = provider_pb2.PropertyDiff.Kind.Name
    return {path: names(diff.kind) for path, diff in response.detailedDiff.items()}


@pytest.mark.parametrize(
    ("type_", "state", "news"),
    [
        (
            ALARM,
            {"threshold": 5, "treatMissingData": "missing", "actionsEnabled": True},
            {"threshold": 5.0},
        ),
        (ALARM, {"actionsEnabled": True, "okActions": ["a", "b"]}, {"okActions": ["b", "a"]}),
        (ALARM, {"actionsEnabled": True, "evaluateLowSampleCountPercentiles": "ignore"}, {}),
        (ALARM, {"actionsEnabled": True, "datapointsToAlarm": 0}, {}),
        (
            "aws:iam/policy:Policy",
            {"policy": json.dumps(SAME_POLICY), "path": "/"},
            {"policy": json.dumps(POLICY)},
        ),
        (
            "aws:cloudwatch/dashboard:Dashboard",
            {"dashboardBody": '{"a": 1,\n "b": 2}'},
            {"dashboardBody": '{"b":2,"a":1}'},
        ),
        (
            "aws:appautoscaling/policy:Policy",
            {
                "policyType": "StepScaling",
                "stepScalingPolicyConfiguration": {
                    "stepAdjustments": [
                        {"scalingAdjustment": 2, "metricIntervalLowerBound": "1.5"},
                        {"scalingAdjustment": 1, "metricIntervalLowerBound": "0"},
                    ]
                },
            },
            {
                "policyType": "StepScaling",
                "stepScalingPolicyConfiguration": {
                    "stepAdjustments": [
                        {"scalingAdjustment": 1, "metricIntervalLowerBound": "0.0"},
                        {"scalingAdjustment": 2, "metricIntervalLowerBound": "1.50"},
                    ]
                },
            },
        ),
        (
            "aws:appautoscaling/scheduledAction:ScheduledAction",
            {"startTime": "2030-01-01T00:00:00Z", "timezone": "UTC"},
            {"startTime": "2030-01-01T01:00:00+01:00"},
        ),
        (
            "aws:ecr/repository:Repository",
            {
                "imageTagMutability": "MUTABLE",
                "encryptionConfigurations": [{"encryptionType": "AES256"}],
            },
            {},
        ),
    ],
    ids=[
        *("number", "set", "filled-in-by-aws", "zero-is-absent", "policy", "json"),
        *("numbers-in-text", "time", "block-filled-in-by-aws"),
    ],
)
def test_what_means_the_same_is_no_change(engine, type_, state, news):
    state = {"treatMissingData": "missing"} | state if type_ == ALARM else state

    response = engine.diff(type_, state, news)

    assert paths(response) == {}
    assert response.changes == NONE


def test_each_changed_part_is_named_by_its_path(engine):
    state = {
        "productionVariants": [{"variantName": "a", "initialInstanceCount": 1}],
        "dataCaptureConfig": {"initialSamplingPercentage": 10},
    }
    news = {
        "productionVariants": [
            {"variantName": "a", "initialInstanceCount": 2},
            {"variantName": "b", "initialInstanceCount": 1},
        ],
    }

    response = engine.diff("aws:sagemaker/endpointConfiguration:EndpointConfiguration", state, news)

    assert paths(response) == {
        "dataCaptureConfig.initialSamplingPercentage": "DELETE_REPLACE",
        "productionVariants[0].initialInstanceCount": "UPDATE_REPLACE",
        "productionVariants[1]": "ADD_REPLACE",
    }
    assert response.replaces == ["dataCaptureConfig", "productionVariants"]


def test_what_a_program_no_longer_says_goes_back_to_its_default(engine):
    state = {"actionsEnabled": False, "treatMissingData": "breaching", "alarmDescription": "old"}

    response = engine.diff(ALARM, state, {})

    assert paths(response) == {
        "actionsEnabled": "ADD",
        "alarmDescription": "DELETE",
        "treatMissingData": "UPDATE",
    }


def test_something_added_by_hand_is_found_though_the_program_never_mentions_it(engine):
    state = {"name": "g", "retentionInDays": 7}

    response = engine.diff("aws:cloudwatch/logGroup:LogGroup", state, {"name": "g"})

    assert paths(response) == {"retentionInDays": "DELETE"}


def test_a_value_that_is_not_known_yet_is_a_change(engine):
    response = engine.diff(
        "aws:kms/alias:Alias",
        {"name": "alias/a", "targetKeyId": "1"},
        {"name": "alias/a", "targetKeyId": UNKNOWN},
    )

    assert paths(response) == {"targetKeyId": "UPDATE"}


@pytest.mark.parametrize(
    ("ignored", "left"),
    [
        ("productionVariants", ["kmsKeyArn"]),
        ("productionVariants[*].instanceType", ["kmsKeyArn", "productionVariants[0].modelName"]),
        ("productionVariants[0]", ["kmsKeyArn"]),
        (
            "kmsKey",
            [
                "kmsKeyArn",
                "productionVariants[0].instanceType",
                "productionVariants[0].modelName",
            ],
        ),
    ],
)
def test_only_what_is_at_an_ignored_path_is_ignored(engine, ignored, left):
    state = {"kmsKeyArn": "a", "productionVariants": [{"instanceType": "x", "modelName": "m"}]}
    news = {"kmsKeyArn": "b", "productionVariants": [{"instanceType": "y", "modelName": "n"}]}

    response = engine.diff(
        "aws:sagemaker/endpointConfiguration:EndpointConfiguration", state, news, ignored=[ignored]
    )

    assert sorted(response.detailedDiff) == left


def test_a_resource_of_a_fixed_name_is_deleted_before_its_replacement(engine):
    state = {"name": "m", "executionRoleArn": "a"}
    news = {"name": "m", "executionRoleArn": "b", "__defaults": []}

    response = engine.diff("aws:sagemaker/model:Model", state, news)

    assert response.replaces == ["executionRoleArn"]
    assert response.deleteBeforeReplace


def test_a_resource_of_a_made_up_name_is_replaced_first_and_deleted_then(engine):
    state = {"name": "m-1234567", "executionRoleArn": "a"}
    news = {"name": "m-1234567", "executionRoleArn": "b", "__defaults": ["name"]}

    response = engine.diff("aws:sagemaker/model:Model", state, news)

    assert not response.deleteBeforeReplace


def test_an_attachment_is_always_deleted_before_its_replacement(engine):
    type_ = "aws:iam/rolePolicyAttachment:RolePolicyAttachment"

    response = engine.diff(type_, {"role": "r", "policyArn": "a"}, {"role": "r", "policyArn": "b"})

    assert response.replaces == ["policyArn"]
    assert response.deleteBeforeReplace


def test_another_region_needs_a_new_resource(engine):
    response = engine.diff(
        "aws:sns/topic:Topic",
        {"name": "t", "region": "us-east-1"},
        {"name": "t", "region": "eu-west-1"},
    )

    assert response.replaces == ["region"]


REPLACING = {
    "aws:appautoscaling/policy:Policy": "name resourceId scalableDimension serviceNamespace",
    "aws:appautoscaling/scheduledAction:ScheduledAction": (
        "name resourceId scalableDimension serviceNamespace"
    ),
    "aws:appautoscaling/target:Target": "resourceId scalableDimension serviceNamespace",
    "aws:cloudwatch/compositeAlarm:CompositeAlarm": "actionsEnabled alarmName",
    "aws:cloudwatch/dashboard:Dashboard": "dashboardName",
    "aws:cloudwatch/logGroup:LogGroup": "logGroupClass name namePrefix",
    "aws:cloudwatch/metricAlarm:MetricAlarm": "name",
    "aws:codebuild/project:Project": "name",
    "aws:ecr/lifecyclePolicy:LifecyclePolicy": "repository",
    "aws:ecr/repository:Repository": "encryptionConfigurations name",
    "aws:ecr/repositoryPolicy:RepositoryPolicy": "repository",
    "aws:iam/policy:Policy": "description name namePrefix path",
    "aws:iam/role:Role": "name namePrefix path",
    "aws:iam/rolePolicy:RolePolicy": "name namePrefix role",
    "aws:iam/rolePolicyAttachment:RolePolicyAttachment": "policyArn role",
    "aws:kms/alias:Alias": "name namePrefix",
    "aws:kms/key:Key": ("customKeyStoreId customerMasterKeySpec keyUsage multiRegion xksKeyId"),
    "aws:s3/bucket:Bucket": "bucket bucketPrefix objectLockEnabled",
    "aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration": (
        "bucket expectedBucketOwner"
    ),
    "aws:s3/bucketObjectv2:BucketObjectv2": "bucket key",
    "aws:s3/bucketOwnershipControls:BucketOwnershipControls": "bucket",
    "aws:s3/bucketPolicy:BucketPolicy": "bucket",
    "aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock": "bucket",
    (
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    ): "bucket expectedBucketOwner",
    "aws:s3/bucketVersioning:BucketVersioning": "bucket expectedBucketOwner",
    "aws:sagemaker/endpoint:Endpoint": "deploymentConfig.autoRollbackConfiguration name",
    "aws:sagemaker/endpointConfiguration:EndpointConfiguration": (
        "asyncInferenceConfig dataCaptureConfig executionRoleArn kmsKeyArn name namePrefix "
        "productionVariants shadowProductionVariants"
    ),
    "aws:sagemaker/model:Model": (
        "containers enableNetworkIsolation executionRoleArn inferenceExecutionConfig name "
        "primaryContainer vpcConfig"
    ),
    "aws:sagemaker/modelPackageGroup:ModelPackageGroup": (
        "modelPackageGroupDescription modelPackageGroupName"
    ),
    "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy": "modelPackageGroupName",
    "aws:sns/topic:Topic": "fifoTopic name namePrefix",
    "aws:sns/topicPolicy:TopicPolicy": "arn",
    "aws:sns/topicSubscription:TopicSubscription": "endpoint protocol topic",
}
"""ForceNew in hashicorp/terraform-provider-aws, internal/service/*."""


@pytest.mark.parametrize("type_", sorted(REPLACING))
def test_the_properties_that_need_a_new_resource_are_the_official_ones(type_):
    assert sorted(entries()[type_].replaces) == REPLACING[type_].split()


def test_every_type_is_checked_for_what_needs_a_new_resource():
    assert entries().keys() == REPLACING.keys()
