"""One inference asked for, and what comes of it.

Gives plain types; whoever asks makes them, the `Dataplane` answers them. Must not run anything.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from model_server.core.errors import ModelServerError
from model_server.core.tensors import Array, Value

if TYPE_CHECKING:
    from model_server.core.model import Model

Outputs = dict[str, Value]

Done = Callable[[Outputs | ModelServerError], None]
"""Told once what came of a request; called on the event loop."""


@dataclass(slots=True)
class InferenceRequest:
    """One inference asked for; its tensors were checked against the model."""

    model: "Model"

    inputs: dict[str, Array]
    """Arrays against which `Model.problems` found nothing."""

    outputs: tuple[str, ...]
    """Names of the outputs wanted."""

    rows: int
    """Length of the first axis, as `rows_of` counts."""

    deadline: float
    """On the monotonic clock; a request whose deadline has passed is not run."""

    priority: int = 0
    """Higher goes first among those that wait, -10 to 10. Default 0."""

    wanted: bool = True
    """Set to False when the caller is gone: it is then not run, and not answered."""

    submitted: float = 0.0
    """When the dataplane got it, on the monotonic clock; set by the dataplane."""

    started: float = 0.0
    """When its run began, likewise; 0: it did not."""

    ended: float = 0.0
    """When its run was over, likewise."""
