"""What all HTTP connections of a process share: routes, admission, limits, log.

Takes requests from connections (`http1`), has the route's handler answer them, and tells of every
answer. Whether a request may go on is settled before its body is read. Must not know formats or
models; the routes do.
"""

import secrets
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from model_server.access.identity import Credentials
from model_server.core.errors import (
    DeadlineExceeded,
    InferenceFailed,
    ModelServerError,
    Overloaded,
)
from model_server.core.readiness import Readiness, State
from model_server.log import Log
from model_server.rest.http import Answer, Request, Route
from model_server.rest.router import Router
from model_server.settings import Settings

if TYPE_CHECKING:
    from model_server.access.gate import Gate
    from model_server.rest.http1 import Connection

PRIORITY_HEADER = b"x-request-priority"

DEADLINE_HEADER = b"x-request-timeout-ms"
"""How long the caller waits, in milliseconds, from when the server got the head."""

LOWEST_PRIORITY, HIGHEST_PRIORITY = -10, 10

KNOWN_LINES = 4096
"""Headers of admissions that are remembered as bytes: they count down from a rate's burst."""

OnAnswer = Callable[[Request, Answer, float, int], None]
"""Told of each answer of a counted route: request, answer, seconds, bytes of the body."""


class App:
    """The service that connections belong to."""

    def __init__(
        self,
        settings: Settings,
        readiness: Readiness,
        router: Router,
        log: Log,
        gate: "Gate | None" = None,
        on_answer: OnAnswer | None = None,
    ) -> None:
        """Make a service.

        Args:
            settings: limits of time, size and number.
            readiness: whether the server stops.
            router: the routes.
            log: gets one line for each inference.
            gate: who may do what; None: anyone.
            on_answer: told of each inference's answer, for metrics.
        """
        self.connections: set[Connection] = set()
        self.max_body_bytes = settings.max_body_bytes
        self.body_seconds = settings.invoke_seconds
        self.max_concurrency = settings.max_concurrency
        """Inferences at once; this process' part of the setting."""
        self.date = _date(time.time())
        self.in_flight = 0
        """Inferences accepted and not yet answered."""
        self.last_request = time.monotonic()
        """When the last inference came in, on the monotonic clock."""
        self._settings = settings
        self._readiness = readiness
        self._router = router
        self._log = log
        self.gate = gate
        self._on_answer = on_answer
        chosen = settings.repository
        self._model_name = None if chosen.multi_model else chosen.model_name
        """The model of routes that name none."""
        self._lines: dict[tuple[tuple[bytes, bytes], ...], bytes] = {}
        # Ids that no caller can guess from its own, without asking the system for each.
        self._id_prefix = secrets.token_hex(10)
        self._id_number = secrets.randbelow(1 << 32)

    @property
    def draining(self) -> bool:
        """Whether connections are closed after their answer."""
        return self._readiness.state is State.DRAINING

    def accept(self, request: Request) -> Route:
        """Settle whether a request may go on, and which route answers it.

        Raises:
            ModelServerError: it may not; the body need not be read.
        """
        route = self._router.find(request)
        request.route = route.path
        if route.scope is None:
            return route
        headers = request.headers
        if route.scope == "infer":
            self._count(request)
        if self.gate is not None:
            self._admit(request, route.scope)
        if request.counted:
            given = headers.get(PRIORITY_HEADER)
            if given is not None:
                request.priority = _priority(given)
            given = headers.get(DEADLINE_HEADER)
            if given is not None and given.isdigit():
                request.deadline = min(request.deadline, request.received + int(given) / 1000)
            if self.in_flight > self.max_concurrency:
                raise Overloaded(
                    f"{self.max_concurrency} requests are being worked on; "
                    "try again later or add replicas"
                )
        return route

    def dispatch(self, request: Request, route: Route) -> None:
        """Answer a complete request, now or later."""
        try:
            if request.counted and time.monotonic() > request.deadline:
                raise DeadlineExceeded("the deadline passed before the request was complete")
            route.handler(request)
        except ModelServerError as error:
            request.refuse(error)
        except Exception as error:  # noqa: BLE001  # answered and logged, never dropped
            # The last line of defence: whatever it is, callers get JSON without a stack.
            request.fail(error)

    def answered(self, request: Request, answer: Answer, body_bytes: int) -> None:
        """Tell of an answer that is about to leave."""
        self._leave(request)
        if request.counted:
            seconds = time.monotonic() - request.received
            self._release(request)
            if self._on_answer is not None:
                self._on_answer(request, answer, seconds, body_bytes)
            self._tell(request, answer, seconds, body_bytes)
        elif isinstance(answer.error, InferenceFailed):
            self._log.error("unexpected", path=request.path, detail=answer.error.detail)

    def abandoned(self, request: Request) -> None:
        """Tell of a caller that went away before its answer."""
        if request.inference is not None:
            request.inference.wanted = False
        self._leave(request)
        if request.counted:
            self._release(request)
            self._log.info("disconnected", request_id=request.id)

    def tick(self) -> None:
        """Look after what depends on time; called every half second or so."""
        self.date = _date(time.time())
        now = time.monotonic()
        for connection in list(self.connections):
            connection.expire(now)

    def close_idle(self, new_seconds: float = 0.0) -> None:
        """Close connections on which nothing is under way.

        Args:
            new_seconds: one that is younger and has not asked anything yet is spared.
        """
        since = time.monotonic() - new_seconds
        for connection in list(self.connections):
            if not connection.is_new(since):
                connection.drain()

    def _count(self, request: Request) -> None:
        """Take a request among those that are counted, under an id of its own."""
        request.counted = True
        self.in_flight += 1
        self.last_request = request.received
        headers = request.headers
        given = headers.request_id()
        if given is None:
            self._id_number = (self._id_number + 1) & 0xFFFFFFFFFFFF
            given = f"{self._id_prefix}{self._id_number:012x}"
        request.id = given
        request.answer_head = b"x-request-id: %s\r\n" % given.encode()
        attributes = headers.custom_attributes()
        if attributes is not None:
            request.answer_head += (
                b"x-amzn-sagemaker-custom-attributes: %s\r\n" % attributes.encode()
            )

    def _admit(self, request: Request, scope: str) -> None:
        assert self.gate is not None  # checked by the caller
        get = request.headers.get
        authorization, key = get(b"authorization"), get(b"x-api-key")
        connection = request.connection
        shown = connection.shown
        if shown is None or shown[0] != authorization or shown[1] != key:
            # Kept with the connection, on which callers say the same again and again.
            credentials = Credentials(
                None if authorization is None else authorization.decode("latin-1"),
                None if key is None else key.decode("latin-1"),
                connection.certificate_subject,
                connection.address,
            )
            shown = connection.shown = authorization, key, credentials
        admission = self.gate.admit(
            shown[2], scope, request.parameters.get("name", self._model_name)
        )
        request.admission = admission
        request.identity = admission.identity
        headers = admission.headers
        if headers:
            lines = self._lines.get(headers)
            if lines is None:
                if len(self._lines) >= KNOWN_LINES:
                    self._lines.clear()
                lines = b"".join(b"%s: %s\r\n" % header for header in headers)
                self._lines[headers] = lines
            request.answer_head += lines

    def _leave(self, request: Request) -> None:
        if request.admission is not None and self.gate is not None:
            self.gate.release(request.admission)

    def _release(self, request: Request) -> None:
        request.counted = False
        self.in_flight -= 1

    def _tell(self, request: Request, answer: Answer, seconds: float, body_bytes: int) -> None:
        attributes = request.headers.custom_attributes()
        error = answer.error
        if error is None and attributes is None:
            caller = None if request.identity is None else request.identity.name
            self._log.access(request.id, request.path, answer.status, seconds, body_bytes, caller)
            return
        fields: dict[str, Any] = {
            "request_id": request.id,
            "path": request.path,
            "status": answer.status,
            "duration_ms": round(seconds * 1000, 3),
            "answer_bytes": body_bytes,
        }
        if request.identity is not None:
            fields["caller"] = request.identity.name
        if attributes is not None:
            fields["custom_attributes"] = attributes
        if error is not None:
            fields["error"] = error.message
        if isinstance(error, InferenceFailed):
            fields["detail"] = error.detail
        level = self._log.error if answer.status >= 500 else self._log.info
        level("invocation", **fields)


def _priority(given: bytes) -> int:
    try:
        wanted = int(given)
    except ValueError:
        return 0
    return max(LOWEST_PRIORITY, min(HIGHEST_PRIORITY, wanted))


def _date(now: float) -> bytes:
    """Give the Date header (RFC 9110 5.6.7) with its line end; English whatever the locale."""
    from email.utils import formatdate

    return f"date: {formatdate(now, usegmt=True)}\r\n".encode()
