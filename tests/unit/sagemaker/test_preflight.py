"""What is looked at before a deployment changes anything."""

import pytest

from modelway.errors import DeploymentError

MUTATING = (
    "create_model",
    "create_endpoint_config",
    "create_endpoint",
    "update_endpoint",
    "put_metric_alarm",
)


@pytest.fixture
def guards(services):
    """Two guard alarms that exist and are quiet."""
    services["cloudwatch"].alarms = {"fraud-dev-p99-latency": {}, "fraud-dev-error-rate": {}}
    return ["fraud-dev-p99-latency", "fraud-dev-error-rate"]


def test_a_firing_alarm_refuses_the_rollout_before_any_change(
    aws, services, deployment, inputs, guards
):
    first = deployment.create(inputs("a", guard_alarms=guards))
    services["cloudwatch"].states = {"fraud-dev-error-rate": "ALARM"}
    aws.calls.clear()

    with pytest.raises(DeploymentError) as failure:
        deployment.update(inputs("b", guard_alarms=guards), first)

    assert aws.called(*MUTATING) == []
    text = str(failure.value)
    assert "not started, and nothing was changed" in text
    assert "the alarm fraud-dev-error-rate is firing (Threshold Crossed:" in text
    assert "set `rollout.repair: true`" in text
    assert "fraud-dev-p99-latency" not in text


def test_a_change_that_repairs_may_start_while_an_alarm_fires(
    aws, services, deployment, inputs, guards
):
    first = deployment.create(inputs("a", guard_alarms=guards))
    services["cloudwatch"].states = {"fraud-dev-error-rate": "ALARM"}

    second = deployment.update(inputs("b", guard_alarms=guards, repair=True), first)

    assert aws.endpoint["EndpointConfigName"] == second["endpoint_config_name"]


def test_a_guard_alarm_that_somebody_deleted_refuses_the_rollout(
    aws, services, deployment, inputs, guards
):
    first = deployment.create(inputs("a", guard_alarms=guards))
    del services["cloudwatch"].alarms["fraud-dev-p99-latency"]
    aws.calls.clear()

    with pytest.raises(DeploymentError, match="the alarm fraud-dev-p99-latency does not exist"):
        deployment.update(inputs("b", guard_alarms=guards), first)

    assert aws.called(*MUTATING) == []


def test_alarms_that_cannot_be_read_refuse_the_rollout(
    services, deployment, inputs, guards, refuse
):
    first = deployment.create(inputs("a", guard_alarms=guards))
    services["cloudwatch"].answers["describe_alarms"] = refuse("not authorized", "AccessDenied")

    with pytest.raises(DeploymentError, match="the alarms cannot be read: AccessDenied: not auth"):
        deployment.update(inputs("b", guard_alarms=guards), first)


def test_alarms_are_not_asked_for_when_nothing_is_rolled_out(aws, deployment, inputs, guards):
    first = deployment.create(inputs("a", guard_alarms=guards))
    aws.calls.clear()

    deployment.update(inputs("a", guard_alarms=guards, tags={"team": "fraud"}), first)

    assert [call for call in aws.called("describe_alarms") if "AlarmNames" in call] == []
    assert aws.called("head_object") == []


def test_everything_that_is_missing_is_named_at_once(aws, services, deployment, inputs, refuse):
    services["ecr"].answers["describe_images"] = refuse("no such image", "ImageNotFoundException")
    services["s3"].answers["head_object"] = refuse("Not Found", "404")
    services["iam"].answers["get_role"] = refuse("no role", "NoSuchEntity")

    with pytest.raises(DeploymentError) as failure:
        deployment.create(inputs("a"))

    assert aws.called(*MUTATING) == []
    lines = str(failure.value).splitlines()
    image = f"123456789012.dkr.ecr.us-east-1.amazonaws.com/m@sha256:{'a' * 64}"
    assert lines[1] == (
        f"  - the image {image} does not exist; push it, or name another by its digest"
    )
    assert lines[2].startswith("  - the model artifact s3://artifacts/models/fraud/00/model.tar.gz")
    assert lines[3].startswith("  - the execution role fraud does not exist")
    assert len(lines) == 4


def test_what_the_deployer_may_not_look_at_is_left_to_sagemaker(
    aws, services, deployment, inputs, refuse
):
    services["ecr"].answers["describe_images"] = refuse("denied", "AccessDeniedException")
    services["s3"].answers["head_object"] = refuse("Forbidden", "403")
    services["iam"].answers["get_role"] = refuse("denied", "AccessDenied")

    outputs = deployment.create(inputs("a"))

    assert outputs["endpoint_status"] == "InService"


def test_an_image_of_another_account_is_left_to_sagemaker(aws, deployment, inputs):
    wanted = inputs("a")
    model = wanted["models"]["primary"]
    model["image"] = model["image"].replace("123456789012", "999999999999")

    deployment.create(wanted)

    assert aws.called("describe_images") == []
    assert aws.called("head_object") == [
        {"Bucket": "artifacts", "Key": "models/fraud/00/model.tar.gz"}
    ]
    assert aws.called("get_role") == [{"RoleName": "fraud"}]
