"""Requests of data capture and of the model server's prediction log."""

import json

import pytest

from modelway.experiment.captured import Request, read_captured

VARIANTS = ("blue", "green")
CAPTURE = {
    "captureData": {
        "endpointInput": {"observedContentType": "text/csv", "mode": "INPUT", "data": "1,2"},
        "endpointOutput": {"observedContentType": "text/csv", "mode": "OUTPUT", "data": "0.5"},
    },
    "eventMetadata": {
        "eventId": "6954f0b8-28f9-4a5f-9d4f-3ae2b6a4a5a1",
        "inferenceId": "order-17",
        "inferenceTime": "2026-11-28T10:00:00Z",
    },
    "eventVersion": "0",
}
LOGGED = (
    '{"time":"2026-11-28T10:00:00.500000Z","id":"r-1","latency_ms":1.234,"model":"fraud",'
    '"version":"green","digest":"sha256:00","protocol":"rest","status":200,"caller":"scoring",'
    '"request_type":"application/json","request_encoding":"json","response_type":'
    '"application/json","response_encoding":"json","request":{"instances":[[41,3.5]]},'
    '"response":{"predictions":[0.5]}}'
)


def test_data_capture_is_read_with_the_variant_of_its_folder(lines):
    path = "fraud-prod/green/2026/11/28/10/00-01-123.jsonl"

    read = read_captured(lines(json.dumps(CAPTURE), path=path), VARIANTS)

    assert read.requests == (Request("green", "order-17", 1795860000.0, None, None),)


def test_without_an_inference_id_the_id_that_sagemaker_made_counts(lines):
    event = {"eventId": "made-by-sagemaker", "inferenceTime": "2026-11-28T10:00:00Z"}
    path = "prefix/fraud-prod/blue/2026/11/28/10/a.jsonl"

    read = read_captured(
        lines(json.dumps({**CAPTURE, "eventMetadata": event}), path=path), VARIANTS
    )

    assert [(one.variant, one.id) for one in read.requests] == [("blue", "made-by-sagemaker")]


def test_the_prediction_log_is_read_with_the_version_as_the_variant(lines):
    read = read_captured(lines(LOGGED), VARIANTS)

    assert read.requests == (Request("green", "r-1", 1795860000.5, 1.234, 200),)


@pytest.mark.parametrize(
    ("path", "own", "variant"),
    [
        ("predictions.jsonl", {}, "green"),
        ("blue/predictions.jsonl", {}, "blue"),
        ("green/blue/host-1/predictions.jsonl.gz", {}, "blue"),
        ("blue/predictions.jsonl", {"variant": "green"}, "green"),
    ],
)
def test_the_line_itself_tells_the_variant_before_the_folder_and_the_version(
    lines, path, own, variant
):
    read = read_captured(lines(json.dumps({**json.loads(LOGGED), **own}), path=path), VARIANTS)

    assert [one.variant for one in read.requests] == [variant]


def test_other_variants_and_lines_that_tell_none_are_counted(lines):
    read = read_captured(
        lines('{"id": "a", "status": 200, "version": "red"}', '{"id": "b", "status": 200}'),
        VARIANTS,
    )

    assert (read.requests, read.other_variants, read.no_variant) == ((), 1, 1)


def test_torn_lines_are_counted_with_the_place_of_the_first(lines):
    read = read_captured(
        lines("", LOGGED, LOGGED[:50], "[1]", "[" * 100_000, '{"level": "info"}'), VARIANTS
    )

    assert len(read.requests) == 1
    assert (read.unreadable.count, read.unreadable.first) == (4, "captured.jsonl:3")


@pytest.mark.parametrize(
    ("fields", "latency_ms", "status"),
    [
        ('"latency_ms": null, "status": 200', None, 200),
        ('"latency_ms": "12.5", "status": "200"', 12.5, None),
        ('"latency_ms": {}, "status": 9000', None, None),
        ('"latency_ms": 1e400, "status": 503', float("inf"), 503),
    ],
)
def test_values_of_the_wrong_kind_are_missing_values(lines, fields, latency_ms, status):
    read = read_captured(lines(f'{{"variant": "blue", "time": 7, {fields}}}'), VARIANTS)

    assert read.requests == (Request("blue", "", None, latency_ms, status),)
