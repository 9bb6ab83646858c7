"""Metric math: the examples of the CloudWatch user guide, and the values they give there."""

import math

import pytest

from modelway.emulator.cloudwatch.expression import MathError, names, parse
from modelway.emulator.cloudwatch.math import Request, evaluate

GRID = [0.0, 60.0, 120.0, 180.0, 240.0]
GONE = None


def series(*values):
    return {at: float(v) for at, v in zip(GRID, values, strict=False) if v is not GONE}


def value(expression, **given):
    request = Request(series=given, metrics=list(given), grid=GRID, period_seconds=60.0)
    return evaluate(parse(expression), request)


METRIC_1 = series(30, 20, 0, 0)
METRIC_2 = series(20, GONE, 20, GONE)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("metric1 < metric2", series(0, 0, 1, 0)),
        ("metric1 >= 30", series(1, 0, 0, 0)),
        ("metric1 > 15 AND metric2 > 15", series(1, 0, 0, 0)),
        ("metric1 > 15 && metric2 > 15", series(1, 0, 0, 0)),
        ("metric1 > 25 OR metric2 > 15", series(1, 0, 1, 0)),
        ("metric1 == 20", series(0, 1, 0, 0)),
        ("metric1 != 0", series(1, 1, 0, 0)),
    ],
)
def test_comparisons_as_in_the_guide(expression, expected):
    assert value(expression, metric1=METRIC_1, metric2=METRIC_2) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("IF(metric1, metric2, metric3)", series(30, 0, 20)),
        ("IF(metric1, 5, metric3)", series(5, 5, 20)),
        ("IF(metric1, metric2, 5)", series(30, 0, 5, 5)),
        ("IF(metric1, metric2)", series(30, 0)),
    ],
)
def test_if_as_in_the_guide(expression, expected):
    given = {
        "metric1": series(1, 1, 0, 0, GONE),
        "metric2": series(30, GONE, 0, 0, 30),
        "metric3": series(0, 0, 20, GONE, 20),
    }

    assert value(expression, **given) == expected


def test_a_missing_value_counts_as_zero_in_arithmetic():
    assert value("m1 + m2", m1=series(1, 2), m2=series(GONE, 5)) == series(1, 7)


def test_a_data_point_that_would_divide_by_zero_is_dropped():
    assert value("100 * e / n", e=series(1, 2, 3), n=series(4, 0, GONE)) == series(25)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1 + 2 * 3 + m1 * 0", 7.0),
        ("(1 + 2) * 3 + m1 * 0", 9.0),
        ("-2 ^ 2 + m1 * 0", -4.0),
        ("2 ^ 3 ^ 2 + m1 * 0", 512.0),
        ("10 - 4 - 3 + m1 * 0", 3.0),
        ("1 < 2 + m1 * 0", 1.0),
    ],
)
def test_operators_bind_as_in_mathematics(expression, expected):
    assert value(expression, m1=series(1)) == series(expected)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("FILL(m1, 0)", series(10, 0, 30, 0, 0)),
        ("FILL(m1, REPEAT)", series(10, 10, 30, 30, 30)),
        ("FILL(m1, LINEAR)", series(10, 20, 30, 30, 30)),
        ("FILL(m1, m2)", series(10, 2, 30)),
    ],
)
def test_fill_covers_every_period_asked_for(expression, expected):
    assert value(expression, m1=series(10, GONE, 30), m2=series(1, 2, 3)) == expected


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("SUM(METRICS())", series(11, 22, 33)),
        ('SUM(METRICS("m2"))', series(10, 20, 30)),
        ("SUM([m1, m2])", series(11, 22, 33)),
        ("AVG([m1, m2])", series(5.5, 11, 16.5)),
        ("MAX([m1, m2])", series(10, 20, 30)),
        ("MIN(METRICS())", series(1, 2, 3)),
        ("m1 - MIN(m1)", series(0, 1, 2)),
        ("m1 / MAX(m1) * 3", series(1, 2, 3)),
        ("m1 + SUM(m1)", series(7, 8, 9)),
        ("m1 * DATAPOINT_COUNT(m1)", series(3, 6, 9)),
        ("m1 / METRIC_COUNT(METRICS())", series(0.5, 1, 1.5)),
        ("m1 / PERIOD(m1)", series(1 / 60, 2 / 60, 3 / 60)),
        ("SUM(100 / [m1, m2])", series(110, 55, 100 / 3 + 10 / 3)),
        ("ABS(-m1)", series(1, 2, 3)),
        ("CEIL(m1 / 2)", series(1, 1, 2)),
        ("FLOOR(m1 / 2)", series(0, 1, 1)),
        ("DIFF(m2)", series(GONE, 10, 10)),
        ("DIFF_TIME(m1)", series(GONE, 60, 60)),
        ("RATE(m2)", series(GONE, 10 / 60, 10 / 60)),
        ("RUNNING_SUM(m1)", series(1, 3, 6)),
        ("FIRST(SORT(METRICS(), MAX, DESC))", series(10, 20, 30)),
        ("LAST(SORT(METRICS(), MAX, DESC))", series(1, 2, 3)),
        ("FIRST(SLICE(SORT(METRICS(), AVG, ASC), 1))", series(10, 20, 30)),
        ("TIME_SERIES(10)", series(10, 10, 10, 10, 10)),
        ("MINUTE(m1)", series(0, 1, 2, 3, 4)),
    ],
)
def test_functions_give_what_the_guide_says(expression, expected):
    found = value(expression, m1=series(1, 2, 3), m2=series(10, 20, 30))

    assert found.keys() == expected.keys()
    assert list(found.values()) == pytest.approx(list(expected.values()))


def test_the_average_of_one_series_counts_missing_values_as_zero():
    assert value("AVG(m1)", m1=series(10, GONE, 30)) == 8.0


def test_the_largest_of_nothing_is_no_value():
    assert math.isnan(value("MAX(m1)", m1={}))
    assert value("m2 - MAX(m1)", m1={}, m2=series(1)) == {}


@pytest.mark.parametrize(
    ("expression", "told"),
    [
        ("m1 +", "a value expected before 'the end'"),
        ("(m1", "'\\)' expected"),
        ("m1 m2", "unexpected 'm2'"),
        ("m1 $ 2", "unexpected text at '\\$ 2'"),
        ("[m1, 2]", "an array holds time series"),
        ("other + 1", "'other' is not the Id"),
        ("SEARCH('x')", "function SEARCH is not known"),
        ("ANOMALY_DETECTION_BAND(m1)", "function ANOMALY_DETECTION_BAND is not known"),
        ("FILL(m1)", "FILL does not take these arguments"),
        ("FILL(m1, SUM)", "REPEAT or LINEAR"),
        ("PERIOD(m1 + 1)", "PERIOD takes one metric"),
        ("[m1] + [m1, m1]", "arrays of 1 and 2"),
        ("(" * 60 + "m1" + ")" * 60, "nested deeper"),
    ],
)
def test_what_is_wrong_is_said(expression, told):
    with pytest.raises(MathError, match=told):
        value(expression, m1=series(1))


def test_an_expression_names_the_ids_it_reads():
    assert names(parse("IF(m1 > 2, FILL(m2, REPEAT), -[m3])")) == {"m1", "m2", "m3"}
