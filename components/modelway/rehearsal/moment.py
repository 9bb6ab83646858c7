"""Moments of a rehearsal: an event, and virtual seconds after it.

Takes plain values, gives frozen, validated objects, and what all parts of a scenario are made of.
Must not wait for anything.
"""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, Strict

Number = Annotated[float, Strict()]
"""Not strict, it would take `yes` for 1."""

Count = Annotated[int, Strict()]

EventKind = Literal[
    "step-started",
    "up-started",
    "create-started",
    "create-ended",
    "update-started",
    "fleet-ready",
    "traffic",
    "bake-started",
    "alarm",
    "rollback-started",
    "rolled-back",
    "promoted",
    "fleet-ended",
    "replica-exited",
    "scaled",
    "fault",
    "deleted",
]
"""The emulator's events, and two of the rehearsal itself: a step's turn has come (its data:
`step`, 1 for the change), and its `pulumi up` has been started."""


class Part(BaseModel):
    """What all parts have in common: frozen, and unknown fields are refused."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", use_attribute_docstrings=True, allow_inf_nan=False
    )


class Moment(Part):
    """A time that is known when an event happens."""

    event: EventKind = "update-started"
    """What is waited for, within the step. Default: SageMaker takes the update."""
    data: dict[str, Any] = Field(default_factory=dict)
    """What the event's data must hold, such as `to: ALARM`. Default: nothing."""
    after_seconds: Number = Field(default=0.0, ge=0)
    """Virtual seconds from the event on."""

    @property
    def named(self) -> str:
        """The event and what its data must hold, as messages name them."""
        data = ", ".join(f"{key}: {value}" for key, value in self.data.items())
        return f"`{self.event}` ({data})" if data else f"`{self.event}`"
