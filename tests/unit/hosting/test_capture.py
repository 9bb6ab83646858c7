"""Data capture: what is written, where, when and how much of it."""

import base64
import json
import re
from types import SimpleNamespace

import pytest

from modelway.emulator.clock import Clock
from modelway.emulator.hosting.capture import Capture, EvenSample, Exchange
from modelway.emulator.services import Services, Settings

AT = 1_795_860_000.25  # 2026-11-28 10:00:00.250 UTC
RECORD = SimpleNamespace(
    endpoint_name="fraud-prod", arn="arn:aws:sagemaker:fraud-prod", account_id="123456789012"
)


def config(**changes):
    capture = {
        "EnableCapture": True,
        "InitialSamplingPercentage": 100,
        "DestinationS3Uri": "s3://bucket/data-capture",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
        "CaptureContentTypeHeader": {
            "CsvContentTypes": ["text/csv"],
            "JsonContentTypes": ["application/json"],
        },
        **changes,
    }
    return {"EndpointConfigName": "config-1", "DataCaptureConfig": capture}


def exchange(variant="primary", answer=b'{"label": 1}', given="application/json", **headers):
    sent = {"Content-Type": "text/csv", **headers}
    return Exchange(variant, b"1,2,3", sent, answer, given)


@pytest.fixture
def clock():
    """Time that stands still until it is set."""

    class Standing(Clock):
        at = AT

        def now(self):
            return self.at

    return Standing()


@pytest.fixture
def stored():
    """Every object that was put: bucket, key, content, headers."""
    return []


@pytest.fixture
def capture(tmp_path, clock, stored):
    made = Capture(Services(Settings(port=0, state_dir=tmp_path), clock))

    def store(account, bucket, key, content, headers):
        stored.append((bucket, key, content.decode(), dict(headers)))
        return 200

    made.store = store
    return made


def lines(stored):
    return [json.loads(line) for _, _, text, _ in stored for line in text.splitlines()]


def test_an_object_is_named_by_endpoint_variant_hour_and_moment(capture, stored):
    capture.add(RECORD, config(), exchange())
    capture.flush()

    ((bucket, key, _, _),) = stored
    assert bucket == "bucket"
    assert re.fullmatch(
        r"data-capture/fraud-prod/primary/2026/11/28/10/00-00-250-[0-9a-f-]{36}\.jsonl", key
    )


def test_a_line_has_sagemakers_form(capture, stored):
    ids = {
        "X-Amzn-SageMaker-Inference-Id": "request-7",
        "X-Amzn-SageMaker-Custom-Attributes": "trace=1",
    }
    capture.add(RECORD, config(), exchange(**ids))
    capture.flush()

    (line,) = lines(stored)
    assert re.fullmatch(r"[0-9a-f-]{36}", line["eventMetadata"].pop("eventId"))
    assert line == {
        "captureData": {
            "endpointInput": {
                "observedContentType": "text/csv",
                "mode": "INPUT",
                "data": "1,2,3",
                "encoding": "CSV",
            },
            "endpointOutput": {
                "observedContentType": "application/json",
                "mode": "OUTPUT",
                "data": '{"label": 1}',
                "encoding": "JSON",
            },
        },
        "eventMetadata": {
            "customAttributes": ["trace=1"],
            "inferenceId": "request-7",
            "inferenceTime": "2026-11-28T10:00:00Z",
        },
        "eventVersion": "0",
    }


def test_a_request_without_an_inference_id_is_captured_without_one(capture, stored):
    capture.add(RECORD, config(), exchange())
    capture.flush()

    assert set(lines(stored)[0]["eventMetadata"]) == {"eventId", "inferenceTime"}


@pytest.mark.parametrize(
    ("given", "answer", "types", "encoding", "data"),
    [
        ("text/csv; charset=utf-8", b"1\n", {"CsvContentTypes": ["text/csv"]}, "CSV", "1\n"),
        ("Application/JSON", b"[1]", {"JsonContentTypes": ["application/json"]}, "JSON", "[1]"),
        ("application/json", b"[1]", {}, "BASE64", "WzFd"),
        ("image/png", b"\x89", {"CsvContentTypes": ["text/csv"]}, "BASE64", "iQ=="),
        ("text/csv", b"\xff", {"CsvContentTypes": ["text/csv"]}, "BASE64", "/w=="),
    ],
)
def test_only_content_types_that_are_said_to_be_text_are_captured_as_text(
    capture, stored, given, answer, types, encoding, data
):
    wanted = config(CaptureContentTypeHeader=types)
    capture.add(RECORD, wanted, exchange(answer=answer, given=given))
    capture.flush()

    output = lines(stored)[0]["captureData"]["endpointOutput"]
    assert (output["encoding"], output["data"]) == (encoding, data)
    if encoding == "BASE64":
        assert base64.b64decode(output["data"]) == answer


def test_only_the_sides_that_are_asked_for_are_captured(capture, stored):
    capture.add(RECORD, config(CaptureOptions=[{"CaptureMode": "Output"}]), exchange())
    capture.add(RECORD, config(CaptureOptions=[{"CaptureMode": "InputAndOutput"}]), exchange())
    capture.flush()

    assert [sorted(line["captureData"]) for line in lines(stored)] == [
        ["endpointOutput"],
        ["endpointInput", "endpointOutput"],
    ]


def test_variants_and_hours_have_objects_of_their_own(capture, stored, clock):
    capture.add(RECORD, config(), exchange("primary"))
    capture.add(RECORD, config(), exchange("shadow"))
    capture.add(RECORD, config(), exchange("primary"))
    clock.at = AT + 3600
    capture.add(RECORD, config(), exchange("primary"))
    capture.flush()

    assert [(key.rsplit("/", 1)[0], text.count("\n")) for _, key, text, _ in stored] == [
        ("data-capture/fraud-prod/primary/2026/11/28/10", 2),
        ("data-capture/fraud-prod/shadow/2026/11/28/10", 1),
        ("data-capture/fraud-prod/primary/2026/11/28/11", 1),
    ]


def test_a_key_encrypts_the_object(capture, stored):
    capture.add(RECORD, config(KmsKeyId="arn:aws:kms:key"), exchange())
    capture.flush()

    assert stored[0][3]["x-amz-server-side-encryption"] == "aws:kms"
    assert stored[0][3]["x-amz-server-side-encryption-aws-kms-key-id"] == "arn:aws:kms:key"


@pytest.mark.parametrize(("percent", "taken"), [(100, 40), (25, 10), (1, 0), (0, 0)])
def test_a_share_of_the_requests_is_captured_exactly(capture, percent, taken):
    wanted = config(InitialSamplingPercentage=percent)

    assert sum(capture.wanted(RECORD, wanted) for _ in range(40)) == taken


def test_nothing_is_captured_where_nobody_asked(capture):
    assert not capture.wanted(RECORD, {"EndpointConfigName": "config-1"})
    assert not capture.wanted(RECORD, config(EnableCapture=False))


def test_a_bucket_that_is_gone_costs_the_data_and_nothing_else(capture, caplog):
    capture.store = lambda *_: 404
    capture.add(RECORD, config(), exchange())

    capture.flush()

    assert "captured data lost: putting s3://bucket/data-capture/fraud-prod" in caplog.text


def test_what_was_captured_is_written_within_a_virtual_minute(tmp_path, stored):
    services = Services(Settings(port=0, state_dir=tmp_path), Clock(time_scale=600))
    capture = Capture(services)
    at = []

    def store(*_):
        at.append(services.clock.now())
        services.stopping.set()
        return 200

    capture.store = store
    begun = services.clock.now()
    capture.add(RECORD, config(), exchange())
    capture.start()

    assert services.stopping.wait(10)
    assert at[0] - begun < 120  # the shortest real pause, 0.1 s, is a virtual minute here


def test_a_sample_is_spread_evenly():
    sample = EvenSample()

    taken = [sample.takes("key", 0.25) for _ in range(12)]

    assert [number for number, each in enumerate(taken, 1) if each] == [4, 8, 12]
