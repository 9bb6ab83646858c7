"""What a batch transform job says becomes the server's limits, and what the server says to it."""

import pytest

from model_server.settings.reader import SettingsError
from model_server.settings.server import Settings
from model_server.settings.transform import execution_parameters

MIB = 2**20


def read(**variables):
    return Settings.from_environment(variables)


def test_an_endpoint_has_the_limits_of_an_endpoint():
    settings = read(SAGEMAKER_MAX_PAYLOAD_IN_MB="100")

    assert (settings.max_body_bytes, settings.invoke_seconds) == (6 * MIB, 58.0)


@pytest.mark.parametrize(("payload", "size"), [("1", MIB), ("100", 100 * MIB), ("0", 2**30)])
def test_a_job_sets_the_largest_body(payload, size):
    settings = read(SAGEMAKER_BATCH="true", SAGEMAKER_MAX_PAYLOAD_IN_MB=payload)

    assert settings.max_body_bytes == size


def test_a_job_that_sets_nothing_has_6_mib_and_an_hour():
    settings = read(SAGEMAKER_BATCH="true")

    assert (settings.max_body_bytes, settings.invoke_seconds) == (6 * MIB, 3598.0)


def test_what_the_owner_sets_goes_before_what_the_job_says():
    settings = read(
        SAGEMAKER_BATCH="true",
        SAGEMAKER_MAX_PAYLOAD_IN_MB="100",
        MODEL_SERVER_MAX_BODY_BYTES="5000",
        MODEL_SERVER_INVOKE_SECONDS="600",
    )

    assert (settings.max_body_bytes, settings.invoke_seconds) == (5000, 600.0)


def test_a_payload_that_no_job_can_have_is_refused():
    with pytest.raises(SettingsError) as caught:
        read(SAGEMAKER_BATCH="true", SAGEMAKER_MAX_PAYLOAD_IN_MB="101")

    assert caught.value.problems == [
        "SAGEMAKER_MAX_PAYLOAD_IN_MB is '101'; it takes a number from 0 to 100"
    ]


@pytest.mark.parametrize(
    ("max_body_bytes", "cpus", "payload", "concurrent"),
    [
        (6 * MIB, 2, 6, 4),
        (6 * MIB, 64, 6, 16),  # 16 x 6 MB are the most that fit in 100 MB
        (100 * MIB, 8, 100, 1),
        (2**30, 8, 100, 1),
        (1000, 1, 1, 2),
    ],
)
def test_payload_and_requests_at_once_are_within_what_a_job_allows(
    max_body_bytes, cpus, payload, concurrent
):
    assert execution_parameters(max_body_bytes, cpus) == {
        "MaxConcurrentTransforms": concurrent,
        "BatchStrategy": "MULTI_RECORD",
        "MaxPayloadInMB": payload,
    }
