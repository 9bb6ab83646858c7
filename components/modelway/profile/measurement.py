"""What was measured of a model. Plain values."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Cell:
    """Runs of one number of rows with one number of threads."""

    rows: int
    threads: int
    """onnxruntime's intra-op threads."""
    runs: int
    p50_us: float
    p99_us: float

    @property
    def rows_per_second(self) -> float:
        """Give the throughput of one process."""
        return self.rows / self.p50_us * 1e6


@dataclass(frozen=True)
class OperatorTime:
    """All nodes of one operator, in runs of the most rows that were measured with one thread."""

    operator: str
    share: float
    """Of the time of all nodes, 0 to 1."""
    nodes: int
    mean_us: float
    """A run, of all its nodes together."""


@dataclass(frozen=True)
class Profile:
    """All of it."""

    cpus: int
    """That this process may use."""
    cells: tuple[Cell, ...]
    operators: tuple[OperatorTime, ...]
    """The slowest first."""
    joins: bool
    """Whether a row's answer is the same alone and beside others."""
    load_ms: float
    """With one thread."""
    peak_memory_mib: float
    """Most that loading and running with one thread added to the process."""
    complete: bool
    """False where the time did not suffice for all cells."""
