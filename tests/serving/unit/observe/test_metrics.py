"""What is counted and how it is shown; the text is read back by Prometheus' own parsers."""

import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families as openmetrics
from prometheus_client.parser import text_string_to_metric_families as plain

from model_server.observe.exposition import OPENMETRICS_TYPE, TEXT_TYPE, wants_openmetrics
from model_server.observe.families import CACHE_HITS, IN_FLIGHT, INPUT_VALUES
from model_server.observe.metrics import Metrics

PROMETHEUS_ACCEPT = (
    "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
    "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=0.0.4;q=0.2,*/*;q=0.1"
)


def samples(metrics, accept=""):
    """Give every sample by name and label values."""
    media_type, body = metrics.expose(accept)
    parse = openmetrics if media_type == OPENMETRICS_TYPE else plain
    return {
        (sample.name, *(value for _, value in sorted(sample.labels.items()))): sample
        for family in parse(body.decode())
        for sample in family.samples
    }


def values(metrics, accept=""):
    return {key: sample.value for key, sample in samples(metrics, accept).items()}


def test_answers_are_counted_by_protocol_route_model_and_status():
    metrics = Metrics()
    child = metrics.request_child("rest", "/invocations", "fraud")

    for status in (200, 200, 400):
        child.observe(status, 0.003, "r-1")

    seen = values(metrics)
    name = "model_server_requests_total"
    assert seen[name, "fraud", "rest", "/invocations", "200"] == 2
    assert seen[name, "fraud", "rest", "/invocations", "400"] == 1


def test_a_duration_on_a_bound_belongs_to_that_bucket():
    metrics = Metrics()

    metrics.request_child("rest", "/invocations", "fraud").observe(200, 0.004)

    seen = values(metrics)
    name = "model_server_request_duration_seconds_bucket"
    assert seen[name, "0.002", "fraud", "/invocations"] == 0
    assert seen[name, "0.004", "fraud", "/invocations"] == 1
    assert seen[name, "+Inf", "fraud", "/invocations"] == 1
    assert seen["model_server_request_duration_seconds_sum", "fraud", "/invocations"] == 0.004
    assert seen["model_server_request_duration_seconds_count", "fraud", "/invocations"] == 1


def test_a_duration_above_the_last_bound_is_counted_in_the_last_bucket_alone():
    metrics = Metrics()

    metrics.request_child("rest", "/invocations", "fraud").observe(200, 61.0)

    seen = values(metrics)
    name = "model_server_request_duration_seconds_bucket"
    assert seen[name, "60.0", "fraud", "/invocations"] == 0
    assert seen[name, "+Inf", "fraud", "/invocations"] == 1


def test_two_protocols_of_one_route_share_its_duration_and_not_its_count():
    metrics = Metrics()

    metrics.request_child("rest", "/x", "m").observe(200, 0.1)
    metrics.request_child("grpc", "/x", "m").observe(200, 0.1)

    seen = values(metrics)
    assert seen["model_server_request_duration_seconds_count", "m", "/x"] == 2
    assert seen["model_server_requests_total", "m", "grpc", "/x", "200"] == 1


@pytest.mark.parametrize(
    ("rows", "requests", "queue", "row_bucket", "request_bucket"),
    [
        (1, 1, [0.0001], "1.0", "1.0"),
        (40, 3, [0.0001, 0.0002, 0.3], "64.0", "4.0"),
        (4096, 1024, [0.0001] * 1024, "4096.0", "1024.0"),
        (20000, 2000, [0.0001] * 2000, "+Inf", "+Inf"),
    ],
)
def test_a_run_is_counted_with_its_rows_its_requests_and_their_waits(
    rows, requests, queue, row_bucket, request_bucket
):
    metrics = Metrics()

    metrics.batch("m").observe(rows, requests, queue, 0.002)

    seen = values(metrics)
    below = {
        key[1]: value for key, value in seen.items() if key[0] == "model_server_batch_rows_bucket"
    }
    assert next(bound for bound, value in below.items() if value == 1) == row_bucket
    assert seen["model_server_batch_rows_sum", "m"] == rows
    assert seen["model_server_batch_requests_bucket", request_bucket, "m"] == 1
    assert seen["model_server_batch_requests_sum", "m"] == requests
    assert seen["model_server_queue_seconds_count", "m"] == len(queue)
    assert seen["model_server_queue_seconds_sum", "m"] == pytest.approx(sum(queue))
    assert seen["model_server_inference_seconds_bucket", "0.001", "m"] == 0
    assert seen["model_server_inference_seconds_bucket", "0.0025", "m"] == 1


def test_errors_are_counted_by_reason():
    metrics = Metrics()

    metrics.error("fraud", "overloaded")
    metrics.error("fraud", "overloaded")
    metrics.error("fraud", "deadline")

    seen = values(metrics)
    assert seen["model_server_request_errors_total", "fraud", "overloaded"] == 2
    assert seen["model_server_request_errors_total", "fraud", "deadline"] == 1


def test_a_loaded_model_shows_its_digest_and_load_time_until_it_is_unloaded():
    metrics = Metrics()
    metrics.model_loaded("fraud", "3", "sha256:ab", 1.5)

    loaded = values(metrics, PROMETHEUS_ACCEPT)
    metrics.model_unloaded("fraud", "3")
    unloaded = values(metrics, PROMETHEUS_ACCEPT)

    assert loaded["model_server_model_info", "sha256:ab", "fraud", "3"] == 1
    assert loaded["model_server_model_load_seconds", "fraud", "3"] == 1.5
    assert not [key for key in unloaded if key[0].startswith("model_server_model")]


def test_a_version_that_is_loaded_anew_is_shown_when_the_one_before_has_gone():
    metrics = Metrics()

    metrics.model_loaded("fraud", "3", "sha256:ab", 1.5)
    metrics.model_loaded("fraud", "3", "sha256:cd", 0.5)
    metrics.model_unloaded("fraud", "3")

    series = metrics.totals().series
    assert series["model_server_model_load_seconds", "fraud", "3"] == [0.5]
    assert ("model_server_model", "fraud", "3", "sha256:cd") in series
    assert ("model_server_model", "fraud", "3", "sha256:ab") not in series


def test_what_others_count_is_read_at_each_scrape():
    metrics = Metrics()
    broken = {("fraud", "age", "range"): 7}
    metrics.add_source(INPUT_VALUES, lambda: broken)
    metrics.add_source(IN_FLIGHT, lambda: 3)
    metrics.add_source(CACHE_HITS, lambda: {("fraud",): 2})
    metrics.add_source(CACHE_HITS, lambda: {("fraud",): 5})

    first = values(metrics)
    broken["fraud", "age", "range"] = 8

    assert first["model_server_input_values_total", "age", "range", "fraud"] == 7
    assert first["model_server_requests_in_flight",] == 3
    assert first["model_server_cache_hits_total", "fraud"] == 7
    assert values(metrics)["model_server_input_values_total", "age", "range", "fraud"] == 8


def test_the_process_shows_what_it_uses():
    seen = values(Metrics())

    assert seen["process_cpu_seconds_total",] > 0
    assert seen["process_resident_memory_bytes",] > 10_000_000
    assert seen["process_open_fds",] >= 3
    assert seen["process_threads",] >= 1
    assert 1_600_000_000 < seen["process_start_time_seconds",] < 5_000_000_000


def test_openmetrics_names_a_request_and_its_trace_in_the_bucket_it_fell_into():
    metrics = Metrics()
    child = metrics.request_child("rest", "/invocations", "fraud")
    child.observe(200, 0.003, "r-1", "4bf92f3577b34da6a3ce929d0e0e4736")
    child.observe(200, 0.003, "r-2")
    child.observe(200, 0.5, "r-3")

    seen = samples(metrics, PROMETHEUS_ACCEPT)

    name = "model_server_request_duration_seconds_bucket"
    fast = seen[name, "0.004", "fraud", "/invocations"].exemplar
    assert fast.labels == {"request_id": "r-1", "trace_id": "4bf92f3577b34da6a3ce929d0e0e4736"}
    assert fast.value == 0.003
    assert fast.timestamp.sec > 1_600_000_000
    assert seen[name, "0.5", "fraud", "/invocations"].exemplar.labels == {"request_id": "r-3"}
    assert seen[name, "1.0", "fraud", "/invocations"].exemplar is None


def test_after_a_scrape_a_later_request_takes_the_place_of_the_one_named():
    metrics = Metrics()
    child = metrics.request_child("rest", "/invocations", "fraud")
    child.observe(200, 0.003, "r-1")
    metrics.expose()
    child.observe(200, 0.003, "r-2")

    seen = samples(metrics, PROMETHEUS_ACCEPT)

    name = "model_server_request_duration_seconds_bucket"
    assert seen[name, "0.004", "fraud", "/invocations"].exemplar.labels == {"request_id": "r-2"}


def test_a_request_id_too_long_for_openmetrics_is_not_named():
    metrics = Metrics()

    metrics.request_child("rest", "/x", "m").observe(200, 0.003, "r" * 101)

    seen = samples(metrics, PROMETHEUS_ACCEPT)
    assert all(sample.exemplar is None for sample in seen.values())


def test_label_values_with_quotes_and_newlines_survive_both_formats():
    metrics = Metrics()
    metrics.request_child("rest", "/x", 'a"b\\c\nd').observe(200, 0.003)

    for accept in ("", PROMETHEUS_ACCEPT):
        seen = values(metrics, accept)

        assert seen["model_server_requests_total", 'a"b\\c\nd', "rest", "/x", "200"] == 1


@pytest.mark.parametrize(
    ("accept", "expected"),
    [
        ("", False),
        ("*/*", False),
        ("text/plain", False),
        ("application/openmetrics-text", True),
        ("application/openmetrics-text; version=1.0.0; charset=utf-8", True),
        ("application/openmetrics-text;version=0.0.1", False),
        ("application/openmetrics-text;q=0.2,text/plain;q=0.8", False),
        ("application/openmetrics-text;q=0", False),
        ("application/openmetrics-text;q=x", False),
        (PROMETHEUS_ACCEPT, True),
    ],
)
def test_openmetrics_is_given_only_where_it_is_preferred(accept, expected):
    assert wants_openmetrics(accept) is expected


def test_the_media_type_names_the_format():
    metrics = Metrics()

    assert metrics.expose()[0] == TEXT_TYPE
    assert metrics.expose(PROMETHEUS_ACCEPT)[0] == OPENMETRICS_TYPE


def test_more_than_a_thousand_models_are_counted_together_as_other():
    metrics = Metrics()
    for number in range(1003):
        metrics.request_child("rest", "/x", f"m{number}").observe(200, 0.003)
        metrics.batch(f"m{number}").observe(1, 1, [0.001], 0.001)
        metrics.error(f"m{number}", "overloaded")

    series = metrics.totals().series

    assert len([key for key in series if key[0] == "model_server_requests"]) == 1001
    assert series["model_server_requests", "other", "other", "other", "other"] == [3.0]
    assert sum(series["model_server_request_duration_seconds", "other", "other"][:-1]) == 3
    assert sum(series["model_server_queue_seconds", "other"][:-1]) == 3
    assert series["model_server_request_errors", "other", "other"] == [3.0]


def test_a_metric_read_from_elsewhere_is_bounded_too_and_never_falls():
    metrics = Metrics()
    counts = {("m", f"f{number}", "range"): 1 for number in range(1500)}
    metrics.add_source(INPUT_VALUES, lambda: counts)
    name = "model_server_input_values_total"

    first = values(metrics)
    counts["m", "f1499", "range"] = 2
    second = values(metrics)

    assert len([key for key in first if key[0] == name]) == 1001
    assert first[name, "other", "other", "other"] == 500
    assert second[name, "other", "other", "other"] == 501
