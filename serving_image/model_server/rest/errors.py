"""Errors as HTTP: the one place where a meaning becomes a status.

::

    ModelServerError                (core)
    └── TransportError
        ├── UnknownPath             404
        ├── MethodNotAllowed        405, with Allow
        ├── NotAcceptable           406
        ├── SlowBody                408
        ├── UnsupportedMediaType    415
        └── HeadTooLarge            431

Takes any exception of the server, gives a status, headers and the body that every error has::

    {"error": "one sentence", "code": "INVALID_ARGUMENT", "problems": ["...", "..."]}

``problems`` lists everything that is wrong with the request and is left out where there is only
the sentence. Bodies never hold paths of the machine or stack traces.
"""

import math
from collections.abc import Sequence

import orjson

from model_server.core.errors import (
    BodyTooLarge,
    Code,
    ModelServerError,
    NotReady,
    OutOfMemory,
    Overloaded,
    RateLimited,
    Unauthenticated,
)
from model_server.rest import limits

Headers = list[tuple[bytes, bytes]]

STATUS: dict[Code, int] = {
    Code.INVALID_ARGUMENT: 400,
    Code.UNAUTHENTICATED: 401,
    Code.PERMISSION_DENIED: 403,
    Code.NOT_FOUND: 404,
    Code.ALREADY_EXISTS: 409,
    Code.RESOURCE_EXHAUSTED: 413,
    Code.INTERNAL: 500,
    Code.UNIMPLEMENTED: 501,
    Code.UNAVAILABLE: 503,
    Code.DEADLINE_EXCEEDED: 504,
}


class TransportError(ModelServerError):
    """An error that only exists in HTTP; it carries its own status."""

    status = 400

    def headers(self) -> Headers:
        """Give the headers that belong to this status."""
        return []


class UnknownPath(TransportError):
    """There is no such route."""

    code = Code.NOT_FOUND
    status = 404


class MethodNotAllowed(TransportError):
    """The route exists for another method."""

    code = Code.UNIMPLEMENTED
    status = 405

    def __init__(self, message: str, allowed: str) -> None:
        super().__init__(message)
        self._allowed = allowed

    def headers(self) -> Headers:
        """Name the method that is allowed."""
        return [(b"allow", self._allowed.encode())]


class NotAcceptable(TransportError):
    """No format that the caller accepts can carry the model's outputs."""

    code = Code.INVALID_ARGUMENT
    status = 406


class SlowBody(TransportError):
    """The request's body did not arrive in time."""

    code = Code.DEADLINE_EXCEEDED
    status = 408

    def headers(self) -> Headers:
        """Close the connection: the rest of the body may never come."""
        return [(b"connection", b"close")]


class UnsupportedMediaType(TransportError):
    """The body's format, charset or encoding cannot be read, or cannot carry the inputs."""

    code = Code.INVALID_ARGUMENT
    status = 415


class HeadTooLarge(TransportError):
    """The request's target and headers are over their limit."""

    code = Code.RESOURCE_EXHAUSTED
    status = 431


def status_of(error: ModelServerError) -> int:
    """Give the HTTP status of an error."""
    if isinstance(error, TransportError):
        return error.status
    # Three meanings of RESOURCE_EXHAUSTED have statuses of their own in HTTP.
    if isinstance(error, RateLimited):
        return 429
    if isinstance(error, OutOfMemory):
        return 507
    return STATUS[error.code]


def headers_of(error: ModelServerError) -> Headers:
    """Give the headers of an error beside the ones that every answer has."""
    if isinstance(error, TransportError):
        return error.headers()
    if isinstance(error, Unauthenticated):
        return [(b"www-authenticate", error.challenge.encode("latin-1", "replace"))]
    if isinstance(error, RateLimited):
        seconds = max(1, math.ceil(error.retry_after_seconds))
        return [(b"retry-after", str(seconds).encode()), *getattr(error, "headers", ())]
    if isinstance(error, NotReady | Overloaded):
        return [(b"retry-after", b"1")]
    return []


def body_of(error: ModelServerError) -> bytes:
    """Give the JSON body of an error."""
    return error_body(error.message, error.code, error.problems)


def error_body(message: str, code: Code, problems: Sequence[str] = ()) -> bytes:
    """Give the JSON body for a message."""
    body: dict[str, object] = {"error": message, "code": code.value}
    if problems:
        body["problems"] = list(problems)
    # A header or a value of the caller may have come in with broken text; it must not turn an
    # error into another one.
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        return orjson.dumps({"error": ascii(message), "code": code.value})


def too_large(limit_bytes: int) -> BodyTooLarge:
    """Give the error for a body over its limit."""
    return BodyTooLarge(
        f"the body is over the limit of {limit_bytes} bytes; send fewer rows at once"
    )


def head_too_large() -> HeadTooLarge:
    """Give the error for a head over its limits."""
    return HeadTooLarge(
        f"the request's head is over {limits.MAX_HEAD_BYTES} bytes or {limits.MAX_HEADERS} headers"
    )
