"""The whole plan of one model in one environment."""

from pathlib import Path

import pytest

from modelway.errors import SpecError
from modelway.plan import Artifact, Names, plan_deployment
from modelway.spec import parse_spec

DIGITS = "c" * 64


def test_the_names_follow_from_model_and_environment(make_plan):
    assert make_plan().names == Names(
        endpoint="fraud-prod",
        role="fraud-prod-execution",
        log_group="/aws/sagemaker/Endpoints/fraud-prod",
        dashboard="fraud-prod",
    )


def test_the_longest_names_fit(make_plan):
    names = make_plan({"name": "a" * 45}).names

    assert len(names.endpoint) == 50
    assert len(names.role) <= 64


def test_the_artifact_lies_under_a_key_of_its_content(make_plan):
    container = make_plan().container

    assert container.artifact_key == f"models/fraud/{DIGITS}/model.tar.gz"
    assert container.image == "repository.example/server@sha256:" + "a" * 64
    assert container.artifact.path == Path("/models/fraud.onnx")


def test_an_artifact_in_s3_has_no_key_of_ours(make_plan):
    model = {"path": "s3://bucket/fraud.tar.gz", "digest": f"sha256:{DIGITS}"}

    container = make_plan({"model": model}, uri="s3://bucket/fraud.tar.gz").container

    assert container.artifact_key == ""
    assert container.artifact.uri == "s3://bucket/fraud.tar.gz"


def test_the_overrides_of_the_environment_are_in_the_plan(make_plan):
    changes = {"environments": {"prod": {"logging": {"retention_days": 365}}}}

    assert make_plan(changes).log_retention_days == 365
    assert make_plan(changes, "dev").log_retention_days == 90


def test_a_spec_that_breaks_rules_has_no_plan(make_plan):
    with pytest.raises(SpecError) as caught:
        make_plan({"image": None, "logging": {"retention_days": 2}})

    assert [problem.path for problem in caught.value.problems] == [
        "image",
        "logging.retention_days",
    ]


@pytest.mark.parametrize(
    ("environment", "protected"), [("prod", True), ("production", True), ("staging", False)]
)
def test_only_production_is_protected(make_plan, environment, protected):
    assert make_plan(environment=environment).protect is protected


def test_every_resource_is_tagged_with_the_users_tags_and_ours(make_plan):
    changes = {"tags": {"team": "risk"}, "model": {"version": "7"}}

    assert make_plan(changes).tags == {
        "modelway:environment": "prod",
        "modelway:model": "fraud",
        "modelway:model-version": "7",
        "team": "risk",
    }


@pytest.mark.parametrize(
    ("instance_type", "encrypted"),
    [("ml.m5.large", True), ("ml.m5d.large", False), ("ml.g5.xlarge", False)],
)
def test_a_volume_key_is_not_given_to_local_storage(make_plan, decision, instance_type, encrypted):
    plan = make_plan({"serving": {"instance_type": instance_type}})

    assert plan.volume_encryption is encrypted
    assert decision(plan, "volume_encryption")[2] == "SageMaker CreateEndpointConfig.KmsKeyId"


def test_data_capture_writes_below_the_endpoints_name(make_plan):
    capture = make_plan(
        {"data_capture": {"sampling_percent": 5, "capture": ["input"]}}
    ).data_capture

    assert capture.sampling_percent == 5
    assert capture.capture_modes == ("Input",)
    assert capture.destination is None
    assert capture.destination_prefix == "data-capture/fraud-prod"


def test_nothing_is_captured_unless_asked_for(make_plan):
    assert make_plan().data_capture is None


def test_network_key_and_addresses_are_passed_on(make_plan):
    arn = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd"
    plan = make_plan(
        {
            "network": {
                "subnet_ids": ["subnet-01234567"],
                "security_group_ids": ["sg-01234567"],
                "isolation": False,
            },
            "encryption": {"kms_key_arn": arn},
            "alarms": {"notify": ["team@example.com"]},
            "serving": {"environment": {"B": "2", "A": "1"}},
        }
    )

    assert plan.network.subnet_ids == ("subnet-01234567",)
    assert plan.network.security_group_ids == ("sg-01234567",)
    assert plan.network.isolation is False
    assert plan.kms_key_arn == arn
    assert plan.notify == ("team@example.com",)
    assert list(plan.container.environment.items()) == [("A", "1"), ("B", "2")]


def test_every_decision_has_a_reason_and_a_source(make_plan):
    plan = make_plan(
        {
            "scaling": {
                "min_instances": 2,
                "max_instances": 4,
                "target_invocations_per_instance_per_minute": 100,
            },
            "objectives": {"p99_latency_ms": 50, "error_rate_percent": 1},
            "rollout": {"strategy": "canary"},
            "data_capture": {},
        }
    )

    assert [one.path for one in plan.decisions if not one.reason or not one.source] == []
    assert len({one.path for one in plan.decisions}) == len(plan.decisions)


def test_a_spec_made_in_code_is_planned_too():
    spec = parse_spec({"name": "fraud", "model": {"path": "fraud.onnx"}})

    plan = plan_deployment(spec, "local", Artifact(f"sha256:{DIGITS}", 1))

    assert plan.container.image is None
