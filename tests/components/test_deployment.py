"""What ModelDeployment declares, in which order, and wired to what."""

import json
import re

import pytest

from modelway.deployment import ModelDeployment
from modelway.wiring import PlatformWiring

ENDPOINT = "pulumi-python:dynamic/modelway:Endpoint"
IMAGE = "123456789012.dkr.ecr.us-east-1.amazonaws.com/fraud@sha256:" + "a" * 64
KEY = "arn:aws:kms:us-east-1:123456789012:key/shared"
SHARED = PlatformWiring(
    bucket_name="shared",
    repository_url="123456789012.dkr.ecr.us-east-1.amazonaws.com/shared",
    kms_key_arn=KEY,
    alarm_topic_arn="arn:aws:sns:us-east-1:123456789012:shared",
)


@pytest.fixture
def deploy(declare, spec):
    """Declare the deployment `fraud` on a shared platform and give what was declared."""

    def run(stack="local", args=None, **parts):
        return declare(
            lambda: ModelDeployment("fraud", args, spec=spec(**parts), platform=SHARED), stack
        )

    return run


def test_the_endpoint_is_made_from_the_plan(deploy):
    endpoint = deploy("dev", image=IMAGE).one(ENDPOINT).inputs

    assert endpoint["endpoint_name"] == "fraud-dev"
    assert endpoint["region"] == "us-east-1"
    assert endpoint["models"]["primary"] == {
        "image": IMAGE,
        "model_data_url": f"s3://shared/models/fraud/{'1' * 64}/model.tar.gz",
        "environment": {},
        "execution_role_arn": "arn:aws:iam::123456789012:role/fraud-dev-execution",
        "enable_network_isolation": True,
    }
    assert endpoint["variants"][0]["instance_type"] == "ml.m5.large"
    assert endpoint["variants"][0]["initial_instance_count"] == 1
    assert endpoint["kms_key_arn"] == KEY
    assert endpoint["history_limit"] == 3


def test_the_owner_is_the_stack(deploy):
    assert deploy().one(ENDPOINT).inputs["owner"].endswith("/modelway/local")


def test_everything_that_the_model_needs_comes_before_the_endpoint(deploy):
    program = deploy(objectives={"p99_latency_ms": 50})

    names = program.one(ENDPOINT).depends_on
    before = {re.sub("image-[0-9a-f]{8}$", "image", name) for name in names}
    assert {
        "fraud-artifact",
        "fraud-image",
        "fraud-logs",
        "fraud-local-execution-needs",
        "fraud-p99-latency",
    } <= before


def test_the_log_group_has_sagemakers_name_a_retention_and_a_key(deploy):
    group = deploy(logging={"retention_days": 30}).one("aws:cloudwatch/logGroup:LogGroup").inputs

    assert group["name"] == "/aws/sagemaker/Endpoints/fraud-local"
    assert group["retentionInDays"] == 30
    assert group["kmsKeyId"] == KEY


def test_the_artifact_has_a_content_addressed_key_and_outlives_an_update(deploy):
    artifact = deploy().one("aws:s3/bucketObjectv2:BucketObjectv2")

    assert artifact.inputs["key"] == f"models/fraud/{'1' * 64}/model.tar.gz"
    assert artifact.inputs["serverSideEncryption"] == "aws:kms"
    assert artifact.retain_on_delete is True


def test_an_artifact_in_s3_is_used_where_it_is(deploy):
    model = {"path": "s3://other/fraud.tar.gz", "digest": "sha256:" + "1" * 64}
    program = deploy(model=model)

    assert program.all("aws:s3/bucketObjectv2:BucketObjectv2") == []
    models = program.one(ENDPOINT).inputs["models"]
    assert models["primary"]["model_data_url"] == "s3://other/fraud.tar.gz"
    policy = json.loads(program.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    assert policy["Statement"][0]["Resource"] == ["arn:aws:s3:::other/fraud.tar.gz"]


def test_an_image_by_digest_needs_no_stand_in(deploy):
    program = deploy("dev", image=IMAGE)

    assert program.all("pulumi-python:dynamic/modelway:StandIn") == []


def test_without_an_image_the_emulator_gets_a_stand_in(deploy):
    program = deploy()

    stand_in = program.one("pulumi-python:dynamic/modelway:StandIn").inputs
    assert len(stand_in["content_hash"]) == 64
    image = program.one(ENDPOINT).inputs["models"]["primary"]["image"]
    assert image.startswith(SHARED.repository_url + "@sha256:")


def test_the_execution_role_may_read_exactly_this_model(deploy):
    program = deploy("dev", image=IMAGE)
    policy = json.loads(program.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    by_sid = {statement["Sid"]: statement for statement in policy["Statement"]}

    assert by_sid["ReadArtifact"]["Resource"] == [
        f"arn:aws:s3:::shared/models/fraud/{'1' * 64}/model.tar.gz"
    ]
    assert by_sid["PullImage"]["Resource"] == [
        "arn:aws:ecr:us-east-1:123456789012:repository/fraud"
    ]
    assert by_sid["UseKeys"]["Resource"] == [KEY]


def test_the_role_has_a_boundary_when_asked(deploy):
    boundary = "arn:aws:iam::123456789012:policy/boundary"
    program = deploy(args={"permissions_boundary_arn": boundary})

    assert program.one("aws:iam/role:Role").inputs["permissionsBoundary"] == boundary


def test_an_existing_role_is_taken_as_it_is(deploy):
    role = "arn:aws:iam::123456789012:role/mine"
    program = deploy(args={"role_arn": role})

    assert program.all("aws:iam/role:Role") == []
    assert program.all("aws:iam/rolePolicy:RolePolicy") == []
    models = program.one(ENDPOINT).inputs["models"]
    assert models["primary"]["execution_role_arn"] == role


def test_alarms_are_named_after_the_endpoint_and_tell_the_topic_twice(deploy):
    alarm = deploy(objectives={"p99_latency_ms": 50}).named("fraud-p99-latency").inputs

    assert alarm["name"] == "fraud-local-p99-latency"
    assert alarm["namespace"] == "AWS/SageMaker"
    assert alarm["metricName"] == "ModelLatency"
    assert alarm["extendedStatistic"] == "p99"
    assert alarm["threshold"] == 50_000
    assert alarm["dimensions"] == {"EndpointName": "fraud-local", "VariantName": "primary"}
    assert alarm["alarmActions"] == [SHARED.alarm_topic_arn]
    assert alarm["okActions"] == [SHARED.alarm_topic_arn]


def test_an_error_rate_is_metric_math_with_one_returned_result(deploy):
    alarm = deploy(objectives={"error_rate_percent": 1}).named("fraud-error-rate").inputs

    queries = alarm["metricQueries"]
    assert [query["id"] for query in queries] == ["result", "errors", "requests"]
    assert [query["returnData"] for query in queries] == [True, False, False]
    assert queries[1]["metric"]["metricName"] == "Invocation5XXErrors"
    assert "metricName" not in alarm


def test_a_burn_rate_alarm_is_a_composite_and_only_the_composite_tells_the_topic(deploy):
    program = deploy(objectives={"availability_percent": 99.9})

    composite = program.named("fraud-burn-rate-1h")
    assert composite.type == "aws:cloudwatch/compositeAlarm:CompositeAlarm"
    assert composite.inputs["alarmName"] == "fraud-local-burn-rate-1h"
    assert composite.inputs["alarmRule"] == (
        'ALARM("fraud-local-burn-rate-1h-long") AND ALARM("fraud-local-burn-rate-1h-short")'
    )
    assert composite.inputs["alarmActions"] == [SHARED.alarm_topic_arn]
    assert {"fraud-burn-rate-1h-long", "fraud-burn-rate-1h-short"} <= set(composite.depends_on)
    window = program.named("fraud-burn-rate-1h-long").inputs
    assert window["alarmActions"] == []
    assert window["threshold"] == 1.44
    assert window["metricQueries"][1]["metric"]["period"] == 3600


def test_no_alarm_depends_on_the_endpoint(deploy):
    program = deploy(objectives={"p99_latency_ms": 50})

    alarms = program.all("aws:cloudwatch/metricAlarm:MetricAlarm")
    assert alarms != []
    assert all("fraud-endpoint" not in alarm.depends_on for alarm in alarms)


def test_whoever_is_to_be_notified_has_a_topic_of_their_own(deploy):
    program = deploy(alarms={"notify": ["risk@example.com"]})

    subscription = program.one("aws:sns/topicSubscription:TopicSubscription").inputs
    assert (subscription["protocol"], subscription["endpoint"]) == ("email", "risk@example.com")
    alarm = program.named("fraud-cpu").inputs
    assert alarm["alarmActions"] == [SHARED.alarm_topic_arn, subscription["topic"]]


def test_a_fixed_count_is_not_scaled(deploy):
    program = deploy()

    assert program.all("aws:appautoscaling/target:Target") == []
    assert program.one(ENDPOINT).inputs["autoscaled"] is False


def test_scaling_has_target_policy_and_schedules_after_the_endpoint(deploy):
    program = deploy(
        scaling={
            "min_instances": 2,
            "max_instances": 4,
            "target_invocations_per_instance_per_minute": 600,
            "schedules": [
                {
                    "name": "night",
                    "schedule": "cron(0 22 * * ? *)",
                    "timezone": "Europe/Berlin",
                    "min_instances": 1,
                }
            ],
        }
    )

    target = program.one("aws:appautoscaling/target:Target")
    policy = program.one("aws:appautoscaling/policy:Policy")
    action = program.one("aws:appautoscaling/scheduledAction:ScheduledAction")
    assert target.inputs["resourceId"] == "endpoint/fraud-local/variant/primary"
    assert (target.inputs["minCapacity"], target.inputs["maxCapacity"]) == (2, 4)
    assert "fraud-endpoint" in target.depends_on
    tracking = policy.inputs["targetTrackingScalingPolicyConfiguration"]
    assert tracking["targetValue"] == 600
    assert tracking["predefinedMetricSpecification"] == {
        "predefinedMetricType": "SageMakerVariantInvocationsPerInstance"
    }
    assert action.inputs["scalableTargetAction"] == {"minCapacity": 1}
    assert {"fraud-endpoint", "fraud-scaling"} <= set(policy.depends_on)
    assert program.one(ENDPOINT).inputs["autoscaled"] is True


def test_captured_data_goes_to_the_platforms_bucket(deploy):
    program = deploy(data_capture={"sampling_percent": 20, "capture": ["input"]})

    assert program.one(ENDPOINT).inputs["data_capture"] == {
        "sampling_percent": 20,
        "capture_modes": ["Input"],
        "destination": "s3://shared/data-capture/fraud-local",
        "kms_key_arn": KEY,
    }
    policy = json.loads(program.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    written = [s for s in policy["Statement"] if s["Sid"] == "WriteCapturedData"]
    assert written[0]["Resource"] == ["arn:aws:s3:::shared/data-capture/fraud-local/*"]


def test_a_vpc_is_attached_and_the_role_may_do_it(deploy):
    network = {
        "subnet_ids": ["subnet-0123456789abcdef0"],
        "security_group_ids": ["sg-0123456789abcdef0"],
    }
    program = deploy(network=network)

    model = program.one(ENDPOINT).inputs["models"]["primary"]
    assert model["vpc_config"] == network
    policy = json.loads(program.one("aws:iam/rolePolicy:RolePolicy").inputs["policy"])
    assert "CreateNetworkInterfaces" in [s["Sid"] for s in policy["Statement"]]


def test_the_users_own_key_encrypts_volume_and_artifact(deploy):
    own = "arn:aws:kms:us-east-1:123456789012:key/own"
    program = deploy(encryption={"kms_key_arn": own})

    assert program.one(ENDPOINT).inputs["kms_key_arn"] == own
    assert program.one("aws:s3/bucketObjectv2:BucketObjectv2").inputs["kmsKeyId"] == own


def test_an_instance_with_local_storage_has_no_volume_key(deploy):
    program = deploy(serving={"instance_type": "ml.g5.xlarge"})

    assert "kms_key_arn" not in program.one(ENDPOINT).inputs


def test_the_dashboard_knows_its_region(deploy):
    dashboard = deploy().one("aws:cloudwatch/dashboard:Dashboard").inputs

    body = json.loads(dashboard["dashboardBody"])
    metrics = [widget for widget in body["widgets"] if widget["type"] == "metric"]
    assert dashboard["dashboardName"] == "fraud-local"
    assert {widget["properties"]["region"] for widget in metrics} == {"us-east-1"}


def test_tags_are_on_every_resource_that_takes_them(deploy):
    program = deploy(tags={"team": "risk"}, alarms={"notify": ["risk@example.com"]})

    tagged = {each.type for each in program.resources if "tags" in each.inputs}
    assert tagged == {
        ENDPOINT,
        "aws:cloudwatch/logGroup:LogGroup",
        "aws:cloudwatch/metricAlarm:MetricAlarm",
        "aws:iam/role:Role",
        "aws:sns/topic:Topic",
    }
    assert all(
        each.inputs["tags"]["team"] == "risk" and each.inputs["tags"]["modelway:model"] == "fraud"
        for each in program.resources
        if "tags" in each.inputs
    )


def test_the_providers_default_tags_reach_the_endpoint_too(declare, spec):
    program = declare(
        lambda: ModelDeployment("fraud", spec=spec(), platform=SHARED),
        config={"aws:defaultTags": '{"tags": {"cost-center": "7"}}'},
    )

    assert program.one(ENDPOINT).inputs["tags"]["cost-center"] == "7"


def test_the_log_group_is_protected_in_prod_and_nothing_that_updates_replace(deploy):
    program = deploy("prod", image=IMAGE)

    protected = [each.name for each in program.resources if each.protect]
    assert protected == ["fraud-logs"]
