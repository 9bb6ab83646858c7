"""Burn-rate alarms of one service level objective."""

import pytest

from modelway.errors import SpecError
from modelway.plan.outline import outline
from modelway.spec import parse_spec

SLO = {"objectives": {"availability_percent": 99.9}}


def test_the_windows_and_factors_are_the_workbooks(make_plan):
    alarms = make_plan(SLO).composite_alarms

    assert [
        (alarm.key, *((child.period_seconds, child.threshold) for child in alarm.children))
        for alarm in alarms
    ] == [
        ("burn-rate-1h", (3600, 1.44), (300, 1.44)),
        ("burn-rate-6h", (21_600, 0.6), (1800, 0.6)),
        ("burn-rate-3d", (259_200, 0.1), (21_600, 0.1)),
    ]


def test_a_burn_rate_alarm_fires_while_both_windows_do(make_plan):
    (fast, *_rest) = make_plan(SLO).composite_alarms

    assert fast.name == "fraud-prod-burn-rate-1h"
    assert fast.rule == (
        'ALARM("fraud-prod-burn-rate-1h-long") AND ALARM("fraud-prod-burn-rate-1h-short")'
    )


def test_a_window_is_one_period_of_errors_by_requests(make_plan):
    (fast, *_rest) = make_plan(SLO).composite_alarms
    (long, _short) = fast.children

    assert (long.evaluation_periods, long.datapoints_to_alarm) == (1, 1)
    assert long.expression == "IF(requests > 0, 100 * errors / requests, 0)"
    assert [metric.name for metric in long.metrics] == ["Invocation5XXErrors", "Invocations"]
    assert long.metrics[0].dimensions == {"EndpointName": "fraud-prod", "VariantName": "primary"}
    assert long.treat_missing_data == "notBreaching"


@pytest.mark.parametrize("availability", [95, 99, 99.99])
def test_every_window_fits_the_limits_of_cloudwatch(make_plan, availability):
    plan = make_plan({"objectives": {"availability_percent": availability}})

    for alarm in plan.composite_alarms:
        for child in alarm.children:
            week = child.period_seconds >= 3600
            assert child.period_seconds % 60 == 0
            assert child.period_seconds * child.evaluation_periods <= (604_800 if week else 86_400)
            assert 0 < child.threshold < 100


def test_how_much_of_the_budget_is_gone_is_explained(make_plan, decision):
    value, reason, source = decision(make_plan(SLO), "alarms.burn-rate-1h.threshold")

    assert value == 1.44
    assert reason == (
        "14.4 times the 0.1 % that objectives.availability_percent 99.9 allows, over 1 h and "
        "5 min: 2 % of the budget is gone, look now"
    )
    assert source == "Google, The Site Reliability Workbook, chapter 5"


def test_without_an_objective_there_is_no_burn_rate(make_plan):
    assert make_plan().composite_alarms == ()


def test_an_availability_that_no_outage_can_burn_fast_enough_is_refused():
    spec = {"name": "a", "model": {"path": "m"}, "objectives": {"availability_percent": 90}}

    with pytest.raises(SpecError, match=r"objectives\.availability_percent.*95"):
        parse_spec(spec)


def test_a_composite_alarm_has_a_row(make_plan):
    (row, *_rest) = [row for row in outline(make_plan(SLO)) if row[0] == "composite alarm"]

    assert row == (
        "composite alarm",
        "fraud-prod-burn-rate-1h",
        (
            "IF(requests > 0, 100 * errors / requests, 0) > 1.44 %, 1 of 1 x 3600 s, missing data "
            "notBreaching and IF(requests > 0, 100 * errors / requests, 0) > 1.44 %, "
            "1 of 1 x 300 s, missing data notBreaching"
        ),
    )
