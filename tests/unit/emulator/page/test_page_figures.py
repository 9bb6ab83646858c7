"""The numbers that the page plots, from what the services published."""

from modelway.emulator.clock import Clock
from modelway.emulator.cloudwatch import MetricStore
from modelway.emulator.page.figures import Figures, window_at

NOW = 1_700_000_040.0
BLUE = {"EndpointName": "fraud", "VariantName": "primary", "EndpointConfigName": "fraud-1"}
GREEN = BLUE | {"EndpointConfigName": "fraud-2"}
DILUTED = {"EndpointName": "fraud", "VariantName": "primary"}


def store_with(*measured):
    """`measured` is (dimensions, metric, time, value)."""
    store = MetricStore(Clock())
    for dimensions, name, at, value in measured:
        store.record("AWS/SageMaker", name, dimensions, value, "None", at)
    return store


def requests(dimensions, at, count, latency_ms=1.0, failed=0):
    measured = []
    for number in range(count):
        measured += [
            (dimensions, "Invocations", at, 1.0),
            (dimensions, "Invocation4XXErrors", at, 0.0),
            (dimensions, "Invocation5XXErrors", at, float(number < failed)),
            (dimensions, "ModelLatency", at, latency_ms * 1000),
        ]
    return measured


def test_a_period_lasts_a_real_second_or_more():
    assert window_at(NOW, 1.0).period_seconds == 10
    assert window_at(NOW, 20.0).period_seconds == 30
    assert window_at(NOW, 60.0).period_seconds == 60
    assert window_at(NOW, 100_000.0).period_seconds == 3600


def test_a_window_ends_with_the_period_under_way():
    window = window_at(1_700_000_045.0, 1.0)

    assert window.starts[-1] == 1_700_000_040.0
    assert window.starts[0] == 1_700_000_040.0 - 1190
    assert window.end == 1_700_000_050.0
    assert len(window.starts) == 120


def test_rates_are_per_real_second_whatever_the_time_scale():
    begin = 1_700_000_040.0  # a multiple of 60
    store = store_with(*requests(BLUE, begin - 30, 12, failed=3))

    (slow,) = Figures(store).lines("fraud", window_at(begin + 40, 30.0))
    (quick,) = Figures(store).lines("fraud", window_at(begin + 40, 60.0))

    # A period of 30 virtual seconds lasts 1 s at 30; one of 60 lasts 1 s at 60.
    assert slow.requests_per_second[-3] == 12.0
    assert quick.requests_per_second[-2] == 12.0
    assert quick.errors_per_second[-2] == 3.0


def test_the_period_under_way_counts_for_the_time_that_has_passed():
    store = store_with(*requests(BLUE, 1_700_000_041.0, 8))

    (line,) = Figures(store).lines("fraud", window_at(1_700_000_044.0, 1.0))

    assert line.requests_per_second[-1] == 2.0


def test_a_period_that_has_just_begun_has_no_rate_yet():
    store = store_with(
        *requests(BLUE, 1_700_000_031.0, 5), *requests(BLUE, 1_700_000_040.5, 1, latency_ms=7)
    )

    (line,) = Figures(store).lines("fraud", window_at(1_700_000_041.0, 1.0))

    assert line.requests_per_second[-2:] == [0.5, None]
    assert line.errors_per_second[-2:] == [0.0, None]
    assert line.p50_ms[-1] == 7.0


def test_without_requests_a_fleet_has_a_rate_of_zero_and_no_latency():
    store = store_with(*requests(BLUE, 1_700_000_011.0, 5, latency_ms=3))

    (line,) = Figures(store).lines("fraud", window_at(1_700_000_039.0, 1.0))

    assert line.requests_per_second[-4:] == [None, 0.5, 0.0, 0.0]
    assert line.p99_ms[-4:] == [None, 3.0, None, None]


def test_latency_is_in_milliseconds_at_the_median_and_the_99th_percentile():
    at = 1_700_000_031.0
    latencies = [(BLUE, "ModelLatency", at, 1000.0 * ms) for ms in range(1, 102)]
    store = store_with((BLUE, "Invocations", at, 1.0), *latencies)

    (line,) = Figures(store).lines("fraud", window_at(1_700_000_041.0, 1.0))

    assert line.p50_ms[-2] == 51.0
    assert line.p99_ms[-2] == 100.0


def test_a_late_measurement_changes_the_percentiles_of_its_period():
    at, window = 1_700_000_031.0, window_at(1_700_000_041.0, 1.0)
    store = store_with(*requests(BLUE, at, 1, latency_ms=5))
    figures = Figures(store)
    figures.lines("fraud", window)

    store.record("AWS/SageMaker", "ModelLatency", BLUE, 25_000.0, "None", at)
    (line,) = figures.lines("fraud", window)

    assert line.p50_ms[-2] == 15.0


def test_only_what_has_changed_is_read_again():
    at, window = 1_700_000_031.0, window_at(1_700_000_041.0, 1.0)
    store = store_with(*requests(BLUE, at, 1), *requests(BLUE, at - 600, 1))
    read = []

    class Watched:
        keys, counts = store.keys, store.counts

        def periods(self, namespace, name, dimensions, *, start, end, period_seconds):
            read.append((name, start, end))
            return store.periods(
                namespace, name, dimensions, start=start, end=end, period_seconds=period_seconds
            )

    figures = Figures(Watched())
    figures.lines("fraud", window)
    assert len(read) == 8
    read.clear()
    store.record("AWS/SageMaker", "Invocations", BLUE, 1.0, "None", at - 600)

    (line,) = figures.lines("fraud", window)

    assert read == [("Invocations", 1_699_999_380.0, 1_699_999_440.0)]
    assert [each for each in line.requests_per_second if each] == [0.2, 0.1]


def test_fleets_are_told_apart_by_configuration_and_the_diluted_metric_is_left_out():
    at = 1_700_000_031.0
    store = store_with(*requests(BLUE, at, 9), *requests(GREEN, at, 1), *requests(DILUTED, at, 10))

    lines = Figures(store).lines("fraud", window_at(1_700_000_041.0, 1.0))

    shown = [(line.config, line.variant, line.requests_per_second[-2]) for line in lines]
    assert shown == [("fraud-1", "primary", 0.9), ("fraud-2", "primary", 0.1)]


def test_without_the_fleets_dimension_a_line_is_a_variant():
    store = store_with(*requests(DILUTED, 1_700_000_031.0, 10))

    (line,) = Figures(store).lines("fraud", window_at(1_700_000_041.0, 1.0))

    assert (line.config, line.variant) == (None, "primary")


def test_other_endpoints_and_fleets_of_long_ago_are_left_out():
    store = store_with(
        *requests(BLUE | {"EndpointName": "iris"}, 1_700_000_031.0, 1),
        *requests(GREEN, 1_699_990_000.0, 1),
    )

    assert Figures(store).lines("fraud", window_at(1_700_000_041.0, 1.0)) == []
