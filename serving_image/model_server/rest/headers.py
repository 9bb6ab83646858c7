"""A request's headers, as far as this server reads them.

Takes the pairs that the parser found, gives plain values. All other headers are ignored, as
SageMaker may add some. Must not interpret a body.
"""

MAX_ATTRIBUTES_LENGTH = 1024
"""Longest custom attributes: CustomAttributesHeader in botocore's sagemaker-runtime model."""

MAX_REQUEST_ID_LENGTH = 64
"""Longest request id: InferenceId in botocore's sagemaker-runtime model."""


class Headers:
    """The headers of one request; names are lower case."""

    __slots__ = ("get", "raw")

    def __init__(self, raw: list[tuple[bytes, bytes]]) -> None:
        self.raw = raw
        """All of them, in the order in which they came."""
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
        for name in (b"x-amzn-sagemaker-inference-id", b"x-request-id"):
            given = self.get(name)
            if given is not None:
                text = given.decode("latin-1")
                if _is_plain(text, MAX_REQUEST_ID_LENGTH):
                    return text
        return None

    def custom_attributes(self) -> str | None:
        """Give SageMaker's custom attributes, or None where absent or not plain text."""
        given = self.get(b"x-amzn-sagemaker-custom-attributes")
        if given is None:
            return None
        text = given.decode("latin-1")
        return text if _is_plain(text, MAX_ATTRIBUTES_LENGTH) else None

    def content_length(self) -> int | None:
        """Give the length that the caller announced, or None."""
        given = self.get(b"content-length")
        # The HTTP parser has refused anything that is no number before.
        return int(given) if given is not None and given.isdigit() else None

    def expects_continue(self) -> bool:
        """Whether the caller waits for a word before it sends the body (RFC 9110 10.1.1)."""
        given = self.get(b"expect")
        return given is not None and given.lower() == b"100-continue"


def _is_plain(text: str, longest: int) -> bool:
    return 0 < len(text) <= longest and text.isascii() and text.isprintable()
