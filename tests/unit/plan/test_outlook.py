"""How an update will go, in rows and lines for people."""

import pytest

from modelway.plan.outlook import (
    alarm_rows,
    limit_rows,
    rollout_outlook,
    stage_rows,
    summary_lines,
)

CANARY = {
    "scaling": {
        "min_instances": 2,
        "max_instances": 6,
        "target_invocations_per_instance_per_minute": 300,
    },
    "objectives": {"p99_latency_ms": 50, "error_rate_percent": 1},
    "rollout": {"strategy": "canary", "wait_seconds": 600, "termination_wait_seconds": 300},
}


def test_each_stage_has_its_share_its_wait_and_the_time_at_which_it_ends(make_plan):
    outlook = rollout_outlook(make_plan(CANARY))

    assert stage_rows(outlook) == [
        ("canary", "10 %", "600 s", "720 to 1200 s", "2 + 2"),
        ("the rest", "100 %", "600 s", "1320 to 1800 s", "2 + 2"),
        ("old fleet kept", "100 %", "300 s", "1620 to 2100 s", "2 + 2"),
    ]


def test_each_batch_of_a_rolling_update_starts_instances(make_plan):
    rolling = {"strategy": "rolling", "step_percent": 50}
    plan = make_plan({**CANARY, "rollout": rolling})

    assert stage_rows(rollout_outlook(plan)) == [
        ("batch 1 of 2", "50 %", "300 s", "420 to 900 s", "1 + 2"),
        ("batch 2 of 2", "100 %", "300 s", "840 to 1800 s", "2 + 1"),
    ]
    assert summary_lines(plan, rollout_outlook(plan)) == [
        (
            "An update takes 840 to 1800 s: waits of 600 s, and 2 times 120 to 600 s for starting "
            "instances, which is assumed."
        ),
        "At most 3 instances run at one time; 9 while autoscaling is at its most.",
    ]


def test_duration_and_instances_are_said(make_plan):
    plan = make_plan(CANARY)

    assert summary_lines(plan, rollout_outlook(plan)) == [
        (
            "An update takes 1620 to 2100 s: waits of 1500 s, and 120 to 600 s for starting "
            "instances, which is assumed."
        ),
        "At most 4 instances run at one time; 12 while autoscaling is at its most.",
    ]


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({}, "NOTHING ROLLS BACK A BAD MODEL: this roll-out has no alarm."),
        (
            {
                "scaling": {"min_instances": 2},
                "objectives": {"error_rate_percent": 1},
                "rollout": {"strategy": "canary"},
            },
            (
                "What the alarms can detect is unknown without the traffic: say "
                "rollout.expected_requests_per_minute."
            ),
        ),
        (
            {**CANARY, "rollout": {**CANARY["rollout"], "timeout_seconds": 2000}},
            (
                "SageMaker rolls back after 2000 s (rollout.timeout_seconds), which may come "
                "before the end."
            ),
        ),
    ],
)
def test_what_no_table_can_say_is_a_line(make_plan, changes, line):
    plan = make_plan(changes)

    assert summary_lines(plan, rollout_outlook(plan))[-1] == line


def test_schedules_count_for_the_greatest_peak(make_plan):
    day = {"name": "day", "schedule": "rate(1 day)", "min_instances": 3, "max_instances": 20}
    plan = make_plan({**CANARY, "scaling": {**CANARY["scaling"], "schedules": [day]}})

    assert rollout_outlook(plan).greatest_peak_instances == 40


def test_each_alarm_says_when_it_fires(make_plan):
    assert alarm_rows(make_plan(CANARY)) == [
        (
            "fraud-prod-rollout-new-p99-latency",
            ("p99 of ModelLatency > 50000 microseconds, 2 of 3 x 60 s, missing data notBreaching"),
        ),
        (
            "fraud-prod-rollout-new-error-rate",
            (
                "IF(requests > 0, 100 * errors / requests, 0) > 1 %, 2 of 3 x 60 s, "
                "missing data notBreaching"
            ),
        ),
        (
            "fraud-prod-rollout-too-few-requests",
            "FILL(SUM([requests, lease]), 0) < 1, 3 of 3 x 60 s, missing data breaching",
        ),
    ]


def test_each_limit_says_what_is_detected_and_what_dilution_would_cost(make_plan):
    rows = limit_rows(rollout_outlook(make_plan(CANARY)).detection_limits)

    assert [row[:4] for row in rows] == [
        ("new-p99-latency", "60 during canary", "1.43 % slow", "12 % slow"),
        ("new-error-rate", "60 during canary", "1.43 % failed", "12 % failed"),
        ("too-few-requests", "60 during canary", "-", "-"),
    ]


def test_a_regression_that_nothing_would_show_is_said_so(make_plan):
    plan = make_plan(
        {**CANARY, "rollout": {"strategy": "canary", "expected_requests_per_minute": 1}}
    )

    (_latency, errors, few) = limit_rows(rollout_outlook(plan).detection_limits)
    assert errors[2:4] == ("cannot tell", "cannot tell")
    assert few[4] == "74 %"


def test_a_chance_too_small_to_matter_is_not_written_out(make_plan):
    rows = limit_rows(rollout_outlook(make_plan(CANARY)).detection_limits)

    assert rows[2][4] == "below 0.01 %"


@pytest.mark.parametrize(
    ("traffic", "line"),
    [
        (
            900,
            (
                "new-error-rate rolls 8 % of healthy fleets back at 90 requests a minute: "
                "with a greater rollout.step_percent one bad request counts for less."
            ),
        ),
        (
            10,
            (
                "too-few-requests rolls 20 % of healthy fleets back at 1 requests a minute: "
                "take a greater rollout.step_percent, or a smaller "
                "rollout.minimum_requests_per_minute."
            ),
        ),
    ],
)
def test_needless_roll_backs_are_foreseen_with_what_helps(make_plan, traffic, line):
    rollout = {**CANARY["rollout"], "expected_requests_per_minute": traffic}
    plan = make_plan({**CANARY, "rollout": rollout})

    assert line in summary_lines(plan, rollout_outlook(plan))


def test_enough_traffic_rolls_nothing_back_needlessly(make_plan):
    rollout = {**CANARY["rollout"], "expected_requests_per_minute": 2000}
    plan = make_plan({**CANARY, "rollout": rollout})

    assert len(summary_lines(plan, rollout_outlook(plan))) == 2
