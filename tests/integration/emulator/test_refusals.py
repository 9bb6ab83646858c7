"""Operations and services that nobody implements answer 501 with their names, in every protocol."""

import pytest
from botocore.exceptions import ClientError

pytestmark = pytest.mark.integration

ROLE = "arn:aws:iam::123456789012:role/one"


@pytest.mark.parametrize(
    ("service", "operation", "arguments", "name"),
    [
        (
            "sagemaker",
            "create_inference_recommendations_job",
            {"JobName": "j", "JobType": "Default", "RoleArn": ROLE, "InputConfig": {}},
            "sagemaker CreateInferenceRecommendationsJob",
        ),
        (
            "iam",
            "simulate_principal_policy",
            {"PolicySourceArn": ROLE, "ActionNames": ["s3:GetObject"]},
            "iam SimulatePrincipalPolicy",
        ),
        ("ec2", "describe_verified_access_groups", {}, "ec2 DescribeVerifiedAccessGroups"),
        ("eks", "list_addons", {"clusterName": "one"}, "eks ListAddons"),
        (
            "s3",
            "delete_bucket_metrics_configuration",
            {"Bucket": "models", "Id": "one"},
            "s3 DeleteBucketMetricsConfiguration",
        ),
        (
            "sagemaker-runtime",
            "invoke_endpoint_async",
            {"EndpointName": "one", "InputLocation": "s3://b/k"},
            "sagemaker-runtime InvokeEndpointAsync",
        ),
        ("service-quotas", "list_services", {}, "service-quotas ListServices"),
    ],
)
def test_it_answers_501_with_the_name(client, service, operation, arguments, name):
    with pytest.raises(ClientError) as caught:
        getattr(client(service), operation)(**arguments)

    error = caught.value.response
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 501
    assert "NotImplemented" in error["Error"]["Code"]
    assert name in error["Error"]["Message"] or service in error["Error"]["Message"]


def test_a_client_does_not_try_again(emulator, client):
    eks = client("eks")
    with pytest.raises(ClientError) as caught:
        eks.list_addons(clusterName="one")

    assert caught.value.response["ResponseMetadata"]["RetryAttempts"] == 0


def test_a_bucket_outlives_an_operation_that_moto_takes_for_its_deletion(client):
    s3 = client("s3")
    s3.create_bucket(Bucket="kept")

    with pytest.raises(ClientError, match="NotImplemented"):
        s3.delete_bucket_metrics_configuration(Bucket="kept", Id="one")

    assert s3.head_bucket(Bucket="kept")["ResponseMetadata"]["HTTPStatusCode"] == 200


def test_an_endpoint_nobody_made_is_a_validation_error(client):
    with pytest.raises(ClientError) as caught:
        client("sagemaker-runtime").invoke_endpoint(EndpointName="absent", Body=b"1")

    assert caught.value.response["Error"]["Code"] in {"ValidationError", "ValidationException"}
    assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400
