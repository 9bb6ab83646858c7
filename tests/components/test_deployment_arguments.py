"""In which forms ModelDeployment takes its spec and platform, and which it refuses."""

import pytest

from modelway.deployment import ModelDeployment, invocation_url
from modelway.errors import SpecError
from modelway.wiring import PlatformWiring

ENDPOINT = "pulumi-python:dynamic/modelway:Endpoint"
KEY = "arn:aws:kms:us-east-1:123456789012:key/shared"
SHARED = PlatformWiring(
    bucket_name="shared",
    repository_url="123456789012.dkr.ecr.us-east-1.amazonaws.com/shared",
    kms_key_arn=KEY,
    alarm_topic_arn="arn:aws:sns:us-east-1:123456789012:shared",
)


def test_without_a_platform_a_private_one_is_made(declare, spec):
    program = declare(lambda: ModelDeployment("fraud", spec=spec()))

    platform = program.one("modelway:index:ModelPlatform")
    assert (platform.name, platform.parent) == ("fraud-platform", "fraud")


def test_the_names_of_a_platform_may_be_given_one_by_one(declare, spec):
    plain = spec().model_dump(mode="json")
    args = {
        "spec": plain,
        "bucket_name": "b",
        "repository_url": "r",
        "kms_key_arn": KEY,
        "alarm_topic_arn": "t",
    }

    program = declare(lambda: ModelDeployment("fraud", args))

    assert program.all("modelway:index:ModelPlatform") == []
    assert program.one("aws:s3/bucketObjectv2:BucketObjectv2").inputs["bucket"] == "b"


def test_half_a_platform_is_refused_by_the_missing_names(declare, spec):
    with pytest.raises(SpecError) as failure:
        declare(lambda: ModelDeployment("fraud", {"bucket_name": "b"}, spec=spec()))

    assert [problem.path for problem in failure.value.problems] == [
        "repository_url",
        "kms_key_arn",
        "alarm_topic_arn",
    ]


def test_a_platform_given_twice_is_refused(declare, spec):
    with pytest.raises(SpecError, match="another one"):
        declare(
            lambda: ModelDeployment("fraud", {"bucket_name": "b"}, spec=spec(), platform=SHARED)
        )


@pytest.mark.parametrize("twice", [True, False])
def test_exactly_one_spec_is_needed(declare, spec, twice):
    one = spec()
    args = {"spec": one.model_dump(mode="json")} if twice else None

    with pytest.raises(SpecError, match="two" if twice else "none"):
        declare(lambda: ModelDeployment("fraud", args, spec=one if twice else None))


def test_a_plain_spec_with_wrong_fields_is_refused_by_their_paths(declare):
    args = {"spec": {"name": "fraud", "model": {"path": "m"}, "scaling": {"min_instances": 0}}}

    with pytest.raises(SpecError, match=r"scaling\.min_instances"):
        declare(lambda: ModelDeployment("fraud", args))


def test_floats_from_other_languages_are_whole_numbers_again(declare, spec):
    plain = spec().model_dump(mode="json")
    plain["scaling"]["min_instances"] = 2.0

    program = declare(lambda: ModelDeployment("fraud", {"spec": plain}))

    assert program.one(ENDPOINT).inputs["variants"][0]["initial_instance_count"] == 2


def test_nothing_is_declared_for_a_spec_that_breaks_a_rule(declare, spec):
    seen = []

    def build():
        ModelDeployment("fraud", spec=spec(serving={"instance_type": "ml.none"}))

    with pytest.raises(SpecError):
        seen.append(declare(build))

    assert seen == []


@pytest.mark.parametrize(
    ("environ", "url"),
    [
        ({}, "https://runtime.sagemaker.eu-west-1.amazonaws.com/endpoints/e/invocations"),
        (
            {"AWS_ENDPOINT_URL": "http://127.0.0.1:4510/"},
            "http://127.0.0.1:4510/endpoints/e/invocations",
        ),
    ],
)
def test_the_invocation_url_is_where_boto3_would_send(environ, url):
    assert invocation_url("eu-west-1", "e", environ) == url


def test_the_invocation_url_of_china_has_its_own_suffix():
    assert invocation_url("cn-north-1", "e", {}).startswith(
        "https://runtime.sagemaker.cn-north-1.amazonaws.com.cn/"
    )
