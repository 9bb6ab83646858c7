"""Which variant is packaged: the fastest of those that lose little enough.

Takes what was measured of each, gives one and the reason. The original is always a candidate. Pure.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from modelway.package.optimise.variants import Variant

BATCH_ROWS = 32
"""Of the larger run that is measured: joined runs have most of their gain by then."""

CLEAR_GAIN = 0.95
"""A variant must take at most this share of the original's time: less is within what one
measurement differs from the next, and a change of a model needs a reason."""

ROUNDING_POINTS = 1e-9
"""Of percentages."""


@dataclass(frozen=True)
class Speed:
    """How quick a variant is, with one thread."""

    row_p50_us: float
    """Median time of a run of one row."""
    batch_p50_us: float
    """... and of `batch_rows`."""
    batch_rows: int
    load_ms: float
    peak_memory_mib: float
    """Most that loading and running added to the process."""


@dataclass(frozen=True)
class Candidate:
    """One variant, as far as it could be made."""

    variant: Variant
    refused: str | None = None
    """Why it cannot be served; the rest is empty then."""
    size_bytes: int = 0
    score_percent: float = 0.0
    lost_points: float = 0.0
    """Percentage points below the original's score; below 0 where it is better."""
    largest_difference: float = 0.0
    """Of any number that it gives, from the original's."""
    joins: bool = True
    """Whether a row's answer is the same alone and beside others, so that the server may answer
    several requests with one run."""
    speed: Speed | None = None
    """None where it was not measured."""


@dataclass(frozen=True)
class Choice:
    """What is packaged."""

    variant: Variant
    reason: str


def choose(candidates: Sequence[Candidate], max_lost_points: float) -> Choice:
    """Choose the fastest.

    Args:
        candidates: all measured or refused, among them the original.
        max_lost_points: of accuracy, in percentage points.
    """
    original = next(each for each in candidates if each.variant is Variant.ORIGINAL)
    others = [each for each in candidates if each is not original and each.refused is None]
    accurate = [each for each in others if qualifies(each, max_lost_points)]
    if not accurate:
        why = (
            "no variant could be made"
            if not others
            else (f"every variant loses more than {max_lost_points:g} points")
        )
        return Choice(Variant.ORIGINAL, why)
    best = min(accurate, key=lambda each: relative_time(each, original))
    part = relative_time(best, original)
    if part > CLEAR_GAIN:
        return Choice(
            Variant.ORIGINAL,
            f"no variant that loses at most {max_lost_points:g} points takes less than "
            f"{CLEAR_GAIN:.0%} of its time",
        )
    return Choice(
        best.variant,
        f"it takes {part:.0%} of the original's time, the least of those that lose at most "
        f"{max_lost_points:g} points",
    )


def qualifies(candidate: Candidate, max_lost_points: float) -> bool:
    """Tell whether a variant is right often enough, and gives numbers where the original does."""
    return candidate.lost_points <= max_lost_points + ROUNDING_POINTS and math.isfinite(
        candidate.largest_difference
    )


def relative_time(candidate: Candidate, original: Candidate) -> float:
    """Give a variant's time as a part of the original's.

    One row alone and a row of a joined run count the same (geometric mean). What cannot be joined
    takes the time of one row alone for every row.
    """
    mine, its = candidate.speed, original.speed
    assert mine is not None  # noqa: S101 - all that is chosen from was measured
    assert its is not None  # noqa: S101
    return math.sqrt(mine.row_p50_us / its.row_p50_us * _batched(candidate) / _batched(original))


def _batched(candidate: Candidate) -> float:
    speed = candidate.speed
    assert speed is not None  # noqa: S101
    return speed.batch_p50_us / speed.batch_rows if candidate.joins else speed.row_p50_us
