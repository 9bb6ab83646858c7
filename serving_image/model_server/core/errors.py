"""Every error the server means to give, with its meaning and without a transport.

::

    ModelServerError
    ├── InvalidInput       the caller's request does not fit the model
    ├── Unauthenticated    the caller does not prove who it is
    ├── Forbidden          the caller may not do this
    ├── RateLimited        the caller asks more often than it may
    ├── UnknownModel       there is no such model or version
    ├── AlreadyLoaded      a model of that name is loaded
    ├── OutOfMemory        there is no memory for another model
    ├── BodyTooLarge       the request is over the body limit
    ├── NotReady           the model is loading, could not be loaded, or the server stops
    ├── Overloaded         too many requests at once
    ├── DeadlineExceeded   the answer took too long
    ├── InferenceFailed    the model itself failed while it ran
    └── ModelUnusable      the model cannot be found or loaded

Takes nothing, gives exception types. Each transport maps `Code` to its own status once; messages
must never hold paths of the machine or stack traces, because callers read them.
"""

from collections.abc import Sequence
from enum import StrEnum

MAX_PROBLEMS = 50
"""Problems listed in one answer at most; how many more there were is said in the last one."""


class Code(StrEnum):
    """What went wrong, in gRPC's words, which the Open Inference Protocol's servers share."""

    INVALID_ARGUMENT = "INVALID_ARGUMENT"
    UNAUTHENTICATED = "UNAUTHENTICATED"
    PERMISSION_DENIED = "PERMISSION_DENIED"
    NOT_FOUND = "NOT_FOUND"
    ALREADY_EXISTS = "ALREADY_EXISTS"
    RESOURCE_EXHAUSTED = "RESOURCE_EXHAUSTED"
    UNAVAILABLE = "UNAVAILABLE"
    DEADLINE_EXCEEDED = "DEADLINE_EXCEEDED"
    INTERNAL = "INTERNAL"
    UNIMPLEMENTED = "UNIMPLEMENTED"


class ModelServerError(Exception):
    """Base of every error that the server gives on purpose."""

    code: Code = Code.INTERNAL

    def __init__(self, message: str, problems: Sequence[str] = ()) -> None:
        super().__init__(message)
        self.message = message
        left = len(problems) - MAX_PROBLEMS
        self.problems = list(problems[:MAX_PROBLEMS])
        if left > 0:
            self.problems.append(f"and {left} more")


class InvalidInput(ModelServerError):
    """The request does not fit the model; ``problems`` lists everything that does not."""

    code = Code.INVALID_ARGUMENT


class Unauthenticated(ModelServerError):
    """The caller gave no credentials, or none that are known and valid.

    ``challenge`` is what HTTP's WWW-Authenticate asks for (RFC 9110 11.6.1).
    """

    code = Code.UNAUTHENTICATED

    def __init__(self, message: str, challenge: str = "Bearer") -> None:
        super().__init__(message)
        self.challenge = challenge


class Forbidden(ModelServerError):
    """The caller is known and lacks the scope for this route or model."""

    code = Code.PERMISSION_DENIED


class RateLimited(ModelServerError):
    """The caller asks more often than it may."""

    code = Code.RESOURCE_EXHAUSTED

    def __init__(self, message: str, retry_after_seconds: float) -> None:
        super().__init__(message)
        self.retry_after_seconds = retry_after_seconds


class UnknownModel(ModelServerError):
    """There is no model of that name, or not that version of it."""

    code = Code.NOT_FOUND


class AlreadyLoaded(ModelServerError):
    """A model of that name is loaded already."""

    code = Code.ALREADY_EXISTS


class OutOfMemory(ModelServerError):
    """There is no memory for another model, and none that can be unloaded for it."""

    code = Code.RESOURCE_EXHAUSTED


class BodyTooLarge(ModelServerError):
    """The request is over the body limit."""

    code = Code.RESOURCE_EXHAUSTED


class NotReady(ModelServerError):
    """The model cannot answer now."""

    code = Code.UNAVAILABLE


class Overloaded(ModelServerError):
    """Too many requests are being worked on."""

    code = Code.UNAVAILABLE


class DeadlineExceeded(ModelServerError):
    """The answer took longer than the server allows."""

    code = Code.DEADLINE_EXCEEDED


class InferenceFailed(ModelServerError):
    """The model failed while it ran on input that fits its tensors.

    ``detail`` is for the log only.
    """

    code = Code.INTERNAL

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


class ModelUnusable(ModelServerError):
    """The model cannot be found or loaded; the message says why, without paths."""

    code = Code.UNAVAILABLE
