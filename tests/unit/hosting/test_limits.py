"""SageMaker's server-side limits, read from botocore's own model."""

import botocore.session
import pytest
from moto.sagemaker.exceptions import ValidationError

from modelway.emulator.aws.sagemaker_limits import check_limits


def variant(**fields):
    return {"VariantName": "primary", "ModelName": "m", "InstanceType": "ml.m5.large"} | fields


def message(operation, params):
    """Give what a call is refused with; None where it is allowed."""
    try:
        check_limits(operation, params)
    except ValidationError as error:
        return error.message if error.code == "ValidationException" else error.code
    return None


def config(*variants, name="config"):
    return {"EndpointConfigName": name, "ProductionVariants": list(variants)}


def test_every_instance_type_of_the_service_model_is_allowed():
    shape = botocore.session.get_session().get_service_model("sagemaker")
    types = shape.shape_for("ProductionVariantInstanceType").enum

    for start in range(0, len(types), 10):
        variants = [variant(InstanceType=each) for each in types[start : start + 10]]
        check_limits("CreateEndpointConfig", config(*variants))

    assert len(types) > 200


def test_a_name_that_breaks_the_pattern_is_named_with_the_pattern():
    assert message("CreateEndpoint", {"EndpointName": "a_b", "EndpointConfigName": "c"}) == (
        "1 validation error detected: Value 'a_b' at 'endpointName' failed to satisfy constraint: "
        "Member must satisfy regular expression pattern: [a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}"
    )


@pytest.mark.parametrize(("within", "beyond"), [("a" * 63, "a" * 64), ("a--b", "a--"), ("0", "")])
def test_a_name_within_the_limits_is_allowed_and_one_just_beyond_is_not(within, beyond):
    fields = {"EndpointConfigName": "c"}

    assert message("CreateEndpoint", fields | {"EndpointName": within}) is None
    assert f"Value '{beyond}' at 'endpointName'" in (
        message("CreateEndpoint", fields | {"EndpointName": beyond})
    )


def test_a_number_out_of_range_is_named_with_its_place_in_the_list():
    found = message(
        "CreateEndpointConfig",
        config(variant(), variant(ContainerStartupHealthCheckTimeoutInSeconds=59)),
    )

    assert found == (
        "1 validation error detected: Value '59' at "
        "'productionVariants.2.member.containerStartupHealthCheckTimeoutInSeconds' failed to "
        "satisfy constraint: Member must have value greater than or equal to 60"
    )


def test_more_than_ten_variants_are_refused():
    assert "at 'productionVariants' failed to satisfy constraint: Member must have length less" in (
        message("CreateEndpointConfig", config(*[variant()] * 11))
    )


def test_a_missing_member_of_a_structure_must_not_be_null():
    found = message(
        "CreateEndpoint",
        {
            "EndpointName": "e",
            "EndpointConfigName": "c",
            "DeploymentConfig": {"RollingUpdatePolicy": {"WaitIntervalInSeconds": 0}},
        },
    )

    assert found.endswith(
        "Value null at 'deploymentConfig.rollingUpdatePolicy.maximumBatchSize' failed to satisfy "
        "constraint: Member must not be null"
    )


def test_an_environment_value_over_1024_characters_is_refused():
    found = message(
        "CreateModel",
        {"ModelName": "m", "PrimaryContainer": {"Image": "i", "Environment": {"A": "x" * 1025}}},
    )

    assert found.endswith(
        "Map value must satisfy constraint: [Member must have length less than or equal to 1024]"
    )


def test_all_violations_are_given_together():
    assert message("CreateEndpoint", {"EndpointName": "-", "EndpointConfigName": "-"}).startswith(
        "2 validation errors detected: "
    )
