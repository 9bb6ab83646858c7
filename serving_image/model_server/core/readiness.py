"""Whether the server can answer: loading, ready, failed or draining, and why.

Takes the events of a server's life, gives its state. It starts no threads and stops nothing;
reading it costs nothing, so that health checks are immediate.
"""

from enum import StrEnum


class State(StrEnum):
    """Where in its life the server is."""

    LOADING = "loading"
    READY = "ready"
    FAILED = "failed"
    DRAINING = "draining"


class Readiness:
    """The state and its reason."""

    def __init__(self) -> None:
        self.state = State.LOADING
        self.reason = "the model is being loaded"

    def loaded(self) -> None:
        """The models were loaded and warmed."""
        if self.state is State.LOADING:
            self.state = State.READY
            self.reason = "the model is loaded"

    def failed(self, reason: str) -> None:
        """The model cannot be served."""
        self.state = State.FAILED
        self.reason = reason

    def drain(self) -> None:
        """The server was told to stop."""
        self.state = State.DRAINING
        self.reason = "the server is stopping"
