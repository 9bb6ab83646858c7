"""Calls of AWS's API that are answered with an error instead of being made.

Takes a request as AWS would read it, gives the error in the service's own protocol and with the
code that the service uses, or None. A refused call reaches neither moto nor the journal. The
emulator's own calls, which stand for AWS's service-linked roles, are left alone.
"""

import re
from http import HTTPStatus

from botocore.exceptions import UnknownServiceError
from moto.core.request import determine_request_protocol
from moto.core.utils import get_service_model

from modelway.emulator.aws_request import AwsRequest
from modelway.emulator.faults.model import ExpiredCredentials, Throttling
from modelway.emulator.faults.registry import FaultRegistry
from modelway.emulator.guard import Answer, error_answer

_XML = frozenset({"query", "ec2", "rest-xml"})

_EXPIRED = "The security token included in the request is expired"

OWN_KEY = "emulator"
"""The access key with which the emulator's autoscaling calls the emulator."""

_CREDENTIAL = re.compile(r"Credential=(?P<key>[^/]+)/")


class Refusals:
    """The faults of AWS's API that hold now.

    Args:
        registry: knows them.
    """

    def __init__(self, registry: FaultRegistry) -> None:
        self._registry = registry

    def answer(self, request: AwsRequest, content_type: str, authorization: str) -> Answer | None:
        """Give the error for a call, or None when it is to be made.

        Args:
            request: the call.
            content_type: its Content-Type, which tells protocols apart.
            authorization: its Authorization header, which names the caller's key.
        """
        caller = _CREDENTIAL.search(authorization)
        if caller is not None and caller["key"] == OWN_KEY:
            return None
        # AWS looks at the signature first.
        for fault, expired in self._registry.active(ExpiredCredentials):
            if expired.service in (None, request.service):
                self._registry.hit(fault)
                return _expired(request, content_type)
        for fault, throttling in self._registry.active(Throttling):
            if (
                throttling.service == request.service
                and throttling.operation in (None, request.operation)
                and self._registry.takes(fault, throttling.percent)
            ):
                return _throttled(request, content_type)
        return None


def _throttled(request: AwsRequest, content_type: str) -> Answer:
    if request.service == "s3":
        message = "Please reduce your request rate."
        status = HTTPStatus.SERVICE_UNAVAILABLE
        return error_answer(request, content_type, status, "SlowDown", message)
    xml = _protocol(request, content_type) in _XML
    code = "Throttling" if xml else "ThrottlingException"
    return error_answer(request, content_type, HTTPStatus.BAD_REQUEST, code, "Rate exceeded")


def _expired(request: AwsRequest, content_type: str) -> Answer:
    if request.service == "s3":
        message = "The provided token has expired."
        return error_answer(request, content_type, HTTPStatus.BAD_REQUEST, "ExpiredToken", message)
    protocol = _protocol(request, content_type)
    code = "ExpiredToken" if protocol in _XML else "ExpiredTokenException"
    # The JSON protocol knows no 403; query and REST services answer so.
    status = HTTPStatus.BAD_REQUEST if protocol == "json" else HTTPStatus.FORBIDDEN
    return error_answer(request, content_type, status, code, _EXPIRED)


def _protocol(request: AwsRequest, content_type: str) -> str:
    try:
        model = get_service_model(request.service)
        return str(determine_request_protocol(model, content_type))
    except (UnknownServiceError, NotImplementedError, KeyError):
        return "json" if "json" in content_type else "query"
