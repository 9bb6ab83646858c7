"""What the alarms of a bake can detect at the spec's traffic."""

import random

import pytest

from modelway.plan.detection import detection_limits
from modelway.plan.stages import rollout_stages


@pytest.fixture
def limits(make_plan):
    """Give the detection limits of a canary by the alarm's key."""

    def find(scaling=None, objectives=None, **rollout):
        spec = {
            "scaling": {"min_instances": 2, **(scaling or {})},
            "objectives": objectives or {"p99_latency_ms": 50, "error_rate_percent": 1},
            "rollout": {"strategy": "canary", **rollout},
        }
        plan = make_plan(spec).rollout
        return {limit.alarm: limit for limit in detection_limits(plan, rollout_stages(plan, 2, 2))}

    return find


def test_with_one_request_a_minute_both_minutes_must_fail(limits):
    found = limits(
        expected_requests_per_minute=10, wait_seconds=240, minimum_requests_per_minute=None
    )["new-error-rate"]

    # Two minutes are surely seen and both must fail: the square root of 95 %.
    assert (found.stage, found.periods, found.requests_per_minute) == ("canary", 2, 1.0)
    assert found.smallest_percent == pytest.approx(97.4679, abs=1e-3)
    # Both fleets together have ten requests a minute, nine of which are good.
    assert found.fleet_wide_percent is None
    # A thousandth of the requests fails, twice in a row: one in a million.
    assert found.false_alarm_percent == pytest.approx(0.0001)


def test_without_a_request_a_minute_nothing_is_detected_and_the_roll_out_mostly_ends(limits):
    found = limits(expected_requests_per_minute=1, wait_seconds=600)

    assert found["new-error-rate"].smallest_percent is None
    assert found["too-few-requests"].false_alarm_percent > 95


def test_three_empty_minutes_in_a_row_are_a_poisson_matter(limits):
    found = limits(expected_requests_per_minute=10)["too-few-requests"]

    # Three minutes are surely seen, each empty with probability 1/e.
    assert found.periods == 3
    assert found.false_alarm_percent == pytest.approx(4.9787, abs=1e-3)
    assert (found.smallest_percent, found.fleet_wide_percent) == (None, None)


def test_an_alarm_on_both_fleets_dilutes_a_canary_nearly_tenfold(limits):
    found = limits(expected_requests_per_minute=12_000, wait_seconds=600)["new-error-rate"]

    assert found.smallest_percent == pytest.approx(1.115, abs=0.001)
    assert found.fleet_wide_percent == pytest.approx(10.24, abs=0.01)


def test_a_longer_bake_detects_a_smaller_regression(limits):
    short = limits(expected_requests_per_minute=600, wait_seconds=300)["new-error-rate"]
    long = limits(expected_requests_per_minute=600, wait_seconds=1500)["new-error-rate"]

    assert (short.periods, long.periods) == (3, 23)
    assert long.smallest_percent < short.smallest_percent


@pytest.mark.parametrize(
    ("traffic", "note"),
    [
        (600, "too few answers for a p99: it is the slowest one"),
        (1000, "CloudWatch calls a p99 of fewer than 1000 answers insignificant; it is evaluated"),
        (10_000, "enough answers for a p99"),
    ],
)
def test_whether_a_p99_has_enough_answers_is_said(limits, traffic, note):
    assert limits(expected_requests_per_minute=traffic)["new-p99-latency"].note == note


@pytest.mark.parametrize(
    ("traffic", "slow_answers"),
    # Of 99 answers the 99th is the p99, so one slow answer breaches; of 100 two are needed.
    [(990, 1), (1000, 2)],
)
def test_a_p99_is_above_the_threshold_when_more_than_a_hundredth_is_slow(
    limits, traffic, slow_answers
):
    found = limits(expected_requests_per_minute=traffic, wait_seconds=600)["new-p99-latency"]

    chance = found.smallest_percent / 100
    assert simulated(int(traffic / 10), slow_answers, chance, found.periods) == pytest.approx(
        0.95, abs=0.02
    )


def simulated(requests, needed, chance, periods):
    """Give how often two minutes of three have as many bad requests, by playing bakes."""
    dice = random.Random(20261128)
    fired = 0
    for _bake in range(2000):
        minutes = [
            sum(dice.random() < chance for _request in range(requests)) >= needed
            for _minute in range(periods)
        ]
        fired += any(sum(minutes[max(0, end - 3) : end]) >= 2 for end in range(1, periods + 1))
    return fired / 2000


def test_traffic_follows_from_the_scaling_target_when_nobody_says_it(limits, make_plan, decision):
    scaling = {"max_instances": 4, "target_invocations_per_instance_per_minute": 300}

    assert limits(scaling=scaling)["new-error-rate"].requests_per_minute == 60.0
    plan = make_plan({"scaling": {"min_instances": 2, **scaling}})
    assert decision(plan, "rollout.expected_requests_per_minute")[0] == 600.0


def test_traffic_that_nobody_knows_gives_no_limits_and_says_so(limits, make_plan, decision):
    assert limits() == {}
    assert decision(make_plan(), "rollout.expected_requests_per_minute")[:2] == (
        None,
        "unknown, so nothing can be said about what a bake detects; say it in the spec",
    )


def test_without_a_bake_nothing_is_detected(limits):
    assert limits(strategy="all-at-once", expected_requests_per_minute=600) == {}
