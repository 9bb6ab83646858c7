"""The verdict on a sample, and its words."""

import json
import math

import numpy as np
import pytest

from modelway.experiment.judgement import judge
from modelway.experiment.line import Unreadable
from modelway.experiment.question import Margin
from modelway.experiment.wording import effects, losses, plain, rows, sentence


def latencies(mean, count, seed):
    return np.random.default_rng(seed).normal(mean, 3, count).tolist()


def outcomes(yes, count):
    return [1.0] * yes + [0.0] * (count - yes)


@pytest.mark.parametrize(
    ("challenger", "decision"),
    [(18.0, "challenger better"), (22.0, "champion better"), (20.0, "no verdict yet")],
)
def test_a_lower_latency_is_the_better_one(sample, question, challenger, decision):
    verdict = judge(sample(latencies(20, 2000, 1), latencies(challenger, 2000, 2)), question())

    assert verdict.decision == decision


@pytest.mark.parametrize(
    ("higher", "decision"), [(None, "challenger better"), (False, "champion better")]
)
def test_more_of_an_outcome_is_better_unless_the_user_says_otherwise(
    sample, question, higher, decision
):
    seen = sample(outcomes(200, 2000), outcomes(400, 2000))

    assert judge(seen, question("outcome", higher_is_better=higher)).decision == decision


def test_outcomes_that_are_yes_or_no_are_judged_exactly_and_others_by_their_mean(sample, question):
    rate = judge(sample(outcomes(2, 10), outcomes(3, 10)), question("outcome"))
    mean = judge(sample([1.5, 0.0], [2.0, 1.0]), question("outcome"))

    assert rate.method == "rates, exact confidence sequence by betting"
    assert mean.method == "means, asymptotic confidence sequence"
    assert mean.reason == "a mean is compared from 100 observations of each variant on"


def test_a_difference_within_the_margin_is_none_and_without_a_margin_it_is_open(sample, question):
    seen = sample(latencies(20, 5000, 1), latencies(20, 5000, 2))

    assert judge(seen, question()).decision == "no verdict yet"
    assert judge(seen, question(margin=Margin(1.0))).decision == "no relevant difference"
    assert judge(seen, question(margin=Margin(0.05, True))).decision == "no relevant difference"
    assert judge(seen, question(margin=Margin(0.001))).decision == "no verdict yet"


def test_a_small_difference_that_is_sure_is_still_not_relevant(sample, question):
    seen = sample(latencies(20, 20_000, 1), latencies(20.5, 20_000, 2))

    assert judge(seen, question()).decision == "champion better"
    assert judge(seen, question(margin=Margin(2.0))).decision == "no relevant difference"


def test_an_open_experiment_tells_how_many_values_would_settle_it(sample, question):
    verdict = judge(sample(outcomes(100, 1000), outcomes(130, 1000)), question("outcome"))
    # Hundreds of requests at the observed rates, 10 % and 13 %, just above and below.
    enough, too_few = verdict.needed // 200 + 1, verdict.needed // 200 - 1

    def after(hundreds):
        seen = sample(
            outcomes(10 * hundreds, 100 * hundreds), outcomes(13 * hundreds, 100 * hundreds)
        )
        return judge(seen, question("outcome"))

    assert 5000 < verdict.needed < 20_000
    assert after(enough).decision == "challenger better"
    assert after(enough).needed is None
    assert after(too_few).decision == "no verdict yet"


def test_two_variants_that_are_the_same_have_no_number_that_settles_it(sample, question):
    same = outcomes(100, 1000)

    assert judge(sample(same, same), question("outcome")).needed is None
    assert judge(sample(same, same), question("outcome", margin=Margin(0.02))).needed > 2000


def test_a_split_that_is_off_voids_the_verdict(sample, question):
    verdict = judge(sample(outcomes(10, 6000), outcomes(500, 4000)), question("errors"))

    assert verdict.decision == "void"
    assert verdict.reason == (
        "green got 40.00% of 10,000 requests and should have got 50.00%: requests were lost, "
        "routed by what they hold, or the weights changed meanwhile"
    )
    assert sentence(verdict).startswith("The experiment is void: green got 40.00%")


def test_the_weights_say_which_split_is_right(sample, question):
    weights = {"champion_weight": 3.0, "challenger_weight": 2.0}

    verdict = judge(sample(outcomes(10, 6000), outcomes(500, 4000)), question("errors", **weights))

    assert verdict.decision == "champion better"


def test_outcomes_missing_for_one_variant_void_the_verdict(sample, question):
    seen = sample(outcomes(50, 5000), outcomes(50, 4000))
    seen.challenger.requests, seen.challenger.without_value = 5000, 1000

    verdict = judge(seen, question("outcome"))

    assert verdict.decision == "void"
    assert verdict.reason.startswith("44.44% of the requests with a value are green's, and 50.00%")


def test_failures_have_no_latency_and_void_nothing(sample, question):
    seen = sample(latencies(20, 5000, 1), latencies(20, 4000, 2))
    seen.challenger.requests, seen.challenger.unsuccessful = 5000, 1000

    assert judge(seen, question()).decision == "no verdict yet"


def test_nothing_seen_is_no_verdict_yet(sample, question):
    for asked in (question(), question("errors"), question(quantile=0.99)):
        verdict = judge(sample([], []), asked)

        assert verdict.decision == "no verdict yet"
        assert verdict.needed is None
        assert (
            json.loads(json.dumps(plain(verdict, []), allow_nan=False))["champion"]["estimate"]
            is None
        )


def test_a_quantile_is_compared_where_the_question_names_one(sample, question):
    slow_tail = [10.0] * 4750 + [500.0] * 250
    verdict = judge(sample([10.0] * 5000, slow_tail), question(quantile=0.97))

    assert verdict.decision == "champion better"
    assert (verdict.champion, verdict.challenger) == (10.0, 500.0)
    assert judge(sample([10.0] * 5000, slow_tail), question(quantile=0.5)).difference.upper == 0.0


def test_the_verdict_in_one_sentence(sample, question):
    better = judge(sample(outcomes(50, 5000), outcomes(150, 5000)), question("errors"))
    waiting = judge(sample([1.0] * 50, [2.0] * 50), question())
    same = judge(
        sample(outcomes(50, 50_000), outcomes(50, 50_000)), question("errors", margin=Margin(0.01))
    )

    assert sentence(better) == (
        "blue is better: error rate 0.03 of green against 0.01 of blue, difference 0.009463 to "
        "0.0316 (confidence 0.95 at every look)."
    )
    assert sentence(waiting) == (
        "No verdict yet: mean latency (ms) 2 of green against 1 of blue, difference -inf to inf; a "
        "mean is compared from 100 observations of each variant on; no number of values can be "
        "told that would settle it."
    )
    assert sentence(same).startswith("No relevant difference: error rate 0.001 of green against")
    assert "is within the margin of 0.01 (confidence 0.95 at every look)." in sentence(same)


def test_the_tables_show_the_counts_of_both_and_the_effects(sample, question):
    seen = sample(outcomes(50, 5000), outcomes(150, 5000))
    seen.champion.without_value = 3

    verdict = judge(seen, question("errors"))

    assert rows(verdict) == [
        ("requests", "5,000", "5,000"),
        ("share of requests", "50 %", "50 %"),
        ("share by weight", "50 %", "50 %"),
        ("values", "5,000", "5,000"),
        ("error rate", "0.01", "0.03"),
        ("without a value", "3", "0"),
    ]
    assert [row[:2] for row in effects(verdict)] == [("difference", "0.02"), ("relative", "200 %")]


def test_what_was_not_counted_is_told(sample, question):
    seen = sample(outcomes(1, 10), outcomes(1, 10))
    seen.repeated = 1200

    told = losses(
        judge(seen, question("errors")),
        {"requests to other variants": 3, "requests of unknown variant": 0},
        {"requests": Unreadable(2, "a.jsonl:7"), "outcomes": Unreadable()},
    )

    assert told == [
        "1,200 lines about a request already counted",
        "3 requests to other variants",
        "2 lines of requests not readable, the first a.jsonl:7",
    ]


def test_json_has_null_for_what_is_unbounded(sample, question):
    told = plain(judge(sample([1.0] * 50, [2.0] * 50), question()), ["3 lines"])

    assert told["difference"] == {"estimate": 1.0, "lower": None, "upper": None}
    assert told["not_counted"] == ["3 lines"]
    assert not math.isnan(told["champion"]["estimate"])
