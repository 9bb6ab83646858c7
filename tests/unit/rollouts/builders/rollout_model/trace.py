"""Traces: short stories of one endpoint that the model and the real engine both live through.

Takes a seed, gives the story and the specs in it. What came of each part is a `Step`, in words that
both sides share. Must not run anything.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar

from modelway.rehearsal.scenario import Outcome

VERSIONS = "abcd"

STRATEGIES: Mapping[str, Mapping[str, Any]] = {
    # A termination wait is what all-at-once can be watched in.
    "all-at-once": {"strategy": "all-at-once", "termination_wait_seconds": 300},
    "canary": {"strategy": "canary", "step_percent": 50, "wait_seconds": 300},
    "linear": {"strategy": "linear", "step_percent": 50, "wait_seconds": 300},
    "rolling": {"strategy": "rolling", "step_percent": 50, "wait_seconds": 300},
}
FAULTS: tuple[Mapping[str, Any], ...] = (
    # While the new fleet starts: longer than it takes to start.
    {"kind": "crash-loop", "fleet": "new", "for_seconds": 300},
    {"kind": "capacity", "fleet": "new", "for_seconds": 300},
    {"kind": "image-missing", "fleet": "new", "for_seconds": 300},
    {"kind": "artifact-missing", "fleet": "new", "for_seconds": 300},
    {"kind": "throttling", "service": "sagemaker", "percent": 30, "for_seconds": 300},
)
FAULTS_IN_THE_BAKE: tuple[Mapping[str, Any], ...] = (
    {"kind": "errors", "fleet": "new", "percent": 60, "for_seconds": 300},
    {"kind": "slow", "fleet": "new", "delay_ms": 1500, "for_seconds": 300},
    {"kind": "metrics-missing", "fleet": "new", "for_seconds": 300},
    {"kind": "replica-crash", "fleet": "new", "count": 1, "for_seconds": 60},
    {"kind": "replica-crash", "fleet": "old", "count": 1, "for_seconds": 60},
)
STOPS = ("SIGTERM", "SIGKILL")
MOMENTS = ("update-started", "fleet-ready", "bake-started")
REST_SECONDS = 150
"""Virtual seconds before each `pulumi up`, so that a fault of the step before is over."""


@dataclass(frozen=True)
class Move:
    """One `pulumi up`, and what happens to it."""

    version: str
    """One of VERSIONS."""
    strategy: str
    """One of STRATEGIES."""
    count: int = 2
    instance_type: str = "ml.m5.large"
    fault: Mapping[str, Any] | None = None
    stop: str | None = None
    """The signal that the engine gets; the next move then finishes what was begun."""
    at: str = "update-started"
    """The event at which the fault begins or the signal is sent."""
    traffic: bool = True
    """Whether clients send anything meanwhile."""

    @property
    def spec(self) -> dict[str, Any]:
        """The spec but for the name and the model."""
        return {
            "serving": {"instance_type": self.instance_type},
            "scaling": {"min_instances": self.count},
            "objectives": {"p99_latency_ms": 1000, "error_rate_percent": 5},
            "rollout": {**STRATEGIES[self.strategy], "timeout_seconds": 3600, "history": 2},
        }

    @property
    def title(self) -> str:
        """For people."""
        parts = [f"{self.count} x {self.version} on {self.instance_type}, {self.strategy}"]
        if self.fault:
            parts.append(f"{self.fault['kind']} of {self.fault.get('fleet')} at {self.at}")
        if self.stop:
            parts.append(f"{self.stop} at {self.at}")
        if not self.traffic:
            parts.append("no traffic")
        return ", ".join(parts)


@dataclass(frozen=True)
class Step:
    """What came of one move."""

    outcome: Outcome
    live: int
    """The configuration that serves after it; numbered as they came to serve."""
    targets: tuple[int, ...]
    """Those in the state that can be rolled back to."""


@dataclass(frozen=True)
class Trace:
    """One story, after a first version serves."""

    seed: int
    moves: tuple[Move, ...]

    FIRST: ClassVar[Move] = Move("a", "all-at-once")

    def finishes(self, index: int) -> bool:
        """Tell whether a move takes up what the one before had to leave."""
        return index > 0 and self.moves[index - 1].stop is not None


def sample(seed: int) -> Trace:
    """Draw one trace; the same for the same seed."""
    draw = random.Random(seed)
    moves: list[Move] = []
    for _ in range(draw.choice((1, 2, 2, 3))):
        if moves and moves[-1].stop is not None:
            break
        before = moves[-1] if moves else Trace.FIRST
        others = [version for version in VERSIONS if version != before.version]
        move = Move(
            version=draw.choice([before.version, *others * 2]),
            strategy=draw.choice(list(STRATEGIES)),
            count=draw.choice((2, 2, 2, 3)),
            instance_type=draw.choice(("ml.m5.large",) * 3 + ("ml.m5.xlarge",)),
            **_trouble(draw),
        )
        if move.strategy == "rolling" and (move.fault or {}).get("kind") == "replica-crash":
            # The only instance of a first batch: whether it starts again soon enough is the
            # machine's affair, since a process starts in real time.
            move = replace(move, strategy="canary")
        moves.append(move)
        if move.stop is not None:
            again = Move(move.version, move.strategy, move.count, move.instance_type)
            moves.append(again)
    return Trace(seed, tuple(moves))


def numbered(live: list[str], targets: list[tuple[str, ...]]) -> list[tuple[int, tuple[int, ...]]]:
    """Give numbers instead of names, in the order in which configurations came to serve."""
    known = list(dict.fromkeys(live))
    return [
        (known.index(now), tuple(known.index(each) for each in others))
        for now, others in zip(live, targets, strict=True)
    ]


def _trouble(draw: random.Random) -> dict[str, Any]:
    kind = draw.choice(("none", "none", "fault", "fault in the bake", "stop", "no traffic"))
    match kind:
        case "fault":
            return {"fault": draw.choice(FAULTS)}
        case "fault in the bake":
            return {"fault": draw.choice(FAULTS_IN_THE_BAKE), "at": "bake-started"}
        case "stop":
            return {"stop": draw.choice(STOPS), "at": draw.choice(MOMENTS)}
        case "no traffic":
            return {"traffic": False}
    return {}
