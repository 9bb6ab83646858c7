"""Who hears how a deployment goes on.

Gives two ways to speak: a step, shown while it lasts, and a note, which stays. Must not write to a
terminal itself: a plugin process has none.
"""

from collections.abc import Callable
from dataclasses import dataclass


def _nobody(_text: str) -> None:
    pass


@dataclass(frozen=True)
class Told:
    """Where phrases without a full stop go. Default: nowhere."""

    step: Callable[[str], None] = _nobody
    """What is being done at this moment; the next step replaces it."""
    note: Callable[[str], None] = _nobody
    """What happened; it stays in the output."""
