"""What one HTTP request asks of AWS: the service, the operation, and whether it changes anything.

Takes a WSGI environ and the name of moto's backend for it; gives an `AwsRequest`. It decides
nothing about how the request is answered and never reads moto's stores.
"""

from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs

from botocore.exceptions import UnknownServiceError
from moto.core.request import Request
from moto.core.routing import NotFound, get_service_router
from moto.core.utils import service_name_from_moto_package_name

_SERVICES = {"awslambda": "lambda", "awslambda_simple": "lambda", "batch_simple": "batch"}
"""moto packages whose name is not botocore's service name without its hyphens."""

_READING_VERBS = (
    "BatchCheck",
    "BatchDescribe",
    "BatchGet",
    "Check",
    "Count",
    "Decode",
    "Describe",
    "Detect",
    "Discover",
    "Estimate",
    "Evaluate",
    "Filter",
    "GenerateDataKey",
    "GenerateRandom",
    "Get",
    "Head",
    "Invoke",
    "List",
    "Lookup",
    "Preview",
    "Query",
    "Retrieve",
    "Scan",
    "Search",
    "Select",
    "Simulate",
    "Test",
    "Validate",
    "Verify",
    "View",
)
_READING_OPERATIONS = frozenset(
    {
        "Decrypt",
        "Encrypt",
        "GenerateMac",
        "ReEncrypt",
        "Sign",
        "StartQuery",
        "StopQuery",
    }
)
_PASSING_OPERATIONS = frozenset(
    {
        "BatchPutMetrics",
        "ChangeMessageVisibility",
        "ChangeMessageVisibilityBatch",
        "CompleteLayerUpload",
        "DeleteMessage",
        "DeleteMessageBatch",
        "InitiateLayerUpload",
        "Publish",
        "PublishBatch",
        "PutLogEvents",
        "PutMetricData",
        "ReceiveMessage",
        "SendMessage",
        "SendMessageBatch",
        "UploadLayerPart",
    }
)
"""Measurements, log lines and messages: they pass through AWS and are no part of its state here.
Layers of images stay on disk."""

_READING_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_WAITING_OPERATIONS = frozenset({"ReceiveMessage"})
"""They may wait for seconds inside moto, so they must not hold the lock or a pinned clock."""


@dataclass(frozen=True)
class AwsRequest:
    """One request, as AWS would read it."""

    backend: str
    """moto's package for the service, for example `applicationautoscaling`."""
    service: str
    """botocore's name of the service, for example `application-autoscaling`."""
    operation: str | None
    """For example `CreateEndpoint`; None when no operation of the service matches."""
    by_name: bool
    """True when the request names its operation (JSON and query protocols), False for REST."""
    method: str
    path: str

    @property
    def mutating(self) -> bool:
        """Whether the request can change what later requests see, and so belongs in the journal."""
        if self.operation is None:
            return self.method not in _READING_METHODS
        if self.operation in _READING_OPERATIONS or self.operation in _PASSING_OPERATIONS:
            return False
        if not self.by_name and self.method in _READING_METHODS:
            return False
        return not self.operation.startswith(_READING_VERBS)

    @property
    def waits(self) -> bool:
        """Whether the request may wait for something to happen."""
        return self.operation in _WAITING_OPERATIONS

    @property
    def title(self) -> str:
        """For messages: `sagemaker CreateEndpoint`, or the method and path of an unknown one."""
        return f"{self.service} {self.operation or f'{self.method} {self.path}'}"


def read_request(environ: dict[str, Any], backend: str, body: bytes) -> AwsRequest:
    """Tell what `environ` asks for.

    Args:
        environ: the WSGI environ; left as it was.
        backend: moto's package name for the service.
        body: the whole request body.
    """
    service = _SERVICES.get(backend) or service_name_from_moto_package_name(backend)
    operation = _named_operation(environ, body)
    by_name = operation is not None
    if operation is None:
        operation = _routed_operation(environ, service)
    return AwsRequest(
        backend=backend,
        service=service,
        operation=operation,
        by_name=by_name,
        method=environ["REQUEST_METHOD"],
        path=environ["PATH_INFO"],
    )


def _named_operation(environ: dict[str, Any], body: bytes) -> str | None:
    target: str = environ.get("HTTP_X_AMZ_TARGET", "")
    if target:
        return target.rpartition(".")[2]
    # Only these two forms carry an Action; an S3 object may hold anything.
    for text in (
        body.decode("utf-8", "replace")
        if environ.get("CONTENT_TYPE", "").startswith("application/x-www-form-urlencoded")
        else "",
        environ.get("QUERY_STRING", ""),
    ):
        if "Action=" in text:
            actions = parse_qs(text).get("Action")
            if actions:
                return actions[0]
    return None


def _routed_operation(environ: dict[str, Any], service: str) -> str | None:
    try:
        # A copy: moto's request object keeps what it reads in the environ.
        operation, _ = get_service_router(service).match(Request(environ.copy()))
    except (NotFound, NotImplementedError, UnknownServiceError):
        return None
    return str(operation.name)
