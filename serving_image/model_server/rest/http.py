"""HTTP requests and answers as the routes see them.

Gives the types between the connection (`http1`), which reads and writes bytes, and the routes,
which know what a request means. Must not parse HTTP and must not know models.
"""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol

from model_server.core.errors import InferenceFailed, ModelServerError
from model_server.core.inference import InferenceRequest
from model_server.rest.errors import body_of, headers_of, status_of
from model_server.rest.headers import Headers
from model_server.rest.problem_details import problem_document

if TYPE_CHECKING:
    from model_server.access.identity import Admission, Credentials, Identity
    from model_server.core.model import Model

JSON_TYPE = b"application/json"
PROBLEM_TYPE = b"application/problem+json"


class Disconnected(Exception):
    """The caller went away; nobody reads an answer."""


@dataclass(slots=True)
class Answer:
    """One HTTP answer."""

    status: int
    body: bytes
    media_type: bytes = JSON_TYPE
    headers: Sequence[tuple[bytes, bytes]] = ()
    error: ModelServerError | None = None
    """What went wrong, for the log and the metrics; None for a success."""


class Stream(Protocol):
    """An answer that is sent in parts (chunked)."""

    async def write(self, data: bytes) -> None:
        """Send a part; waits while the caller reads slower than we write.

        Raises:
            Disconnected: the caller went away.
        """
        ...

    def end(self) -> None:
        """The answer is complete."""
        ...

    def abort(self) -> None:
        """The answer cannot be completed: the connection ends, so that the caller sees it."""
        ...


class Connection(Protocol):
    """What the connection does for a request."""

    address: str
    """The caller's network address."""

    certificate_subject: str | None
    """Subject of the caller's certificate, where TLS verified one."""

    shown: "tuple[bytes | None, bytes | None, Credentials] | None"
    """What the caller showed last: the two headers, and the credentials that they are."""

    def send(self, request: "Request", answer: Answer) -> None:
        """Write a whole answer."""
        ...

    def stream(self, request: "Request", answer: Answer) -> Stream:
        """Write the head of an answer whose body comes in parts; ``answer.body`` goes first."""
        ...


@dataclass(slots=True)
class Request:
    """One HTTP request, complete with its body."""

    method: str
    path: str
    """Without the query, percent-decoded."""
    query: bytes
    headers: Headers
    body: bytes
    connection: Connection
    received: float
    """On the monotonic clock, when its head was complete."""
    deadline: float
    """On the monotonic clock: when an answer must have left."""
    parameters: dict[str, str] = field(default_factory=dict)
    """Values of the path's variable parts, by name."""
    identity: "Identity | None" = None
    """Who asks; None where nobody has to say."""
    admission: "Admission | None" = None
    """What the gate gave for it; goes back to the gate with the answer."""
    route: str = ""
    """The pattern of the route that answers."""
    model: "Model | None" = None
    """The model that answers, once it is known."""
    inference: InferenceRequest | None = None
    """What the dataplane was asked, once it was."""
    priority: int = 0
    """As `InferenceRequest.priority`."""
    counted: bool = False
    """It is one of the requests that `max_concurrency` bounds."""
    id: str = ""
    """Request id, as the log and the answer's ``X-Request-Id`` have it."""
    closes: bool = False
    """The connection is closed after the answer."""
    answer_head: bytes = b""
    """Header lines for the answer that are settled before the route runs, such as RateLimit."""

    def answer(self, answer: Answer) -> None:
        """Answer the request; exactly once."""
        self.connection.send(self, answer)

    def refuse(self, error: ModelServerError) -> None:
        """Answer with an error."""
        self.answer(refusal(error, self.path))

    def fail(self, error: Exception) -> None:
        """Answer that the server failed; the reason is for the log only."""
        self.refuse(InferenceFailed("the server failed on this request", detail=repr(error)))

    def stream(self, answer: Answer) -> Stream:
        """Answer in parts instead of `answer`."""
        return self.connection.stream(self, answer)


Handler = Callable[[Request], None]
"""Leads to exactly one `Request.answer` or `Request.stream`, at once or later, on the loop."""


@dataclass(frozen=True, slots=True)
class Route:
    """One method on one path."""

    method: str

    path: str
    """Such as ``/v2/models/{name}/infer``; a variable part is one whole segment."""

    handler: Handler

    scope: str | None = None
    """What a caller must be allowed, such as ``infer``; None: anyone, as for health checks."""

    summary: str = ""
    """One sentence for the API's description."""


PROTOCOL_PATHS = ("/v2/", "/models")
"""Routes of protocols that have a form of errors of their own: ``{"error": ...}``."""


def refusal(error: ModelServerError, path: str = "") -> Answer:
    """Give the answer that an error is.

    Args:
        error: what went wrong.
        path: of the request; decides between problem details (RFC 9457) and a protocol's own form.
    """
    status = status_of(error)
    if path.startswith(PROTOCOL_PATHS):
        return Answer(status, body_of(error), JSON_TYPE, headers_of(error), error)
    body = problem_document(error, status)
    return Answer(status, body, PROBLEM_TYPE, headers_of(error), error)


_running: set[asyncio.Task[None]] = set()


def asynchronous(handler: Callable[[Request], Awaitable[Answer]]) -> Handler:
    """Make a handler of a coroutine function that returns the answer, or raises an error of ours.

    For routes that are seldom asked: each call costs a task.
    """

    async def run(request: Request) -> None:
        try:
            answer = await handler(request)
        except ModelServerError as error:
            answer = refusal(error, request.path)
        except Exception as error:  # noqa: BLE001  # answered and logged, never dropped
            request.fail(error)
            return
        request.answer(answer)

    def start(request: Request) -> None:
        coroutine: Coroutine[Any, Any, None] = run(request)
        task = asyncio.get_running_loop().create_task(coroutine)
        _running.add(task)  # a task that nobody holds may be collected while it runs
        task.add_done_callback(_running.discard)

    return start
