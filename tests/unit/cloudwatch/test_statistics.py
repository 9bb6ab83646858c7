"""Statistics of one period, with values worked out by hand."""

import pytest

from modelway.emulator.cloudwatch.statistics import (
    InvalidStatistic,
    Samples,
    StatisticSet,
    aggregate,
    low_sample_limit,
    percentile_of,
)


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [("Sum", 15.0), ("Average", 3.75), ("Minimum", 1.0), ("Maximum", 8.0), ("SampleCount", 4.0)],
)
def test_the_simple_statistics_of_four_values(statistic, expected):
    assert aggregate(statistic, Samples([1.0, 2.0, 4.0, 8.0], [])) == expected


@pytest.mark.parametrize(
    ("statistic", "expected"),
    [("p0", 10.0), ("p50", 25.0), ("p90", 37.0), ("p99", 39.7), ("p100", 40.0)],
)
def test_percentiles_lie_on_the_line_between_the_closest_ranks(statistic, expected):
    assert aggregate(statistic, Samples([40.0, 10.0, 30.0, 20.0], [])) == pytest.approx(expected)


def test_one_value_is_every_percentile_of_itself():
    assert aggregate("p99.9", Samples([7.0], [])) == 7.0


def test_a_statistic_set_counts_as_the_measurements_it_stands_for():
    samples = Samples([10.0], [StatisticSet(0.0, 30.0, 2.0, 16.0, 3.0)])

    assert aggregate("Sum", samples) == 40.0
    assert aggregate("SampleCount", samples) == 4.0
    assert aggregate("Average", samples) == 10.0
    assert aggregate("Minimum", samples) == 2.0
    assert aggregate("Maximum", samples) == 16.0


def test_a_value_sent_many_times_weighs_as_much_in_a_percentile():
    ninety_ones = StatisticSet(0.0, 90.0, 1.0, 1.0, 90.0)
    ten_fives = StatisticSet(0.0, 50.0, 5.0, 5.0, 10.0)

    assert aggregate("p50", Samples([], [ninety_ones, ten_fives])) == 1.0
    assert aggregate("p95", Samples([], [ninety_ones, ten_fives])) == 5.0


def test_a_set_of_different_values_has_no_percentile():
    assert aggregate("p50", Samples([3.0], [StatisticSet(0.0, 6.0, 1.0, 5.0, 2.0)])) is None


def test_nothing_measured_is_no_value_rather_than_zero():
    assert aggregate("Sum", Samples([], [])) is None


@pytest.mark.parametrize("statistic", ["p101", "p", "tm99", "average", "99"])
def test_an_unknown_statistic_is_refused_by_name(statistic):
    with pytest.raises(InvalidStatistic, match=statistic):
        aggregate(statistic, Samples([1.0], []))


def test_the_percentage_of_a_percentile_is_read_from_its_name():
    assert percentile_of("p99.9") == 99.9
    assert percentile_of("p100") == 100.0
    assert percentile_of("Average") is None


@pytest.mark.parametrize(
    ("statistic", "needed"), [("p99", 1000.0), ("p50", 20.0), ("p10", 100.0), ("Sum", 0.0)]
)
def test_a_percentile_is_significant_from_ten_samples_beyond_it(statistic, needed):
    assert low_sample_limit(statistic) == pytest.approx(needed)
