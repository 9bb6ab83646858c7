"""Lines in CloudWatch's embedded metric format."""

import json
import time

import pytest

from model_server.observe.emf import Emf, percentile
from model_server.observe.families import LOG_DROPPED
from model_server.observe.metrics import Metrics
from model_server.settings.observe import EmfSettings

SETTINGS = EmfSettings("ModelServer", (("Endpoint", "fraud-endpoint"), ("Variant", "blue")))


def written(metrics, work, settings=SETTINGS):
    """Give the lines of one interval in which that work was done."""
    lines = []
    emf = Emf(settings, lambda: metrics.totals().series, lines.append)
    work()
    emf.tick()
    assert all(line.endswith(b"\n") for line in lines)
    return [json.loads(line) for line in lines]


def test_a_line_has_the_figures_of_the_interval_and_says_what_they_are():
    metrics = Metrics()
    child = metrics.request_child("rest", "/invocations", "fraud")
    child.observe(200, 100.0)  # before the interval

    def work():
        for _ in range(3):
            child.observe(200, 0.003)
        child.observe(503, 0.001)
        metrics.error("fraud", "overloaded")
        metrics.batch("fraud").observe(4, 2, [0.001, 0.002], 0.0005)

    before = time.time() * 1000
    [line] = written(metrics, work)

    head = line.pop("_aws")
    assert before - 1 <= head["Timestamp"] <= time.time() * 1000
    [directive] = head["CloudWatchMetrics"]
    assert directive["Namespace"] == "ModelServer"
    assert directive["Dimensions"] == [["Endpoint", "Variant", "Model"]]
    units = {metric["Name"]: metric["Unit"] for metric in directive["Metrics"]}
    assert units["Requests"] == "Count"
    assert units["DurationP99"] == "Milliseconds"
    assert set(units) | {"Endpoint", "Variant", "Model"} == set(line)
    assert line == {
        "Endpoint": "fraud-endpoint",
        "Variant": "blue",
        "Model": "fraud",
        "Requests": 4.0,
        "Errors": 1.0,
        "DurationAverage": 2.5,
        "DurationP50": 2.667,
        "DurationP90": 3.733,
        "DurationP99": 3.973,
        "QueueAverage": 1.5,
        "InferenceAverage": 0.5,
        "BatchRowsAverage": 4.0,
    }


def test_an_interval_without_requests_has_a_line_of_zeros():
    metrics = Metrics()
    metrics.request_child("rest", "/invocations", "fraud").observe(200, 0.1)

    [line] = written(metrics, lambda: None)

    del line["_aws"]
    assert line["Requests"] == 0.0
    assert "DurationAverage" not in line


def test_the_next_interval_begins_where_the_last_one_ended():
    metrics = Metrics()
    child = metrics.request_child("rest", "/invocations", "fraud")
    lines = []
    emf = Emf(SETTINGS, lambda: metrics.totals().series, lines.append)

    child.observe(200, 0.1)
    emf.tick()
    child.observe(200, 0.1)
    child.observe(200, 0.1)
    emf.tick()

    assert [json.loads(line)["Requests"] for line in lines] == [1.0, 2.0]


def test_each_model_has_its_own_line():
    metrics = Metrics()

    def work():
        metrics.request_child("rest", "/invocations", "a").observe(200, 0.1)
        metrics.request_child("grpc", "ModelInfer", "b").observe(200, 0.1)
        metrics.request_child("rest", "/invocations", "b").observe(200, 0.1)

    found = written(metrics, work, EmfSettings("N"))

    assert [(line["Model"], line["Requests"]) for line in found] == [("a", 1.0), ("b", 2.0)]


def test_predictions_that_were_dropped_are_told_where_they_are_logged():
    metrics = Metrics()
    metrics.add_source(LOG_DROPPED, lambda: {("full",): 2, ("failed",): 3})
    lines = []
    emf = Emf(SETTINGS, lambda: metrics.totals().series, lines.append)
    emf._last = {}
    metrics.request_child("rest", "/invocations", "fraud").observe(200, 0.1)

    emf.tick()

    assert json.loads(lines[0])["PredictionsDropped"] == 5.0


@pytest.mark.parametrize(
    ("counts", "share", "expected"),
    [
        ([0, 10, 0, 0], 0.5, 1.5),
        ([10, 10, 0, 0], 0.5, 1.0),
        ([0, 0, 0, 10], 0.5, 4.0),
        ([1, 0, 1, 0], 1.0, 4.0),
        ([4, 0, 0, 0], 0.25, 0.25),
    ],
)
def test_a_percentile_is_read_off_the_buckets(counts, share, expected):
    assert percentile((1.0, 2.0, 4.0), counts, share) == expected
