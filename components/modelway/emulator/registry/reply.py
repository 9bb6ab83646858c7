"""Answers of the registry's HTTP API, and its errors in the specification's form.

Codes are those of the OCI distribution specification 1.1 ("Error codes"); `TAG_INVALID` is ECR's
for a tag that is immutable.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

STATUS_OF_CODE = {
    "BLOB_UNKNOWN": 404,
    "BLOB_UPLOAD_INVALID": 400,
    "BLOB_UPLOAD_UNKNOWN": 404,
    "DIGEST_INVALID": 400,
    "MANIFEST_BLOB_UNKNOWN": 404,
    "MANIFEST_INVALID": 400,
    "MANIFEST_UNKNOWN": 404,
    "NAME_INVALID": 400,
    "NAME_UNKNOWN": 404,
    "SIZE_INVALID": 413,
    "TAG_INVALID": 400,
    "TOOMANYREQUESTS": 429,
    "UNAUTHORIZED": 401,
    "UNKNOWN": 500,
    "UNSUPPORTED": 405,
}


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict[str, str])
    body: bytes | Iterable[bytes] = b""
    """Bytes, or chunks, whose whole length `Content-Length` says."""

    @classmethod
    def json(cls, content: object, **headers: str) -> "Reply":
        """Give JSON."""
        body = json.dumps(content).encode()
        return cls(200, {"Content-Type": "application/json", **headers}, body)


class RegistryError(Exception):
    """Why a request is refused.

    Args:
        code: of `STATUS_OF_CODE`.
        message: for people.
        status: where it is not that of the code.
        headers: beside the usual ones.
    """

    def __init__(
        self,
        code: str,
        message: str,
        status: int | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(message)
        self.code, self.message = code, message
        self.status = status or STATUS_OF_CODE[code]
        self.headers = dict(headers or {})

    def reply(self) -> Reply:
        """Give the answer."""
        error = {"code": self.code, "message": self.message}
        body = json.dumps({"errors": [error]}).encode()
        return Reply(self.status, {"Content-Type": "application/json", **self.headers}, body)
