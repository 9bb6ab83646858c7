"""What all methods share: who may call them, how they answer, and who is told of it.

Takes exchanges, ends each of them once. Must not know what a method is about.
"""

import secrets
import time
from collections.abc import Callable
from typing import Any, Protocol

from google.protobuf.message import DecodeError

from model_server.access.identity import Admission, Credentials
from model_server.core.errors import InferenceFailed, InvalidInput, ModelServerError
from model_server.grpc_v2.exchange import CallObserver, Exchange
from model_server.grpc_v2.status import status_of
from model_server.grpc_v2.transport import Call, Metadata
from model_server.rest.headers import MAX_REQUEST_ID_LENGTH as MAX_ID_LENGTH


class Gate(Protocol):
    """Who may do what; `access.gate.Gate`."""

    def admit(self, credentials: Credentials, scope: str, model: str | None = None) -> Admission:
        """Let a call in, or raise Unauthenticated, Forbidden, RateLimited or NotReady."""
        ...

    def release(self, admission: Admission) -> None:
        """Count a call's end."""
        ...


class Answers:
    """Admits and ends calls; on the event loop."""

    def __init__(
        self,
        gate: Gate | None = None,
        observer: CallObserver | None = None,
        *,
        certificates: bool = False,
    ) -> None:
        """Make it.

        Args:
            gate: who may do what; None: anyone.
            observer: told of every call; None: nobody is.
            certificates: whether TLS verifies clients' certificates.
        """
        self._gate = gate
        self._observer = observer
        self._certificates = certificates
        # Ids that no caller can guess from its own, without asking the system for each.
        self._id_prefix = secrets.token_hex(10)
        self._id_number = secrets.randbelow(1 << 32)

    def admit(self, exchange: Exchange, scope: str, model: str | None) -> None:
        """Settle whether a call may go on.

        Raises:
            ModelServerError: it may not.
        """
        gate = self._gate
        if gate is None:
            return
        call = exchange.call
        shown = Credentials()
        for key, value in call.metadata:
            if key == "authorization":
                shown.authorization = text_of(value)
            elif key == "x-api-key":
                shown.api_key = text_of(value)
        shown.address = call.address
        if self._certificates:
            certificate = call.certificate
            if certificate is not None:
                from model_server.access.certificates import subject_of_pem

                shown.certificate_subject = subject_of_pem(certificate) or None
        exchange.admission = gate.admit(shown, scope, model)

    def answer(self, exchange: Exchange, response: bytes) -> None:
        """Answer with a message."""
        exchange.response = response
        exchange.call.answer(response, _headers(exchange))
        self.over(exchange)

    def refuse(self, exchange: Exchange, error: ModelServerError) -> None:
        """Answer with an error."""
        exchange.error = error
        exchange.code = error.code.value
        number, details, trailing = status_of(error)
        # An error can be looked up in the log by it.
        own = (("x-request-id", self._identified(exchange)),)
        exchange.call.refuse(number, details, trailing + _headers(exchange) + own)
        self.over(exchange)

    def fail(self, exchange: Exchange, error: Exception) -> None:
        """Answer that the server failed; the reason is for the log only."""
        failed = InferenceFailed("the server failed on this request", detail=repr(error))
        self.refuse(exchange, failed)

    def gone(self, exchange: Exchange) -> None:
        """End a call whose caller went away."""
        exchange.code = "CANCELLED"
        exchange.call.refuse(1, b"")
        self.over(exchange)

    def over(self, exchange: Exchange) -> None:
        """Tell of a call that has ended."""
        exchange.seconds = time.monotonic() - exchange.call.received
        self._identified(exchange)
        admission = exchange.admission
        if admission is not None:
            assert self._gate is not None  # it was the gate that made it
            self._gate.release(admission)
        if self._observer is not None:
            self._observer.answered(exchange)

    def _identified(self, exchange: Exchange) -> str:
        """Give the id of a call, which gets one where it has none."""
        if not exchange.id:
            self._id_number = (self._id_number + 1) & 0xFFFFFFFFFFFF
            exchange.id = f"{self._id_prefix}{self._id_number:012x}"
        return exchange.id

    def at_once(
        self, rpc: str, kind: Any, answer: Callable[[Exchange, Any], Any]
    ) -> Callable[[Call], None]:
        """Make the handler of a method that can be answered at once.

        Args:
            rpc: the method's name.
            kind: the type of its requests.
            answer: gives the response, or raises an error of the server.
        """

        def handle(call: Call) -> None:
            if call.answered:
                return
            exchange = Exchange(rpc, call)
            try:
                response = answer(exchange, parsed(kind, call.message))
            except ModelServerError as error:
                self.refuse(exchange, error)
            except Exception as error:  # noqa: BLE001  # answered and told, never dropped
                self.fail(exchange, error)
            else:
                self.answer(exchange, response.SerializeToString())

        return handle


def parsed(kind: Any, message: bytes) -> Any:
    """Give a message of a type.

    Raises:
        InvalidInput: it is none.
    """
    try:
        return kind.FromString(message)
    except DecodeError:
        raise InvalidInput(f"the message is no {kind.DESCRIPTOR.name}") from None


def text_of(value: str | bytes) -> str:
    """Give a metadata value as text."""
    return value if isinstance(value, str) else value.decode("utf-8", "replace")


def plain_id(text: str) -> str:
    """Give a caller's id as logs and metadata can hold it; nothing where they cannot."""
    return text if len(text) <= MAX_ID_LENGTH and text.isascii() and text.isprintable() else ""


def _headers(exchange: Exchange) -> Metadata:
    if exchange.admission is None:
        return ()
    return tuple((name.decode(), value.decode()) for name, value in exchange.admission.headers)
