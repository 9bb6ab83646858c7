"""Metrics and logs of a running emulator, as boto3 reads them."""

import uuid
from datetime import UTC, datetime, timedelta

import pytest

pytestmark = pytest.mark.integration

DIMENSIONS = [{"Name": "EndpointName", "Value": "fraud"}]


@pytest.fixture
def cloudwatch(modelway_client):
    return modelway_client("cloudwatch")


@pytest.fixture
def name():
    return f"t{uuid.uuid4().hex[:8]}"


@pytest.fixture
def noon(modelway_emulator):
    """A full hour of virtual time that lies behind the present by an hour or two."""
    now = datetime.fromtimestamp(modelway_emulator.status()["virtual_now"], UTC)
    return now.replace(minute=0, second=0, microsecond=0) - timedelta(hours=1)


def put(cloudwatch, name, at, **datum):
    datum = {"MetricName": "Latency", "Dimensions": DIMENSIONS, "Timestamp": at, **datum}
    cloudwatch.put_metric_data(Namespace=name, MetricData=[datum])


def test_statistics_and_percentiles_of_each_minute(cloudwatch, name, noon):
    put(cloudwatch, name, noon, Values=[1.0, 2.0, 3.0], Unit="Milliseconds")
    put(cloudwatch, name, noon + timedelta(seconds=90), Value=10.0, Unit="Milliseconds")

    points = cloudwatch.get_metric_statistics(
        Namespace=name,
        MetricName="Latency",
        Dimensions=DIMENSIONS,
        StartTime=noon,
        EndTime=noon + timedelta(minutes=5),
        Period=60,
        Statistics=["Sum", "SampleCount"],
        ExtendedStatistics=["p50"],
    )["Datapoints"]

    points.sort(key=lambda point: point["Timestamp"])
    assert [point["Timestamp"] for point in points] == [noon, noon + timedelta(minutes=1)]
    assert [point["Sum"] for point in points] == [6.0, 10.0]
    assert [point["SampleCount"] for point in points] == [3.0, 1.0]
    assert [point["ExtendedStatistics"]["p50"] for point in points] == [2.0, 10.0]
    assert points[0]["Unit"] == "Milliseconds"


def test_metric_data_with_a_percentile_and_an_expression(cloudwatch, name, noon):
    put(cloudwatch, name, noon, Values=[10.0], Counts=[99])
    put(cloudwatch, name, noon, Value=500.0)
    metric = {"Namespace": name, "MetricName": "Latency", "Dimensions": DIMENSIONS}

    found = cloudwatch.get_metric_data(
        StartTime=noon,
        EndTime=noon + timedelta(minutes=2),
        ScanBy="TimestampAscending",
        MetricDataQueries=[
            {"Id": "seconds", "Expression": "FILL(median, 0) / 1000", "Label": "s"},
            {"Id": "median", "MetricStat": {"Metric": metric, "Period": 60, "Stat": "p50"}},
        ],
    )["MetricDataResults"]

    assert [(each["Id"], each["Label"], each["Values"]) for each in found] == [
        ("seconds", "s", [0.01, 0.0]),
        ("median", "Latency", [10.0]),
    ]


def test_a_list_of_metrics_names_each_one_once(cloudwatch, name, noon):
    for _ in range(3):
        put(cloudwatch, name, noon, Value=1.0)

    metrics = cloudwatch.list_metrics(Namespace=name)["Metrics"]

    assert metrics == [{"Namespace": name, "MetricName": "Latency", "Dimensions": DIMENSIONS}]


def test_data_from_before_the_last_two_weeks_is_refused(cloudwatch, name, noon):
    with pytest.raises(cloudwatch.exceptions.ClientError, match="within the past two weeks"):
        put(cloudwatch, name, noon - timedelta(days=15), Value=1.0)


def test_an_expression_that_nobody_knows_is_refused_by_name(cloudwatch, noon):
    with pytest.raises(cloudwatch.exceptions.ClientError, match="SEARCH is not known"):
        cloudwatch.get_metric_data(
            StartTime=noon,
            EndTime=noon + timedelta(minutes=2),
            MetricDataQueries=[{"Id": "a", "Expression": "SEARCH('x')"}],
        )


def test_a_log_group_takes_only_the_retentions_that_aws_has(modelway_client, name):
    logs = modelway_client("logs")
    logs.create_log_group(logGroupName=name)

    logs.put_retention_policy(logGroupName=name, retentionInDays=30)
    with pytest.raises(logs.exceptions.InvalidParameterException, match="'31'"):
        logs.put_retention_policy(logGroupName=name, retentionInDays=31)

    (group,) = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    assert group["retentionInDays"] == 30
