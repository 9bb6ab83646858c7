"""The values of one metric for two variants, and the count of everything that has none.

Takes requests, and outcomes where the metric is one; gives values by variant. A request without a
value never counts as 0. Must not open files and must not compare (`modelway.experiment.judgement`).
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field

from modelway.errors import ExperimentError
from modelway.experiment.captured import Request
from modelway.experiment.outcomes import Outcomes
from modelway.experiment.question import Metric, Question

FAILED = 500
"""Status from which the server failed. What is below and not a success is the caller's doing; AWS
counts the same way in `Invocation5XXErrors`."""

SUCCEEDED = 400
"""Status below which an answer succeeded, as in `Invocation4XXErrors`."""


@dataclass
class Arm:
    """One variant's part of a sample."""

    requests: int = 0
    """That it answered in the time looked at, each once."""
    values: list[float] = field(default_factory=list)
    """Of the metric; finite."""
    without_value: int = 0
    """Requests whose line has no value, or that have no outcome (yet)."""
    not_finite: int = 0
    """Requests whose value is NaN, infinite or negative where that cannot be."""
    unsuccessful: int = 0
    """Requests left out of latency because they did not succeed."""


@dataclass
class Sample:
    """What an experiment has seen of one metric."""

    champion: Arm = field(default_factory=Arm)
    challenger: Arm = field(default_factory=Arm)
    out_of_time: int = 0
    """Requests before `since`, after `until`, or without a time where one of them is given."""
    repeated: int = 0
    """Lines about a request that was counted before."""
    unmatched: int = 0
    """Outcomes whose inference id belongs to no request."""
    first_seconds: float | None = None
    """When the first request was, since 1970; None when no time is known."""
    last_seconds: float | None = None


def take_sample(
    requests: Iterable[Request], question: Question, outcomes: Outcomes | None = None
) -> Sample:
    """Take the values of the question's metric.

    Args:
        requests: to the two variants.
        question: names the metric.
        outcomes: needed where the metric is one.

    Raises:
        ExperimentError: there are requests, but none has what the metric needs.
    """
    sample = Sample()
    seen: set[object] = set()
    if question.metric is Metric.OUTCOME:
        # The first answer under an id is the one that the outcome followed.
        requests = sorted(requests, key=_moment)
    for request in requests:
        if not question.covers(request.at_seconds):
            sample.out_of_time += 1
            continue
        key = request.id
        if key:
            # Other metrics allow that a caller uses an id twice, and drop only copies of a line.
            whole = key if question.metric is Metric.OUTCOME else (key, request.at_seconds)
            if whole in seen:
                sample.repeated += 1
                continue
            seen.add(whole)
        arm = sample.champion if request.variant == question.champion else sample.challenger
        arm.requests += 1
        _note_time(sample, request.at_seconds)
        _take(arm, request, question, outcomes)
    if question.metric is Metric.OUTCOME and outcomes is not None:
        sample.unmatched = sum(1 for key in outcomes.values if key not in seen)
    _refuse_the_impossible(sample, question)
    return sample


def _take(arm: Arm, request: Request, question: Question, outcomes: Outcomes | None) -> None:
    value: float | None
    if question.metric is Metric.OUTCOME:
        value = None if outcomes is None else outcomes.values.get(request.id)
    elif question.metric is Metric.ERRORS:
        value = None if request.status is None else float(request.status >= FAILED)
    elif request.status is not None and request.status >= SUCCEEDED:
        # A failure is often quick; as a latency it would speak for the variant.
        arm.unsuccessful += 1
        return
    else:
        value = request.latency_ms
    if value is None:
        arm.without_value += 1
    elif not math.isfinite(value) or (question.metric is Metric.LATENCY and value < 0):
        arm.not_finite += 1
    elif question.slower_than_ms is not None:
        arm.values.append(float(value > question.slower_than_ms))
    else:
        arm.values.append(value)


def _moment(request: Request) -> float:
    return math.inf if request.at_seconds is None else request.at_seconds


def _note_time(sample: Sample, at_seconds: float | None) -> None:
    if at_seconds is None:
        return
    first, last = sample.first_seconds, sample.last_seconds
    sample.first_seconds = at_seconds if first is None else min(first, at_seconds)
    sample.last_seconds = at_seconds if last is None else max(last, at_seconds)


def _refuse_the_impossible(sample: Sample, question: Question) -> None:
    arms = (sample.champion, sample.challenger)
    requests = sum(arm.requests for arm in arms)
    if not requests or sum(arm.without_value for arm in arms) < requests:
        return
    doing = f"judging an experiment by {question.metric}"
    if question.metric is Metric.OUTCOME:
        raise ExperimentError(
            f"{doing}: none of {requests} requests has an outcome. The ids must be those that the "
            "caller gave as InferenceId, or the eventId that SageMaker made; compare one of both "
            "files"
        )
    raise ExperimentError(
        f"{doing}: none of {requests} requests has a "
        f"{'status' if question.metric is Metric.ERRORS else 'latency'}. SageMaker's data capture "
        "records neither; give --captured the model server's prediction log"
    )
