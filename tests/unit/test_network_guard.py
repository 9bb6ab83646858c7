"""No test, and no child of a test, can reach beyond this machine."""

import subprocess
import sys

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import EndpointConnectionError

from modelway.testing import child_environment


@pytest.mark.parametrize(
    ("service", "operation", "arguments"),
    [
        ("sagemaker", "list_endpoints", {}),
        ("sagemaker-runtime", "invoke_endpoint", {"EndpointName": "e", "Body": b""}),
        ("s3", "list_buckets", {}),
        ("sts", "get_caller_identity", {}),
        ("ecr", "describe_repositories", {}),
    ],
)
def test_a_client_that_names_no_emulator_finds_nobody(service, operation, arguments):
    client = boto3.client(
        service,
        region_name="us-east-1",
        config=Config(retries={"total_max_attempts": 1}),
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )

    with pytest.raises(EndpointConnectionError, match=r"http://127\.0\.0\.1:"):
        getattr(client, operation)(**arguments)


def test_a_client_that_names_another_host_is_refused():
    client = boto3.client(
        "sts",
        region_name="us-east-1",
        endpoint_url="https://sts.us-east-1.amazonaws.com",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )

    with pytest.raises(Exception, match="request dict is not patched"):
        client.get_caller_identity()


def test_a_child_process_is_refused_by_its_proxy_and_has_no_account():
    program = """
import os, urllib.request
print(sorted(n for n in os.environ if n.startswith("AWS_") and "KEY" in n))
print(os.environ["AWS_ACCESS_KEY_ID"], os.environ["AWS_EC2_METADATA_DISABLED"])
try:
    urllib.request.urlopen("http://sts.us-east-1.amazonaws.com", timeout=5)
except OSError as error:
    print(type(error.reason).__name__)
"""

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=child_environment({}),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.splitlines() == [
        "['AWS_ACCESS_KEY_ID', 'AWS_SECRET_ACCESS_KEY']",
        "testing true",
        "ConnectionRefusedError",
    ]
