"""How far a shadow's answers agree with production's.

Takes captured lines of the two variants, joins them by inference id, gives the agreement of every
field: labels (text, truth values and whole numbers) are equal or not, other numbers differ by less
than a tolerance or not. Pure: must not open files or ask AWS.

SageMaker writes an inference id only where the caller sent one (InvokeEndpoint, InferenceId), and
captures a sample; so what has no counterpart is counted, not called a difference.
"""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from modelway.experiment.answers import Value, Values, values_of
from modelway.experiment.captured import variant_of
from modelway.experiment.line import Line, Unreadable, json_object, name, nested

TOLERANCE = 1e-6
"""Numbers that differ by no more agree: a float32 has 24 bits, so 6e-8 of the value, and a sum over
a batch of another size may round a few times differently."""

MISSING = "missing"
"""Stands for a value that only the other answer has."""


@dataclass(frozen=True)
class Captures:
    """What was captured of the two variants."""

    production: dict[str, Values]
    """Answers by inference id."""
    shadow: dict[str, Values]
    without_id: int
    """Lines of either that carry no inference id."""
    without_answer: int
    """Lines of either that hold no output."""
    repeated: frozenset[str]
    """Inference ids that one variant has more than once: nobody can say which belong together."""
    unreadable: Unreadable


@dataclass(frozen=True)
class FieldAgreement:
    """How one field of the answers agrees."""

    path: str
    """Such as `predictions.label`, or `column 0` of CSV."""
    kind: str
    """`labels` or `numbers`."""
    values: int
    """Pairs compared."""
    differing: int
    """Pairs that do not agree."""
    max_difference: float | None
    """Greatest absolute difference; None for labels. Infinite where one is not a finite number."""
    mean_difference: float | None
    """Mean absolute difference over all pairs; None for labels."""


@dataclass(frozen=True)
class Agreement:
    """How the answers of two variants agree."""

    compared: int
    """Requests with one answer of each."""
    differing: int
    """Of those, requests whose answers do not agree in some value."""
    fields: tuple[FieldAgreement, ...]
    """In the order of their paths."""
    tolerance: float
    examples: tuple[str, ...]
    """Inference ids of the first answers that differ, ten at most."""
    only_production: int
    """Requests that only production's data has."""
    only_shadow: int
    """Requests that only the shadow's data has."""
    without_id: int
    without_answer: int
    repeated: int
    unreadable: Unreadable


@dataclass
class _Side:
    answers: dict[str, Values] = field(default_factory=dict[str, Values])
    repeated: set[str] = field(default_factory=set[str])


def read_captures(lines: Iterable[Line], production: str, shadow: str) -> Captures:
    """Read the captured answers of two variants; lines of others are left out."""
    sides = {production: _Side(), shadow: _Side()}
    unreadable = Unreadable()
    without_id = without_answer = 0
    for line in lines:
        if not line.text.strip():
            continue
        found = json_object(line.text)
        event = None if found is None else nested(found, "eventMetadata")
        if found is None or event is None:
            unreadable.add(line)
            continue
        side = sides.get(variant_of(found, line.path, (production, shadow)))
        if side is None:
            continue
        key = name(event.get("inferenceId"))
        output = nested(nested(found, "captureData") or {}, "endpointOutput")
        if not key:
            without_id += 1
        elif output is None:
            without_answer += 1
        elif key in side.answers:
            side.repeated.add(key)
        else:
            side.answers[key] = values_of(output)
    repeated = frozenset(sides[production].repeated | sides[shadow].repeated)
    first, second = (
        {key: values for key, values in sides[side].answers.items() if key not in repeated}
        for side in (production, shadow)
    )
    return Captures(first, second, without_id, without_answer, repeated, unreadable)


def compare(captures: Captures, tolerance: float = TOLERANCE) -> Agreement:
    """Compare the answers to the same requests.

    Args:
        captures: what `read_captures` gives.
        tolerance: greatest absolute difference of two numbers that agree, 0 or more.
    """
    both = [key for key in captures.production if key in captures.shadow]
    pairs: dict[str, list[tuple[Value, Value]]] = {}
    owners: dict[str, list[str]] = {}
    for key in both:
        ours, theirs = captures.production[key], captures.shadow[key]
        for place in dict.fromkeys((*ours, *theirs)):
            pair = (ours.get(place, MISSING), theirs.get(place, MISSING))
            pairs.setdefault(place[0], []).append(pair)
            owners.setdefault(place[0], []).append(key)
    wrong: set[str] = set()
    fields: list[FieldAgreement] = []
    for path in sorted(pairs):
        agreement, bad = _agreement(path, pairs[path], tolerance)
        fields.append(agreement)
        wrong |= {owners[path][index] for index in bad}
    return Agreement(
        compared=len(both),
        differing=len(wrong),
        fields=tuple(fields),
        tolerance=tolerance,
        examples=tuple(key for key in both if key in wrong)[:10],
        only_production=len(captures.production.keys() - captures.shadow.keys()),
        only_shadow=len(captures.shadow.keys() - captures.production.keys()),
        without_id=captures.without_id,
        without_answer=captures.without_answer,
        repeated=len(captures.repeated),
        unreadable=captures.unreadable,
    )


def sentence(agreement: Agreement) -> str:
    """Say in one sentence what came out."""
    if agreement.compared == 0:
        reason = "no inference id is in the data of both variants"
        if agreement.without_id:
            reason += (
                f"; {agreement.without_id} captured answers carry none, so let callers send "
                "InferenceId"
            )
        return f"Nothing can be said: {reason}."
    agreeing = agreement.compared - agreement.differing
    if agreement.differing == 0:
        return f"All {agreement.compared} answers that were compared agree."
    worst = max(agreement.fields, key=lambda each: each.differing)
    share = 100 * agreeing / agreement.compared
    text = (
        f"{agreeing} of {agreement.compared} answers agree ({share:.3g} %); most differences are "
        f"in `{worst.path}`"
    )
    if worst.max_difference is not None:
        text += f", by {worst.max_difference:.3g} at most"
    return f"{text}."


def plain(agreement: Agreement) -> dict[str, Any]:
    """Give the agreement as JSON has it; infinite differences are null."""
    return {
        "compared": agreement.compared,
        "agreeing": agreement.compared - agreement.differing,
        "differing": agreement.differing,
        "tolerance": agreement.tolerance,
        "fields": [
            {
                "path": each.path,
                "kind": each.kind,
                "values": each.values,
                "differing": each.differing,
                "max_difference": _finite(each.max_difference),
                "mean_difference": _finite(each.mean_difference),
            }
            for each in agreement.fields
        ],
        "examples": list(agreement.examples),
        "not_compared": {
            "only_production": agreement.only_production,
            "only_shadow": agreement.only_shadow,
            "without_inference_id": agreement.without_id,
            "without_answer": agreement.without_answer,
            "repeated_inference_ids": agreement.repeated,
            "unreadable_lines": agreement.unreadable.count,
        },
        "sentence": sentence(agreement),
    }


def _agreement(
    path: str, pairs: list[tuple[Value, Value]], tolerance: float
) -> tuple[FieldAgreement, list[int]]:
    """Compare one field, and give the pairs that differ."""
    numbers = any(isinstance(value, float) for pair in pairs for value in pair)
    if not numbers:
        # `1` is not `true`, though Python says so.
        bad = [i for i, (a, b) in enumerate(pairs) if a != b or type(a) is not type(b)]
        return FieldAgreement(path, "labels", len(pairs), len(bad), None, None), bad
    differences = [_difference(a, b) for a, b in pairs]
    bad = [index for index, difference in enumerate(differences) if difference > tolerance]
    agreement = FieldAgreement(
        path=path,
        kind="numbers",
        values=len(pairs),
        differing=len(bad),
        max_difference=max(differences),
        mean_difference=math.fsum(differences) / len(differences)
        if all(map(math.isfinite, differences))
        else math.inf,
    )
    return agreement, bad


def _difference(ours: Value, theirs: Value) -> float:
    """Give how far two values are apart; infinite where one is no number and they are not equal."""
    if not _is_number(ours) or not _is_number(theirs):
        return 0.0 if type(ours) is type(theirs) and ours == theirs else math.inf
    first, second = float(ours or 0), float(theirs or 0)
    if math.isnan(first) or math.isnan(second):
        return 0.0 if math.isnan(first) and math.isnan(second) else math.inf
    return 0.0 if first == second else abs(first - second)


def _is_number(value: Value) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
