"""What is measured, and what is aimed at.

A cell is one model, one request form, so many rows a request and so many connections; every server
that has the form runs it. An aim is a ratio of CPU per request (capacity) between our server and a
peer in the same run, or an absolute figure.
"""

from dataclasses import dataclass


@dataclass(frozen=True)
class Aim:
    """One figure to reach."""

    figure: str
    """capacity: CPU of theirs / CPU of ours; p50: our p50 / theirs; p99_ms: ours by itself."""

    bound: float
    against: str = ""
    """A server, or ``raw`` for onnxruntime without a server."""

    at_most: bool = False

    def met(self, value: float) -> bool:
        """Whether the figure is good enough."""
        return value <= self.bound if self.at_most else value >= self.bound


@dataclass(frozen=True)
class Cell:
    """One measurement of every server that can take part."""

    name: str
    title: str
    model: str
    kind: str
    """json, v2, binary, raw or grpc: `Server.wires` says what each is for a server."""

    rows: int
    connections: int
    """Connections of a closed loop, or calls in flight of gRPC; unused with a rate."""

    aims: tuple[Aim, ...] = ()
    rate: float | None = None
    """Requests per second of an open loop."""


def _capacity(**bounds: float) -> tuple[Aim, ...]:
    return tuple(Aim("capacity", bound, against) for against, bound in bounds.items())


OPEN_LOOP_RATE = 4000.0

CELLS = (
    Cell(
        "mlp-json-1x1",
        "MLP, 1 JSON row, 1 connection",
        "mlp",
        "json",
        1,
        1,
        (Aim("p50", 0.7, "fastapi", at_most=True),),
    ),
    Cell(
        "mlp-json-1x8",
        "MLP, 1 JSON row, 8 connections",
        "mlp",
        "json",
        1,
        8,
        _capacity(fastapi=3.5, kserve=6),
    ),
    Cell(
        "mlp-json-1x64",
        "MLP, 1 JSON row, 64 connections",
        "mlp",
        "json",
        1,
        64,
        _capacity(fastapi=6, kserve=10, triton=4),
    ),
    Cell("mlp-v2-1x64", "MLP, 1 row of v2 JSON, 64 connections", "mlp", "v2", 1, 64),
    Cell(
        "mlp-json-32x8",
        "MLP, 32 JSON rows, 8 connections",
        "mlp",
        "json",
        32,
        8,
        _capacity(kserve=2, fastapi=3.5),
    ),
    Cell(
        "mlp-binary-1x64",
        "MLP, 1 row of v2 binary tensors, 64 connections",
        "mlp",
        "binary",
        1,
        64,
        _capacity(triton=4),
    ),
    Cell(
        "mlp-binary-32x8",
        "MLP, 32 rows of v2 binary tensors, 8 connections",
        "mlp",
        "binary",
        32,
        8,
        _capacity(triton=2.5),
    ),
    Cell("mlp-raw-1x64", "MLP, 1 row of raw bytes, 64 connections", "mlp", "raw", 1, 64),
    Cell("mlp-raw-32x8", "MLP, 32 rows of raw bytes, 8 connections", "mlp", "raw", 32, 8),
    Cell("mlp-grpc-1x8", "MLP, 1 raw row by gRPC, 8 in flight", "mlp", "grpc", 1, 8),
    Cell(
        "mlp-grpc-1x64",
        "MLP, 1 raw row by gRPC, 64 in flight",
        "mlp",
        "grpc",
        1,
        64,
        _capacity(kserve=2.5),
    ),
    Cell(
        "mlp-open-4000",
        "MLP, 1 JSON row, open loop of 4 000 requests/s",
        "mlp",
        "json",
        1,
        0,
        (Aim("p99_ms", 5.0, at_most=True),),
        OPEN_LOOP_RATE,
    ),
    Cell(
        "gb-json-1x8",
        "100 trees, 1 JSON row, 8 connections",
        "gb",
        "json",
        1,
        8,
        _capacity(fastapi=4, kserve=8),
    ),
    Cell(
        "tfm-json-1x8",
        "text encoder, 1 JSON row, 8 connections",
        "tfm",
        "json",
        1,
        8,
        _capacity(raw=0.92, fastapi=1, kserve=1, triton=1),
    ),
)

START_BEYOND_LOAD_SECONDS = 0.6
MEMORY_BEYOND_MODEL_MIB = 110.0
LIMITED_CAPACITY = 0.95
"""Under a limit of 1 CPU, of the capacity with one thread set by hand; less is a loss."""
