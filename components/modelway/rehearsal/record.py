"""What happened in a rehearsal, as plain records for the expectations, the report and the plot.

Takes nothing, gives dataclasses. Must not measure or judge.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from modelway.rehearsal.calls import Call
from modelway.rehearsal.scenario import Outcome, Scenario, Up


@dataclass(frozen=True)
class Event:
    """Something that the emulator, or the rehearsal itself, tells of."""

    at: float
    """Virtual seconds since the epoch."""
    kind: str
    text: str
    """For people."""
    data: Mapping[str, Any] = field(default_factory=dict[str, Any])


@dataclass(frozen=True)
class EndpointInState:
    """What Pulumi's state says of the endpoint."""

    config_name: str
    """The configuration that serves; empty where the state has no endpoint."""
    targets: tuple[str, ...]
    """The configurations that can be rolled back to, the newest first."""


@dataclass(frozen=True)
class UpRecord:
    """One `pulumi up`."""

    up: Up | None
    """None for the first one."""
    exit_status: int
    """Negative: ended by this signal."""
    output: str
    """All that it printed."""
    seconds: float
    """How long it took, in real time."""
    began: float
    ended: float
    """Virtual seconds since the epoch."""
    events: tuple[Event, ...]
    """From the turn of this step to the end of its `pulumi up`."""
    config_before: str
    """The configuration that served before; empty for none."""
    config_after: str
    """The one that serves now."""
    outcome: Outcome
    state: EndpointInState | None = None
    """After it. None where nobody looked: an engine that is stopped leaves the state behind."""


@dataclass(frozen=True)
class Leftovers:
    """What should not be there any more; each empty when all is well."""

    replicas: tuple[str, ...] = ()
    configurations: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    alarms: tuple[str, ...] = ()
    processes: tuple[str, ...] = ()

    def names(self) -> list[str]:
        """Give all, each with its kind."""
        return [
            f"{kind} {name}"
            for kind, names in (
                ("replica", self.replicas),
                ("configuration", self.configurations),
                ("model", self.models),
                ("alarm", self.alarms),
                ("process", self.processes),
            )
            for name in names
        ]


@dataclass(frozen=True)
class SentCall:
    """A request, in the rehearsal's times."""

    call: Call
    sent: float
    """Virtual seconds since the epoch."""


@dataclass(frozen=True)
class Rehearsed:
    """All that is known of one rehearsal."""

    scenario: Scenario
    endpoint: str
    began: float
    ended: float
    """Virtual seconds since the epoch."""
    seconds: float
    """The whole rehearsal in real time, teardown left out."""
    ups: tuple[UpRecord, ...]
    """The first one included."""
    events: tuple[Event, ...]
    calls: tuple[SentCall, ...]
    instances_at_end: int
    leftovers: Leftovers | None = None
    """None when nobody looked."""
    shadow_fields: Mapping[str, bool] | None = None
    """Whether the shadow's answers differ, by field; None when nobody looked."""
    scaling_changes: tuple[str, ...] = ()
    """How scalable targets, policies and scheduled actions differ from those after the first up."""
    next_changes: Mapping[str, int] | None = None
    """What one more `pulumi up` would do, such as `{"same": 12}`; None when nobody looked."""
    next_endpoint_operations: tuple[str, ...] = ()
    """What it would do to the endpoint; empty when nothing."""
