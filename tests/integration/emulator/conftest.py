"""A real emulator of this module, and clients of it."""

import boto3
import pytest
from botocore.config import Config

from modelway.emulator.process import start


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    running = start(port=0, state=tmp_path_factory.mktemp("emulator"))
    yield running
    running.stop()


@pytest.fixture(scope="session")
def client_of():
    """Makes boto3 clients that try once, so that an error is what the emulator answered."""

    def client(emulator, service, **options):
        keys = {"aws_access_key_id": "testing", "aws_secret_access_key": "testing"}
        return boto3.client(
            service,
            endpoint_url=emulator.url,
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": 1}),
            **keys | options,
        )

    return client


@pytest.fixture
def client(emulator, client_of):
    return lambda service, **options: client_of(emulator, service, **options)
