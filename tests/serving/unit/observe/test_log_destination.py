"""From settings to a log that runs, with the real sinks."""

import gzip
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from model_server.observe import log_destination
from model_server.observe.errors import ObserveUnusable
from model_server.observe.log_destination import prediction_log
from model_server.settings.observe import PredictionLogSettings


def offer(log, source, number):
    for count in range(number):
        log.offer(
            source, 200, 0.001, f"r-{count}", "application/json", b'{"instances":[[1]]}',
            "application/json", b'{"predictions":[1]}', "caller",
        )  # fmt: skip


def run(settings, log, number=100):
    made = prediction_log(settings, log)
    made.start()
    source = made.source("rest", "fraud", "3", "sha256:ab", {"x": ()}, {"y": ()})
    offer(made, source, number)
    assert made.close(20) is True
    assert (made.written, made.dropped) == (number, 0)


def test_lines_in_a_folder(tmp_path, log):
    run(PredictionLogSettings(f"file://{tmp_path}/log"), log, 5000)

    [path] = (tmp_path / "log").iterdir()
    found = [json.loads(line) for line in path.read_text().splitlines()]
    assert len(found) == 5000
    assert found[4999]["id"] == "r-4999"
    assert found[4999]["request"] == {"instances": [[1]]}


def test_compressed_lines_in_a_folder(tmp_path, log):
    run(PredictionLogSettings(str(tmp_path), gzip=True), log)

    [path] = tmp_path.iterdir()
    assert len(gzip.decompress(path.read_bytes()).splitlines()) == 100


def test_parquet_in_a_folder(tmp_path, log):
    run(PredictionLogSettings(str(tmp_path), format="parquet"), log)

    [path] = tmp_path.iterdir()
    assert pq.read_table(path).num_rows == 100


def test_lines_in_a_folder_without_the_redacted_field(tmp_path, log):
    run(PredictionLogSettings(str(tmp_path), redact=("x",)), log, 1)

    [path] = tmp_path.iterdir()
    assert json.loads(path.read_text())["request"] == {"instances": "[redacted]"}


def test_a_file_is_deleted_with_a_line_in_the_log(tmp_path, log):
    (tmp_path / "predictions-1.jsonl").write_bytes(b"x" * 3_000_000)
    settings = PredictionLogSettings(str(tmp_path), file_bytes=1 << 20, disk_bytes=4 << 20)
    (tmp_path / "predictions-2.jsonl").write_bytes(b"x" * 1_000_000)

    run(settings, log)

    assert log.events == [("prediction_log_file_deleted", {"file": "predictions-1.jsonl"})]


def test_lines_on_standard_output():
    code = """
from model_server.log import Log
from model_server.observe.log_destination import prediction_log
from model_server.settings.observe import PredictionLogSettings
log = prediction_log(PredictionLogSettings("stdout"), Log())
log.start()
source = log.source("rest", "fraud", "3", "sha256:ab")
for number in range(300):
    log.offer(source, 200, 0.1, str(number), "application/json", b"[1]", "application/json", b"[2]")
assert log.close(10)
"""
    root = Path(log_destination.__file__).parents[2]

    done = subprocess.run(
        [sys.executable, "-c", code], env={"PYTHONPATH": str(root)}, capture_output=True, check=True
    )

    found = [json.loads(line) for line in done.stdout.splitlines()]
    assert [line["id"] for line in found] == [str(number) for number in range(300)]


@pytest.mark.parametrize(
    ("destination", "form", "hint"),
    [
        ("s3://b/p", "jsonl", r"s3://b/p needs botocore, .* 'model-server\[aws\]'"),
        ("firehose://s", "jsonl", r"needs botocore, .* 'model-server\[aws\]'"),
        ("/tmp/x", "parquet", r"FORMAT=parquet needs pyarrow, .* 'model-server\[parquet\]'"),
    ],
)
def test_a_missing_package_is_told_before_anything_starts(
    destination, form, hint, log, monkeypatch
):
    monkeypatch.setattr(log_destination, "find_spec", lambda name: None)

    with pytest.raises(ObserveUnusable, match=hint):
        prediction_log(PredictionLogSettings(destination, form), log)


def test_a_folder_that_cannot_be_made_is_told_before_anything_starts(tmp_path, log):
    (tmp_path / "file").write_text("")

    with pytest.raises(ObserveUnusable, match="cannot be made: Not a directory"):
        prediction_log(PredictionLogSettings(str(tmp_path / "file" / "log")), log)


def test_a_folder_that_cannot_be_written_is_told_before_anything_starts(tmp_path, log, monkeypatch):
    monkeypatch.setattr(os, "access", lambda path, mode: False)  # root may write anywhere

    with pytest.raises(ObserveUnusable, match="cannot be written by user"):
        prediction_log(PredictionLogSettings(str(tmp_path)), log)


def test_two_workers_share_a_folder_and_every_answer_is_in_it_or_counted_as_dropped(
    tmp_path, log, source
):
    settings = PredictionLogSettings(str(tmp_path), file_bytes=1 << 20, queue_bytes=1 << 20)
    results, told = os.pipe()
    pids = []
    for _ in range(2):
        pid = os.fork()
        if pid == 0:
            made = prediction_log(settings, log)
            made.start()
            for _ in range(20):
                offer(made, source, 500)
                time.sleep(0.005)
            made.close(20)
            os.write(told, json.dumps([made.offered, made.written, made.dropped]).encode() + b"\n")
            os._exit(0)
        pids.append(pid)

    for pid in pids:
        assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0
    os.close(told)
    with os.fdopen(results) as pipe:
        counts = [json.loads(line) for line in pipe]

    found = sum(len(path.read_text().splitlines()) for path in tmp_path.iterdir())
    assert all(path.suffix == ".jsonl" for path in tmp_path.iterdir())
    assert [offered for offered, _, _ in counts] == [10_000, 10_000]
    assert found == sum(written for _, written, _ in counts)
    assert found + sum(dropped for _, _, dropped in counts) == 20_000
