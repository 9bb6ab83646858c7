"""What connections belong to: the side of the server that knows what requests mean."""

from typing import TYPE_CHECKING, Protocol

from model_server.rest.http import Answer, Request, Route

if TYPE_CHECKING:
    from model_server.rest.http1 import Connection


class Service(Protocol):
    """What a connection belongs to."""

    connections: "set[Connection]"
    max_body_bytes: int
    body_seconds: float
    draining: bool
    date: bytes
    """The Date header with its line end, renewed every second."""

    def accept(self, request: Request) -> Route:
        """Say which route answers, before the body is read, or raise a `ModelServerError`."""
        ...

    def dispatch(self, request: Request, route: Route) -> None:
        """Answer a complete request, now or later."""
        ...

    def answered(self, request: Request, answer: Answer, body_bytes: int) -> None:
        """Told when an answer was handed to the transport."""
        ...

    def abandoned(self, request: Request) -> None:
        """Told when a caller went away before its answer."""
        ...
