"""What ModelDeployment declares for challengers and a shadow."""

import json

import pytest

from modelway.deployment import ModelDeployment
from modelway.wiring import PlatformWiring

ENDPOINT = "pulumi-python:dynamic/modelway:Endpoint"
SHARED = PlatformWiring(
    bucket_name="shared",
    repository_url="123456789012.dkr.ecr.us-east-1.amazonaws.com/shared",
    kms_key_arn="arn:aws:kms:us-east-1:123456789012:key/shared",
    alarm_topic_arn="arn:aws:sns:us-east-1:123456789012:shared",
)
CHALLENGER = {
    "name": "b",
    "model": {"path": "s3://other/b.tar.gz", "digest": "sha256:" + "d" * 64},
    "traffic_percent": 20,
}


@pytest.fixture
def deploy(declare, spec):
    """Declare the deployment `fraud` on a shared platform and give what was declared."""

    def run(**parts):
        return declare(lambda: ModelDeployment("fraud", spec=spec(**parts), platform=SHARED))

    return run


def test_a_challenger_has_a_model_a_weight_and_alarms_of_its_own(deploy):
    program = deploy(challengers=[CHALLENGER], objectives={"error_rate_percent": 1})
    endpoint = program.one(ENDPOINT).inputs

    assert endpoint["models"]["b"]["model_data_url"] == "s3://other/b.tar.gz"
    assert [
        (each["name"], each["model"], each["initial_weight"]) for each in endpoint["variants"]
    ] == [
        ("primary", "primary", 80),
        ("b", "b", 20),
    ]
    assert program.named("fraud-error-rate.b").inputs["name"] == "fraud-local-error-rate.b"
    assert "fraud-error-rate.b" in program.one(ENDPOINT).depends_on


def test_the_role_reads_the_artifacts_of_all_variants(deploy):
    program = deploy(challengers=[CHALLENGER])

    (policy,) = program.all("aws:iam/rolePolicy:RolePolicy")
    statements = json.loads(policy.inputs["policy"])["Statement"]
    (read,) = [each for each in statements if each["Sid"] == "ReadArtifact"]
    assert read["Resource"] == [
        "arn:aws:s3:::other/b.tar.gz",
        f"arn:aws:s3:::shared/models/fraud/{'1' * 64}/model.tar.gz",
    ]


def test_equal_archives_are_uploaded_once(deploy, model_file):
    same = {"model": {"path": str(model_file)}, "traffic_percent": 5}
    program = deploy(challengers=[{"name": "b", **same}, {"name": "c", **same}])

    assert [each.name for each in program.all("aws:s3/bucketObjectv2:BucketObjectv2")] == [
        "fraud-artifact"
    ]


def test_a_challenger_that_scales_has_a_target_of_its_own(deploy):
    scaled = {
        **CHALLENGER,
        "max_instances": 3,
        "target_invocations_per_instance_per_minute": 100,
    }
    program = deploy(challengers=[scaled])

    (target,) = program.all("aws:appautoscaling/target:Target")
    assert (target.name, target.inputs["resourceId"]) == (
        "fraud-b-scaling",
        "endpoint/fraud-local/variant/b",
    )
    assert program.one(ENDPOINT).inputs["autoscaled_variants"] == ["b"]


def test_a_shadow_stands_apart_and_its_answers_are_captured(deploy):
    shadow = {"model": CHALLENGER["model"], "sampling_percent": 50}
    program = deploy(shadow=shadow)
    endpoint = program.one(ENDPOINT).inputs

    assert [each["name"] for each in endpoint["variants"]] == ["primary"]
    (found,) = endpoint["shadow_variants"]
    assert (found["name"], found["model"], found["initial_weight"]) == ("shadow", "shadow", 0.5)
    assert endpoint["data_capture"]["destination"] == "s3://shared/data-capture/fraud-local"
    (policy,) = program.all("aws:iam/rolePolicy:RolePolicy")
    assert "arn:aws:s3:::shared/data-capture/fraud-local/*" in policy.inputs["policy"]


def test_without_challengers_nothing_of_them_is_declared(deploy):
    endpoint = deploy().one(ENDPOINT).inputs

    assert not {"shadow_variants", "autoscaled_variants"} & {
        key for key, value in endpoint.items() if value is not None
    }
    assert endpoint["variants"][0]["initial_weight"] == 1
