"""Which request gives which value, and what is left out."""

from datetime import UTC, datetime

import pytest

from modelway.errors import ExperimentError
from modelway.experiment.outcomes import Outcomes
from modelway.experiment.sample import take_sample


def test_latency_is_of_answers_that_succeeded(request_to, question):
    requests = [
        request_to("blue", 10.0),
        request_to("blue", 1.0, status=503),
        request_to("green", 12.0, status=None),
        request_to("green", 1.0, status=400),
    ]

    sample = take_sample(requests, question())

    assert (sample.champion.values, sample.challenger.values) == ([10.0], [12.0])
    assert (sample.champion.unsuccessful, sample.challenger.unsuccessful) == (1, 1)
    assert (sample.champion.requests, sample.challenger.requests) == (2, 2)


def test_an_error_is_a_failure_of_the_server_and_not_of_the_caller(request_to, question):
    statuses = [200, 400, 429, 499, 500, 503, None]

    sample = take_sample([request_to("blue", status=one) for one in statuses], question("errors"))

    assert sample.champion.values == [0.0, 0.0, 0.0, 0.0, 1.0, 1.0]
    assert sample.champion.without_value == 1


def test_slow_answers_are_those_above_the_limit(request_to, question):
    requests = [request_to("green", ms) for ms in (199.0, 200.0, 200.1)]

    sample = take_sample(requests, question(slower_than_ms=200.0))

    assert sample.challenger.values == [0.0, 0.0, 1.0]


def test_values_that_cannot_be_are_counted_and_never_used(request_to, question):
    values = [float("nan"), float("inf"), -1.0, None, 3.0]

    sample = take_sample([request_to("blue", ms) for ms in values], question())

    assert sample.champion.values == [3.0]
    assert (sample.champion.not_finite, sample.champion.without_value) == (3, 1)


def test_outcomes_are_joined_by_id_and_missing_ones_counted_for_each_variant(request_to, question):
    requests = [request_to("blue", id="a"), request_to("blue", id="b"), request_to("green", id="c")]
    outcomes = Outcomes(values={"a": 1.0, "c": -0.5, "stranger": 1.0})

    sample = take_sample(requests, question("outcome"), outcomes)

    assert (sample.champion.values, sample.challenger.values) == ([1.0], [-0.5])
    assert (sample.champion.without_value, sample.challenger.without_value) == (1, 0)
    assert sample.unmatched == 1


def test_an_outcome_belongs_to_the_first_answer_under_its_id(request_to, question):
    requests = [request_to("green", id="a", at=20.0), request_to("blue", id="a", at=10.0)]

    sample = take_sample(requests, question("outcome"), Outcomes(values={"a": 1.0}))

    assert (sample.champion.values, sample.challenger.values) == ([1.0], [])
    assert sample.repeated == 1


def test_a_line_that_is_there_twice_counts_once_and_an_id_used_again_counts_again(
    request_to, question
):
    requests = [request_to("blue", id="a", at=at) for at in (1.0, 1.0, 2.0)]

    sample = take_sample(requests, question())

    assert sample.champion.requests == 2
    assert sample.repeated == 1


def test_only_requests_of_the_time_looked_at_count(request_to, question):
    since, until = (datetime.fromtimestamp(at, UTC) for at in (100, 200))
    requests = [request_to("blue", at=at) for at in (99.0, 100.0, 199.0, 200.0, None)]

    sample = take_sample(requests, question(since=since, until=until))

    assert sample.champion.requests == 2
    assert sample.out_of_time == 3
    assert (sample.first_seconds, sample.last_seconds) == (100.0, 199.0)


@pytest.mark.parametrize(
    ("metric", "said"),
    [
        ("latency", "none of 2 requests has a latency. SageMaker's data capture records neither"),
        ("errors", "none of 2 requests has a status. SageMaker's data capture records neither"),
        ("outcome", "none of 2 requests has an outcome. The ids must be those that the caller"),
    ],
)
def test_a_metric_that_no_request_has_is_refused_with_the_reason(
    request_to, question, metric, said
):
    requests = [request_to(name, None, None, id=name) for name in ("blue", "green")]

    with pytest.raises(ExperimentError, match=said):
        take_sample(requests, question(metric), Outcomes(values={"x": 1.0}))


def test_no_request_at_all_is_an_empty_sample(question):
    assert take_sample([], question()).champion.requests == 0
