"""The emulator's virtual time, read without asking it each time.

Takes one answer of the emulator's clock, gives virtual time for moments of this process's
monotonic clock and back. Must not wait.
"""

import time
from dataclasses import dataclass


@dataclass(frozen=True)
class VirtualClock:
    """Virtual time as a line through one known point."""

    virtual_seconds: float
    """Virtual seconds since the epoch at `monotonic_seconds`."""
    monotonic_seconds: float
    """A moment of `time.monotonic`."""
    time_scale: float
    """Virtual seconds per real second."""

    def now(self) -> float:
        """Give the virtual time now."""
        return self.at(time.monotonic())

    def at(self, monotonic_seconds: float) -> float:
        """Give the virtual time at a moment of `time.monotonic`."""
        passed = monotonic_seconds - self.monotonic_seconds
        return self.virtual_seconds + passed * self.time_scale

    def monotonic(self, virtual_seconds: float) -> float:
        """Give the moment of `time.monotonic` at a virtual time."""
        return self.monotonic_seconds + (virtual_seconds - self.virtual_seconds) / self.time_scale
