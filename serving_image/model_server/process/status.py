"""Exit statuses, of a worker and of the whole server.

Takes nothing, gives numbers that others read: orchestrators, tests and the process in front.
"""

from enum import IntEnum


class Status(IntEnum):
    """How a process ended."""

    CLEAN = 0
    """Told to stop, and every accepted request was answered."""

    REQUESTS_LOST = 1
    """Told to stop, and requests were still open when the time for that was over."""

    WRONG_USE = 2
    """The settings or arguments are wrong."""

    MODEL_UNUSABLE = 3
    """The model cannot be loaded."""

    ADDRESS_TAKEN = 4
    """An address cannot be listened on."""

    BROKEN = 70
    """A worker met a fault of its own; the number is EX_SOFTWARE of sysexits.h."""


FATAL = frozenset({Status.WRONG_USE, Status.MODEL_UNUSABLE, Status.ADDRESS_TAKEN})
"""Statuses that a second try would give again: the server ends with them where nothing serves."""
