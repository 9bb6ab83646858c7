"""Every fault that can be asked for: its parameters with units, ranges and defaults.

Frozen values. What a field may be is said beside its type, for `request.parse` to check. Plain
dataclasses, since every emulator loads them and pydantic alone would double the time of its start.
Must not know time, endpoints that exist, or how a fault is brought about.
"""

from dataclasses import dataclass
from typing import Annotated, Literal

from modelway.emulator.faults.checks import Name, Number, Operation, Service

LONGEST_DELAY_MS = 60_000
"""A container has 60 s to answer (SageMaker developer guide, "Custom Inference Code with Hosting
Services", read 2026-11); a longer delay would only be the same time-out."""

LONGEST_DELAY_SECONDS = 15 * 86_400
"""CloudWatch keeps data points of one minute for 15 days."""

_PERCENT = Number(above=0, most=100)


@dataclass(frozen=True, kw_only=True)
class Timed:
    """When a fault holds."""

    after_seconds: Annotated[float, Number(least=0)] = 0.0
    """Virtual seconds from the request until it begins. Default: 0."""
    for_seconds: Annotated[float | None, Number(above=0)] = None
    """Virtual seconds from its beginning to its end. Default: until it is removed."""


@dataclass(frozen=True, kw_only=True)
class OnFleet(Timed):
    """A fault of hosting."""

    endpoint: Annotated[str | None, Name()] = None
    """The endpoint's name. Default: every endpoint."""
    fleet: Annotated[str, Name()] = "any"
    """`any`, `new` (the fleet of the update under way, or of the next one), `old` (what serves
    when that update begins), or an endpoint configuration's name. Default: any."""


@dataclass(frozen=True, kw_only=True)
class ReplicaCrash(OnFleet):
    """Healthy replicas are killed (SIGKILL), once."""

    kind: Literal["replica-crash"] = "replica-crash"
    count: Annotated[int, Number(least=1, most=1000, whole=True)] = 1
    """How many. Default: 1."""


@dataclass(frozen=True, kw_only=True)
class CrashLoop(OnFleet):
    """Every container that starts ends at once."""

    kind: Literal["crash-loop"] = "crash-loop"


@dataclass(frozen=True, kw_only=True)
class Slow(OnFleet):
    """Containers answer later."""

    delay_ms: Annotated[float, Number(above=0, most=LONGEST_DELAY_MS)]
    """Real milliseconds added to every answer."""
    kind: Literal["slow"] = "slow"


@dataclass(frozen=True, kw_only=True)
class Errors(OnFleet):
    """Containers' answers are replaced by errors."""

    percent: Annotated[float, _PERCENT]
    """Share of the answers, above 0 to 100, spread evenly."""
    status: Annotated[int, Number(least=400, most=599, whole=True)] = 500
    """HTTP status of the container's answer. Default: 500."""
    kind: Literal["errors"] = "errors"


@dataclass(frozen=True, kw_only=True)
class NoCapacity(OnFleet):
    """AWS has no instance free, for whatever needs a new one."""

    kind: Literal["capacity"] = "capacity"


@dataclass(frozen=True, kw_only=True)
class ImageMissing(OnFleet):
    """New instances cannot pull the container image."""

    kind: Literal["image-missing"] = "image-missing"


@dataclass(frozen=True, kw_only=True)
class ArtifactMissing(OnFleet):
    """New instances do not find the model data."""

    kind: Literal["artifact-missing"] = "artifact-missing"


@dataclass(frozen=True, kw_only=True)
class Throttling(Timed):
    """AWS answers a service's calls with "Rate exceeded"."""

    service: Annotated[str, Service()] = "sagemaker"
    """As boto3 names it. Default: sagemaker."""
    operation: Annotated[str | None, Operation("sagemaker")] = None
    """For example UpdateEndpoint. Default: every operation."""
    percent: Annotated[float, _PERCENT] = 100.0
    """Share of the calls, above 0 to 100, spread evenly. Default: 100."""
    kind: Literal["throttling"] = "throttling"


@dataclass(frozen=True, kw_only=True)
class ExpiredCredentials(Timed):
    """AWS takes the caller's security token for expired."""

    service: Annotated[str | None, Service()] = None
    """As boto3 names it. Default: every service, sagemaker-runtime included."""
    kind: Literal["expired-credentials"] = "expired-credentials"


@dataclass(frozen=True, kw_only=True)
class MetricsMissing(OnFleet):
    """What hosting measures never reaches CloudWatch."""

    kind: Literal["metrics-missing"] = "metrics-missing"


@dataclass(frozen=True, kw_only=True)
class MetricsDelayed(OnFleet):
    """What hosting measures can be seen later."""

    delay_seconds: Annotated[float, Number(above=0, most=LONGEST_DELAY_SECONDS)]
    """Virtual seconds."""
    kind: Literal["metrics-delayed"] = "metrics-delayed"


FaultRequest = (
    ReplicaCrash
    | CrashLoop
    | Slow
    | Errors
    | NoCapacity
    | ImageMissing
    | ArtifactMissing
    | Throttling
    | ExpiredCredentials
    | MetricsMissing
    | MetricsDelayed
)

KINDS: tuple[type[FaultRequest], ...] = (
    ReplicaCrash,
    CrashLoop,
    Slow,
    Errors,
    NoCapacity,
    ImageMissing,
    ArtifactMissing,
    Throttling,
    ExpiredCredentials,
    MetricsMissing,
    MetricsDelayed,
)
