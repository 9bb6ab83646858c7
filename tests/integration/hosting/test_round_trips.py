"""What is given on create comes back on describe, whole."""

import pytest

pytestmark = pytest.mark.integration

NETWORK = {"SecurityGroupIds": ["sg-0a1b2c3d"], "Subnets": ["subnet-0a1b2c3d"]}


def test_a_models_network_and_execution_fields_survive(account, name):
    containers = [
        {"Image": account.image, "ContainerHostname": host, "Environment": {"A": "1"}}
        for host in ("first", "second")
    ]

    account.sagemaker.create_model(
        ModelName=name,
        ExecutionRoleArn=account.role,
        Containers=containers,
        InferenceExecutionConfig={"Mode": "Direct"},
        VpcConfig=NETWORK,
        EnableNetworkIsolation=True,
        Tags=[{"Key": "team", "Value": "fraud"}],
    )
    found = account.sagemaker.describe_model(ModelName=name)

    assert found["EnableNetworkIsolation"] is True
    assert found["VpcConfig"] == NETWORK
    assert found["InferenceExecutionConfig"] == {"Mode": "Direct"}
    assert found["Containers"] == containers
    assert found["ModelArn"] == f"arn:aws:sagemaker:us-east-1:123456789012:model/{name}"
    assert "Tags" not in found


def test_a_configurations_shadow_explainer_and_network_fields_survive(account, name, good):
    account.model(name, good)
    variant = {
        "ModelName": name,
        "InstanceType": "ml.m5.large",
        "InitialInstanceCount": 1,
        "InitialVariantWeight": 1.0,
        "ContainerStartupHealthCheckTimeoutInSeconds": 120,
    }
    fields = {
        "ProductionVariants": [variant | {"VariantName": "primary"}],
        "ShadowProductionVariants": [variant | {"VariantName": "shadow"}],
        "ExplainerConfig": {
            "ClarifyExplainerConfig": {
                "ShapConfig": {"ShapBaselineConfig": {"ShapBaseline": "1,2,3"}}
            }
        },
        "DataCaptureConfig": {
            "EnableCapture": True,
            "InitialSamplingPercentage": 20,
            "DestinationS3Uri": "s3://hosting-models/captured",
            "CaptureOptions": [{"CaptureMode": "Input"}],
        },
        "ExecutionRoleArn": account.role,
        "VpcConfig": NETWORK,
        "EnableNetworkIsolation": True,
        "KmsKeyId": "alias/models",
    }

    account.sagemaker.create_endpoint_config(EndpointConfigName=name, **fields)
    found = account.sagemaker.describe_endpoint_config(EndpointConfigName=name)

    assert {field: found[field] for field in fields} == fields


def test_tags_are_added_replaced_and_removed(account, name, good):
    account.model(name, good)
    arn = account.sagemaker.describe_model(ModelName=name)["ModelArn"]

    account.sagemaker.add_tags(
        ResourceArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "1"}]
    )
    account.sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "a", "Value": "2"}])
    account.sagemaker.delete_tags(ResourceArn=arn, TagKeys=["b"])

    assert account.sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "a", "Value": "2"}]


def test_models_are_listed_by_part_of_their_names_newest_first(account, name, good):
    for suffix in ("one", "two", "three"):
        account.model(f"{name}-{suffix}", good)

    first = account.sagemaker.list_models(NameContains=name, MaxResults=2)
    second = account.sagemaker.list_models(
        NameContains=name, MaxResults=2, NextToken=first["NextToken"]
    )

    listed = [model["ModelName"] for model in (*first["Models"], *second["Models"])]
    assert listed == [f"{name}-three", f"{name}-two", f"{name}-one"]
    assert "NextToken" not in second


def test_a_deleted_model_and_configuration_are_gone_while_the_endpoint_goes_on(
    account, name, good, rows, reference
):
    account.endpoint(name, good)

    account.sagemaker.delete_model(ModelName=name)
    account.sagemaker.delete_endpoint_config(EndpointConfigName=name)

    with pytest.raises(account.sagemaker.exceptions.ClientError, match="Could not find model"):
        account.sagemaker.describe_model(ModelName=name)
    assert account.predict(name, rows).tobytes() == reference(rows).tobytes()
