"""What was found of a model's variants, as JSON has it.

Takes an `Optimised`, gives plain values. It is evidence beside the package: times and memory are
those of one machine, and no part of the digest. Pure.
"""

import math
from collections.abc import Mapping
from typing import Any

from modelway.package.optimise.choice import Candidate
from modelway.package.optimise.run import Optimised

SCHEMA = "modelway.variants/1"


def plain(found: Optimised, subject: str, versions: Mapping[str, str]) -> dict[str, Any]:
    """Give the evidence.

    Args:
        found: all of it.
        subject: the package's digest.
        versions: of what ran the models.
    """
    return {
        "schema": SCHEMA,
        "subject": subject,
        "chosen": str(found.choice.variant),
        "reason": found.choice.reason,
        "measure": found.measure.name,
        "output": found.measure.output,
        "calibration_rows": found.calibration_rows,
        "evaluation_rows": found.evaluation_rows,
        "max_lost_points": found.max_lost_points,
        "variants": [_candidate(each) for each in found.candidates],
        "environment": dict(sorted(versions.items())),
    }


def _candidate(each: Candidate) -> dict[str, Any]:
    if each.refused is not None:
        return {"variant": str(each.variant), "refused": each.refused}
    return {
        "variant": str(each.variant),
        "size_bytes": each.size_bytes,
        "score_percent": _finite(each.score_percent),
        "lost_points": _finite(each.lost_points),
        "largest_difference": _finite(each.largest_difference),
        "joins": each.joins,
        **({} if each.speed is None else vars(each.speed)),
    }


def _finite(value: float) -> float | None:
    """Give None for what JSON cannot say."""
    return value if math.isfinite(value) else None
