"""S3 and Firehose, through the real botocore, against servers on loopback."""

import base64
import gzip
import io
import json
import re
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from model_server.observe.errors import SinkFailed
from model_server.observe.prediction_log import PredictionLog
from model_server.observe.records import Bodies, Lines
from model_server.observe.sinks import aws
from model_server.observe.sinks.firehose_sink import FirehoseSink
from model_server.observe.sinks.folder import Folder
from model_server.observe.sinks.parquet import Parquet
from model_server.observe.sinks.part_sink import JsonLines, PartSink
from model_server.observe.sinks.stores import FolderStore, S3Store

pytestmark = pytest.mark.usefixtures("aws")


def lines(max_record_bytes=2_000_000):
    return Lines(Bodies(max_record_bytes))


def s3_sink(stub, form=None, prefix="log/fraud", part_bytes=1 << 20, part_seconds=60.0):
    store = S3Store("my-bucket", prefix, endpoint_url=stub.url)
    sink = PartSink(form or JsonLines(lines()), store, part_bytes, part_seconds)
    sink.open()
    return sink


def firehose(stub, max_record_bytes=2_000_000):
    sink = FirehoseSink("my-stream", lines(max_record_bytes), endpoint_url=stub.url)
    sink.open()
    return sink


def takes_all(call):
    count = len(json.loads(call.body)["Records"])
    answer = {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "1"}] * count}
    return 200, {"Content-Type": "application/x-amz-json-1.1"}, json.dumps(answer).encode()


def sent(call):
    return [base64.b64decode(record["Data"]) for record in json.loads(call.body)["Records"]]


def unchunked(call):
    """Give an object's bytes, which botocore may wrap with a checksum behind them."""
    if "aws-chunked" not in call.headers.get("content-encoding", ""):
        return call.body
    size, _, rest = call.body.partition(b"\r\n")
    return rest[: int(size, 16)]


def test_a_part_becomes_one_signed_object_by_the_hour_of_its_first_record(stub, record):
    sink = s3_sink(stub)
    sink.add(record(id="a"))
    sink.add(record(id="b", time=1_795_579_300.0))

    sink.put()

    [call] = stub.calls
    assert call.method == "PUT"
    assert re.fullmatch(
        r"/my-bucket/log/fraud/2026/11/25/03/[A-Za-z0-9.-]+-\d+-[0-9a-f]{8}-000001\.jsonl\.gz",
        call.path,
    )
    assert "Credential=AKIDEXAMPLE/" in call.headers["authorization"]
    found = gzip.decompress(unchunked(call)).splitlines()
    assert [json.loads(line)["id"] for line in found] == ["a", "b"]
    assert (sink.safe, sink.pending) == (2, 0)


def test_the_next_part_is_another_object(stub, record):
    sink = s3_sink(stub, prefix="")
    for number in range(2):
        sink.add(record(id=f"r-{number}"))
        sink.put()

    paths = [call.path for call in stub.calls]
    assert [path[-16:] for path in paths] == ["-000001.jsonl.gz", "-000002.jsonl.gz"]
    assert all(path.startswith("/my-bucket/2026/11/25/03/") for path in paths)


def test_a_part_is_due_by_its_size_or_its_age(stub, record):
    sink = s3_sink(stub, part_bytes=1000, part_seconds=60.0)
    assert sink.due(time.monotonic()) is False

    sink.add(record())
    now = time.monotonic()

    assert sink.due(now) is False
    assert sink.due(now + 61) is True
    sink.add(record())
    sink.add(record())
    assert sink.due(now) is True


def test_an_object_that_s3_refuses_is_put_again_under_the_same_name(stub, record):
    refusals = [500, 503, 403]

    def answer(call):
        return (refusals.pop(0) if refusals else 200), {}, b""

    stub.answer = answer
    sink = s3_sink(stub)
    sink.add(record(id="a"))

    with pytest.raises(SinkFailed, match="S3 took no object"):
        sink.put()
    sink.add(record(id="b"))
    assert sink.pending == 2
    with pytest.raises(SinkFailed):
        sink.put()
    sink.put()

    good = [call for call in stub.calls if call.path == stub.calls[0].path]
    assert len(good) == 4
    assert len({bytes(unchunked(call)) for call in good}) == 1
    assert (sink.safe, sink.pending) == (2, 0)


def test_what_is_given_up_of_parts_is_forgotten(stub, record):
    stub.answer = lambda call: (500, {}, b"")
    sink = s3_sink(stub)
    sink.add(record(id="a"))
    with pytest.raises(SinkFailed):
        sink.put()
    sink.add(record(id="b"))

    assert sink.abandon() == 2

    stub.answer = None
    sink.add(record(id="c"))
    sink.put()
    assert json.loads(gzip.decompress(unchunked(stub.calls[-1])))["id"] == "c"
    assert sink.safe == 1


def test_a_large_part_is_compressed_in_pieces_and_whole(stub, record):
    sink = s3_sink(stub)
    for number in range(600):
        sink.add(record(id=f"r-{number}"))

    sink.put()

    found = gzip.decompress(unchunked(stub.calls[0])).splitlines()
    assert [json.loads(line)["id"] for line in found] == [f"r-{n}" for n in range(600)]


def test_without_a_region_there_is_a_reason():
    # In a process of its own: here, the guard of the tests gives a region.
    code = "from model_server.observe.sinks.aws import client; client('firehose')"
    clean = {
        "PYTHONPATH": str(Path(aws.__file__).parents[3]),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_CONFIG_FILE": "/dev/null",
    }

    done = subprocess.run([sys.executable, "-c", code], env=clean, capture_output=True, check=False)

    assert b"SinkFailed: a client for firehose could not be made: You must specify a region" in (
        done.stderr
    )


def test_lines_go_to_the_stream_one_a_record(stub, record):
    stub.answer = takes_all
    sink = firehose(stub)
    sink.add(record(id="a"))
    sink.add(record(id="b"))

    sink.put()

    [call] = stub.calls
    assert call.headers["x-amz-target"] == "Firehose_20150804.PutRecordBatch"
    assert json.loads(call.body)["DeliveryStreamName"] == "my-stream"
    found = sent(call)
    assert all(line.endswith(b"\n") for line in found)
    assert [json.loads(line)["id"] for line in found] == ["a", "b"]
    assert (sink.safe, sink.pending) == (2, 0)


def test_a_batch_has_500_records_at_most(stub, record):
    stub.answer = takes_all
    sink = firehose(stub)
    for number in range(1201):
        sink.add(record(id=f"r-{number}"))

    sink.put()

    assert [len(sent(call)) for call in stub.calls] == [500, 500, 201]
    assert sink.safe == 1201


def test_a_batch_has_four_mebibytes_at_most(stub, record):
    stub.answer = takes_all
    sink = firehose(stub)
    body = b"[" + b"1," * 450_000 + b"1]"
    for number in range(6):
        sink.add(record(body, id=f"r-{number}"))

    sink.put()

    sizes = [sum(map(len, sent(call))) for call in stub.calls]
    assert [len(sent(call)) for call in stub.calls] == [4, 2]
    assert max(sizes) <= 4 * 2**20
    assert sink.safe == 6


def test_a_line_that_firehose_would_never_take_is_lost_and_counted(stub, record):
    sink = firehose(stub)

    sink.add(record(b"[" + b"1," * 520_000 + b"1]"))

    assert (sink.safe, sink.lost, sink.pending) == (0, 1, 0)


def test_only_what_firehose_refused_is_sent_again(stub, record):
    def answer(call):
        found = [json.loads(line)["id"] for line in sent(call)]
        first = len(stub.calls) == 1
        told = [
            {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "Slow down."}
            if first and name in ("b", "d")
            else {"RecordId": "1"}
            for name in found
        ]
        answer = {"FailedPutCount": 2 if first else 0, "RequestResponses": told}
        return 200, {}, json.dumps(answer).encode()

    stub.answer = answer
    sink = firehose(stub)
    for name in "abcd":
        sink.add(record(id=name))

    with pytest.raises(SinkFailed, match=r"refused 2 records: ServiceUnavailableException: Slow"):
        sink.put()
    assert (sink.safe, sink.pending) == (2, 2)
    sink.put()

    assert [json.loads(line)["id"] for line in sent(stub.calls[1])] == ["b", "d"]
    assert (sink.safe, sink.pending) == (4, 0)


def test_an_error_of_firehose_keeps_everything(stub, record):
    stub.answer = lambda call: (
        400, {}, b'{"__type":"ResourceNotFoundException","message":"no such stream"}',
    )  # fmt: skip
    sink = firehose(stub)
    sink.add(record(id="a"))

    with pytest.raises(SinkFailed, match="no such stream"):
        sink.put()

    assert (sink.safe, sink.pending) == (0, 1)
    assert sink.abandon() == 1


def test_lines_are_gathered_for_a_second_or_a_full_batch(stub, record):
    sink = firehose(stub)
    sink.add(record())
    now = time.monotonic()

    assert sink.due(now) is False
    assert sink.due(now + 1.0) is True
    for _ in range(499):
        sink.add(record())
    assert sink.due(now) is True


def test_a_log_survives_an_outage_of_s3(stub, log, source):
    outage = [True]
    stub.answer = lambda call: (503 if outage[0] else 200, {}, b"")
    store = S3Store("my-bucket", "", endpoint_url=stub.url)
    sink = PartSink(JsonLines(lines()), store, 1 << 20, 0.1)
    prediction_log = PredictionLog(sink, log)
    prediction_log.start()
    for number in range(50):
        prediction_log.offer(source, 200, 0.1, f"r-{number}", "text/plain", b"a", "", b"")
    time.sleep(1.0)
    assert (prediction_log.written, prediction_log.dropped) == (0, 0)

    outage[0] = False

    assert prediction_log.close(20) is True
    assert (prediction_log.written, prediction_log.dropped) == (50, 0)


def test_a_parquet_part_holds_what_a_line_holds(stub, record):
    sink = s3_sink(stub, Parquet(Bodies(1_000_000)))
    sink.add(record(id="a", trace_id="4bf92f3577b34da6a3ce929d0e0e4736"))
    sink.add(record(b"\x93NUMPY", None, id="b", request_type="application/x-npy", status=500))

    sink.put()

    [call] = stub.calls
    assert call.path.endswith("-000001.parquet")
    table = pq.read_table(io.BytesIO(unchunked(call)))
    rows = table.to_pylist()
    assert rows[0].pop("time").isoformat() == "2026-11-25T03:00:00.123456+00:00"
    assert rows[0] == {
        "id": "a",
        "model": "fraud",
        "version": "3",
        "digest": "sha256:ab",
        "protocol": "rest",
        "status": 200,
        "latency_ms": 1.2345,
        "caller": "scoring",
        "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736",
        "request_type": "application/json",
        "request_encoding": "json",
        "request_bytes": None,
        "request": '{"instances":[[1]]}',
        "response_type": "application/json",
        "response_encoding": "json",
        "response_bytes": None,
        "response": '{"predictions":[0.5]}',
    }
    assert rows[1]["request"] == base64.b64encode(b"\x93NUMPY").decode()
    assert (rows[1]["response"], rows[1]["response_encoding"]) == (None, "none")


def test_parquet_files_in_a_folder_appear_whole(tmp_path, record):
    folder = Folder(tmp_path / "log", 1 << 30, lambda name: None)
    sink = PartSink(Parquet(Bodies(1_000_000)), FolderStore(folder), 1 << 20, 60.0)
    sink.open()
    for number in range(2):
        sink.add(record(id=f"r-{number}"))
        sink.put()
    sink.close()

    found = sorted((tmp_path / "log").iterdir())
    assert [path.name[-15:] for path in found] == ["-000001.parquet", "-000002.parquet"]
    assert pq.read_table(found[1]).column("id").to_pylist() == ["r-1"]


def test_a_parquet_file_that_has_no_room_is_written_later(tmp_path, record):
    sink = PartSink(
        Parquet(Bodies(1_000_000)),
        FolderStore(Folder(tmp_path / "log", 1 << 30, lambda name: None)),
        1 << 20,
        60.0,
    )
    sink.open()
    sink.add(record(id="a"))
    (tmp_path / "log").rmdir()
    (tmp_path / "log").write_text("in the way")

    with pytest.raises(SinkFailed, match="could not be written"):
        sink.put()
    (tmp_path / "log").unlink()
    sink.put()

    [path] = (tmp_path / "log").iterdir()
    assert pq.read_table(path).num_rows == 1
    assert sink.safe == 1
