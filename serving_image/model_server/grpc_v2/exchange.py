"""One call, who asked, and what came of it: for whoever counts and writes down.

Takes nothing, gives plain types. Must not know what is done with them.
"""

from typing import TYPE_CHECKING, Protocol

from model_server.core.errors import ModelServerError
from model_server.core.inference import InferenceRequest, Outputs
from model_server.grpc_v2.status import OK
from model_server.grpc_v2.transport import Call

if TYPE_CHECKING:
    from model_server.access.identity import Admission
    from model_server.core.model import Model


class Exchange:
    """One call of this server's own services; made when it has come, complete when it is over."""

    __slots__ = (
        "admission",
        "call",
        "code",
        "error",
        "id",
        "inference",
        "model",
        "outputs",
        "priority",
        "request_id",
        "response",
        "rpc",
        "seconds",
    )

    def __init__(self, rpc: str, call: Call) -> None:
        self.rpc = rpc
        """The method's name, such as ``ModelInfer``."""
        self.call = call
        """The call; ``call.message`` is the request as it came."""
        self.id = ""
        """The metadata's ``x-request-id``, or else the request's own id where it is plain text, or
        else one that the server made; the log and errors have it."""
        self.request_id = ""
        """The request's own id."""
        self.priority = 0
        """The metadata's ``x-request-priority``."""
        self.model: Model | None = None
        """The model that answers, once it is known."""
        self.admission: Admission | None = None
        """Who asks; None where nobody has to say, or nobody was recognised."""
        self.inference: InferenceRequest | None = None
        """What the dataplane was asked, once it was."""
        self.outputs: Outputs | None = None
        """What the model gave."""
        self.response = b""
        """The answer as it left; empty with an error."""
        self.code: str = OK
        """gRPC's name of the status."""
        self.error: ModelServerError | None = None
        """What went wrong, for the log and the metrics; None for a success."""
        self.seconds = 0.0
        """From the call's head to its answer."""


class CallObserver(Protocol):
    """Told of calls; on the event loop, so it must not wait."""

    def answered(self, exchange: Exchange) -> None:
        """An answer was handed to the transport, or the caller went away before (CANCELLED)."""
        ...
