"""modelway's pytest fixtures in a user's own project, where nothing else guards the process."""

import subprocess
import sys

import pytest

from modelway.testing import child_environment

pytestmark = pytest.mark.integration

USERS_TESTS = """
import os

import boto3
import pytest


def test_plain_boto3_reaches_the_emulator(modelway_aws):
    boto3.client("s3").create_bucket(Bucket="mine")

    assert os.environ["AWS_ENDPOINT_URL"] == modelway_aws.url
    assert [b["Name"] for b in boto3.client("s3").list_buckets()["Buckets"]] == ["mine"]


def test_another_test_has_the_same_emulator_through_clients(modelway_client):
    names = [b["Name"] for b in modelway_client("s3").list_buckets()["Buckets"]]

    assert names == ["mine"]


def test_a_test_that_does_not_ask_is_left_alone():
    assert os.environ["AWS_PROFILE"] == "the-users-own"
    assert "AWS_ENDPOINT_URL" not in os.environ
"""


def test_a_users_tests_get_an_emulator_only_where_they_ask_for_it(tmp_path):
    (tmp_path / "test_mine.py").write_text(USERS_TESTS)

    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:randomly", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env=child_environment({"AWS_PROFILE": "the-users-own"}),
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "3 passed" in done.stdout
