"""A verdict in words: one sentence, the rows of a table, and plain data for JSON.

Takes a verdict, gives text and plain values. Must not decide or print.
"""

import math
from datetime import UTC, datetime
from typing import Any

from modelway.experiment.effect import Effect
from modelway.experiment.judgement import Decision, Verdict
from modelway.experiment.line import Unreadable
from modelway.experiment.question import Metric, Question


def metric_name(question: Question) -> str:
    """Name what is compared, with its unit."""
    if question.metric is Metric.ERRORS:
        return "error rate"
    if question.metric is Metric.OUTCOME:
        return "outcome"
    if question.slower_than_ms is not None:
        return f"share of answers over {question.slower_than_ms:g} ms"
    if question.quantile is not None:
        return f"p{question.quantile * 100:g} latency (ms)"
    return "mean latency (ms)"


def sentence(verdict: Verdict) -> str:
    """Say the verdict in one plain sentence."""
    question = verdict.question
    name, sure = metric_name(question), f"{1 - question.alpha:.4g}"
    interval = f"{_number(verdict.difference.lower)} to {_number(verdict.difference.upper)}"
    observed = (
        f"{name} {_number(verdict.challenger)} of {question.challenger} against "
        f"{_number(verdict.champion)} of {question.champion}"
    )
    if verdict.decision is Decision.VOID:
        return f"The experiment is void: {verdict.reason}."
    if verdict.decision is Decision.OPEN:
        more = f"; {verdict.reason}" if verdict.reason else ""
        if verdict.needed is None:
            more += "; no number of values can be told that would settle it"
        else:
            more += (
                f"; about {verdict.needed:,} values in all would settle it, were they like these"
            )
        return f"No verdict yet: {observed}, difference {interval}{more}."
    if verdict.decision is Decision.NO_DIFFERENCE:
        return (
            f"No relevant difference: {observed}, and the difference, {interval}, is within the "
            f"margin of {_margin(question)} (confidence {sure} at every look)."
        )
    better = question.challenger if verdict.decision is Decision.CHALLENGER else question.champion
    return (
        f"{better} is better: {observed}, difference {interval} (confidence {sure} at every look)."
    )


def rows(verdict: Verdict) -> list[tuple[str, str, str]]:
    """Give the table: what, of the champion, of the challenger."""
    champion, challenger = verdict.sample.champion, verdict.sample.challenger
    share = verdict.split.observed_share
    expected = verdict.split.challenger_share
    found = [
        ("requests", f"{champion.requests:,}", f"{challenger.requests:,}"),
        ("share of requests", _percent(1 - share), _percent(share)),
        ("share by weight", _percent(1 - expected), _percent(expected)),
        ("values", f"{len(champion.values):,}", f"{len(challenger.values):,}"),
        (metric_name(verdict.question), _number(verdict.champion), _number(verdict.challenger)),
    ]
    for what, first, second in (
        ("without a value", champion.without_value, challenger.without_value),
        ("value not usable", champion.not_finite, challenger.not_finite),
        ("not successful", champion.unsuccessful, challenger.unsuccessful),
    ):
        if first or second:
            found.append((what, f"{first:,}", f"{second:,}"))
    return found


def effects(verdict: Verdict) -> list[tuple[str, str, str]]:
    """Give the second table: effect, estimate, interval."""
    difference, ratio = verdict.difference, verdict.ratio
    return [
        (
            "difference",
            _number(difference.estimate),
            f"{_number(difference.lower)} to {_number(difference.upper)}",
        ),
        (
            "relative",
            _percent(ratio.estimate),
            f"{_percent(ratio.lower)} to {_percent(ratio.upper)}",
        ),
    ]


def losses(
    verdict: Verdict, counts: dict[str, int], unreadable: dict[str, Unreadable]
) -> list[str]:
    """Say what was not counted, a line each.

    Args:
        verdict: knows what the sample left out.
        counts: further reasons with how many there were.
        unreadable: lines that could not be read, by what they were read as.
    """
    sample = verdict.sample
    reasons = {
        "requests outside the time looked at": sample.out_of_time,
        "lines about a request already counted": sample.repeated,
        "outcomes of no captured request": sample.unmatched,
        **counts,
    }
    found = [f"{count:,} {reason}" for reason, count in reasons.items() if count]
    for what, lines in unreadable.items():
        if lines.count:
            found.append(f"{lines.count:,} lines of {what} not readable, the first {lines.first}")
    return found


def plain(verdict: Verdict, not_counted: list[str]) -> dict[str, Any]:
    """Give the verdict as JSON has it; what is unbounded or unknown is null."""
    question, sample = verdict.question, verdict.sample
    margin = question.margin
    return {
        "verdict": verdict.decision.value,
        "sentence": sentence(verdict),
        "reason": verdict.reason or None,
        "metric": metric_name(question),
        "method": verdict.method,
        "alpha": question.alpha,
        "margin": None if margin is None else {"size": margin.size, "relative": margin.is_relative},
        "higher_is_better": question.wants_higher,
        "from": _moment(sample.first_seconds),
        "to": _moment(sample.last_seconds),
        **{
            role: {
                "variant": name,
                "requests": arm.requests,
                "values": len(arm.values),
                "estimate": _finite(estimate),
                "without_value": arm.without_value,
                "not_usable": arm.not_finite,
                "not_successful": arm.unsuccessful,
            }
            for role, name, arm, estimate in (
                ("champion", question.champion, sample.champion, verdict.champion),
                ("challenger", question.challenger, sample.challenger, verdict.challenger),
            )
        },
        "difference": _effect(verdict.difference),
        "relative": _effect(verdict.ratio),
        "challenger_share": {
            "expected": verdict.split.challenger_share,
            "observed": _finite(verdict.split.observed_share),
        },
        "values_needed": verdict.needed,
        "not_counted": not_counted,
    }


def _effect(effect: Effect) -> dict[str, float | None]:
    return {
        "estimate": _finite(effect.estimate),
        "lower": _finite(effect.lower),
        "upper": _finite(effect.upper),
    }


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _moment(at_seconds: float | None) -> str | None:
    if at_seconds is None:
        return None
    return datetime.fromtimestamp(at_seconds, UTC).isoformat(timespec="seconds")


def _margin(question: Question) -> str:
    margin = question.margin
    if margin is None:
        return "0"
    return _percent(margin.size).removeprefix("+") if margin.is_relative else _number(margin.size)


def _number(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.4g}"


def _percent(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value * 100:.4g} %"
