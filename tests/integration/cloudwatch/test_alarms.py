"""Alarms of a running emulator: data in, states and messages out."""

import json
import time
import uuid

import pytest

pytestmark = pytest.mark.integration

SECONDS = 20.0


@pytest.fixture
def cloudwatch(modelway_client):
    return modelway_client("cloudwatch")


@pytest.fixture
def name():
    return f"t{uuid.uuid4().hex[:8]}"


@pytest.fixture
def mailbox(modelway_client, name):
    """A topic with a queue behind it; gives the topic's ARN and a function that reads messages."""
    sns, sqs = modelway_client("sns"), modelway_client("sqs")
    topic = sns.create_topic(Name=name)["TopicArn"]
    queue = sqs.create_queue(QueueName=name)["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])
    sns.subscribe(TopicArn=topic, Protocol="sqs", Endpoint=arn["Attributes"]["QueueArn"])

    def receive():
        got = sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", [])
        for each in got:
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=each["ReceiptHandle"])
        return [json.loads(each["Body"]) for each in got]

    return topic, receive


def put_alarm(cloudwatch, name, **fields):
    cloudwatch.put_metric_alarm(
        **{
            "AlarmName": name,
            "Namespace": name,
            "MetricName": "Latency",
            "Dimensions": [{"Name": "EndpointName", "Value": "fraud"}],
            "Statistic": "Sum",
            "Period": 60,
            "EvaluationPeriods": 1,
            "Threshold": 3.0,
            "ComparisonOperator": "GreaterThanThreshold",
        }
        | fields
    )


def put_data(cloudwatch, name, *values, metric="Latency"):
    cloudwatch.put_metric_data(
        Namespace=name,
        MetricData=[
            {
                "MetricName": metric,
                "Dimensions": [{"Name": "EndpointName", "Value": "fraud"}],
                "Value": value,
            }
            for value in values
        ],
    )


def described(cloudwatch, name):
    found = cloudwatch.describe_alarms(
        AlarmNames=[name], AlarmTypes=["MetricAlarm", "CompositeAlarm"]
    )
    (alarm,) = found["MetricAlarms"] + found["CompositeAlarms"]
    return alarm


def wait_for_state(cloudwatch, name, state):
    deadline = time.monotonic() + SECONDS
    while True:
        alarm = described(cloudwatch, name)
        if alarm["StateValue"] == state:
            return alarm
        assert time.monotonic() < deadline, alarm
        time.sleep(0.05)


def wait_for_messages(receive, count):
    messages, deadline = [], time.monotonic() + SECONDS
    while len(messages) < count:
        assert time.monotonic() < deadline, messages
        messages += receive()
        time.sleep(0.05)
    return messages


def test_a_new_alarm_has_insufficient_data(cloudwatch, name):
    put_alarm(cloudwatch, name)

    alarm = described(cloudwatch, name)

    assert alarm["StateValue"] == "INSUFFICIENT_DATA"
    assert alarm["StateReason"] == "Unchecked: Initial alarm creation"


def test_breaching_data_sets_the_alarm_off_and_sends_a_message(cloudwatch, name, mailbox):
    topic, receive = mailbox
    put_alarm(cloudwatch, name, AlarmActions=[topic], AlarmDescription="too slow")

    put_data(cloudwatch, name, 1.0, 2.0, 5.0)
    alarm = wait_for_state(cloudwatch, name, "ALARM")
    (message,) = wait_for_messages(receive, 1)

    assert alarm["StateReason"].startswith("Threshold Crossed: 1 out of the last 1 datapoints [8.0")
    assert message["Subject"] == f'ALARM: "{name}" in US East (N. Virginia)'
    content = json.loads(message["Message"])
    assert content["AlarmName"] == name
    assert content["AlarmDescription"] == "too slow"
    assert content["AWSAccountId"] == "123456789012"
    assert content["OldStateValue"] == "INSUFFICIENT_DATA"
    assert content["NewStateValue"] == "ALARM"
    assert content["NewStateReason"] == alarm["StateReason"]
    assert content["AlarmArn"] == f"arn:aws:cloudwatch:us-east-1:123456789012:alarm:{name}"
    assert content["Trigger"]["MetricName"] == "Latency"
    assert content["Trigger"]["Statistic"] == "SUM"
    assert content["Trigger"]["Dimensions"] == [{"value": "fraud", "name": "EndpointName"}]
    assert content["Trigger"]["Threshold"] == 3.0


def test_the_history_tells_creation_change_and_action(cloudwatch, name, mailbox):
    topic, receive = mailbox
    put_alarm(cloudwatch, name, AlarmActions=[topic])
    put_data(cloudwatch, name, 9.0)
    wait_for_messages(receive, 1)

    items = cloudwatch.describe_alarm_history(AlarmName=name, ScanBy="TimestampAscending")

    assert [each["HistorySummary"] for each in items["AlarmHistoryItems"][:3]] == [
        f'Alarm "{name}" created',
        "Alarm updated from INSUFFICIENT_DATA to ALARM",
        f"Successfully executed action {topic}",
    ]


def test_disabled_actions_send_nothing(cloudwatch, name, mailbox):
    topic, receive = mailbox
    put_alarm(cloudwatch, name, AlarmActions=[topic], ActionsEnabled=False)
    put_data(cloudwatch, name, 9.0)

    wait_for_state(cloudwatch, name, "ALARM")

    assert receive() == []


def test_a_state_set_by_hand_notifies_and_holds_until_the_next_evaluation(
    cloudwatch, name, mailbox
):
    topic, receive = mailbox
    put_alarm(cloudwatch, name, AlarmActions=[topic], OKActions=[topic])
    put_data(cloudwatch, name, 1.0)
    wait_for_state(cloudwatch, name, "OK")
    wait_for_messages(receive, 1)

    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")

    alarm = described(cloudwatch, name)
    assert (alarm["StateValue"], alarm["StateReason"]) == ("ALARM", "a drill")
    (message,) = wait_for_messages(receive, 1)
    assert json.loads(message["Message"])["NewStateReason"] == "a drill"
    wait_for_state(cloudwatch, name, "OK")


def test_an_updated_alarm_keeps_its_state(cloudwatch, name):
    put_alarm(cloudwatch, name)
    cloudwatch.set_alarm_state(AlarmName=name, StateValue="ALARM", StateReason="a drill")

    put_alarm(cloudwatch, name, AlarmDescription="changed", TreatMissingData="ignore")

    alarm = described(cloudwatch, name)
    assert (alarm["StateValue"], alarm["AlarmDescription"]) == ("ALARM", "changed")


def test_missing_data_breaches_where_the_alarm_says_so(cloudwatch, name):
    put_alarm(cloudwatch, name, TreatMissingData="breaching")

    alarm = wait_for_state(cloudwatch, name, "ALARM")

    assert alarm["StateReason"] == (
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was "
        "treated as [Breaching]."
    )


def test_an_error_rate_by_metric_math_sets_an_alarm_off(cloudwatch, name):
    def stat(metric):
        dimensions = [{"Name": "EndpointName", "Value": "fraud"}]
        wanted = {"Namespace": name, "MetricName": metric, "Dimensions": dimensions}
        return {"Metric": wanted, "Period": 60, "Stat": "Sum"}

    cloudwatch.put_metric_alarm(
        AlarmName=name,
        EvaluationPeriods=1,
        Threshold=5.0,
        ComparisonOperator="GreaterThanThreshold",
        Metrics=[
            {"Id": "rate", "Expression": "100 * FILL(errors, 0) / calls"},
            {"Id": "errors", "MetricStat": stat("Errors"), "ReturnData": False},
            {"Id": "calls", "MetricStat": stat("Calls"), "ReturnData": False},
        ],
    )

    put_data(cloudwatch, name, 20.0, metric="Calls")
    put_data(cloudwatch, name, 2.0, metric="Errors")

    assert "[10.0 (" in wait_for_state(cloudwatch, name, "ALARM")["StateReason"]


def test_a_percentile_sees_the_slow_tail(cloudwatch, name):
    cloudwatch.put_metric_alarm(
        AlarmName=name,
        Namespace=name,
        MetricName="Latency",
        Dimensions=[{"Name": "EndpointName", "Value": "fraud"}],
        ExtendedStatistic="p99",
        Period=60,
        EvaluationPeriods=1,
        Threshold=50.0,
        ComparisonOperator="GreaterThanThreshold",
    )

    put_data(cloudwatch, name, *[1.0] * 20, 100.0)

    assert (
        "greater than the threshold (50.0)"
        in (wait_for_state(cloudwatch, name, "ALARM")["StateReason"])
    )


def test_a_composite_alarm_follows_its_children(cloudwatch, name, mailbox):
    topic, receive = mailbox
    for child in (f"{name}-a", f"{name}-b"):
        put_alarm(cloudwatch, child, Namespace=name)
    cloudwatch.put_composite_alarm(
        AlarmName=name, AlarmRule=f"ALARM({name}-a) AND ALARM({name}-b)", AlarmActions=[topic]
    )

    put_data(cloudwatch, name, 9.0)

    wait_for_state(cloudwatch, name, "ALARM")
    (message,) = wait_for_messages(receive, 1)
    assert message["Subject"].startswith(f'ALARM: "{name}"')


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        ({"Period": 61}, "Period must be 10, 20, 30 or a multiple of 60"),
        ({"EvaluationPeriods": 1500}, "more than 86400 seconds"),
        ({"DatapointsToAlarm": 2}, "between 1 and the number of evaluation periods"),
        ({"TreatMissingData": "panic"}, "TreatMissingData"),
        ({"ComparisonOperator": "LessThanLowerThreshold"}, "The emulator evaluates"),
    ],
)
def test_an_alarm_that_cannot_be_evaluated_is_refused(cloudwatch, name, fields, told):
    with pytest.raises(cloudwatch.exceptions.ClientError, match=told) as caught:
        put_alarm(cloudwatch, name, **fields)

    assert caught.value.response["Error"]["Code"] == "ValidationError"


def test_deleting_an_alarm_that_does_not_exist_is_refused(cloudwatch, name):
    with pytest.raises(cloudwatch.exceptions.ClientError) as caught:
        cloudwatch.delete_alarms(AlarmNames=[name])

    assert caught.value.response["Error"]["Code"] == "ResourceNotFound"
