"""The alarms on the new fleet, and what keeps one of them quiet until the bake begins."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from modelway.emulator.cloudwatch.alarms import Datapoint, MissingData, Rule, State, evaluate
from modelway.emulator.cloudwatch.query import evaluate_queries
from modelway.plan import AlarmPlan, Artifact, EvidenceLease, MetricPlan, plan_deployment
from modelway.spec import parse_spec

BASE = {
    "scaling": {"min_instances": 2},
    "objectives": {"p99_latency_ms": 50, "error_rate_percent": 1},
    "rollout": {"strategy": "canary"},
}
FLEET = {"EndpointName": "fraud-prod", "VariantName": "primary"}


@pytest.fixture
def alarms(make_plan):
    """The roll-back alarms of the usual canary by their keys."""
    return {alarm.key: alarm for alarm in make_plan(BASE).rollout.rollback_alarms}


def test_latency_of_the_new_fleet_fires_after_two_bad_minutes_of_three(alarms):
    assert alarms["new-p99-latency"] == AlarmPlan(
        key="new-p99-latency",
        name="fraud-prod-rollout-new-p99-latency",
        description=(
            "Roll-out of fraud-prod: on the new fleet, 99 % of answers take less than 50 ms of "
            "the container's time."
        ),
        metrics=(
            MetricPlan("latency", "AWS/SageMaker", "ModelLatency", FLEET, "p99", "Microseconds"),
        ),
        expression=None,
        period_seconds=60,
        evaluation_periods=3,
        datapoints_to_alarm=2,
        threshold=50_000.0,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
        evaluate_low_sample_count_percentile="evaluate",
    )


def test_errors_of_the_new_fleet_are_a_share_of_its_own_requests(alarms):
    assert alarms["new-error-rate"] == AlarmPlan(
        key="new-error-rate",
        name="fraud-prod-rollout-new-error-rate",
        description=(
            "Roll-out of fraud-prod: on the new fleet, at most 1 % of requests end in a 5xx."
        ),
        metrics=(
            MetricPlan("errors", "AWS/SageMaker", "Invocation5XXErrors", FLEET, "Sum"),
            MetricPlan("requests", "AWS/SageMaker", "Invocations", FLEET, "Sum"),
        ),
        expression="IF(requests > 0, 100 * errors / requests, 0)",
        period_seconds=60,
        evaluation_periods=3,
        datapoints_to_alarm=2,
        threshold=1.0,
        comparison_operator="GreaterThanThreshold",
        treat_missing_data="notBreaching",
    )


def test_absence_of_evidence_is_an_alarm_in_which_missing_data_is_breaching(alarms):
    assert alarms["too-few-requests"] == AlarmPlan(
        key="too-few-requests",
        name="fraud-prod-rollout-too-few-requests",
        description=(
            "Roll-out of fraud-prod: the new fleet gets at least 1 request(s) a minute, so that "
            "its bake proves something."
        ),
        metrics=(
            MetricPlan("requests", "AWS/SageMaker", "Invocations", FLEET, "Sum"),
            MetricPlan("lease", "modelway/Rollouts", "EvidenceLease", FLEET, "Sum"),
        ),
        expression="FILL(SUM([requests, lease]), 0)",
        period_seconds=60,
        evaluation_periods=3,
        datapoints_to_alarm=3,
        threshold=1.0,
        comparison_operator="LessThanThreshold",
        treat_missing_data="breaching",
    )


def test_the_lease_is_worth_the_requests_that_it_stands_for(make_plan):
    plan = make_plan({**BASE, "rollout": {"strategy": "linear", "minimum_requests_per_minute": 7}})

    assert plan.rollout.rollback_alarms[-1].threshold == 7.0
    assert plan.rollout.evidence_lease == EvidenceLease(
        namespace="modelway/Rollouts",
        name="EvidenceLease",
        dimensions=FLEET,
        value=7.0,
        period_seconds=60,
    )


def test_a_roll_out_without_evidence_is_possible_and_the_plan_says_it_loudly(make_plan, decision):
    unproved = {"strategy": "canary", "minimum_requests_per_minute": None}
    plan = make_plan({**BASE, "rollout": unproved})

    assert [alarm.key for alarm in plan.rollout.rollback_alarms] == [
        "new-p99-latency",
        "new-error-rate",
    ]
    assert plan.rollout.evidence_lease is None
    assert decision(plan, "rollout.minimum_requests_per_minute") == (
        None,
        "A NEW FLEET THAT NO REQUEST HAS TRIED IS PROMOTED: the spec demands no evidence",
        "spec",
    )


def test_all_at_once_without_a_wait_has_no_alarm_and_the_plan_says_it_loudly(make_plan, decision):
    plan = make_plan({**BASE, "rollout": {}})

    assert plan.rollout.rollback_alarms == ()
    assert plan.rollout.evidence_lease is None
    assert decision(plan, "rollout.rollback_alarms")[:2] == (
        None,
        (
            "NOTHING ROLLS BACK A BAD MODEL: all at once without rollout.termination_wait_seconds "
            "ends the old fleet at once"
        ),
    )


def test_every_threshold_and_window_is_explained(make_plan, decision):
    plan = make_plan(BASE)

    assert decision(plan, "rollout.alarms.new-p99-latency.threshold") == (
        50_000.0,
        "objectives.p99_latency_ms is 50; the metric is in microseconds",
        "spec",
    )
    assert decision(plan, "rollout.alarms.too-few-requests.threshold")[2] == "modelway's default"
    assert decision(plan, "rollout.alarms.too-few-requests.window")[0] == "3 of 3 periods of 60 s"
    assert decision(plan, "rollout.alarms.new-error-rate.window")[0] == "2 of 3 periods of 60 s"


@settings(deadline=None)
@given(
    objectives=st.fixed_dictionaries(
        {}, optional={"p99_latency_ms": st.just(50), "error_rate_percent": st.just(1)}
    ),
    strategy=st.sampled_from(["all-at-once", "canary", "linear", "rolling"]),
    least=st.one_of(st.none(), st.integers(1, 1000)),
    stays=st.booleans(),
)
def test_aws_is_told_of_exactly_the_planned_alarms_and_of_ten_at_most(
    objectives, strategy, least, stays
):
    stepped = strategy != "all-at-once"
    rollout = {
        "strategy": strategy,
        "minimum_requests_per_minute": least,
        "termination_wait_seconds": 300 if stays and strategy != "rolling" else 0,
    }
    needed = {"error_rate_percent": 1} if stepped else {}
    spec = {
        "name": "fraud",
        "model": {"path": "fraud.onnx"},
        "scaling": {"min_instances": 2},
        "objectives": {**needed, **objectives},
        "rollout": rollout,
    }

    plan = plan_deployment(parse_spec(spec), "local", Artifact("sha256:" + "c" * 64, 1)).rollout

    config = plan.deployment_config or {}
    told = config.get("AutoRollbackConfiguration", {"Alarms": []})["Alarms"]
    names = [alarm.name for alarm in plan.rollback_alarms]
    assert [alarm["AlarmName"] for alarm in told] == names
    assert len(names) <= 10
    assert (plan.evidence_lease is None) == ("fraud-local-rollout-too-few-requests" not in names)


def state_after(alarm, lease, requests):
    """Judge an alarm as CloudWatch does, from what each of the last five minutes published."""
    minutes = [60.0 * index for index in range(5)]
    published = {
        name: {at: value for at, value in zip(minutes, values, strict=True) if value is not None}
        for name, values in (("Invocations", requests), ("EvidenceLease", lease))
    }
    queries = [{"Id": "result", "Expression": alarm.expression, "ReturnData": True}]
    queries += [
        {
            "Id": metric.id,
            "MetricStat": {"Metric": {"MetricName": metric.name}, "Period": 60, "Stat": "Sum"},
            "ReturnData": False,
        }
        for metric in alarm.metrics
    ]
    results = evaluate_queries(
        queries, lambda stat, _start, _end: published[stat["Metric"]["MetricName"]], 0.0, 300.0
    )
    series = results["result"].series[0]
    rule = Rule(
        alarm.comparison_operator,
        alarm.threshold,
        alarm.evaluation_periods,
        alarm.datapoints_to_alarm,
        MissingData(alarm.treat_missing_data),
    )
    return evaluate(rule, [Datapoint(at, series.get(at)) for at in minutes]).state


@pytest.mark.parametrize(
    ("lease", "requests", "state"),
    [
        ((1, 1, 1, 1, 1), (None,) * 5, State.OK),
        ((None, None, None, None, 1), (None,) * 5, State.OK),
        ((1, 1, 1, None, None), (None,) * 5, State.OK),
        ((1, 1, None, None, None), (None,) * 5, State.ALARM),
        ((1, 1, None, None, None), (None, None, 1, None, None), State.OK),
        ((1, 1, None, None, None), (None, None, 5, 9, 7), State.OK),
        ((None,) * 5, (9, 9, None, None, None), State.ALARM),
        ((None,) * 5, (None,) * 5, State.ALARM),
    ],
    ids=[
        "a lease while the fleet starts",
        "the first lease",
        "two minutes after the last lease",
        "three minutes after the last lease",
        "one request in three minutes",
        "traffic",
        "traffic that ends",
        "nothing at all",
    ],
)
def test_three_minutes_without_lease_and_requests_are_too_few(alarms, lease, requests, state):
    assert state_after(alarms["too-few-requests"], lease, requests) == state


def test_challengers_are_watched_by_the_same_objectives_and_need_no_evidence(make_plan):
    challenger = {
        "name": "b",
        "traffic_percent": 20,
        "model": {"path": "/models/b.onnx"},
        "min_instances": 2,
    }

    plan = make_plan({**BASE, "challengers": [challenger]})

    alarms = {alarm.key: alarm for alarm in plan.rollout.rollback_alarms}
    assert list(alarms) == [
        "new-p99-latency",
        "new-error-rate",
        "too-few-requests",
        "new-p99-latency.b",
        "new-error-rate.b",
    ]
    of_b = alarms["new-error-rate.b"]
    assert of_b.name == "fraud-prod-rollout-new-error-rate.b"
    assert {metric.dimensions["VariantName"] for metric in of_b.metrics} == {"b"}
    assert of_b.threshold == alarms["new-error-rate"].threshold == 1
    assert plan.rollout.deployment_config["AutoRollbackConfiguration"]["Alarms"][-1] == {
        "AlarmName": "fraud-prod-rollout-new-error-rate.b"
    }
