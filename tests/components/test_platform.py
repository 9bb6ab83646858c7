"""What ModelPlatform declares."""

import json

import pulumi
import pytest

from modelway.platform import ModelPlatform


@pytest.fixture
def platform(declare):
    return declare(lambda: ModelPlatform("models"), stack="dev")


def test_everything_is_a_child_of_the_platform(platform):
    children = [each for each in platform.resources if each.name != "models"]

    assert {each.parent for each in children} == {"models"}
    assert platform.named("models").type == "modelway:index:ModelPlatform"


def test_the_key_rotates(platform):
    assert platform.one("aws:kms/key:Key").inputs["enableKeyRotation"] is True


def test_the_key_policy_names_the_account_and_no_anonymous_principal(platform):
    policy = json.loads(platform.one("aws:kms/key:Key").inputs["policy"])

    assert policy["Statement"][0]["Principal"] == {"AWS": "arn:aws:iam::123456789012:root"}
    assert all(statement["Principal"] != "*" for statement in policy["Statement"])


def test_the_bucket_is_versioned_encrypted_private_and_owned(platform):
    versioning = platform.one("aws:s3/bucketVersioning:BucketVersioning").inputs
    encryption = platform.one(
        "aws:s3/bucketServerSideEncryptionConfiguration:BucketServerSideEncryptionConfiguration"
    ).inputs
    block = platform.one("aws:s3/bucketPublicAccessBlock:BucketPublicAccessBlock").inputs
    owner = platform.one("aws:s3/bucketOwnershipControls:BucketOwnershipControls").inputs

    assert versioning["versioningConfiguration"] == {"status": "Enabled"}
    assert encryption["rules"][0]["applyServerSideEncryptionByDefault"] == {
        "kmsMasterKeyId": "arn:aws:kms:us-east-1:123456789012:key/0-0-0",
        "sseAlgorithm": "aws:kms",
    }
    assert [value for value in block.values() if isinstance(value, bool)] == [True] * 4
    assert owner["rule"] == {"objectOwnership": "BucketOwnerEnforced"}


def test_the_bucket_refuses_requests_without_tls(platform):
    inputs = platform.one("aws:s3/bucketPolicy:BucketPolicy").inputs
    (statement,) = json.loads(inputs["policy"])["Statement"]

    assert statement["Effect"] == "Deny"
    assert statement["Resource"] == [
        "arn:aws:s3:::models-artifacts",
        "arn:aws:s3:::models-artifacts/*",
    ]
    assert statement["Condition"] == {"Bool": {"aws:SecureTransport": "false"}}


def test_the_bucket_clears_away_old_versions_and_broken_uploads(platform):
    rules = platform.one("aws:s3/bucketLifecycleConfiguration:BucketLifecycleConfiguration").inputs[
        "rules"
    ]

    assert rules[0]["noncurrentVersionExpiration"] == {"noncurrentDays": 90}
    assert rules[0]["abortIncompleteMultipartUpload"] == {"daysAfterInitiation": 7}


def test_image_tags_are_immutable_scanned_and_encrypted(platform):
    inputs = platform.one("aws:ecr/repository:Repository").inputs

    assert inputs["imageTagMutability"] == "IMMUTABLE"
    assert inputs["imageScanningConfiguration"] == {"scanOnPush": True}
    assert inputs["encryptionConfigurations"][0]["encryptionType"] == "KMS"


def test_only_untagged_images_expire(platform):
    policy = json.loads(platform.one("aws:ecr/lifecyclePolicy:LifecyclePolicy").inputs["policy"])

    assert [rule["selection"]["tagStatus"] for rule in policy["rules"]] == ["untagged"]


def test_the_topic_is_encrypted_and_takes_only_this_accounts_alarms(platform):
    topic = platform.one("aws:sns/topic:Topic").inputs
    policy = json.loads(platform.one("aws:sns/topicPolicy:TopicPolicy").inputs["policy"])

    assert topic["kmsMasterKeyId"] == "arn:aws:kms:us-east-1:123456789012:key/0-0-0"
    assert policy["Statement"][0]["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
    assert policy["Statement"][0]["Condition"] == {
        "StringEquals": {"aws:SourceAccount": "123456789012"}
    }


def test_no_physical_name_is_fixed(platform):
    fixed = [
        each.name
        for each in platform.resources
        if {"bucket", "name"} & each.inputs.keys() and each.type in STATEFUL
    ]

    assert fixed == []


STATEFUL = {
    "aws:s3/bucket:Bucket",
    "aws:ecr/repository:Repository",
    "aws:kms/key:Key",
    "aws:sns/topic:Topic",
}


@pytest.mark.parametrize(("stack", "protected"), [("prod", True), ("dev", False)])
def test_stateful_resources_are_protected_in_prod_only(declare, stack, protected):
    program = declare(lambda: ModelPlatform("models"), stack=stack)

    stateful = [each for each in program.resources if each.type in STATEFUL]
    assert [each.protect for each in stateful] == [protected] * 4
    assert program.one("aws:s3/bucket:Bucket").inputs["forceDestroy"] is not protected
    assert program.one("aws:ecr/repository:Repository").inputs["forceDelete"] is not protected


def test_a_switch_overrides_the_stacks_name(declare):
    program = declare(lambda: ModelPlatform("models", {"protect": False}), stack="prod")

    assert program.one("aws:s3/bucket:Bucket").protect is False


def test_subscribers_are_told_by_mail_or_https(declare):
    addresses = ["ops@example.com", "https://example.com/hook"]
    program = declare(lambda: ModelPlatform("models", {"notify": addresses}))

    found = program.all("aws:sns/topicSubscription:TopicSubscription")
    # Independent resources are registered in no particular order.
    assert {(each.inputs["protocol"], each.inputs["endpoint"]) for each in found} == {
        ("email", "ops@example.com"),
        ("https", "https://example.com/hook"),
    }


def test_tags_are_on_every_resource_that_takes_them(declare):
    program = declare(lambda: ModelPlatform("models", {"tags": {"team": "risk"}}))

    tagged = {each.type for each in program.resources if each.inputs.get("tags")}
    assert tagged == STATEFUL
    assert program.one("aws:kms/key:Key").inputs["tags"] == {
        "modelway:platform": "models",
        "team": "risk",
    }


def test_a_platform_of_another_stack_is_named_by_its_outputs(declare, monkeypatch):
    outputs = {
        "bucket_name": "b",
        "repository_url": "r",
        "kms_key_arn": "arn:aws:kms:eu-west-1:210987654321:key/1",
        "alarm_topic_arn": "t",
    }
    monkeypatch.setattr(
        pulumi.StackReference,
        "require_output",
        lambda _self, key: pulumi.Output.from_input(outputs[key]),
    )
    seen = []

    def build():
        wiring = ModelPlatform.from_stack("organization/modelway/shared")
        return wiring.scope.apply(lambda scope: seen.append((scope.region, scope.account)))

    declare(build)

    assert seen == [("eu-west-1", "210987654321")]


def test_without_groups_none_is_declared(platform):
    assert not [each for each in platform.resources if "modelPackageGroup" in each.type]


def test_a_group_says_where_archives_go_and_lets_only_its_approvers_decide(declare):
    lead = "arn:aws:iam::123456789012:role/ml-lead"
    args = {"model_package_groups": ["fraud"], "approvers": [lead]}
    declared = declare(lambda: ModelPlatform("models", args), stack="dev")

    group = declared.one("aws:sagemaker/modelPackageGroup:ModelPackageGroup").inputs
    policy = declared.one("aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy").inputs
    assert group["modelPackageGroupName"] == policy["modelPackageGroupName"] == "fraud"
    assert group["tags"] == {
        "modelway:bucket": "models-artifacts",
        "modelway:platform": "models",
    }
    statements = json.loads(policy["resourcePolicy"])["Statement"]
    assert [each["Condition"]["ArnNotLike"] for each in statements] == [
        {"aws:PrincipalArn": [lead]}
    ] * 2


def test_a_group_without_approvers_has_no_policy(declare):
    args = {"model_package_groups": ["fraud"]}
    declared = declare(lambda: ModelPlatform("models", args), stack="dev")

    types = {each.type for each in declared.resources}
    assert "aws:sagemaker/modelPackageGroup:ModelPackageGroup" in types
    assert "aws:sagemaker/modelPackageGroupPolicy:ModelPackageGroupPolicy" not in types
