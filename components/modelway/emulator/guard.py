"""Refuses what nobody implements, in the form that the service's clients can read.

moto answers a missing operation with an HTML page and status 500 (404 for REST services), which
botocore retries and then reports as a parser error. Here the operation is looked up before moto is
asked, and a missing one answers 501 with its name. This module never calls an operation.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from xml.sax.saxutils import escape

from botocore.exceptions import UnknownServiceError
from moto.core.errors import COMMON_ERROR_CODES
from moto.core.exceptions import ServiceException
from moto.core.model import OperationModel
from moto.core.request import determine_request_protocol
from moto.core.responses import BaseResponse
from moto.core.serialize import get_serializer_class
from moto.core.utils import camelcase_to_underscores, get_service_model
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from modelway.emulator.aws_request import AwsRequest


@dataclass(frozen=True)
class Answer:
    """One HTTP response."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class _Refusal(ServiceException):
    """Defined here because moto looks an error of its own up by the package that defines it."""


class Guard:
    """Knows which operations have somebody behind them.

    Args:
        absent: per botocore service, operations that moto would take for another one. S3 needs it:
            moto tells its operations apart by query strings, and an unknown one is taken for the
            default, so that `DeleteBucketMetricsConfiguration` would delete the bucket.
    """

    def __init__(self, absent: Mapping[str, frozenset[str]]) -> None:
        self._absent = absent

    def implements(self, request: AwsRequest, backend_app: Any) -> bool:
        """Tell whether moto, as extended here, has the operation.

        Args:
            request: what is asked.
            backend_app: moto's Flask application for the service.
        """
        if request.operation in self._absent.get(request.service, frozenset()):
            return False
        if request.by_name:
            classes = _response_classes(backend_app)
            return not classes or _has_operation(classes, request.operation)
        try:
            endpoint, _ = backend_app.url_map.bind("localhost").match(request.path, request.method)
        except RequestRedirect:
            return True
        except HTTPException:
            return False
        handler = backend_app.view_functions[endpoint].callback
        if getattr(handler, "__func__", None) is not BaseResponse.dispatch.__func__:
            return True  # a function of its own: it exists
        return request.operation is not None and _has_operation(
            [_owner(handler)], request.operation
        )


def not_implemented(request: AwsRequest, content_type: str) -> Answer:
    """Give the answer for an operation that nobody implements."""
    return error_answer(
        request,
        content_type,
        501,
        "NotImplemented",
        f"the emulator does not implement {request.title}; AWS does."
        " To rehearse, leave out what needs it",
    )


def crashed(request: AwsRequest, content_type: str, error: Exception) -> Answer:
    """Give the answer for an operation whose implementation failed."""
    return error_answer(
        request,
        content_type,
        500,
        "InternalFailure",
        f"the emulator failed in {request.title}: {type(error).__name__}: {error}."
        " `modelway emulator logs` has the trace",
    )


def error_answer(
    request: AwsRequest, content_type: str, status: int, code: str, message: str
) -> Answer:
    """Give an error in the protocol that the request came in."""
    try:
        model = get_service_model(request.service)
        protocol = determine_request_protocol(model, content_type)
        operation = OperationModel({}, model)
        if request.operation in model.operation_names:
            operation = model.operation_model(request.operation)
        serializer = get_serializer_class(model.service_name, protocol)(operation)
        if code not in COMMON_ERROR_CODES:
            COMMON_ERROR_CODES.append(code)  # or moto warns that the service's model lacks it
        answer = serializer.serialize(_Refusal(code, message))
    except (UnknownServiceError, NotImplementedError, KeyError):
        return _plain_error(content_type, status, code, message)
    body = answer["body"]
    headers = {name: str(value) for name, value in answer["headers"].items()}
    return Answer(status, headers, body.encode() if isinstance(body, str) else body)


def _plain_error(content_type: str, status: int, code: str, message: str) -> Answer:
    if "json" in content_type:
        body = json.dumps({"__type": code, "message": message})
        return Answer(
            status, {"Content-Type": content_type, "x-amzn-errortype": code}, body.encode()
        )
    xml = (
        "<ErrorResponse><Error><Type>Receiver</Type>"
        f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error></ErrorResponse>"
    )
    return Answer(status, {"Content-Type": "text/xml"}, xml.encode())


def _owner(handler: Any) -> type:
    owner = handler.__self__
    return owner if isinstance(owner, type) else type(owner)


def _response_classes(backend_app: Any) -> list[type]:
    handlers = (view.callback for view in backend_app.view_functions.values())
    return list({_owner(each) for each in handlers if hasattr(each, "__self__")})


def _has_operation(classes: list[type], operation: str | None) -> bool:
    name = camelcase_to_underscores(operation or "")
    return bool(name) and any(callable(getattr(each, name, None)) for each in classes)
