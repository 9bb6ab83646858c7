"""Captured requests and outcomes in S3, read through the emulator."""

import gzip
import json

import pytest

from modelway.errors import ExperimentError
from modelway.experiment.bucket import lines_in_bucket

pytestmark = pytest.mark.integration


@pytest.fixture
def bucket(modelway_aws, modelway_client):
    client = modelway_client("s3")
    client.create_bucket(Bucket="captured")
    yield client
    for page in client.get_paginator("list_objects_v2").paginate(Bucket="captured"):
        keys = [{"Key": found["Key"]} for found in page.get("Contents", ())]
        if keys:
            client.delete_objects(Bucket="captured", Delete={"Objects": keys})
    client.delete_bucket(Bucket="captured")


def test_every_object_under_a_prefix_is_read_and_no_neighbour_of_it(bucket):
    hour = "2026/11/28/10"
    for key, body in {
        f"data/fraud/blue/{hour}/a.jsonl": b"1\n2\n",
        f"data/fraud/green/{hour}/b.jsonl.gz": gzip.compress(b"3\n"),
        f"data/fraud-2/blue/{hour}/c.jsonl": b"not read\n",
        "data/fraud/": b"",
    }.items():
        bucket.put_object(Bucket="captured", Key=key, Body=body)

    lines = list(lines_in_bucket("s3://captured/data/fraud"))

    assert [(line.path, line.text) for line in lines] == [
        (f"data/fraud/blue/{hour}/a.jsonl", "1"),
        (f"data/fraud/blue/{hour}/a.jsonl", "2"),
        (f"data/fraud/green/{hour}/b.jsonl.gz", "3"),
    ]


def test_more_objects_than_one_page_lists_are_all_read(bucket):
    for at in range(1005):
        bucket.put_object(Bucket="captured", Key=f"many/{at:04}.jsonl", Body=json.dumps(at))

    assert len(list(lines_in_bucket("s3://captured/many/"))) == 1005


def test_one_object_can_be_named(bucket):
    bucket.put_object(Bucket="captured", Key="outcomes.csv", Body=b"id,outcome\n")

    assert [line.text for line in lines_in_bucket("s3://captured/outcomes.csv")] == ["id,outcome"]


def test_nothing_there_and_no_such_bucket_are_said(bucket):
    with pytest.raises(ExperimentError, match="reading s3://captured/none: there is no object"):
        list(lines_in_bucket("s3://captured/none"))
    with pytest.raises(ExperimentError, match=r"NoSuchBucket.*s3:ListBucket and s3:GetObject"):
        list(lines_in_bucket("s3://elsewhere/none"))
