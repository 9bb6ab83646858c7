"""Names that the provider makes up."""

import pytest

from modelway.emulator.provider.entry import AutoName
from modelway.emulator.provider.naming import automatic_name
from modelway.errors import EmulatorError


def test_a_nameless_resource_gets_its_logical_name_and_seven_hexadecimal_digits(engine):
    inputs = engine.checked("aws:sns/topic:Topic", "alarms", {})

    assert inputs == {"name": "alarms-19b2585", "__defaults": ["name"]}


def test_the_same_seed_gives_the_same_name(engine):
    first = engine.checked("aws:sns/topic:Topic", "alarms", {}, seed=b"one")
    again = engine.checked("aws:sns/topic:Topic", "alarms", {}, seed=b"one")
    other = engine.checked("aws:sns/topic:Topic", "alarms", {}, seed=b"two")

    assert first == again
    assert first != other


def test_a_made_up_name_stays_for_the_life_of_the_resource(engine):
    olds = {"name": "alarms-1234567", "__defaults": ["name"]}

    inputs = engine.checked("aws:sns/topic:Topic", "alarms", {"displayName": "A"}, olds)

    assert inputs["name"] == "alarms-1234567"


def test_a_given_name_that_is_taken_out_of_the_program_is_not_kept(engine):
    olds = {"name": "mine", "__defaults": []}

    inputs = engine.checked("aws:sns/topic:Topic", "alarms", {}, olds)

    assert inputs["name"] == "alarms-19b2585"


def test_a_given_name_is_taken_as_it_is(engine):
    inputs = engine.checked("aws:sns/topic:Topic", "alarms", {"name": "Mine"})

    assert inputs == {"name": "Mine", "__defaults": []}


@pytest.mark.parametrize(
    ("type_", "property_", "expected"),
    [
        ("aws:s3/bucket:Bucket", "bucket", "modelstore-19b2585"),
        ("aws:ecr/repository:Repository", "name", "ModelStore-19b2585"),
        ("aws:kms/alias:Alias", "name", "alias/ModelStore-19b2585"),
        ("aws:s3/bucketObjectv2:BucketObjectv2", "key", "ModelStore"),
        ("aws:cloudwatch/metricAlarm:MetricAlarm", "name", "ModelStore-19b2585"),
    ],
)
def test_names_follow_what_the_service_allows(engine, type_, property_, expected):
    required = {
        "aws:kms/alias:Alias": {"targetKeyId": "k"},
        "aws:s3/bucketObjectv2:BucketObjectv2": {"bucket": "b"},
    }

    inputs = engine.checked(type_, "ModelStore", required.get(type_, {}))

    assert inputs[property_] == expected


def test_a_prefix_comes_before_twenty_six_digits(engine):
    inputs = engine.checked("aws:iam/role:Role", "r", {"namePrefix": "ml-", "assumeRolePolicy": ""})

    assert inputs["name"].startswith("ml-19b25856")
    assert len(inputs["name"]) == 29


def test_an_alias_that_says_so_itself_is_not_prefixed_twice():
    rule = AutoName(limit=238, before="alias/")

    assert automatic_name(rule, "alias/models", b"seed") == "alias/models-19b2585"


def test_a_name_that_aws_would_refuse_for_its_length_says_so_at_once():
    with pytest.raises(EmulatorError, match="longer than maximum length 64") as caught:
        automatic_name(AutoName(limit=64), "r" * 60, b"seed")

    assert "set `name`" in str(caught.value)


@pytest.mark.parametrize(
    ("mode", "expected"), [("PROPOSE", "proposed-name"), ("ENFORCE", "Proposed-Name")]
)
def test_the_engine_s_own_naming_rules_are_followed(engine, mode, expected):
    inputs = engine.checked(
        "aws:s3/bucket:Bucket",
        "store",
        {},
        autonaming={"proposed_name": "Proposed-Name", "mode": mode},
    )

    assert inputs["bucket"] == expected


def test_where_the_engine_forbids_automatic_names_none_is_made(engine):
    inputs = engine.checked(
        "aws:ecr/repository:Repository", "repo", {}, autonaming={"mode": "DISABLE"}
    )

    assert "name" not in inputs
