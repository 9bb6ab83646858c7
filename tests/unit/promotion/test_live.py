"""What an endpoint serves, from AWS's answers; the service models check what is asked."""

from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest
from botocore.stub import ANY, Stubber

from modelway.errors import DeploymentError
from modelway.promotion.gate import Live
from modelway.promotion.ledger import Ledger
from modelway.promotion.live import read_live, served, serving_since

ARN = "arn:aws:sagemaker:us-east-1:123456789012:"
IMAGE, SHADOW_IMAGE = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
CHANGED = datetime(2026, 11, 28, 11, tzinfo=UTC)


@pytest.fixture
def aws(monkeypatch):
    """Clients that give prepared answers, in their order."""
    clients = {
        name: boto3.client(name, region_name="us-east-1")
        for name in ("sagemaker", "cloudwatch", "logs")
    }
    stubs = {name: Stubber(client) for name, client in clients.items()}

    class Session:
        def __init__(self, region_name=None):
            self.region_name = region_name

        def client(self, name):
            return clients[name]

    monkeypatch.setattr("boto3.session.Session", Session)
    for stub in stubs.values():
        stub.activate()
    return stubs


ENDPOINT = {
    "EndpointName": "fraud-prod",
    "EndpointArn": f"{ARN}endpoint/fraud-prod",
    "EndpointConfigName": "fraud-prod-2",
    "EndpointStatus": "InService",
    "CreationTime": CHANGED,
    "LastModifiedTime": CHANGED,
    "ProductionVariants": [
        {
            "VariantName": "primary",
            "DeployedImages": [{"ResolvedImage": f"r.example.com/fraud@{IMAGE}"}],
            "CurrentWeight": 1.0,
        }
    ],
}
CONFIG = {
    "EndpointConfigName": "fraud-prod-2",
    "EndpointConfigArn": f"{ARN}endpoint-config/fraud-prod-2",
    "CreationTime": CHANGED,
    "ProductionVariants": [{"VariantName": "primary", "ModelName": "m1"}],
    "ShadowProductionVariants": [{"VariantName": "shadow", "ModelName": "m2"}],
    "ResponseMetadata": {"HTTPHeaders": {"date": "Sat, 28 Nov 2026 12:30:00 GMT"}},
}
ALARM = {
    "AlarmName": "fraud-prod-p99-latency",
    "StateValue": "ALARM",
    "StateReason": "too slow",
    "Dimensions": [{"Name": "EndpointName", "Value": "fraud-prod"}],
}


def model(name, url):
    return {
        "ModelName": name,
        "ModelArn": f"{ARN}model/{name}",
        "CreationTime": CHANGED,
        "PrimaryContainer": {"ModelDataUrl": url},
    }


def history(state):
    return {
        "AlarmHistoryItems": [
            {"HistoryItemType": "StateUpdate", "HistoryData": f'{{"newState": {state}}}'}
        ]
    }


def prepared(aws, state='{"stateValue": "ALARM"}', rollouts=(), *, history_asked=True):
    sagemaker, cloudwatch = aws["sagemaker"], aws["cloudwatch"]
    named = {"EndpointConfigName": "fraud-prod-2"}
    tags = [{"Key": f"modelway:rollout-{n}", "Value": each} for n, each in enumerate(rollouts, 1)]
    sagemaker.add_response("describe_endpoint", ENDPOINT, {"EndpointName": "fraud-prod"})
    sagemaker.add_response("describe_endpoint_config", CONFIG, named)
    cloudwatch.add_response("describe_alarms", {"MetricAlarms": [ALARM]}, ANYTHING)
    sagemaker.add_response("list_tags", {"Tags": tags}, ANYTHING_TAGGED)
    sagemaker.add_response("describe_endpoint_config", CONFIG, named)
    url = f"s3://b/models/fraud/{'1' * 64}/model.tar.gz"
    sagemaker.add_response("describe_model", model("m1", url), {"ModelName": "m1"})
    mine = model("m2", "s3://mine/shadow.tar.gz")
    sagemaker.add_response("describe_model", mine, {"ModelName": "m2"})
    if not history_asked:
        return
    asked = {
        "AlarmName": "fraud-prod-p99-latency",
        "HistoryItemType": "StateUpdate",
        "StartDate": ANY,
    }
    cloudwatch.add_response("describe_alarm_history", history(state), asked)


ANYTHING = {"AlarmNamePrefix": "fraud-prod-"}
ANYTHING_TAGGED = {"ResourceArn": f"{ARN}endpoint/fraud-prod"}


def test_images_models_and_alarms_are_read_from_aws(aws):
    prepared(aws)

    live = read_live("fraud-prod", "us-east-1", watch=True)

    assert live.status == "InService"
    assert live.images == {IMAGE}
    assert live.models == {f"sha256:{'1' * 64}"}
    assert live.untold == ("s3://mine/shadow.tar.gz",)
    assert [(each.name, each.state, each.why) for each in live.alarms] == [
        ("fraud-prod-p99-latency", "ALARM", "too slow")
    ]
    assert live.fired == ("fraud-prod-p99-latency",)
    assert live.since == CHANGED
    for stub in aws.values():
        stub.assert_no_pending_responses()


def test_the_time_is_that_of_aws_and_not_of_this_machine(aws):
    prepared(aws)

    assert read_live("fraud-prod", "us-east-1", watch=True).now == datetime(
        2026, 11, 28, 12, 30, tzinfo=UTC
    )


@pytest.mark.parametrize("state", ['{"stateValue": "OK"}', "null", '{"other": 1}'])
def test_an_alarm_that_went_to_another_state_did_not_fire(aws, state):
    prepared(aws, state)

    assert read_live("fraud-prod", "us-east-1", watch=True).fired == ()


def test_the_bake_begins_when_the_log_of_rollouts_says_so(aws):
    prepared(aws, rollouts=["2026-11-28T09:00:00Z promoted fraud-prod-2"])

    live = read_live("fraud-prod", "us-east-1", watch=True)

    assert live.since == datetime(2026, 11, 28, 9, tzinfo=UTC)


def test_the_history_of_alarms_is_not_asked_for_where_no_bake_is_watched(aws):
    prepared(aws, history_asked=False)

    assert read_live("fraud-prod", "us-east-1").fired == ()
    aws["cloudwatch"].assert_no_pending_responses()


@pytest.mark.parametrize(
    ("rollouts", "since"),
    [
        ([], CHANGED),
        (["2026-11-28T09:00:00Z rolled back fraud-prod-2 alarm"], CHANGED),
        (["2026-11-28T09:00:00Z failed fraud-prod-2 no capacity"], CHANGED),
        (["2026-11-28T09:00:00Z promoted fraud-prod-1"], CHANGED),
        (
            [
                "2026-11-28T10:00:00Z rolled back fraud-prod-3 alarm",
                "2026-11-28T09:00:00Z promoted fraud-prod-2",
                "2026-11-28T08:00:00Z promoted fraud-prod-2",
            ],
            datetime(2026, 11, 28, 9, tzinfo=UTC),
        ),
    ],
)
def test_only_the_newest_promotion_of_what_serves_counts(rollouts, since):
    status = {
        "rollouts": rollouts,
        "configuration": "fraud-prod-2",
        "changed": CHANGED.isoformat(),
    }

    assert serving_since(status) == since


def test_without_an_endpoint_there_is_nothing_live(aws):
    aws["sagemaker"].add_client_error(
        "describe_endpoint", "ValidationException", 'Could not find endpoint "fraud-prod".'
    )

    assert read_live("fraud-prod", "us-east-1") is None


def test_a_refusal_of_aws_is_told_with_the_endpoint(aws):
    aws["sagemaker"].add_response("describe_endpoint", ENDPOINT)
    aws["sagemaker"].add_response("describe_endpoint_config", CONFIG)
    aws["cloudwatch"].add_response("describe_alarms", {"MetricAlarms": []})
    aws["sagemaker"].add_response("list_tags", {"Tags": []})
    aws["sagemaker"].add_client_error("describe_endpoint_config", "AccessDenied", "no")

    with pytest.raises(DeploymentError, match="reading endpoint fraud-prod: "):
        read_live("fraud-prod", "us-east-1")


def test_the_newest_record_that_serves_is_the_live_one(records):
    old = records.write()
    records.write(image=SHADOW_IMAGE)
    again = records.write(approver="bob@example.com")
    ledger = records.ledger()
    live = Live(
        "fraud-prod", "InService", frozenset({IMAGE}), frozenset(), (), (), CHANGED, CHANGED
    )

    def with_models(*models):
        return served(ledger, Live(**{**live.__dict__, "models": frozenset(models)}))

    assert with_models(f"sha256:{'1' * 64}") == again
    assert again != old
    assert with_models(f"sha256:{'2' * 64}") is None
    assert served(ledger, None) is None
    assert served(Ledger(Path(), "prod", "fraud", (old,)), live) is None
