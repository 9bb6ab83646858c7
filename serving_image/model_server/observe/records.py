"""One prediction as text: what a record holds, and how it becomes a line of JSON.

Takes a `Record` with the bytes that came in and went out, gives the line. A body that is JSON
goes into the line as it is, without being read: the server has read it before, and a newline in
JSON that is valid is white space. Must not run on the event loop.
"""

import time
from dataclasses import dataclass, field
from typing import NamedTuple

import orjson
from pybase64 import b64encode

from model_server.observe.redaction import Columns, Redactor

RESERVED_BYTES = 1024
"""Of a record's length, for everything but the bodies: ids, types and names are under 600."""

_NEWLINE, _RETURN = b"\n\r"

_OPENING, _CLOSING = frozenset(b"{["), frozenset(b"}]\n")
"""What a body of JSON begins and ends with."""

_BASE64_ROUNDING = 32
"""More than two bodies lose to base64's groups of three bytes, quotes included."""

_CACHED = 4096
"""Different heads kept at once; a caller's name and a media type are the only parts that vary."""


@dataclass(frozen=True, eq=False, slots=True)
class Source:
    """What the records of one model on one protocol have in common; made once and kept."""

    protocol: str
    """Such as ``rest`` or ``grpc``."""

    model: str
    version: str
    digest: str

    inputs: Columns = field(default_factory=dict)
    """The model's inputs by name, each with the names of the columns of its last axis, or with
    none: what redaction needs to find a column in a row without names."""

    outputs: Columns = field(default_factory=dict)
    """Its outputs, likewise."""


Fields = tuple[float, Source, int, float, str, str, bytes | None, str, bytes | None, str, str, int]
"""A `Record` as the queue holds it: a plain tuple takes half the time to make."""


class Record(NamedTuple):
    """One answered request."""

    time: float
    """When the answer left, in seconds since 1970."""
    source: Source
    status: int
    seconds: float
    id: str
    request_type: str
    request: bytes | None
    response_type: str
    response: bytes | None
    caller: str
    trace_id: str
    cost: int
    """What the record counts for in the bounded memory, in bytes."""


class Body(NamedTuple):
    """A body as it is written."""

    text: bytes
    """UTF-8: JSON, text or base64, as ``encoding`` says; not yet quoted."""
    encoding: str
    """``json``, ``text``, ``base64``, ``none`` where there was no body, or ``withheld``."""
    cut: int | None = None
    """Length of the whole body where only a part of it is here."""

    @property
    def size(self) -> int:
        """Bytes of it in a line."""
        return len(self.json) if self.encoding == "text" else len(self.text) + 2

    @property
    def json(self) -> bytes:
        """The body as a JSON value."""
        if self.encoding == "json":
            return self.text
        if self.encoding == "base64":
            return b'"%b"' % self.text
        if self.encoding == "text":
            return orjson.dumps(self.text.decode())
        return b"null"

    @property
    def parts(self) -> tuple[bytes, ...]:
        """The same in pieces, so that the bytes of a large one are not copied."""
        return (b'"', self.text, b'"') if self.encoding == "base64" else (self.json,)


NO_BODY = Body(b"", "none")


class Bodies:
    """Makes the bodies of records fit to be written.

    Args:
        max_record_bytes: longest record; bodies are cut to stay below it.
        redactor: removes what must not be written; None: everything may be.
    """

    def __init__(self, max_record_bytes: int, redactor: Redactor | None = None) -> None:
        self._room = max_record_bytes - RESERVED_BYTES
        self._redactor = redactor
        self._kinds: dict[str, str] = {}
        self.room = self._room if redactor is None else 0
        """Bytes of two bodies that may go into a line without being looked at; 0: none may."""

    def of(self, record: Record) -> tuple[Body, Body]:
        """Give request and response as they are written."""
        source = record.source
        request = self._body(
            record.request, record.request_type, source.inputs, trusted=record.status < 400
        )
        response = self._body(record.response, record.response_type, source.outputs, trusted=True)
        first, second = request.size, response.size
        if first + second > self._room:
            half = self._room // 2
            # A body shorter than its half leaves the rest of it to the other.
            request = self._cut(request, record.request, max(half, self._room - second))
            response = self._cut(response, record.response, max(half, self._room - first))
        return request, response

    def kind(self, media_type: str) -> str:
        """Say how a media type is written, as `kind_of` does."""
        kind = self._kinds.get(media_type)
        if kind is None:
            if len(self._kinds) >= _CACHED:
                self._kinds.clear()
            kind = self._kinds[media_type] = kind_of(media_type)
        return kind

    def _body(self, body: bytes | None, media_type: str, names: Columns, *, trusted: bool) -> Body:
        if not body:
            return NO_BODY
        kind = self.kind(media_type)
        if self._redactor is not None:
            return self._redacted(body, kind, names, self._redactor)
        if kind == "json" and ((trusted and _looks_whole(body)) or _is_json(body)):
            return Body(_on_one_line(body), "json")
        if kind != "base64" and _is_text(body):
            return Body(body, "text")
        return Body(b64encode(body), "base64")

    def _redacted(self, body: bytes, kind: str, names: Columns, redactor: Redactor) -> Body:
        if len(body) > self._room:
            # It would have to be read whole before it could be cut.
            return Body(b"", "withheld", len(body))
        text = redactor.redact(body, kind, names)
        return Body(b"", "withheld") if text is None else Body(text, kind)

    def _cut(self, body: Body, whole: bytes | None, room: int) -> Body:
        if body.size <= room or whole is None:
            return body
        if body.encoding == "base64":
            return Body(body.text[: (room - 2) // 4 * 4], "base64", len(whole))
        if self._redactor is not None:
            return Body(b"", "withheld", len(whole))
        # A part of JSON is no JSON, so it is written as text. No character is cut in two.
        text = body.text[:room].decode(errors="ignore")
        cut = Body(text.encode(), "text", len(whole))
        while cut.size > room:  # quotes and control characters take more room as text
            text = text[: len(text) * room // cut.size - 1]
            cut = Body(text.encode(), "text", len(whole))
        return cut


def kind_of(media_type: str) -> str:
    """Say how a media type is written: ``json``, ``text`` or ``base64``."""
    name = media_type.partition(";")[0].strip().lower()
    if name == "application/json" or name.endswith("+json"):
        return "base64" if name.endswith("binary+json") else "json"
    if name.startswith("text/") or name in (
        "application/jsonlines",
        "application/x-ndjson",
        "application/jsonl",
    ):
        return "text"
    return "base64"


def _on_one_line(body: bytes) -> bytes:
    """Replace line ends, which are white space in JSON that is valid."""
    return body.replace(b"\n", b" ").replace(b"\r", b" ")


def _looks_whole(body: bytes) -> bool:
    return body[0] in _OPENING and body[-1] in _CLOSING


def _is_json(body: bytes) -> bool:
    try:
        orjson.loads(body)
    except orjson.JSONDecodeError:
        return False
    return True


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


class Lines:
    """Makes lines of JSON of records."""

    def __init__(self, bodies: Bodies) -> None:
        self._bodies = bodies
        self._room = bodies.room
        self._second = -1
        self._stamp = b""
        self._heads: dict[tuple[object, ...], bytes] = {}
        """What lines have between latency and request: by what they have in common and the two
        encodings."""
        self._plain: dict[tuple[object, ...], tuple[bytes, bool]] = {}
        """The same by what is known before a body is looked at, for lines whose two bodies are
        JSON or whose two bodies are base64, and which of both."""

    def line(self, fields: Fields) -> bytes:
        """Give one record as a line, with its newline; about 2 us where both bodies are JSON."""
        return b"".join(self.pieces(fields))

    def pieces(self, fields: Fields) -> tuple[bytes, ...]:
        """Give the same line in pieces, for a sink that need not join the bytes of large bodies."""
        (
            moment, source, status, seconds, request_id, request_type, request,
            response_type, response, caller, trace_id, _,
        ) = fields  # fmt: skip
        second = int(moment)
        if second != self._second:
            self._second = second
            self._stamp = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(second)).encode()
        took = int(seconds * 1_000_000)
        # Whole numbers are written in half the time that fractions take.
        start = b'{"time":"%b.%06dZ","id":%b,"latency_ms":%d.%03d' % (
            self._stamp,
            int((moment - second) * 1_000_000),
            orjson.dumps(request_id),
            took // 1000,
            took % 1000,
        )
        if trace_id:
            start += b',"trace_id":%b' % orjson.dumps(trace_id)
        plain = self._plain.get((source, status, caller, request_type, response_type))
        if plain is None or not request or not response:
            return self._any_line(start, Record._make(fields))
        head, is_json = plain
        size = len(request) + len(response)
        if not is_json and 4 * size <= 3 * self._room - _BASE64_ROUNDING:
            return (
                start, head, b'"', b64encode(request), b'","response":"', b64encode(response),
                b'"}\n',
            )  # fmt: skip
        if is_json and size <= self._room and request[0] in _OPENING and request[-1] in _CLOSING:
            # Looked for as numbers, which takes a fifth of the time of byte strings.
            if _NEWLINE in request or _RETURN in request:
                request = _on_one_line(request)
            if _NEWLINE in response or _RETURN in response:
                response = _on_one_line(response)
            return start, head, request, b',"response":', response, b"}\n"
        return self._any_line(start, Record._make(fields))

    def _any_line(self, start: bytes, record: Record) -> tuple[bytes, ...]:
        request, response = self._bodies.of(record)
        if request.cut is not None:
            start += b',"request_bytes":%d' % request.cut
        if response.cut is not None:
            start += b',"response_bytes":%d' % response.cut
        types = record.request_type, record.response_type
        key = (record.source, record.status, record.caller, *types)
        encodings = request.encoding, response.encoding
        head = self._heads.get((*key, *encodings))
        if head is None:
            if len(self._heads) >= _CACHED:
                self._heads.clear()
            head = self._heads[*key, *encodings] = _head(record, *encodings)
            kind = self._bodies.kind(types[0])
            # Of an error a request may be anything, whatever its type says.
            if record.status < 400 and kind != "text" and kind == self._bodies.kind(types[1]):
                if len(self._plain) >= _CACHED:
                    self._plain.clear()
                    self._heads.clear()  # so that what comes next is found new, and put here
                self._plain[key] = _head(record, kind, kind), kind == "json"
        return start, head, *request.parts, b',"response":', *response.parts, b"}\n"


def _head(record: Record, request: str, response: str) -> bytes:
    source = record.source
    fields = {
        "model": source.model,
        "version": source.version,
        "digest": source.digest,
        "protocol": source.protocol,
        "status": record.status,
        "caller": record.caller,
        "request_type": record.request_type,
        "request_encoding": request,
        "response_type": record.response_type,
        "response_encoding": response,
    }
    return b",%b," % orjson.dumps(fields)[1:-1] + b'"request":'
