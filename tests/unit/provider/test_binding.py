"""The rules by which Pulumi's names become AWS's, over botocore's own shapes."""

from datetime import UTC, datetime

import pytest

from modelway.emulator.provider.binding import Binding, Unmapped
from modelway.emulator.provider.clients import service_model
from modelway.emulator.provider.schema import Type

TEXT = Type("string")


def input_of(service, operation):
    return service_model(service).operation_model(operation).input_shape


def thing(**fields):
    return Type("object", fields=fields)


def listed(item):
    return Type("list", item=item)


def mapped():
    return Type("map", item=TEXT)


@pytest.mark.parametrize(
    ("service", "operation", "name", "value", "expected"),
    [
        ("cloudwatch", "PutMetricAlarm", "okActions", ["a"], {"OKActions": ["a"]}),
        (
            "ecr",
            "CreateRepository",
            "imageTagMutability",
            "IMMUTABLE",
            {"imageTagMutability": "IMMUTABLE"},
        ),
        ("sagemaker", "CreateModel", "name", "m", {"ModelName": "m"}),
        ("iam", "PutRolePolicy", "role", "r", {"RoleName": "r"}),
        ("ecr", "SetRepositoryPolicy", "policy", "{}", {"policyText": "{}"}),
    ],
    ids=["acronym", "same-letters", "own-name", "prefix", "prefix-of-text"],
)
def test_a_property_finds_its_member(service, operation, name, value, expected):
    of = thing(**{name: listed(TEXT) if isinstance(value, list) else TEXT})

    sent = Binding({}).to_aws({name: value}, of, input_of(service, operation))

    assert sent == expected


def test_a_plural_finds_the_singular_and_a_list_of_one_becomes_a_structure():
    of = thing(encryptionConfigurations=listed(thing(encryptionType=TEXT, kmsKey=TEXT)))
    value = {"encryptionConfigurations": [{"encryptionType": "KMS", "kmsKey": "k"}]}
    shape = input_of("ecr", "CreateRepository")

    sent = Binding({}).to_aws(value, of, shape)

    assert sent == {"encryptionConfiguration": {"encryptionType": "KMS", "kmsKey": "k"}}
    assert Binding({}).from_aws(sent, of, shape) == value


def test_a_structure_becomes_a_list_of_one():
    of = thing(rule=thing(objectOwnership=TEXT))
    value = {"rule": {"objectOwnership": "BucketOwnerEnforced"}}
    shape = input_of("s3", "PutBucketOwnershipControls").members["OwnershipControls"]

    sent = Binding({}).to_aws(value, of, shape)

    assert sent == {"Rules": [{"ObjectOwnership": "BucketOwnerEnforced"}]}
    assert Binding({}).from_aws(sent, of, shape) == value


@pytest.mark.parametrize(
    ("service", "operation", "expected"),
    [
        ("sagemaker", "CreateModel", {"Tags": [{"Key": "a", "Value": "b"}]}),
        ("kms", "CreateKey", {"Tags": [{"TagKey": "a", "TagValue": "b"}]}),
        ("logs", "CreateLogGroup", {"tags": {"a": "b"}}),
    ],
)
def test_a_map_becomes_what_the_service_takes_for_tags(service, operation, expected):
    of = thing(tags=mapped())
    shape = input_of(service, operation)

    sent = Binding({}).to_aws({"tags": {"a": "b"}}, of, shape)

    assert sent == expected
    assert Binding({}).from_aws(sent, of, shape) == {"tags": {"a": "b"}}


def test_a_map_becomes_named_dimensions():
    of = thing(dimensions=mapped())

    sent = Binding({}).to_aws(
        {"dimensions": {"n": "v"}}, of, input_of("cloudwatch", "PutMetricAlarm")
    )

    assert sent == {"Dimensions": [{"Name": "n", "Value": "v"}]}


def test_text_becomes_a_number_where_aws_has_one_and_comes_back_as_text():
    of = thing(stepAdjustments=listed(thing(metricIntervalLowerBound=TEXT, scalingAdjustment=TEXT)))
    shape = input_of("application-autoscaling", "PutScalingPolicy").members[
        "StepScalingPolicyConfiguration"
    ]
    value = {"stepAdjustments": [{"metricIntervalLowerBound": "0", "scalingAdjustment": "-1"}]}

    sent = Binding({}).to_aws(value, of, shape)

    assert sent == {"StepAdjustments": [{"MetricIntervalLowerBound": 0.0, "ScalingAdjustment": -1}]}
    assert Binding({}).from_aws(sent, of, shape) == value


def test_text_becomes_a_time_and_comes_back_in_utc():
    of = thing(startTime=TEXT)
    shape = input_of("application-autoscaling", "PutScheduledAction")

    sent = Binding({}).to_aws({"startTime": "2030-01-01T01:00:00+01:00"}, of, shape)

    assert sent == {"StartTime": datetime.fromisoformat("2030-01-01T01:00:00+01:00")}
    told = {"StartTime": datetime(2030, 1, 1, tzinfo=UTC)}
    assert Binding({}).from_aws(told, of, shape) == {"startTime": "2030-01-01T00:00:00Z"}


def test_a_name_of_the_table_may_lead_into_a_structure():
    of = thing(metric=thing(metricName=TEXT, stat=TEXT))
    names = {"metric": "MetricStat", "metric.metricName": "Metric.MetricName"}
    shape = input_of("cloudwatch", "PutMetricAlarm").members["Metrics"].member
    value = {"metric": {"metricName": "Errors", "stat": "Sum"}}

    sent = Binding(names).to_aws(value, of, shape)

    assert sent == {"MetricStat": {"Metric": {"MetricName": "Errors"}, "Stat": "Sum"}}
    assert Binding(names).from_aws(sent, of, shape) == value


def test_a_property_without_a_counterpart_is_an_error_that_names_it():
    with pytest.raises(Unmapped, match="property color has no counterpart in CreateModelInput"):
        Binding({}).to_aws(
            {"color": "red"}, thing(color=TEXT), input_of("sagemaker", "CreateModel")
        )
