"""What a user asks `modelway package` for.

Plain values; must not look at any file.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelway.package.manifest import RegisteredModel
from modelway.package.optimise.variants import Variant
from modelway.package.parity import Tolerance
from modelway.package.samples import Rows
from modelway.package.sources.isolation import Limits

MAX_LOST_POINTS = 1.0
"""Accuracy that a variant may lose by default, in percentage points."""

KEEP_ROWS = 100
"""Sample rows that a package keeps by default."""


@dataclass(frozen=True)
class Optimisation:
    """That a smaller or quicker variant of the model may be packaged in its place."""

    max_lost_points: float = MAX_LOST_POINTS
    """Accuracy that it may lose, in percentage points, 0 to 100."""
    variant: Variant | None = None
    """The one to be packaged, whatever is quicker here. Default: the fastest."""


@dataclass(frozen=True)
class PackageRequest:
    """What is to be packaged, and how."""

    source: Path
    name: str
    version: str = "1"
    samples: Path | Rows | None = None
    """A file of sample rows, or the rows themselves."""
    keep_rows: int = KEEP_ROWS
    """Sample rows that go into the package."""
    input_name: str = "input"
    """Of the one tensor that holds all columns."""
    trust: bool = False
    """Whether a pickle may be read."""
    trusted_types: tuple[str, ...] = ()
    """Types that skops may make, beside its own."""
    tolerance: Tolerance = field(default_factory=Tolerance)
    licence: str | None = None
    metrics: Mapping[str, float] = field(default_factory=dict[str, float])
    training_job: str | None = None
    data_snapshot: str | None = None
    registered: RegisteredModel | None = None
    """What the source is in another registry."""
    input_rules: Path | None = None
    generation: Path | None = None
    labels: str | None = None
    """What is true of each sample row: a column of the samples, or a file with one a line."""
    optimisation: Optimisation | None = None
    """None: the model is packaged as it is."""
    limits: Limits = field(default_factory=Limits)
