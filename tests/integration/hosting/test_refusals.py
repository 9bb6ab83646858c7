"""What AWS refuses, with AWS's codes and words: one endpoint serves every case."""

import json

import pytest

pytestmark = pytest.mark.integration

CANARY = {
    "BlueGreenUpdatePolicy": {
        "TrafficRoutingConfiguration": {
            "Type": "CANARY",
            "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 60},
            "WaitIntervalInSeconds": 0,
        }
    }
}


@pytest.fixture(scope="module")
def served(account):
    """A model and a configuration named `served`; nothing runs."""
    account.model("served", b"never extracted")
    account.config("served", ("primary", "served", 1.0, 2))
    return "served"


def refused(account, operation, **fields):
    with pytest.raises(account.sagemaker.exceptions.ClientError) as caught:
        getattr(account.sagemaker, operation)(**fields)
    error = caught.value.response["Error"]
    assert error["Code"] == "ValidationException"
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
    return error["Message"]


def model_fields(account, **container):
    return {
        "ModelName": "another",
        "ExecutionRoleArn": account.role,
        "PrimaryContainer": {"Image": account.image} | container,
    }


def variant(**fields):
    return {
        "VariantName": "primary",
        "ModelName": "served",
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
    } | fields


def test_a_model_name_is_taken_once(account, served):
    message = refused(account, "create_model", **(model_fields(account) | {"ModelName": served}))

    assert message == (
        'Cannot create already existing model "arn:aws:sagemaker:us-east-1:123456789012:model/'
        'served".'
    )


def test_a_configuration_name_is_taken_once(account, served):
    message = refused(
        account,
        "create_endpoint_config",
        EndpointConfigName=served,
        ProductionVariants=[variant()],
    )

    assert message == (
        "Cannot create already existing endpoint configuration "
        '"arn:aws:sagemaker:us-east-1:123456789012:endpoint-config/served".'
    )


def test_a_role_that_does_not_exist_cannot_be_assumed(account, served):
    role = "arn:aws:iam::123456789012:role/absent"

    message = refused(
        account, "create_model", **(model_fields(account) | {"ExecutionRoleArn": role})
    )

    assert message.startswith(f"Could not assume role {role}.")


def test_a_role_that_trusts_another_service_cannot_be_assumed(account, served):
    trust = {
        "Version": "2012-10-17",
        "Statement": {
            "Effect": "Allow",
            "Principal": {"Service": ["lambda.amazonaws.com"]},
            "Action": "sts:AssumeRole",
        },
    }
    role = account.client("iam").create_role(
        RoleName="for-lambda", AssumeRolePolicyDocument=json.dumps(trust)
    )["Role"]["Arn"]

    message = refused(
        account, "create_model", **(model_fields(account) | {"ExecutionRoleArn": role})
    )

    assert message.startswith("Could not assume role")


def test_an_image_that_the_registry_lacks_is_not_found(account, served):
    image = account.image[:-4] + "0000"

    message = refused(account, "create_model", **model_fields(account, Image=image))

    assert message == f"Requested image {image} not found."


def test_an_image_outside_ecr_needs_vpc_access(account, served):
    message = refused(
        account, "create_model", **model_fields(account, Image="docker.io/library/python:3")
    )

    assert message == (
        'Using non-ECR image "docker.io/library/python:3" without Vpc repository access mode is '
        "not supported."
    )


def test_model_data_that_is_not_there_is_not_found(account, served):
    url = "s3://hosting-models/absent/model.tar.gz"

    message = refused(account, "create_model", **model_fields(account, ModelDataUrl=url))

    assert message == f"Could not find model data at {url}."


def test_an_instance_type_that_sagemaker_does_not_have_is_refused(account, served):
    message = refused(
        account,
        "create_endpoint_config",
        EndpointConfigName="another",
        ProductionVariants=[variant(InstanceType="ml.m5.tiny")],
    )

    assert message.startswith(
        "1 validation error detected: Value 'ml.m5.tiny' at "
        "'productionVariants.1.member.instanceType' failed to satisfy constraint: Member must "
        "satisfy enum value set: ["
    )


@pytest.mark.parametrize("instance_type", ["ml.g6.xlarge", "ml.p5.48xlarge", "ml.c7i.large"])
def test_modern_instance_types_are_taken(account, served, name, instance_type):
    account.sagemaker.create_endpoint_config(
        EndpointConfigName=name, ProductionVariants=[variant(InstanceType=instance_type)]
    )

    found = account.sagemaker.describe_endpoint_config(EndpointConfigName=name)
    assert found["ProductionVariants"][0]["InstanceType"] == instance_type


def test_a_volume_key_is_refused_for_an_instance_with_local_storage(account, served):
    message = refused(
        account,
        "create_endpoint_config",
        EndpointConfigName="another",
        KmsKeyId="alias/models",
        ProductionVariants=[variant(InstanceType="ml.g4dn.xlarge")],
    )

    assert "local storage" in message


def test_several_broken_limits_are_named_at_once(account, served):
    message = refused(
        account,
        "create_endpoint_config",
        EndpointConfigName="-wrong-",
        ProductionVariants=[variant(VolumeSizeInGB=513)],
    )

    assert message.startswith("2 validation errors detected: Value '-wrong-' at ")
    assert "'endpointConfigName' failed to satisfy constraint: Member must satisfy regular" in (
        message
    )
    assert (
        "Value '513' at 'productionVariants.1.member.volumeSizeInGB' failed to satisfy "
        "constraint: Member must have value less than or equal to 512"
    ) in message


def test_a_name_over_63_characters_is_refused(account, served):
    message = refused(account, "create_endpoint", EndpointName="e" * 64, EndpointConfigName=served)

    assert "Member must have length less than or equal to 63" in message


def test_an_endpoint_needs_a_configuration_that_exists(account, served):
    message = refused(
        account, "create_endpoint", EndpointName="another", EndpointConfigName="absent"
    )

    assert message == (
        'Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:123456789012:'
        'endpoint-config/absent".'
    )


def test_a_canary_over_half_the_fleet_is_refused(account, served):
    message = refused(
        account,
        "create_endpoint",
        EndpointName="another",
        EndpointConfigName=served,
        DeploymentConfig=CANARY,
    )

    assert message == "Invalid DeploymentConfig: CanarySize is 60 percent; allowed are 1 to 50."


def test_an_endpoint_in_progress_takes_no_other_change(account, name, good):
    account.config(name, ("primary", account.model(name, good), 1.0, 1))
    account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    arn = f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{name}"
    weights = [{"VariantName": "primary", "DesiredWeight": 2.0}]

    messages = {
        refused(account, "update_endpoint", EndpointName=name, EndpointConfigName=name),
        refused(account, "delete_endpoint", EndpointName=name),
        refused(
            account,
            "update_endpoint_weights_and_capacities",
            EndpointName=name,
            DesiredWeightsAndCapacities=weights,
        ),
    }
    again = refused(account, "create_endpoint", EndpointName=name.upper(), EndpointConfigName=name)

    assert messages == {f'Cannot update in-progress endpoint "{arn}".'}
    assert again.startswith("Cannot create already existing endpoint")


def test_an_update_needs_the_present_configuration_too(account, name, good):
    account.endpoint(name, good)
    account.config(f"{name}-b", ("primary", name, 1.0, 1))
    account.sagemaker.delete_endpoint_config(EndpointConfigName=name)

    message = refused(account, "update_endpoint", EndpointName=name, EndpointConfigName=f"{name}-b")

    assert message == (
        'Could not find endpoint configuration "arn:aws:sagemaker:us-east-1:123456789012:'
        f'endpoint-config/{name}".'
    )


def test_the_instance_type_is_fixed_while_a_scalable_target_is_registered(account, name, good):
    account.endpoint(name, good)
    account.client("application-autoscaling").register_scalable_target(
        ServiceNamespace="sagemaker",
        ResourceId=f"endpoint/{name}/variant/primary",
        ScalableDimension="sagemaker:variant:DesiredInstanceCount",
        MinCapacity=1,
        MaxCapacity=2,
    )
    account.sagemaker.create_endpoint_config(
        EndpointConfigName=f"{name}-b",
        ProductionVariants=[variant(ModelName=name, InstanceType="ml.c5.large")],
    )

    message = refused(account, "update_endpoint", EndpointName=name, EndpointConfigName=f"{name}-b")

    assert message.startswith("The instance type of variant primary cannot be changed while")
