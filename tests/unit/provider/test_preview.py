"""What a preview shows before anything exists. No AWS call is made: none would be answered."""

from modelway.emulator.provider.wire import UNKNOWN, Asset

OBJECT = "aws:s3/bucketObjectv2:BucketObjectv2"


def test_what_only_aws_knows_is_unknown_and_the_rest_is_shown(engine):
    inputs = engine.checked("aws:sns/topic:Topic", "alarms", {"displayName": "Alarms"})

    shown = engine.preview_create("aws:sns/topic:Topic", "alarms", inputs).values

    assert shown == {
        "arn": UNKNOWN,
        "beginningArchiveTime": UNKNOWN,
        "deliveryPolicy": UNKNOWN,
        "displayName": "Alarms",
        "fifoThroughputScope": UNKNOWN,
        "maximumMessageSize": UNKNOWN,
        "name": "alarms-19b2585",
        "owner": UNKNOWN,
        "policy": UNKNOWN,
        "region": "us-east-1",
        "signatureVersion": UNKNOWN,
        "tagsAll": {},
        "tracingConfig": UNKNOWN,
    }


def test_an_unknown_input_stays_unknown(engine):
    inputs = {"role": UNKNOWN, "policyArn": "arn"}

    shown = engine.preview_create(
        "aws:iam/rolePolicyAttachment:RolePolicyAttachment", "a", inputs
    ).values

    assert shown == {"role": UNKNOWN, "policyArn": "arn"}


def test_defaults_are_shown(engine):
    shown = engine.preview_create(
        "aws:cloudwatch/metricAlarm:MetricAlarm", "a", {"name": "a"}
    ).values

    assert shown["treatMissingData"] == "missing"
    assert shown["actionsEnabled"] is True


def test_default_tags_are_under_the_resource_s_own(engine):
    engine.configure(region="eu-west-1", defaultTags='{"tags": {"team": "ml", "stage": "dev"}}')

    shown = engine.preview_create(
        "aws:sns/topic:Topic", "t", {"name": "t", "tags": {"stage": "prod"}}
    ).values

    assert shown["tags"] == {"stage": "prod"}
    assert shown["tagsAll"] == {"team": "ml", "stage": "prod"}
    assert shown["region"] == "eu-west-1"


def test_a_new_default_tag_is_a_change_of_every_resource(engine):
    engine.configure(region="us-east-1", defaultTags='{"tags": {"team": "ml"}}')
    state = {"name": "t", "tags": {"a": "b"}, "tagsAll": {"a": "b", "old": "x"}}

    response = engine.diff("aws:sns/topic:Topic", state, {"name": "t", "tags": {"a": "b"}})

    assert sorted(response.detailedDiff) == ["tagsAll.old", "tagsAll.team"]
    assert response.replaces == []


def test_a_tag_edited_by_hand_is_a_change(engine):
    state = {"name": "t", "tags": {"a": "c"}, "tagsAll": {"a": "c"}}

    response = engine.diff("aws:sns/topic:Topic", state, {"name": "t", "tags": {"a": "b"}})

    assert list(response.detailedDiff) == ["tags.a"]


def test_a_secret_input_is_a_secret_output(engine):
    shown = engine.preview_create(
        "aws:sns/topic:Topic", "t", {"name": "t", "displayName": "s"}, secrets=["displayName"]
    )

    assert shown.values["displayName"] == "s"
    assert shown.secrets == {"displayName"}


def test_secret_tags_are_secret_in_all_tags_too(engine):
    shown = engine.preview_create(
        "aws:sns/topic:Topic", "t", {"name": "t", "tags": {"k": "s"}}, secrets=["tags"]
    )

    assert shown.secrets == {"tags", "tagsAll"}


def test_new_content_makes_an_object_s_version_unknown(engine):
    olds = {"bucket": "b", "key": "k", "source": Asset({"hash": "1", "path": "a"}), "etag": "e1"}
    olds |= {"versionId": "v1", "arn": "arn:aws:s3:::b/k"}
    news = {"bucket": "b", "key": "k", "source": Asset({"hash": "2", "path": "a"})}

    response = engine.diff(OBJECT, olds, news)
    shown = engine.preview_update(OBJECT, olds, news)

    assert list(response.detailedDiff) == ["source"]
    assert response.replaces == []
    assert shown["versionId"] is UNKNOWN
    assert shown["arn"] == "arn:aws:s3:::b/k"


def test_the_same_content_at_another_path_is_no_change(engine):
    olds = {"bucket": "b", "key": "k", "source": Asset({"hash": "1", "path": "a"})}
    news = {"bucket": "b", "key": "k", "source": Asset({"hash": "1", "path": "elsewhere/a"})}

    response = engine.diff(OBJECT, olds, news)

    assert list(response.detailedDiff) == []
