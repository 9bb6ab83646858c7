"""Batch transform jobs, as SageMaker runs them: a file in, as many predictions in its order out.

The jobs here split by line, send mini-batches and put the answers together as a job with SplitType
and AssembleWith Line does:
https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html
"""

import io
import json
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import onnxruntime
import pytest

MIB = 2**20


@pytest.fixture
def expected(models):
    """What onnxruntime itself gives for rows."""
    session = onnxruntime.InferenceSession(models / "regressor" / "model.onnx")
    return lambda rows: session.run(["y"], {"x": rows})[0]


def mini_batches(records, strategy, max_payload_bytes):
    """Split lines into bodies: one each, or as many as fit."""
    if strategy == "SingleRecord":
        return list(records)
    batches, size = [[]], 0
    for record in records:
        if size + len(record) > max_payload_bytes:
            batches, size = [*batches, []], 0
        batches[-1].append(record)
        size += len(record)
    return [b"".join(batch) for batch in batches]


def transform(server, bodies, content_type, at_once):
    """Send bodies, several at once, and give the answers' lines in the bodies' order."""

    def send(body):
        reply = server.post(body, content_type, accept=content_type)
        assert reply.status == 200, reply.body[:500]
        return reply.body.splitlines()

    with ThreadPoolExecutor(at_once) as pool:
        return [line for lines in pool.map(send, bodies) for line in lines]


def written(rows, content_type):
    if content_type == "text/csv":
        return [",".join(map(str, row)).encode() + b"\n" for row in rows.tolist()]
    return [json.dumps(row).encode() + b"\n" for row in rows.tolist()]


def predicted(line, content_type):
    if content_type == "text/csv":
        return [float(text) for text in line.split(b",")]
    return json.loads(line)


@pytest.mark.parametrize("content_type", ["text/csv", "application/jsonlines"])
@pytest.mark.parametrize(("strategy", "count"), [("SingleRecord", 500), ("MultiRecord", 60_000)])
def test_every_record_has_its_prediction_in_its_place(
    serve, expected, content_type, strategy, count
):
    server = serve("regressor", SAGEMAKER_BATCH="true", SAGEMAKER_MAX_PAYLOAD_IN_MB="1")
    rows = np.random.default_rng(1).normal(size=(count, 4)).astype(np.float32).round(3)
    bodies = mini_batches(written(rows, content_type), strategy, MIB)
    told = server.request("GET", "/execution-parameters").json()

    lines = transform(server, bodies, content_type, told["MaxConcurrentTransforms"])

    assert len(bodies) == count if strategy == "SingleRecord" else 1 < len(bodies) < 10
    assert len(lines) == count
    given = np.array([predicted(line, content_type) for line in lines], np.float32)
    assert np.abs(given - expected(rows)).max() < 1e-6


def test_a_job_learns_what_suits_the_server(serve):
    server = serve("regressor", SAGEMAKER_BATCH="true", SAGEMAKER_MAX_PAYLOAD_IN_MB="50")

    told = server.request("GET", "/execution-parameters")

    assert told.status == 200
    assert told.headers["content-type"] == "application/json"
    assert told.json()["BatchStrategy"] == "MULTI_RECORD"
    assert told.json()["MaxPayloadInMB"] == 50
    assert told.json()["MaxConcurrentTransforms"] in (1, 2)


def test_a_payload_of_100_mb_is_answered_whole_and_one_byte_more_refused(serve, expected):
    server = serve("regressor", SAGEMAKER_BATCH="true", SAGEMAKER_MAX_PAYLOAD_IN_MB="100")
    line = b"12.5,-3.25,1000.125,7.0625\n"
    count, rest = divmod(100 * MIB, len(line))
    body = (line * count)[:-1] + b"0" * rest + b"\n"  # zeros after the last digit change nothing
    wanted = expected(np.array([[12.5, -3.25, 1000.125, 7.0625]], np.float32))

    reply = server.post(body, "text/csv", accept="application/x-npy")
    more = server.post(b"0" + body, "text/csv")

    assert len(body) == 100 * MIB
    assert (reply.status, more.status) == (200, 413)
    given = np.load(io.BytesIO(reply.body))
    assert given.shape == (count, 3)
    assert np.abs(given / wanted - 1).max() < 1e-6
