"""What can be asked."""

from datetime import UTC, datetime

import pytest

from modelway.errors import ExperimentError
from modelway.experiment.question import Margin, Metric, Question, margin_of, moment_of, weights_of


def test_everything_that_is_wrong_is_said_at_once():
    with pytest.raises(ExperimentError) as refused:
        Question(
            metric=Metric.ERRORS,
            champion="blue",
            challenger="blue",
            champion_weight=0.0,
            alpha=0.9,
            margin=Margin(-1.0),
            intended=0,
            higher_is_better=True,
            quantile=0.9,
        )

    said = str(refused.value).splitlines()
    assert len(said) == 7
    assert said[0] == (
        "judging an experiment: --champion 'blue' and --challenger 'blue' must be two different "
        "names of variants; give them as in the endpoint configuration"
    )
    assert [line.split()[3] for line in said[1:]] == [
        *("the", "--alpha", "--margin", "--tuned-for", "--higher-is-better:", "--quantile"),
    ]
    assert refused.value.exit_status == 2


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"quantile": 1.0}, "--quantile is 1.0; allowed: above 0 and below 1"),
        ({"slower_than_ms": 0.0}, "--slower-than is 0.0; allowed: milliseconds above 0"),
        ({"quantile": 0.5, "slower_than_ms": 9.0}, "two ways to compare latency; choose one"),
        ({"alpha": float("nan")}, "--alpha is nan"),
        ({"margin": Margin(float("nan"))}, "--margin is nan"),
        ({"challenger_weight": float("inf")}, "challenger's weight is inf"),
    ],
)
def test_numbers_out_of_range_are_refused_by_name(question, fields, said):
    with pytest.raises(ExperimentError, match=said):
        question(**fields)


def test_a_time_that_ends_before_it_begins_is_refused(question):
    moment = datetime(2026, 11, 28, tzinfo=UTC)

    with pytest.raises(ExperimentError, match="is not before --until"):
        question(since=moment, until=moment)


def test_the_challengers_share_is_its_weight_by_the_sum(question):
    assert question(champion_weight=9.0, challenger_weight=1.0).challenger_share == 0.1


@pytest.mark.parametrize(
    ("metric", "higher", "wanted"),
    [
        ("latency", None, False),
        ("errors", None, False),
        ("outcome", None, True),
        ("outcome", False, False),
        ("outcome", True, True),
    ],
)
def test_latency_and_errors_are_better_lower_and_outcomes_as_the_user_says(
    question, metric, higher, wanted
):
    assert question(metric, higher_is_better=higher).wants_higher is wanted


def test_options_are_read_as_the_help_says():
    assert margin_of("0.002") == Margin(0.002)
    assert margin_of("5%") == Margin(0.05, is_relative=True)
    assert weights_of("9:1") == (9.0, 1.0)
    assert moment_of("--since", "2026-11-28T10:00:00").isoformat() == "2026-11-28T10:00:00+00:00"


@pytest.mark.parametrize(
    ("read", "said"),
    [
        (lambda: margin_of("much"), "--margin is 'much'; allowed: a number"),
        (lambda: weights_of("9"), "--weights is '9'; allowed: the weights of champion"),
        (lambda: weights_of("9:1:1"), "--weights is '9:1:1'"),
        (lambda: moment_of("--since", "noon"), "--since is 'noon'; allowed: a moment such as"),
    ],
)
def test_options_that_cannot_be_read_are_refused_with_what_is_allowed(read, said):
    with pytest.raises(ExperimentError, match=said):
        read()
