"""The metric store: what is kept, and how it is cut into periods."""

import threading

from modelway.emulator.clock import Clock
from modelway.emulator.cloudwatch.metrics import MetricStore
from modelway.emulator.cloudwatch.statistics import Samples, StatisticSet

DIMENSIONS = {"EndpointName": "fraud", "VariantName": "primary"}
HOUR = 3600.0


def stored(*pairs, **options):
    store = MetricStore(Clock(origin=0.0), **options)
    for at, value in pairs:
        store.record("NS", "Latency", DIMENSIONS, value, "Milliseconds", at)
    return store


def periods(store, start, end, period, **options):
    return store.periods(
        "NS", "Latency", DIMENSIONS, start=start, end=end, period_seconds=period, **options
    )


def test_values_fall_into_the_period_that_holds_their_time():
    store = stored((0.0, 1.0), (59.9, 2.0), (60.0, 3.0), (180.0, 4.0))

    found = periods(store, 0, 180, 60)

    assert found == {0: Samples([1.0, 2.0], []), 60: Samples([3.0], [])}


def test_periods_shorter_than_a_minute_are_cut_by_the_second():
    store = stored((60.0, 1.0), (69.0, 2.0), (70.0, 3.0), (89.0, 4.0))

    found = periods(store, 60, 80, 10)

    assert found == {60: Samples([1.0, 2.0], []), 70: Samples([3.0], [])}


def test_periods_longer_than_a_minute_count_from_the_start_asked_for():
    store = stored((60.0, 1.0), (359.0, 2.0), (360.0, 3.0))

    found = periods(store, 60, 660, 300)

    assert found == {60: Samples([1.0, 2.0], []), 360: Samples([3.0], [])}


def test_a_metric_is_told_apart_by_its_dimensions():
    store = stored((0.0, 1.0))
    store.record("NS", "Latency", {"EndpointName": "fraud"}, 9.0, "Milliseconds", 0.0)

    assert periods(store, 0, 60, 60) == {0: Samples([1.0], [])}


def test_a_unit_asked_for_leaves_out_the_others():
    store = stored((0.0, 1.0))
    store.record("NS", "Latency", DIMENSIONS, 9.0, "Seconds", 0.0)

    assert periods(store, 0, 60, 60, unit="Seconds") == {0: Samples([9.0], [])}
    assert periods(store, 0, 60, 60)[0].count == 2
    assert store.units("NS", "Latency", DIMENSIONS) == ["Milliseconds", "Seconds"]


def test_regions_do_not_see_each_other():
    store = stored((0.0, 1.0))

    assert periods(store, 0, 60, 60, region="eu-west-1") == {}
    assert store.keys("eu-west-1") == []


def test_a_value_without_a_time_is_stamped_by_the_virtual_clock():
    clock = Clock(origin=120.0)
    store = MetricStore(clock)

    with clock.pinned(130.0):
        store.record("NS", "Latency", DIMENSIONS, 5.0, "None")

    assert periods(store, 120, 180, 60) == {120: Samples([5.0], [])}


def test_values_older_than_three_hours_are_merged_into_one_set_a_minute():
    store = stored((0.0, 2.0), (1.0, 4.0))
    for minute in range(1, 17):
        store.record("NS", "Latency", DIMENSIONS, 1.0, "Milliseconds", 4 * HOUR + minute * 60)

    found = periods(store, 0, 60, 60)

    assert found == {0: Samples([], [StatisticSet(0, 6.0, 2.0, 4.0, 2.0)])}


def test_values_older_than_fifteen_days_are_forgotten():
    store = stored((0.0, 2.0))
    for minute in range(1, 17):
        at = 15 * 24 * HOUR + minute * 60
        store.record("NS", "Latency", DIMENSIONS, 1.0, "Milliseconds", at)

    assert periods(store, 0, 60, 60) == {}


def test_more_raw_values_than_the_limit_are_merged_oldest_first():
    store = stored(*((minute * 60.0, 1.0) for minute in range(20)), raw_limit=4)

    assert periods(store, 0, 60, 60)[0].values == []
    assert periods(store, 0, 60, 60)[0].count == 1
    assert periods(store, 19 * 60, 20 * 60, 60)[19 * 60].values == [1.0]


def test_a_reported_metric_is_zero_where_nothing_was_measured():
    store = stored((130.0, 7.0))

    store.report_zero("NS", "Latency", DIMENSIONS, since=60.0)

    assert periods(store, 0, 240, 60) == {
        60: Samples([0.0], []),
        120: Samples([7.0], []),
        180: Samples([0.0], []),
    }
    store.stop_reporting_zero("NS", "Latency", DIMENSIONS)
    assert list(periods(store, 0, 240, 60)) == [120]


def test_a_delayed_value_is_not_there_before_its_time():
    clock = Clock(origin=0.0)
    store = MetricStore(clock)
    seen = {}
    with clock.pinned(30.0):
        store.record("NS", "Latency", DIMENSIONS, 1.0, "None", delay_seconds=120.0)
        store.record("NS", "Latency", DIMENSIONS, 2.0, "None", 10.0, delay_seconds=60.0)
    for now in (89.0, 90.0, 150.0):
        with clock.pinned(now):
            seen[now] = (len(store.keys()), periods(store, 0, 60, 60))

    assert seen == {
        89.0: (0, {}),
        90.0: (1, {0: Samples([2.0], [])}),
        150.0: (1, {0: Samples([2.0, 1.0], [])}),
    }


def test_a_zero_that_was_not_published_is_not_reported():
    store = stored((130.0, 7.0))
    store.reported_by = lambda dimensions, at, now: at >= 180.0

    store.report_zero("NS", "Latency", DIMENSIONS, since=60.0)

    assert periods(store, 0, 240, 60) == {120: Samples([7.0], []), 180: Samples([0.0], [])}


def test_a_reset_forgets_every_metric():
    store = stored((0.0, 1.0))

    store.reset()

    assert store.keys() == []


def test_no_value_is_lost_when_many_threads_record():
    store = MetricStore(Clock(origin=0.0))

    def record():
        for _ in range(2000):
            store.record("NS", "Latency", DIMENSIONS, 1.0, "None", 30.0)

    threads = [threading.Thread(target=record) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert periods(store, 0, 60, 60)[0].count == 8000


def test_counts_tell_what_was_measured_without_reading_it_and_late_values_change_them():
    store = stored((0.0, 1.0), (59.0, 2.0), (60.0, 3.0), (180.0, 4.0))

    def counts():
        return store.counts("NS", "Latency", DIMENSIONS, start=0.0, end=180.0, period_seconds=120.0)

    assert counts() == {0.0: 3.0}
    store.record_set("NS", "Latency", DIMENSIONS, StatisticSet(30.0, 9.0, 1.0, 5.0, 3.0), "None")
    assert counts() == {0.0: 6.0}
