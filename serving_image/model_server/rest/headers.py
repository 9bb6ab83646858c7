"""A request's headers, as far as this server reads them.

Takes the pairs that the parser found, gives plain values. All other headers are ignored, as
SageMaker may add some. Must not interpret a body.
"""

from typing import Any

MAX_ATTRIBUTES_LENGTH = 1024
"""Longest custom attributes: CustomAttributesHeader in botocore's sagemaker-runtime model."""

MAX_REQUEST_ID_LENGTH = 64
"""Longest request id: InferenceId in botocore's sagemaker-runtime model."""


class Headers:
    """The headers of one request, or of several that came with the same; names are lower case."""

    __slots__ = ("_attributes", "_looked", "_request_id", "get", "kept", "raw")

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self.raw = raw
        """All of them, in the order in which they came; without Content-Length where they are of
        several requests, whose bodies have lengths of their own."""
        self.kept: Any = None
        """What a route made of them, for its next request with the same."""
        self._looked = False
        self._request_id: str | None = None
        self._attributes: str | None = None
        by_name = dict(raw)
        if len(by_name) != len(raw):
            # Several of one name are joined, as RFC 9110 5.3 allows.
            by_name = {}
            for name, value in raw:
                by_name[name] = by_name[name] + b", " + value if name in by_name else value
        self.get = by_name.get
        """Give the value of a header as it came, or None."""

    def text(self, name: bytes) -> str | None:
        """Give the value of a header, or None."""
        value = self.get(name)
        return None if value is None else value.decode("latin-1")

    def request_id(self) -> str | None:
        """Give the caller's own id of the request, or None where absent or not plain text.

        SageMaker's inference id goes first, then ``X-Request-Id``.
        """
        if not self._looked:
            self._look()
        return self._request_id

    def custom_attributes(self) -> str | None:
        """Give SageMaker's custom attributes, or None where absent or not plain text."""
        if not self._looked:
            self._look()
        return self._attributes

    def expects_continue(self) -> bool:
        """Whether the caller waits for a word before it sends the body (RFC 9110 10.1.1)."""
        given = self.get(b"expect")
        return given is not None and given.lower() == b"100-continue"

    def _look(self) -> None:
        self._looked = True
        self._request_id = self._plain(
            b"x-amzn-sagemaker-inference-id", MAX_REQUEST_ID_LENGTH
        ) or self._plain(b"x-request-id", MAX_REQUEST_ID_LENGTH)
        self._attributes = self._plain(b"x-amzn-sagemaker-custom-attributes", MAX_ATTRIBUTES_LENGTH)

    def _plain(self, name: bytes, longest: int) -> str | None:
        given = self.get(name)
        if given is None:
            return None
        text = given.decode("latin-1")
        return text if _is_plain(text, longest) else None


def _is_plain(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isascii() and text.isprintable()
