"""Faults of a scenario: what goes wrong, when, and in which fleet.

Takes plain values, gives frozen, validated objects and the requests that the emulator takes. Must
not ask the emulator.
"""

from typing import Any, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from modelway.rehearsal.moment import Count, Moment, Number, Part

FaultKind = Literal[
    "replica-crash",
    "crash-loop",
    "slow",
    "errors",
    "capacity",
    "image-missing",
    "artifact-missing",
    "throttling",
    "expired-credentials",
    "metrics-missing",
    "metrics-delayed",
]

PARAMETERS: dict[FaultKind, tuple[str, ...]] = {
    "replica-crash": ("count",),
    "slow": ("delay_ms",),
    "errors": ("percent", "status"),
    "throttling": ("service", "operation", "percent"),
    "expired-credentials": ("service",),
    "metrics-delayed": ("delay_seconds",),
}
"""What each kind of fault takes beside its time and fleet; the others take nothing."""

NEEDED: dict[FaultKind, str] = {
    "slow": "delay_ms",
    "errors": "percent",
    "metrics-delayed": "delay_seconds",
}
"""What a kind cannot do without."""

OF_CALLS: frozenset[FaultKind] = frozenset({"throttling", "expired-credentials"})
"""Faults of AWS's own API, which know no endpoint and no fleet."""

_ALL_PARAMETERS = (
    "count",
    "delay_ms",
    "percent",
    "status",
    "service",
    "operation",
    "delay_seconds",
)


class Fault(Part):
    """Something that goes wrong."""

    kind: FaultKind
    """What."""
    fleet: str = "new"
    """`any`, `new`, `old`, or a configuration's name. Not for faults of AWS's calls."""
    at: Moment = Moment()
    """When it begins. Default: as soon as SageMaker takes the update."""
    for_seconds: Number | None = Field(default=None, gt=0)
    """Virtual seconds. Default: to the end of the rehearsal."""
    count: Count | None = Field(default=None, ge=1)
    """Replicas that crash."""
    delay_ms: Number | None = Field(default=None, ge=0)
    """Real milliseconds added to every answer."""
    percent: Number | None = Field(default=None, gt=0, le=100)
    """Share of requests or calls that fail."""
    status: Count | None = Field(default=None, ge=400, le=599)
    """HTTP status of the failures."""
    service: str | None = None
    """An AWS service, such as `sagemaker`."""
    operation: str | None = None
    """One of its operations."""
    delay_seconds: Number | None = Field(default=None, gt=0)
    """Virtual seconds by which metrics are late."""

    @model_validator(mode="after")
    def _only_its_own_parameters(self) -> Self:
        allowed = PARAMETERS.get(self.kind, ())
        strange = [
            name
            for name in _ALL_PARAMETERS
            if getattr(self, name) is not None and name not in allowed
        ]
        needed = NEEDED.get(self.kind)
        if needed is not None and getattr(self, needed) is None:
            raise PydanticCustomError(
                "fault_parameters",
                "lacks `{needed}`, which {kind} needs",
                {"needed": needed, "kind": self.kind},
            )
        if strange:
            takes = ", ".join(f"`{name}`" for name in allowed) or "no parameter"
            raise PydanticCustomError(
                "fault_parameters",
                "has {strange}, which {kind} does not take; it takes {takes}",
                {"strange": " and ".join(strange), "kind": self.kind, "takes": takes},
            )
        return self

    def request(self, endpoint: str) -> dict[str, Any]:
        """Give what the emulator is told when the fault's moment has come."""
        request: dict[str, Any] = {"kind": self.kind, "after_seconds": self.at.after_seconds}
        if self.kind not in OF_CALLS:
            request |= {"endpoint": endpoint, "fleet": self.fleet}
        optional = ("for_seconds", *_ALL_PARAMETERS)
        given = {name: getattr(self, name) for name in optional}
        return request | {name: value for name, value in given.items() if value is not None}
