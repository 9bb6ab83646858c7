"""What is told of gRPC calls: the same metrics, log lines and predictions as of HTTP requests.

Takes calls that are over, on the event loop. Must not decide anything about a call.
"""

from typing import TYPE_CHECKING, Any

from model_server.core.errors import InferenceFailed
from model_server.log import Log
from model_server.observation import Observation

if TYPE_CHECKING:
    from model_server.grpc_v2.exchange import Exchange

INFER = "ModelInfer"

MEDIA_TYPE = "application/grpc+proto"

HTTP_STATUS = {
    "OK": 200,
    "CANCELLED": 499,
    "INVALID_ARGUMENT": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "RESOURCE_EXHAUSTED": 429,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}
"""Statuses by gRPC's names, so that one query counts both protocols; everything else is 500."""


class CallObservation:
    """Tells of gRPC calls."""

    def __init__(self, observation: Observation, log: Log) -> None:
        self._observation = observation
        self._log = log

    def answered(self, exchange: "Exchange") -> None:
        """Tell of a call that is over; inferences only, as of HTTP requests."""
        if exchange.rpc != INFER:
            return
        status = HTTP_STATUS.get(exchange.code, 500)
        identity = None if exchange.admission is None else exchange.admission.identity
        caller = "" if identity is None else identity.name
        self._observation.called(
            INFER,
            exchange.model,
            status,
            exchange.seconds,
            exchange.id,
            exchange.error,
            (MEDIA_TYPE, exchange.call.message, exchange.response),
            caller,
        )
        self._tell(exchange, status, caller)

    def _tell(self, exchange: "Exchange", status: int, caller: str) -> None:
        error = exchange.error
        if error is None:
            self._log.access(
                exchange.id,
                INFER,
                status,
                exchange.seconds,
                len(exchange.response),
                caller or None,
            )
            return
        fields: dict[str, Any] = {
            "request_id": exchange.id,
            "path": INFER,
            "status": status,
            "code": exchange.code,
            "duration_ms": round(exchange.seconds * 1000, 3),
            "error": error.message,
        }
        if isinstance(error, InferenceFailed):
            fields["detail"] = error.detail
        level = self._log.error if status >= 500 else self._log.info
        level("invocation", **fields)
