"""Alarm evaluation against the tables of the CloudWatch user guide.

The tables are those of "Configuring how CloudWatch alarms treat missing data": 0 is a data point
that does not breach, X one that does, - a missing one; the newest is on the right.
"""

import pytest

from modelway.emulator.cloudwatch.alarms import (
    Datapoint,
    MissingData,
    Rule,
    State,
    Verdict,
    evaluate,
)

RETAIN = None
OK, ALARM, INSUFFICIENT = State.OK, State.ALARM, State.INSUFFICIENT_DATA


def datapoints(pattern, few_samples=False):
    values = {"0": 0.0, "X": 10.0, "-": None}
    return [
        Datapoint(60.0 * i, values[mark], few_samples=few_samples)
        for i, mark in enumerate(pattern.split())
    ]


def rule(periods=3, needed=3, missing="missing", comparison="GreaterThanThreshold", **more):
    return Rule(comparison, 5.0, periods, needed, MissingData(missing), **more)


THREE_OF_THREE = [
    # data points, missing, ignore, breaching, notBreaching
    ("0 - X - X", OK, OK, OK, OK),
    ("0 - - - -", OK, OK, OK, OK),
    ("- - - - -", INSUFFICIENT, RETAIN, ALARM, OK),
    ("0 X X - X", ALARM, ALARM, ALARM, ALARM),
    ("- - X - -", ALARM, RETAIN, ALARM, OK),
    # From the text below the tables and from the older edition of the table.
    ("- - - - X", INSUFFICIENT, RETAIN, ALARM, OK),
    ("- - - X -", INSUFFICIENT, RETAIN, ALARM, OK),
    ("X - - - -", ALARM, RETAIN, ALARM, OK),
]
TWO_OF_THREE = [
    ("0 - X - X", ALARM, ALARM, ALARM, ALARM),
    ("0 0 X 0 X", ALARM, ALARM, ALARM, ALARM),
    ("0 - X - -", OK, OK, ALARM, OK),
    ("- - - - 0", OK, OK, ALARM, OK),
    ("- - - X -", ALARM, RETAIN, ALARM, OK),
]
CASES = [
    (needed, pattern, missing, state)
    for needed, table in ((3, THREE_OF_THREE), (2, TWO_OF_THREE))
    for pattern, *states in table
    for missing, state in zip(
        ("missing", "ignore", "breaching", "notBreaching"), states, strict=True
    )
]


@pytest.mark.parametrize(("needed", "pattern", "missing", "state"), CASES)
def test_missing_data_is_treated_as_the_tables_say(needed, pattern, missing, state):
    verdict = evaluate(rule(needed=needed, missing=missing), datapoints(pattern))

    assert verdict.state == state


def test_the_evaluation_range_of_three_periods_is_five():
    assert rule().evaluation_range == 5


def test_with_enough_real_points_the_newest_decide():
    assert evaluate(rule(2, 2), datapoints("X X 0 X")).state is OK
    assert evaluate(rule(2, 2), datapoints("0 0 X X")).state is ALARM


def test_one_breach_is_enough_where_one_is_asked_for():
    assert evaluate(rule(3, 1), datapoints("- - - - X")).state is ALARM


def test_a_verdict_names_the_points_it_looked_at():
    verdict = evaluate(rule(2, 1), datapoints("0 X - 0"))

    assert verdict == Verdict(ALARM, (Datapoint(60.0, 10.0), Datapoint(180.0, 0.0)), 0)


def test_a_verdict_counts_what_had_to_be_filled_in():
    verdict = evaluate(rule(missing="breaching"), datapoints("- - - - X"))

    assert verdict == Verdict(ALARM, (Datapoint(240.0, 10.0),), 2)


@pytest.mark.parametrize(
    ("comparison", "breaching", "not_breaching"),
    [
        ("GreaterThanThreshold", 5.1, 5.0),
        ("GreaterThanOrEqualToThreshold", 5.0, 4.9),
        ("LessThanThreshold", 4.9, 5.0),
        ("LessThanOrEqualToThreshold", 5.0, 5.1),
    ],
)
def test_every_operator_has_its_own_border(comparison, breaching, not_breaching):
    checked = rule(1, 1, comparison=comparison)

    assert evaluate(checked, [Datapoint(0.0, breaching)]).state is ALARM
    assert evaluate(checked, [Datapoint(0.0, not_breaching)]).state is OK


def test_few_samples_keep_the_state_where_the_alarm_ignores_them():
    points = datapoints("X X X", few_samples=True)

    assert evaluate(rule(low_samples_ignored=True), points).state is None
    assert evaluate(rule(low_samples_ignored=False), points).state is ALARM
