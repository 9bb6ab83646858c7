"""StateReason, worded as CloudWatch words it."""

import json

from modelway.emulator.cloudwatch.alarms import Datapoint, MissingData, Rule, State, Verdict
from modelway.emulator.cloudwatch.reason import state_reason, state_reason_data

AT = 1_700_000_040.0  # 2023-11-14 22:14:00 UTC


def rule(periods=1, needed=1, missing=MissingData.MISSING, comparison="GreaterThanThreshold"):
    return Rule(comparison, 10.0, periods, needed, missing)


def test_one_breaching_point():
    verdict = Verdict(State.ALARM, (Datapoint(AT, 25.0),))

    assert state_reason(rule(), verdict, "OK") == (
        "Threshold Crossed: 1 out of the last 1 datapoints [25.0 (14/11/23 22:14:00)] was greater "
        "than the threshold (10.0) (minimum 1 datapoint for OK -> ALARM transition)."
    )


def test_two_of_three_points_newest_first():
    points = (Datapoint(AT, 25.0), Datapoint(AT + 60, 1.0), Datapoint(AT + 120, 30.0))

    assert state_reason(rule(3, 2), Verdict(State.ALARM, points), "OK") == (
        "Threshold Crossed: 2 out of the last 3 datapoints [30.0 (14/11/23 22:16:00), "
        "25.0 (14/11/23 22:14:00)] were greater than the threshold (10.0) "
        "(minimum 2 datapoints for OK -> ALARM transition)."
    )


def test_a_recovery_names_the_points_within_the_threshold():
    points = (Datapoint(AT, 1.0), Datapoint(AT + 60, 30.0), Datapoint(AT + 120, 2.0))

    assert state_reason(rule(3, 2), Verdict(State.OK, points), "ALARM") == (
        "Threshold Crossed: 2 out of the last 3 datapoints [2.0 (14/11/23 22:16:00), "
        "1.0 (14/11/23 22:14:00)] were not greater than the threshold (10.0) "
        "(minimum 2 datapoints for ALARM -> OK transition)."
    )


def test_missing_points_say_what_they_were_treated_as():
    breaching = rule(missing=MissingData.BREACHING)
    fine = rule(3, 3, missing=MissingData.NOT_BREACHING)

    assert state_reason(breaching, Verdict(State.ALARM, (), 1), "OK") == (
        "Threshold Crossed: no datapoints were received for 1 period and 1 missing datapoint was "
        "treated as [Breaching]."
    )
    assert state_reason(fine, Verdict(State.OK, (), 3), "ALARM") == (
        "Threshold Crossed: no datapoints were received for 3 periods and 3 missing datapoints "
        "were treated as [NonBreaching]."
    )


def test_unknown_points_are_insufficient_data():
    verdict = Verdict(State.INSUFFICIENT_DATA, (), 1)

    assert state_reason(rule(), verdict, "OK") == "Insufficient Data: 1 datapoint was unknown."
    assert state_reason(rule(3, 3), verdict, "OK") == (
        "Insufficient Data: 3 datapoints were unknown."
    )


def test_the_data_beside_the_reason_is_json():
    verdict = Verdict(State.ALARM, (Datapoint(AT, 25.0, 4.0),))

    text = state_reason_data(rule(), verdict, at=AT + 61, period_seconds=60, statistic="Average")

    assert json.loads(text) == {
        "version": "1.0",
        "queryDate": "2023-11-14T22:15:01.000+0000",
        "startDate": "2023-11-14T22:14:00.000+0000",
        "statistic": "Average",
        "period": 60,
        "recentDatapoints": [25.0],
        "threshold": 10.0,
        "evaluatedDatapoints": [
            {"timestamp": "2023-11-14T22:14:00.000+0000", "sampleCount": 4.0, "value": 25.0}
        ],
    }
