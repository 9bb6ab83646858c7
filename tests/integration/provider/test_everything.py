"""One resource of every type that the provider covers, through its whole life."""

import json
from pathlib import Path

import pytest

from modelway.emulator.environment import backend_folder
from modelway.emulator.provider.table import entries
from modelway.testing import PulumiStack

pytestmark = pytest.mark.integration

SECRET = "s3cr3t-owner-of-the-logs"


@pytest.fixture
def stack(emulator, image, tmp_path):
    stack = PulumiStack(Path(__file__).parent / "everything", emulator, tmp_path, stack="dev")
    (stack.directory / "payload.bin").write_bytes(bytes(range(256)) * 1024)
    stack.select()
    stack.run("config", "set", "image", image)
    stack.run("config", "set", "--path", "aws:defaultTags.tags.project", "everything")
    stack.run("config", "set", "--secret", "owner", SECRET)
    return stack


def test_a_stack_of_every_type_comes_up_settles_shows_hand_edits_and_goes(stack, client, image):
    planned = stack.changes()
    stack.up()

    resources = [each for each in stack.resources() if each["type"].startswith("aws:")]
    assert planned == {"create": len(resources) + 1}
    assert {each["type"] for each in resources} == entries().keys()
    assert stack.changes() == {"same": len(resources) + 1}
    outputs = stack.outputs()
    the_tags_of_the_provider_are_on_every_resource(outputs, client)
    the_secret_is_nowhere_in_clear(stack)
    the_content_of_the_assets_has_arrived(outputs, client)

    untouched = stack.run("refresh", "--yes", "--diff").stdout
    assert f"{len(resources) + 1} unchanged" in untouched
    assert stack.changes() == {"same": len(resources) + 1}

    edit_by_hand(outputs, client)
    edited = stack.run("refresh", "--yes", "--diff").stdout
    assert "threshold: 5 => 9" in edited
    assert "retentionInDays: 30 => 7" in edited
    assert '~ team : "risk" => "fraud"' in edited
    assert '+ extra: "x"' in edited
    assert "aws:s3/bucketPolicy:BucketPolicy: (delete)" in edited
    assert "aws:iam/rolePolicy:RolePolicy: (delete)" in edited
    assert stack.changes() == {"create": 2, "same": len(resources) - 4, "update": 3}

    stack.up()
    alarms = client("cloudwatch").describe_alarms(AlarmNames=[outputs["alarm"]])
    assert alarms["MetricAlarms"][0]["Threshold"] == 5.0
    assert stack.changes() == {"same": len(resources) + 1}

    stack.destroy()
    nothing_is_left(client)


def the_tags_of_the_provider_are_on_every_resource(outputs, client):
    topic = client("sns").list_tags_for_resource(ResourceArn=outputs["topic"])["Tags"]
    bucket = client("s3").get_bucket_tagging(Bucket=outputs["bucket"])["TagSet"]
    role = client("iam").list_role_tags(RoleName=outputs["role"])["Tags"]
    assert topic == role == [{"Key": "project", "Value": "everything"}]
    assert {tag["Key"]: tag["Value"] for tag in bucket} == {
        "project": "everything",
        "team": "risk",
    }


def the_secret_is_nowhere_in_clear(stack):
    exported = stack.run("stack", "export").stdout
    assert SECRET not in exported
    files = [each for each in backend_folder(stack.emulator.state_dir).rglob("*") if each.is_file()]
    assert files
    assert not [each for each in files if SECRET.encode() in each.read_bytes()]
    clear = json.loads(stack.run("stack", "export", "--show-secrets").stdout)
    assert SECRET in json.dumps(clear)


def the_content_of_the_assets_has_arrived(outputs, client):
    s3 = client("s3")
    text = s3.get_object(Bucket=outputs["bucket"], Key="notes/hello.txt")
    model = s3.get_object(Bucket=outputs["bucket"], Key="model.tar.gz")
    assert text["Body"].read() == b"hello"
    assert text["ContentType"] == "text/plain"
    assert model["Body"].read() == bytes(range(256)) * 1024


def edit_by_hand(outputs, client):
    cloudwatch, iam = client("cloudwatch"), client("iam")
    alarm = cloudwatch.describe_alarms(AlarmNames=[outputs["alarm"]])["MetricAlarms"][0]
    kept = (
        *("AlarmName", "ComparisonOperator", "EvaluationPeriods", "DatapointsToAlarm"),
        *("TreatMissingData", "AlarmActions", "OKActions", "Metrics"),
    )
    cloudwatch.put_metric_alarm(**{name: alarm[name] for name in kept}, Threshold=9.0)
    client("logs").put_retention_policy(logGroupName=outputs["log_group"], retentionInDays=7)
    tags = {"team": "fraud", "extra": "x", "project": "everything"}
    client("s3").put_bucket_tagging(
        Bucket=outputs["bucket"],
        Tagging={"TagSet": [{"Key": key, "Value": value} for key, value in tags.items()]},
    )
    client("s3").delete_bucket_policy(Bucket=outputs["bucket"])
    for name in iam.list_role_policies(RoleName=outputs["role"])["PolicyNames"]:
        iam.delete_role_policy(RoleName=outputs["role"], PolicyName=name)


def nothing_is_left(client):
    sagemaker, scaling = client("sagemaker"), client("application-autoscaling")
    cloudwatch, iam, kms = client("cloudwatch"), client("iam"), client("kms")
    alarms = cloudwatch.describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    aliases = [each["AliasName"] for each in kms.list_aliases()["Aliases"]]
    keys = [kms.describe_key(KeyId=each["KeyId"]) for each in kms.list_keys()["Keys"]]
    assert client("s3").list_buckets()["Buckets"] == []
    assert [each["repositoryName"] for each in repositories(client)] == ["serving"]
    assert [name for name in aliases if not name.startswith("alias/aws/")] == []
    assert {key["KeyMetadata"]["KeyState"] for key in keys} <= {"PendingDeletion"}
    assert client("sns").list_topics()["Topics"] == []
    assert iam.list_roles()["Roles"] == []
    assert iam.list_policies(Scope="Local")["Policies"] == []
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"] == []
    assert scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"] == []
    assert alarms["MetricAlarms"] == alarms["CompositeAlarms"] == []
    assert cloudwatch.list_dashboards()["DashboardEntries"] == []
    assert client("logs").describe_log_groups()["logGroups"] == []
    assert sagemaker.list_models()["Models"] == []
    assert sagemaker.list_endpoint_configs()["EndpointConfigs"] == []
    assert sagemaker.list_endpoints()["Endpoints"] == []


def repositories(client):
    return client("ecr").describe_repositories()["repositories"]
