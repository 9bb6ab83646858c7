"""What a comparison gives: an estimate with its interval, and the ways to compare.

Takes and gives plain numbers. Differences are challenger minus champion. An end of an interval may
be infinite, which says that the data exclude nothing on that side. Must not decide who is better
(`modelway.experiment.judgement`).
"""

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True)
class Effect:
    """A difference and the interval that holds the true one."""

    estimate: float
    """As observed. NaN where one side has no observation."""
    lower: float
    """From -infinity."""
    upper: float
    """To infinity."""

    def excludes_zero(self) -> bool:
        """Whether the whole interval is on one side of zero."""
        return self.lower > 0 or self.upper < 0

    def is_within(self, margin: float) -> bool:
        """Whether the whole interval is closer to zero than a margin above 0."""
        return -margin < self.lower and self.upper < margin


class Comparison(Protocol):
    """Observations of two variants, summarised, and the intervals that follow from them."""

    @property
    def method(self) -> str:
        """The kind of interval, in a few words, for the report."""
        ...

    @property
    def champion(self) -> float:
        """The champion's estimate; NaN without an observation."""
        ...

    @property
    def challenger(self) -> float:
        """The challenger's estimate; NaN without an observation."""
        ...

    @property
    def caution(self) -> str:
        """Why the intervals are still unbounded though there are observations; or empty."""
        ...

    def difference(self) -> Effect:
        """Give challenger minus champion, in the metric's unit."""
        ...

    def ratio(self) -> Effect:
        """Give challenger divided by champion, minus 1; of values that are not negative."""
        ...

    def times(self, factor: float) -> "Comparison":
        """Give what `factor` times as many observations of the same kind would be."""
        ...
