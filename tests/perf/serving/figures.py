"""What a run of the benchmark finds.

Plain data, made by `runs` and read by `report`.
"""

import statistics
from dataclasses import dataclass, field

import ours

DISTURBED_SLOWNESS, DISTURBED_CPUS = 1.15, 0.1
"""A machine this much slower than at its best, or others that use this much of the server's core:
the measurement is repeated, and where that does not help, its figures are called rough."""


@dataclass(frozen=True)
class Result:
    """One cell of one server in one repeat."""

    cell: str
    server: str
    cpu_us: float = 0.0
    """Microseconds of CPU for one answer: user and system time of the whole process tree."""

    per_second: float = 0.0
    p50_ms: float = 0.0
    p99_ms: float = 0.0
    answers: int = 0
    busy: float = 0.0
    """CPUs that the server used; near 1, its core was full and the measured rate its capacity."""

    slowness: float = 1.0
    """CPU time of a fixed piece of work around the measurement, over the shortest one seen."""

    others: float = 0.0
    """CPUs of the server's core that processes other than the server's used meanwhile."""

    problem: str = ""
    """Why it does not count."""

    @property
    def disturbance(self) -> float:
        """How much else the machine did; 0 for nothing that matters."""
        slow = max(0.0, self.slowness - DISTURBED_SLOWNESS)
        return slow + max(0.0, self.others - DISTURBED_CPUS)


@dataclass(frozen=True)
class Raw:
    """onnxruntime without a server, beside one start of the servers."""

    model: str
    run_us: float
    """CPU time of a run of one row."""

    load_seconds: float
    slowness: float
    """As of a `Result`."""


@dataclass(frozen=True)
class Start:
    """One start of one server with the MLP."""

    server: str
    ready_seconds: float
    rss_mib: float
    """After all cells."""


@dataclass
class Figures:
    """Everything that was measured."""

    results: list[Result] = field(default_factory=list)
    starts: list[Start] = field(default_factory=list)
    raw: list[Raw] = field(default_factory=list)
    log_counts: list[ours.LogCount] = field(default_factory=list)
    """Of our server's prediction log, since its start, after each closed-loop cell."""

    def raw_of(self, model: str) -> Raw:
        """Give the median of every figure of onnxruntime without a server, for one model."""
        mine = [raw for raw in self.raw if raw.model == model]
        return Raw(
            model,
            statistics.median(raw.run_us for raw in mine),
            statistics.median(raw.load_seconds for raw in mine),
            statistics.median(raw.slowness for raw in mine),
        )
