"""What an experiment is asked: which variants, which metric, and what counts as a difference.

Takes what the user says, gives a `Question` in which every number is possible; reports all that is
wrong at once. Must not read files.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from modelway.errors import ExperimentError
from modelway.experiment.means import INTENDED

_LARGEST_ALPHA = 0.5
"""Above it an interval would rather miss than hold the true value."""


class Metric(StrEnum):
    """What is compared."""

    LATENCY = "latency"
    """Milliseconds of answers that succeeded: their mean, a quantile, or how many are slow."""
    ERRORS = "errors"
    """Share of requests that the server failed to answer (status 500 or above)."""
    OUTCOME = "outcome"
    """What became of a prediction, joined by inference id."""


@dataclass(frozen=True)
class Margin:
    """How large a difference has to be to matter."""

    size: float
    """Above 0: in the metric's unit, or a part of the champion's value (0.05 for 5 %)."""
    is_relative: bool = False


@dataclass(frozen=True)
class Question:
    """What an experiment is asked."""

    metric: Metric
    champion: str
    """Name of the variant that serves, or of its model's version."""
    challenger: str
    champion_weight: float = 1.0
    """Above 0; only the ratio to the other one counts."""
    challenger_weight: float = 1.0
    alpha: float = 0.05
    """Probability of a wrong verdict, over all looks together; above 0, at most 0.5."""
    margin: Margin | None = None
    """Differences within it are none. Default: every difference counts, and none is ever ruled
    out."""
    higher_is_better: bool | None = None
    """Only for outcomes, where the default is yes. Latency and errors are better when lower."""
    quantile: float | None = None
    """Of latency, above 0 and below 1. Default: the mean."""
    slower_than_ms: float | None = None
    """Compare how many answers took longer, above 0. Default: their mean."""
    intended: int = INTENDED
    """Requests to both variants at which intervals of means are narrowest; from 1."""
    since: datetime | None = None
    """Requests before it do not count. Default: all do."""
    until: datetime | None = None
    """Requests from then on do not count. Default: all do."""

    def __post_init__(self) -> None:
        """Refuse what cannot be asked.

        Raises:
            ExperimentError: every reason, a line each.
        """
        problems = list(self._problems())
        if problems:
            raise ExperimentError("\n".join(f"judging an experiment: {text}" for text in problems))

    @property
    def challenger_share(self) -> float:
        """The part of the requests to both variants that the challenger should get."""
        return self.challenger_weight / (self.champion_weight + self.challenger_weight)

    @property
    def wants_higher(self) -> bool:
        """Whether a higher value is the better one."""
        return self.metric is Metric.OUTCOME and self.higher_is_better is not False

    def covers(self, at_seconds: float | None) -> bool:
        """Whether a moment (seconds since 1970, UTC) counts; unknown ones only without limits."""
        if self.since is None and self.until is None:
            return True
        return at_seconds is not None and (
            (self.since is None or at_seconds >= self.since.timestamp())
            and (self.until is None or at_seconds < self.until.timestamp())
        )

    def _problems(self) -> Iterator[str]:
        if not self.champion or not self.challenger or self.champion == self.challenger:
            yield (
                f"--champion {self.champion!r} and --challenger {self.challenger!r} must be two "
                "different names of variants; give them as in the endpoint configuration"
            )
        for name, weight in (
            ("champion", self.champion_weight),
            ("challenger", self.challenger_weight),
        ):
            if not (weight > 0 and math.isfinite(weight)):
                yield f"the {name}'s weight is {weight}; allowed: above 0. Give --weights as 9:1"
        if not 0 < self.alpha <= _LARGEST_ALPHA:
            yield f"--alpha is {self.alpha}; allowed: above 0, at most 0.5, usually 0.05"
        if self.margin and not (self.margin.size > 0 and math.isfinite(self.margin.size)):
            yield f"--margin is {self.margin.size}; allowed: above 0. Leave it out to have none"
        if self.intended < 1:
            yield f"--tuned-for is {self.intended}; allowed: 1 request or more"
        if self.since and self.until and self.since >= self.until:
            yield f"--since {self.since} is not before --until {self.until}"
        yield from self._metric_problems()

    def _metric_problems(self) -> Iterator[str]:
        if self.metric is not Metric.OUTCOME and self.higher_is_better:
            yield f"--higher-is-better: {self.metric} is always better when it is lower"
        if self.metric is not Metric.LATENCY:
            for option, value in (
                ("--quantile", self.quantile),
                ("--slower-than", self.slower_than_ms),
            ):
                if value is not None:
                    yield f"{option} is for --metric latency, and this is {self.metric}"
            return
        if self.quantile is not None and self.slower_than_ms is not None:
            yield "--quantile and --slower-than are two ways to compare latency; choose one"
        if self.quantile is not None and not 0 < self.quantile < 1:
            yield f"--quantile is {self.quantile}; allowed: above 0 and below 1, such as 0.99"
        if self.slower_than_ms is not None and not 0 < self.slower_than_ms < math.inf:
            yield f"--slower-than is {self.slower_than_ms}; allowed: milliseconds above 0"


def margin_of(text: str) -> Margin:
    """Read a margin: `0.002` in the metric's unit, `5%` of the champion's value.

    Raises:
        ExperimentError: it is neither.
    """
    number = _number(text.removesuffix("%"))
    if number is None:
        raise ExperimentError(
            f"judging an experiment: --margin is {text!r}; allowed: a number in the metric's unit "
            "such as 0.002, or a part of the champion's value such as 5%"
        )
    return Margin(number / 100, is_relative=True) if text.endswith("%") else Margin(number)


def weights_of(text: str) -> tuple[float, float]:
    """Read the weights of champion and challenger, such as `9:1`.

    Raises:
        ExperimentError: it is no pair of numbers.
    """
    champion, _, challenger = (_number(part) for part in text.partition(":"))
    if champion is not None and challenger is not None:
        return champion, challenger
    raise ExperimentError(
        f"judging an experiment: --weights is {text!r}; allowed: the weights of champion and "
        "challenger as the spec has them, such as 9:1"
    )


def moment_of(option: str, text: str) -> datetime:
    """Read a moment in ISO 8601; without a time zone it is UTC.

    Raises:
        ExperimentError: it is none.
    """
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise ExperimentError(
            f"judging an experiment: {option} is {text!r}; allowed: a moment such as "
            "2026-11-28T10:00:00Z"
        ) from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _number(text: str) -> float | None:
    try:
        return float(text)
    except ValueError:
        return None
