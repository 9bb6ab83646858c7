"""Errors in the form of RFC 9457, problem details.

Takes an error of the server and its status, gives the body of ``application/problem+json``. The
members ``error``, ``code`` and ``problems`` stay as every error of this server has them, so that
whoever reads those need not know of the RFC::

    {"type": "/docs#invalid-input", "title": "The request does not fit the model", "status": 400,
     "detail": "the request does not fit the model", "instance": "urn:request:4bf92f35",
     "error": "the request does not fit the model", "code": "INVALID_ARGUMENT",
     "problems": ["instances[0] has 3 values where 4 are needed"]}

Must not decide a status; `errors` does.
"""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from model_server.core import errors as core
from model_server.core.errors import Code, ModelServerError
from model_server.rest import errors as rest

ABOUT_BLANK = "about:blank"
"""RFC 9457 4.2.1: the type of a problem that its status says all about."""


@dataclass(frozen=True, slots=True)
class ProblemType:
    """A kind of problem."""

    name: str
    title: str
    status: int

    @property
    def uri(self) -> str:
        """Where the documentation page explains it. A name first of all: it does not change."""
        return f"/docs#{self.name}"


PROBLEM_TYPES: dict[type[ModelServerError], ProblemType] = {
    core.InvalidInput: ProblemType("invalid-input", "The request does not fit the model", 400),
    core.Unauthenticated: ProblemType("unauthenticated", "The caller did not prove who it is", 401),
    core.Forbidden: ProblemType("forbidden", "The caller may not do this", 403),
    core.UnknownModel: ProblemType("unknown-model", "There is no such model or version", 404),
    rest.UnknownPath: ProblemType("unknown-path", "There is no such path", 404),
    rest.MethodNotAllowed: ProblemType("method-not-allowed", "The path takes another method", 405),
    rest.NotAcceptable: ProblemType(
        "not-acceptable", "No accepted format can carry the outputs", 406
    ),
    rest.SlowBody: ProblemType("slow-body", "The body did not arrive in time", 408),
    core.AlreadyLoaded: ProblemType("already-loaded", "A model of that name is loaded", 409),
    core.BodyTooLarge: ProblemType("body-too-large", "The body is over the limit", 413),
    rest.UnsupportedMediaType: ProblemType(
        "unsupported-media-type", "The body's format cannot be read", 415
    ),
    core.RateLimited: ProblemType("rate-limited", "The caller asks more often than it may", 429),
    rest.HeadTooLarge: ProblemType("head-too-large", "The headers are over the limit", 431),
    core.InferenceFailed: ProblemType(
        "inference-failed", "The model or the server failed on this request", 500
    ),
    core.NotReady: ProblemType("not-ready", "The model cannot answer now", 503),
    core.Overloaded: ProblemType("overloaded", "Too many requests are being worked on", 503),
    core.DeadlineExceeded: ProblemType("deadline-exceeded", "The answer took too long", 504),
    core.OutOfMemory: ProblemType("out-of-memory", "There is no memory for another model", 507),
}
"""Every kind of problem, by status."""


def problem_document(error: ModelServerError, status: int, instance: str | None = None) -> bytes:
    """Give the body of an error.

    Args:
        error: what went wrong.
        status: the answer's HTTP status.
        instance: a URI reference of this one occurrence, such as ``urn:request:`` and the request
            id; left out when None.
    """
    found = next(
        (PROBLEM_TYPES[kind] for kind in type(error).__mro__ if kind in PROBLEM_TYPES), None
    )
    document: dict[str, Any] = {
        "type": ABOUT_BLANK if found is None else found.uri,
        "title": _phrase(status) if found is None else found.title,
        "status": status,
        "detail": error.message,
    }
    if instance is not None:
        document["instance"] = instance
    document["error"] = error.message
    document["code"] = error.code.value
    if error.problems:
        document["problems"] = error.problems
    try:
        return orjson.dumps(document)
    except orjson.JSONEncodeError:
        # Broken text of the caller must not turn an error into another one.
        document["detail"] = document["error"] = ascii(error.message)
        document.pop("problems", None)
        document.pop("instance", None)
        return orjson.dumps(document)


def problem_schema() -> dict[str, Any]:
    """Give the JSON Schema of these bodies."""
    kinds = [
        {"const": kind.uri, "title": kind.title, "description": f"Comes with status {kind.status}."}
        for kind in PROBLEM_TYPES.values()
    ]
    return {
        "title": "Problem",
        "description": "What went wrong (RFC 9457), and the members that all errors have.",
        "type": "object",
        "properties": {
            "type": {
                "description": "The kind of problem; does not change.",
                "oneOf": [*kinds, {"const": ABOUT_BLANK, "title": "Said by the status alone"}],
            },
            "title": {"type": "string", "description": "The kind of problem in words."},
            "status": {"type": "integer", "minimum": 400, "maximum": 599},
            "detail": {"type": "string", "description": "What is wrong with this request."},
            "instance": {"type": "string", "description": "Names this one occurrence."},
            "error": {"type": "string", "description": "The same as detail."},
            "code": {
                "type": "string",
                "enum": [code.value for code in Code],
                "description": "What went wrong in gRPC's words.",
            },
            "problems": {
                "type": "array",
                "items": {"type": "string"},
                "description": "Everything that is wrong with the request, up to 50 entries.",
            },
        },
        "required": ["error", "code"],
    }


def _phrase(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Error"
