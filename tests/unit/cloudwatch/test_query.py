"""MetricDataQueries: metrics, expressions on expressions, and what is refused."""

import pytest

from modelway.emulator.cloudwatch.expression import MathError
from modelway.emulator.cloudwatch.query import check, evaluate_queries

VALUES = {"5XX": {0.0: 1.0, 60.0: 4.0}, "Calls": {0.0: 10.0, 60.0: 8.0}}


def read(stat, start, end):
    assert (start, end) == (0.0, 120.0)
    return VALUES[stat["Metric"]["MetricName"]]


def metric(name, metric_name):
    stat = {"Metric": {"MetricName": metric_name}, "Period": 60, "Stat": "Sum"}
    return {"Id": name, "MetricStat": stat, "ReturnData": False}


def expression(name, text):
    return {"Id": name, "Expression": text}


def test_expressions_read_metrics_and_other_expressions_in_any_order():
    queries = [
        expression("percent", "rate * 100"),
        expression("rate", "errors / calls"),
        metric("errors", "5XX"),
        metric("calls", "Calls"),
    ]

    results = evaluate_queries(queries, read, 0.0, 120.0)

    assert results["percent"].series == ({0.0: 10.0, 60.0: 50.0},)
    assert list(results) == ["percent", "rate", "errors", "calls"]


def test_metrics_function_leaves_out_expressions():
    queries = [metric("errors", "5XX"), metric("calls", "Calls"), expression("all", "METRICS()")]

    results = evaluate_queries(queries, read, 0.0, 120.0)

    assert results["all"].series == (VALUES["5XX"], VALUES["Calls"])


@pytest.mark.parametrize(
    ("queries", "told"),
    [
        ([expression("a", "b + 1"), expression("b", "a + 1")], "a -> b -> a is a cycle"),
        ([expression("a", "SUM(m)"), metric("m", "Calls")], "must be a time series"),
        ([metric("m", "Calls"), metric("m", "5XX")], "not unique"),
        ([expression("a", "m2 * 2"), metric("m1", "Calls")], "'m2' is not the Id"),
    ],
)
def test_queries_that_could_never_be_evaluated_are_refused(queries, told):
    with pytest.raises(MathError, match=told):
        check(queries)
