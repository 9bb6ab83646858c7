"""The log between the event loop and a sink: nothing waits, and nothing is lost uncounted."""

import time

from model_server.observe.errors import SinkFailed
from model_server.observe.families import LOG_DROPPED, LOG_WRITTEN
from model_server.observe.metrics import Metrics
from model_server.observe.prediction_log import RECORD_BYTES, PredictionLog
from model_server.observe.redaction import Redactor


def offer(log, source, number=1, size=100, ids="r"):
    for count in range(number):
        log.offer(
            source, 200, 0.001, f"{ids}-{count}", "application/json", b"x" * size,
            "application/json", b"{}", "caller", "",
        )  # fmt: skip


def until(condition, seconds=10):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come to pass"
        time.sleep(0.005)


def settled(prediction_log):
    return prediction_log.offered == (
        prediction_log.skipped + prediction_log.written + prediction_log.dropped
    )


def test_what_is_offered_is_written_in_order_within_a_moment(sink, log, source):
    prediction_log = PredictionLog(sink, log)
    prediction_log.start()

    offer(prediction_log, source, 1000)
    until(lambda: prediction_log.written == 1000)

    assert [fields[4] for fields in sink.written[:3]] == ["r-0", "r-1", "r-2"]
    assert prediction_log.dropped == 0
    assert prediction_log.waiting_bytes == 0
    assert prediction_log.close(5) is True
    assert sink.closed


def test_a_burst_beyond_the_memory_is_dropped_and_counted_to_the_record(sink, log, source):
    prediction_log = PredictionLog(sink, log, queue_bytes=100 * (RECORD_BYTES + 1002))

    offer(prediction_log, source, 250, size=1000)

    assert prediction_log.dropped_by_reason == {"full": 150, "failed": 0, "stopped": 0}
    prediction_log.start()
    assert prediction_log.close(5) is True
    assert prediction_log.written == 100
    assert settled(prediction_log)


def test_a_burst_beyond_the_number_is_dropped_and_counted_to_the_record(sink, log, source):
    prediction_log = PredictionLog(sink, log, queue_records=30)

    offer(prediction_log, source, 50)
    prediction_log.start()
    prediction_log.close(5)

    assert prediction_log.written == 30
    assert prediction_log.dropped_by_reason["full"] == 20


def test_a_sink_that_hangs_holds_up_nobody(sink, log, source):
    sink.gate.clear()
    prediction_log = PredictionLog(sink, log, queue_bytes=1 << 20)
    prediction_log.start()
    offer(prediction_log, source, 1)
    until(lambda: sink.puts == 1)

    start = time.perf_counter()
    offer(prediction_log, source, 5000)
    took = time.perf_counter() - start

    assert took < 1.0
    assert prediction_log.dropped_by_reason["full"] > 3000
    sink.gate.set()
    assert prediction_log.close(5) is True
    assert settled(prediction_log)


def test_memory_is_free_again_only_when_records_are_safe(sink, log, source):
    sink.gate.clear()
    prediction_log = PredictionLog(sink, log, queue_records=1000)
    prediction_log.start()
    offer(prediction_log, source, 10, size=98)

    until(lambda: sink.puts == 1)
    held = prediction_log.waiting_bytes
    sink.gate.set()
    until(lambda: prediction_log.written == 10)

    assert held == 10 * (RECORD_BYTES + 100)
    until(lambda: prediction_log.waiting_bytes == 0)
    prediction_log.close(5)


def test_a_sink_that_fails_for_a_while_loses_nothing(sink, log, source):
    sink.failures = 3
    prediction_log = PredictionLog(sink, log)
    prediction_log.start()

    offer(prediction_log, source, 20)
    until(lambda: prediction_log.written == 20)

    assert prediction_log.dropped == 0
    assert prediction_log.close(5) is True
    assert log.names() == ["prediction_log_fails", "prediction_log_works_again"]
    assert log.events[0][1] == {"reason": "the disk is full", "dropped": 0}


def test_a_sink_that_fails_for_too_long_loses_what_it_holds_and_no_more(sink, log, source):
    sink.failures = 2
    prediction_log = PredictionLog(sink, log, retry_seconds=0.05)
    prediction_log.start()

    offer(prediction_log, source, 20)
    until(lambda: prediction_log.dropped == 20)
    offer(prediction_log, source, 5)
    until(lambda: prediction_log.written == 5)

    assert prediction_log.dropped_by_reason == {"full": 0, "failed": 20, "stopped": 0}
    assert prediction_log.close(5) is True
    assert prediction_log.waiting_bytes == 0
    assert settled(prediction_log)


def test_a_sink_that_raises_something_unforeseen_is_tried_again(sink, log, source, monkeypatch):
    tries = []

    def put():
        tries.append(1)
        if len(tries) == 1:
            raise ZeroDivisionError
        type(sink).put(sink)

    monkeypatch.setattr(sink, "put", put)
    prediction_log = PredictionLog(sink, log)
    prediction_log.start()

    offer(prediction_log, source, 3)
    until(lambda: prediction_log.written == 3)

    assert prediction_log.close(5) is True


def test_a_record_that_cannot_be_made_is_counted_and_the_next_ones_are_written(
    sink, log, source, monkeypatch
):
    def add(fields):
        if fields[4] == "r-1":
            raise KeyError
        sink.taken.append(fields)

    monkeypatch.setattr(sink, "add", add)
    prediction_log = PredictionLog(sink, log)
    prediction_log.start()

    offer(prediction_log, source, 4)

    assert prediction_log.close(5) is True
    assert prediction_log.written == 3
    assert prediction_log.dropped_by_reason["failed"] == 1
    assert settled(prediction_log)


def test_a_folder_that_cannot_be_opened_at_first_is_opened_later(sink, log, source, monkeypatch):
    tries = []

    def open_later():
        tries.append(1)
        if len(tries) < 3:
            raise SinkFailed("no folder")

    monkeypatch.setattr(sink, "open", open_later)
    prediction_log = PredictionLog(sink, log)
    prediction_log.start()

    offer(prediction_log, source, 4)
    until(lambda: prediction_log.written == 4)

    assert len(tries) == 3
    prediction_log.close(5)


def test_closing_in_time_writes_everything(sink, log, source):
    prediction_log = PredictionLog(sink, log)
    prediction_log.start()
    offer(prediction_log, source, 500)

    assert prediction_log.close(5) is True

    assert (prediction_log.written, prediction_log.dropped) == (500, 0)


def test_what_is_not_written_when_the_time_is_over_is_dropped_and_counted(sink, log, source):
    sink.gate.clear()
    prediction_log = PredictionLog(sink, log)
    prediction_log.start()
    offer(prediction_log, source, 500)

    assert prediction_log.close(0.2) is False

    assert prediction_log.written == 0
    assert prediction_log.dropped_by_reason == {"full": 0, "failed": 0, "stopped": 500}
    sink.gate.set()
    until(lambda: not prediction_log._thread.is_alive())
    assert settled(prediction_log)
    assert prediction_log.written == 0


def test_what_is_offered_after_the_end_is_dropped_and_counted(sink, log, source):
    prediction_log = PredictionLog(sink, log)
    prediction_log.start()
    offer(prediction_log, source, 3)
    prediction_log.close(5)

    offer(prediction_log, source, 2)

    assert prediction_log.dropped_by_reason == {"full": 0, "failed": 0, "stopped": 2}
    assert settled(prediction_log)


def test_a_log_that_never_started_drops_what_it_was_offered(sink, log, source):
    prediction_log = PredictionLog(sink, log)
    offer(prediction_log, source, 3)

    assert prediction_log.close(5) is False

    assert prediction_log.dropped_by_reason["stopped"] == 3


def test_a_flush_waits_until_everything_is_safe(sink, log, source):
    prediction_log = PredictionLog(sink, log)
    prediction_log.start()
    offer(prediction_log, source, 100)

    assert prediction_log.flush(5) is True
    assert prediction_log.written == 100

    sink.gate.clear()
    offer(prediction_log, source, 1)
    assert prediction_log.flush(0.2) is False
    sink.gate.set()
    assert prediction_log.flush(5) is True
    assert prediction_log.close(5) is True


def test_a_flush_hurries_a_sink_that_is_not_due(sink, log, source, monkeypatch):
    monkeypatch.setattr(sink, "due", lambda now: False)
    prediction_log = PredictionLog(sink, log)
    prediction_log.start()
    offer(prediction_log, source, 7)
    time.sleep(0.2)
    before = prediction_log.written

    assert prediction_log.flush(5) is True

    assert (before, prediction_log.written) == (0, 7)
    prediction_log.close(5)


def test_a_sink_that_is_not_due_is_put_before_it_takes_all_the_memory(
    sink, log, source, monkeypatch
):
    monkeypatch.setattr(sink, "due", lambda now: False)
    prediction_log = PredictionLog(sink, log, queue_bytes=100 * (RECORD_BYTES + 102))
    prediction_log.start()

    for _ in range(10):
        offer(prediction_log, source, 40)
        time.sleep(0.1)

    assert prediction_log.dropped == 0
    assert prediction_log.written >= 350
    prediction_log.close(5)


def test_the_metrics_show_what_was_written_and_dropped(sink, log, source):
    prediction_log = PredictionLog(sink, log, queue_records=3)
    metrics = Metrics()
    prediction_log.show_in(metrics)
    offer(prediction_log, source, 5)
    prediction_log.start()
    prediction_log.close(5)

    series = metrics.totals().series

    assert series[LOG_WRITTEN.name,] == [3.0]
    assert series[LOG_DROPPED.name, "full"] == [2.0]


def test_redacted_names_that_fit_nothing_are_told_in_the_log(sink, log):
    prediction_log = PredictionLog(sink, log, redactor=Redactor(["age", "incme"]))

    prediction_log.source("rest", "fraud", "3", "sha256:ab", {"age": ()}, {"y": ()})

    assert log.events == [
        ("prediction_log_redaction_unmatched", {"model": "fraud", "fields": ["incme"]})
    ]


def test_a_fault_is_told_once_a_minute(sink, log, source, monkeypatch):
    sink.failures = 6
    monkeypatch.setattr("model_server.observe.prediction_log.FIRST_PAUSE_SECONDS", 0.001)
    prediction_log = PredictionLog(sink, log)
    prediction_log.start()

    offer(prediction_log, source, 3)
    until(lambda: prediction_log.written == 3)
    prediction_log.close(5)

    assert log.names().count("prediction_log_fails") == 1


def test_whatever_is_offered_nothing_is_raised_and_all_is_counted(sink, log, source):
    prediction_log = PredictionLog(sink, log, sample=0.999999)
    prediction_log.start()

    prediction_log.offer(source, 200, 0.1, None, "", b"", "", b"")
    prediction_log.offer(source, 200, 0.1, "r", "", 7, "", b"")

    assert prediction_log.close(5) is True
    assert prediction_log.dropped_by_reason["failed"] == 2
    assert settled(prediction_log)
