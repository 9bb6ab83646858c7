"""Predictions on standard output."""

import json
import os
import threading

import pytest

from model_server.observe.errors import SinkFailed
from model_server.observe.records import Bodies, Lines
from model_server.observe.sinks.stdout_sink import StdoutSink


@pytest.fixture
def pipe():
    ends = os.pipe()
    yield ends
    for descriptor in ends:
        os.close(descriptor)


def sink_on(descriptor):
    return StdoutSink(Lines(Bodies(1_000_000)), descriptor)


def ids(data):
    return [json.loads(line)["id"] for line in data.splitlines()]


def test_records_are_lines(pipe, record):
    sink = sink_on(pipe[1])
    for number in range(20):
        sink.add(record(id=f"r-{number}"))

    sink.put()

    assert ids(os.read(pipe[0], 65536)) == [f"r-{number}" for number in range(20)]
    assert (sink.safe, sink.pending) == (20, 0)


def test_short_lines_go_out_together_and_never_in_a_write_that_may_be_broken(record, monkeypatch):
    sizes = []
    monkeypatch.setattr("os.write", lambda descriptor, data: sizes.append(len(data)) or len(data))
    sink = sink_on(1)
    for number in range(40):
        sink.add(record(id=f"r-{number:03d}"))

    sink.put()

    monkeypatch.undo()
    assert len(sizes) == 4
    assert max(sizes) <= 4096


def test_a_pipe_that_is_full_continues_where_it_stopped(pipe, record):
    os.set_blocking(pipe[1], False)
    sink = sink_on(pipe[1])
    body = json.dumps({"instances": [[1.5] * 2000]}).encode()
    for number in range(20):
        sink.add(record(body, id=f"r-{number}"))

    with pytest.raises(SinkFailed, match="temporarily unavailable"):
        sink.put()
    assert 0 < sink.safe < 20
    assert sink.safe + sink.pending == 20
    sink.add(record(id="last"))
    found = []

    def drain():
        while b"last" not in (data := os.read(pipe[0], 65536)):
            found.append(data)
        found.append(data)

    reader = threading.Thread(target=drain)
    reader.start()
    os.set_blocking(pipe[1], True)
    sink.put()
    reader.join()

    assert ids(b"".join(found)) == [*(f"r-{number}" for number in range(20)), "last"]
    assert (sink.safe, sink.pending) == (21, 0)


def test_what_is_given_up_leaves_no_torn_line(pipe, record):
    os.set_blocking(pipe[1], False)
    sink = sink_on(pipe[1])
    body = json.dumps({"instances": [[1.5] * 2000]}).encode()
    for number in range(20):
        sink.add(record(body, id=f"r-{number}"))
    with pytest.raises(SinkFailed):
        sink.put()
    safe = sink.safe

    assert sink.abandon() == 20 - safe

    data = os.read(pipe[0], 1 << 20)
    sink.add(record(id="last"))
    sink.put()
    data += os.read(pipe[0], 1 << 20)
    assert ids(data)[-1] == "last"
    assert sink.safe == safe + 1


def test_a_reader_that_is_gone_is_told(pipe, record):
    read, write = os.pipe()
    os.close(read)
    sink = sink_on(write)
    sink.add(record())

    with pytest.raises(SinkFailed, match="Broken pipe"):
        sink.put()

    os.close(write)
