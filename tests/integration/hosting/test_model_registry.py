"""The model registry as AWS answers for it: groups, versions, approval, what may be deployed."""

import json

import pytest

pytestmark = pytest.mark.integration

ARN = "arn:aws:sagemaker:us-east-1:123456789012"
POLICY = json.dumps(
    {"Version": "2012-10-17", "Statement": [{"Effect": "Deny", "Principal": "*", "Action": "*"}]}
)


@pytest.fixture
def group(account, name):
    account.sagemaker.create_model_package_group(
        ModelPackageGroupName=name,
        ModelPackageGroupDescription="fraud",
        Tags=[{"Key": "team", "Value": "risk"}],
    )
    return name


@pytest.fixture
def register(account, group, good):
    """Register a version of the group and give its ARN."""
    account.client("s3").put_object(Bucket="hosting-models", Key=f"{group}/model.tar.gz", Body=good)

    def make(**fields):
        container = {
            "Image": account.image,
            "ModelDataUrl": f"s3://hosting-models/{group}/model.tar.gz",
        }
        given = {
            "ModelPackageGroupName": group,
            "InferenceSpecification": {"Containers": [container]},
        }
        return account.sagemaker.create_model_package(**given | fields)["ModelPackageArn"]

    return make


def refused(account, match):
    return pytest.raises(account.sagemaker.exceptions.ClientError, match=match)


def test_a_group_is_described_listed_and_tagged(account, group):
    found = account.sagemaker.describe_model_package_group(ModelPackageGroupName=group)
    listed = account.sagemaker.list_model_package_groups(NameContains=group)

    assert found["ModelPackageGroupArn"] == f"{ARN}:model-package-group/{group}"
    assert found["ModelPackageGroupDescription"] == "fraud"
    assert found["ModelPackageGroupStatus"] == "Completed"
    (summary,) = listed["ModelPackageGroupSummaryList"]
    assert summary["ModelPackageGroupName"] == group
    tags = account.sagemaker.list_tags(ResourceArn=found["ModelPackageGroupArn"])["Tags"]
    assert tags == [{"Key": "team", "Value": "risk"}]


def test_a_group_is_not_created_twice(account, group):
    with refused(account, "ValidationException") as refusal:
        account.sagemaker.create_model_package_group(ModelPackageGroupName=group)

    assert f"already exists: {ARN}:model-package-group/{group}" in str(refusal.value)


def test_a_group_with_versions_is_not_deleted_and_an_empty_one_is(account, group, register):
    arn = register()

    with refused(account, "ConflictException") as refusal:
        account.sagemaker.delete_model_package_group(ModelPackageGroupName=group)
    assert "still contains Model Packages" in str(refusal.value)
    account.sagemaker.delete_model_package(ModelPackageName=arn)
    account.sagemaker.delete_model_package_group(ModelPackageGroupName=group)

    listed = account.sagemaker.list_model_package_groups(NameContains=group)
    assert listed["ModelPackageGroupSummaryList"] == []


def test_a_groups_policy_is_put_got_and_deleted(account, group):
    with refused(account, "Cannot find resource policy"):
        account.sagemaker.get_model_package_group_policy(ModelPackageGroupName=group)

    account.sagemaker.put_model_package_group_policy(
        ModelPackageGroupName=group, ResourcePolicy=POLICY
    )
    found = account.sagemaker.get_model_package_group_policy(ModelPackageGroupName=group)
    account.sagemaker.delete_model_package_group_policy(ModelPackageGroupName=group)

    assert found["ResourcePolicy"] == POLICY
    with refused(account, "Cannot find resource policy"):
        account.sagemaker.get_model_package_group_policy(ModelPackageGroupName=group)
    with refused(account, "Cannot find Model Package Group"):
        account.sagemaker.put_model_package_group_policy(
            ModelPackageGroupName="nobody", ResourcePolicy=POLICY
        )


def test_what_a_version_was_given_comes_back_whole(account, group, register):
    fields = {
        "ModelPackageDescription": "a version",
        "ModelMetrics": {
            "ModelQuality": {
                "Statistics": {"ContentType": "application/json", "S3Uri": "s3://hosting-models/m"}
            }
        },
        "CustomerMetadataProperties": {"modelway:package": "sha256:" + "a" * 64},
        "ModelCard": {"ModelCardContent": "{}", "ModelCardStatus": "Draft"},
        "MetadataProperties": {"GeneratedBy": "job-7"},
        "SkipModelValidation": "None",
    }

    arn = register(**fields)
    found = account.sagemaker.describe_model_package(ModelPackageName=arn)

    assert arn == f"{ARN}:model-package/{group}/1"
    assert {field: found[field] for field in fields} == fields
    assert (found["ModelPackageGroupName"], found["ModelPackageVersion"]) == (group, 1)
    assert found["ModelPackageStatus"] == "Completed"
    assert found["ModelApprovalStatus"] == "PendingManualApproval"
    (container,) = found["InferenceSpecification"]["Containers"]
    assert container["ImageDigest"] == account.image.partition("@")[2]


def test_a_number_is_never_given_again_and_a_client_token_makes_one_version(
    account, group, register
):
    first, second = register(), register()
    account.sagemaker.delete_model_package(ModelPackageName=second)
    third = register(ClientToken="once")

    assert register(ClientToken="once") == third
    assert [each.rpartition("/")[2] for each in (first, second, third)] == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"ModelPackageName": "one"}, "Cannot determine which one to use"),
        ({"ModelPackageGroupName": "nobody"}, "does not exist"),
        ({"Tags": [{"Key": "a", "Value": "b"}]}, "those of its group"),
        ({"ModelApprovalStatus": "Maybe"}, "enum value set"),
        ({"InferenceSpecification": {"Containers": [{"Environment": {}}]}}, "needs an Image"),
    ],
)
def test_a_version_that_aws_would_not_take_is_refused(account, register, fields, said):
    with refused(account, "ValidationException") as refusal:
        register(**fields)

    assert said in str(refusal.value)


def test_image_and_model_data_must_be_there_unless_validation_is_skipped(account, register):
    container = {"Image": account.image, "ModelDataUrl": "s3://hosting-models/none/model.tar.gz"}
    missing = {"InferenceSpecification": {"Containers": [container]}}

    with refused(account, "Could not find model data at s3://hosting-models/none/model.tar.gz"):
        register(**missing)
    assert register(**missing, SkipModelValidation="All").endswith("/1")


def test_versions_are_listed_by_approval_in_pages_newest_first(account, group, register):
    arns = [register() for _ in range(3)]
    account.sagemaker.update_model_package(
        ModelPackageArn=arns[1], ModelApprovalStatus="Approved", ApprovalDescription="good"
    )
    wanted = {"ModelPackageGroupName": group, "SortOrder": "Descending", "MaxResults": 2}

    first = account.sagemaker.list_model_packages(**wanted)
    rest = account.sagemaker.list_model_packages(**wanted, NextToken=first["NextToken"])
    approved = account.sagemaker.list_model_packages(
        ModelPackageGroupName=group, ModelApprovalStatus="Approved"
    )

    pages = (first, rest, approved)
    assert [
        [each["ModelPackageVersion"] for each in page["ModelPackageSummaryList"]] for page in pages
    ] == [[3, 2], [1], [2]]
    assert "NextToken" not in rest


def test_an_update_changes_approval_and_metadata_and_nothing_else(account, register):
    arn = register(CustomerMetadataProperties={"a": "1", "b": "2"}, ModelPackageDescription="old")

    account.sagemaker.update_model_package(
        ModelPackageArn=arn,
        ModelApprovalStatus="Rejected",
        ApprovalDescription="wrong for empty fields",
        CustomerMetadataProperties={"c": "3"},
        CustomerMetadataPropertiesToRemove=["a"],
    )
    found = account.sagemaker.describe_model_package(ModelPackageName=arn)

    assert found["ModelApprovalStatus"] == "Rejected"
    assert found["ApprovalDescription"] == "wrong for empty fields"
    assert found["CustomerMetadataProperties"] == {"b": "2", "c": "3"}
    assert found["ModelPackageDescription"] == "old"
    assert found["LastModifiedTime"] >= found["CreationTime"]


def test_only_an_approved_version_makes_a_model_and_it_serves(
    account, name, register, rows, reference
):
    arn = register()
    fields = {
        "ModelName": name,
        "ExecutionRoleArn": account.role,
        "PrimaryContainer": {"ModelPackageName": arn},
    }

    with refused(account, "ValidationException.*PendingManualApproval, and it must be Approved"):
        account.sagemaker.create_model(**fields)
    account.sagemaker.update_model_package(ModelPackageArn=arn, ModelApprovalStatus="Approved")
    account.sagemaker.create_model(**fields)
    account.config(name, ("primary", name, 1.0, 1))
    account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    account.settled(name)

    model = account.sagemaker.describe_model(ModelName=name)
    assert model["PrimaryContainer"] == {"ModelPackageName": arn}
    assert account.predict(name, rows).tobytes() == reference(rows).tobytes()
