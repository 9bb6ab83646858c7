"""The verdict of an experiment.

Takes a sample and the question, gives who is better, by how much, or that it is not known yet. The
interval holds at every look at once, so whoever asks after every request is wrong with a
probability of at most alpha, as one who asks once. A split of the traffic that is off voids the
verdict. Must not read files or print.
"""

import math
from dataclasses import dataclass
from enum import StrEnum

from modelway.experiment.assignment import Split
from modelway.experiment.effect import Comparison, Effect
from modelway.experiment.means import Means, Moments
from modelway.experiment.proportions import Proportions
from modelway.experiment.quantiles import Quantiles, Ranked
from modelway.experiment.question import Metric, Question
from modelway.experiment.sample import Arm, Sample

_FARTHEST = 2.0**20
"""An experiment that would take a million times the data so far has no useful estimate."""


class Decision(StrEnum):
    """What a verdict says."""

    CHALLENGER = "challenger better"
    CHAMPION = "champion better"
    NO_DIFFERENCE = "no relevant difference"
    OPEN = "no verdict yet"
    VOID = "void"
    """The traffic was not split as it should be, so nothing can be said."""


@dataclass(frozen=True)
class Verdict:
    """The answer to a question."""

    question: Question
    sample: Sample
    decision: Decision
    reason: str
    """Why it is void, or why there is no interval yet; empty otherwise."""
    method: str
    """The kind of interval."""
    champion: float
    """Its mean, rate or quantile; NaN without a value."""
    challenger: float
    difference: Effect
    """Challenger minus champion, in the metric's unit."""
    ratio: Effect
    """Challenger divided by champion, minus 1."""
    split: Split
    """Of all requests."""
    needed: int | None
    """Values of both variants together after which a verdict is likely, were they to go on like
    those so far. None when there is a verdict, or when no number can be told."""


def judge(sample: Sample, question: Question) -> Verdict:
    """Give the verdict on a sample."""
    comparison = _comparison(sample, question)
    split = _split(sample.champion.requests, sample.challenger.requests, question)
    decision, reason = _decide(comparison, question), comparison.caution
    void = _why_void(sample, question, split)
    if void:
        decision, reason = Decision.VOID, void
    return Verdict(
        question=question,
        sample=sample,
        decision=decision,
        reason=reason,
        method=comparison.method,
        champion=comparison.champion,
        challenger=comparison.challenger,
        difference=comparison.difference(),
        ratio=comparison.ratio(),
        split=split,
        needed=_needed(comparison, sample, question) if decision is Decision.OPEN else None,
    )


def _comparison(sample: Sample, question: Question) -> Comparison:
    champion, challenger = sample.champion.values, sample.challenger.values
    if question.quantile is not None:
        return Quantiles(
            Ranked(sorted(champion)), Ranked(sorted(challenger)), question.quantile, question.alpha
        )
    if _is_rate(sample, question):
        return Proportions(
            champion_count=len(champion),
            champion_yes=math.fsum(champion),
            challenger_count=len(challenger),
            challenger_yes=math.fsum(challenger),
            challenger_share=question.challenger_share,
            alpha=question.alpha,
        )
    return Means(Moments.of(champion), Moments.of(challenger), question.alpha, question.intended)


def _is_rate(sample: Sample, question: Question) -> bool:
    if question.metric is Metric.ERRORS or question.slower_than_ms is not None:
        return True
    return question.metric is Metric.OUTCOME and all(
        value in {0.0, 1.0} for arm in (sample.champion, sample.challenger) for value in arm.values
    )


def _decide(comparison: Comparison, question: Question) -> Decision:
    margin = question.margin
    relative = margin is not None and margin.is_relative
    effect = comparison.ratio() if relative else comparison.difference()
    if margin is not None and effect.is_within(margin.size):
        return Decision.NO_DIFFERENCE
    if not effect.excludes_zero():
        return Decision.OPEN
    challenger_is_better = (effect.lower > 0) == question.wants_higher
    return Decision.CHALLENGER if challenger_is_better else Decision.CHAMPION


def _needed(comparison: Comparison, sample: Sample, question: Question) -> int | None:
    """Double the data until it decides, then halve the step between."""
    values = len(sample.champion.values) + len(sample.challenger.values)
    enough = 1.0
    while _decide(comparison.times(enough), question) is Decision.OPEN:
        enough *= 2
        if enough > _FARTHEST or not values:
            return None
    too_few = enough / 2
    for _ in range(8):
        middle = (too_few + enough) / 2
        if _decide(comparison.times(middle), question) is Decision.OPEN:
            too_few = middle
        else:
            enough = middle
    return math.ceil(values * enough)


def _split(champion: int, challenger: int, question: Question) -> Split:
    return Split(champion, challenger, question.challenger_share)


def _why_void(sample: Sample, question: Question, split: Split) -> str:
    challenger, expected = question.challenger, f"{question.challenger_share:.2%}"
    if split.is_wrong():
        return (
            f"{challenger} got {split.observed_share:.2%} of "
            f"{split.champion + split.challenger:,} requests and should have got {expected}: "
            "requests were lost, routed by what they hold, or the weights changed meanwhile"
        )
    joined = _split(_looked_at(sample.champion), _looked_at(sample.challenger), question)
    if joined.is_wrong():
        return (
            f"{joined.observed_share:.2%} of the requests with a value are {challenger}'s, and "
            f"{expected} should be: values are missing more often for one variant, so those that "
            "are left cannot be compared"
        )
    return ""


def _looked_at(arm: Arm) -> int:
    """Count requests that had their chance: that a failure has no latency is no loss of data."""
    return len(arm.values) + arm.unsuccessful
