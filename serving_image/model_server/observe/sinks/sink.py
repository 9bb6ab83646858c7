"""What every place for prediction records can do."""

from typing import Protocol

from model_server.observe.records import Fields


class Sink(Protocol):
    """Takes records and makes them safe; all calls come from one thread, which may block.

    Records are taken one by one and made safe together. Whatever `put` could not make safe stays,
    and is tried again by the next `put`, until `abandon` gives it up.
    """

    batch_bytes: int
    """Records of about that many bytes are given at once before `put`."""

    safe: int
    """Records made safe so far."""

    lost: int
    """Records that the place refused for good so far."""

    @property
    def pending(self) -> int:
        """Records taken and not yet safe, lost or given up."""
        ...

    def open(self) -> None:
        """Make ready; called once, on the thread, before anything else.

        Raises:
            SinkFailed: not now; tried again.
        """
        ...

    def add(self, fields: Fields) -> None:
        """Take a record."""
        ...

    def due(self, now: float) -> bool:
        """Whether there is something that should be made safe now (monotonic clock)."""
        ...

    def put(self) -> None:
        """Make everything pending safe.

        Raises:
            SinkFailed: some of it is not; ``pending`` says how much is left.
        """
        ...

    def idle(self, now: float) -> None:
        """Do what is to be done from time to time, such as finishing a file by its age."""
        ...

    def abandon(self) -> int:
        """Give up what is pending and say how many records that was."""
        ...

    def close(self) -> None:
        """Finish; nothing is called afterwards."""
        ...
