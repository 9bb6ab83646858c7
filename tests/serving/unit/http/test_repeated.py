"""A head that comes again: read once, and every request the same as if it had been parsed."""

from itertools import pairwise

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from model_server.rest import repeated
from model_server.rest import wire as buffers
from model_server.rest.headers import Headers
from model_server.rest.http import Request

HEAD = (
    b"POST /echo?a=1 HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\nContent-Length: %d\r\n\r\n"
)


def post(body, head=HEAD):
    return head % len(body) + body


class Parsing:
    """What a connection's parser was given."""

    def __init__(self, wire):
        self._parser = wire.connection._parser
        self.pieces = []
        wire.connection._parser = self

    def feed_data(self, data):
        self.pieces.append(bytes(data))
        self._parser.feed_data(data)

    def __getattr__(self, name):
        return getattr(self._parser, name)


@pytest.fixture
def parsing(wire):
    return Parsing(wire)


def test_the_second_request_with_the_same_head_is_not_parsed(wire, parsing):
    wire.send(post(b"first"))
    wire.send(post(b"other"))

    assert parsing.pieces == [post(b"first")]
    assert [request.body for request in wire.service.requests] == [b"first", b"other"]
    assert wire.statuses() == [200, 200]


def test_bodies_may_have_lengths_of_their_own(wire, parsing):
    for body in (b"first", b"a longer one, of two digits", b"", b"x"):
        wire.send(post(body))

    assert parsing.pieces == [post(b"first")]
    assert [request.body for request in wire.service.requests] == [
        b"first",
        b"a longer one, of two digits",
        b"",
        b"x",
    ]


def test_what_is_recognised_is_what_was_parsed(wire):
    wire.send(post(b"first"))
    wire.send(post(b"again"))

    first, again = wire.service.requests
    assert (again.method, again.path, again.query) == ("POST", "/echo", b"a=1")
    assert again.headers.get(b"host") == b"a"
    assert again.headers.get(b"content-type") == b"text/plain"
    assert again.connection is first.connection is wire.connection
    assert not again.closes
    assert again.deadline == again.received + 5.0


def test_a_length_of_another_body_is_nowhere_among_the_headers(wire):
    wire.send(post(b"first"))
    wire.send(post(b"longer than that"))

    headers = wire.service.requests[1].headers
    assert headers.get(b"content-length") is None
    assert headers.raw == [(b"host", b"a"), (b"content-type", b"text/plain")]


@pytest.mark.parametrize(
    "other",
    [
        HEAD.replace(b"POST", b"PUT"),
        HEAD.replace(b"/echo", b"/hold"),
        HEAD.replace(b"Host: a", b"Host: b"),
        HEAD.replace(b"Content-Type", b"Content-type"),
        HEAD.replace(b"\r\nHost: a", b"\r\nHost: a\r\nx: y"),
        HEAD.replace(b"%d\r\n", b"%d\r\nx: y\r\n"),
    ],
)
def test_a_head_that_differs_anywhere_is_parsed(wire, parsing, other):
    wire.send(post(b"first"))
    wire.send(post(b"other", other))

    assert parsing.pieces == [post(b"first"), post(b"other", other)]
    assert wire.service.requests[1].body == b"other"


@pytest.mark.parametrize(
    "length", [b"+5", b"-5", b" 5", b"5 ", b"5,5", b"0x5", b"\xb2", b"5\n", b"", b"00000000005"]
)
def test_a_length_that_is_not_plainly_a_number_is_left_to_the_parser(wire, parsing, length):
    odd = post(b"five!").replace(b"Content-Length: 5", b"Content-Length: " + length)
    wire.send(post(b"first"))

    wire.send(odd)

    assert parsing.pieces == [post(b"first"), odd]


def test_a_request_in_pieces_is_left_to_the_parser(wire, parsing):
    wire.send(post(b"first"))
    request = post(b"other")
    wire.send(request[:-2])
    wire.send(request[-2:])

    assert parsing.pieces == [post(b"first"), request[:-2], request[-2:]]
    assert [request.body for request in wire.service.requests] == [b"first", b"other"]


def test_a_request_behind_the_beginning_of_another_is_its_body(wire, parsing):
    inner = post(b"inner")
    wire.send(post(b"first"))
    wire.send(HEAD % len(inner))
    wire.send(inner)

    assert [request.body for request in wire.service.requests] == [b"first", inner]
    assert parsing.pieces == [post(b"first"), HEAD % len(inner), inner]


def test_a_request_behind_half_a_head_is_more_of_that_head(wire):
    wire.send(post(b"first"))
    wire.send(post(b"again") + b"POST /ec")
    wire.send(post(b"third"))

    assert wire.statuses()[:2] == [200, 200]
    assert [request.body for request in wire.service.requests[:2]] == [b"first", b"again"]
    assert all(request.body != b"third" for request in wire.service.requests)


def test_two_requests_at_once_are_both_answered(wire):
    wire.send(post(b"first"))
    wire.send(post(b"second") + post(b"third"))

    assert [request.body for request in wire.service.requests] == [b"first", b"second", b"third"]


def test_a_request_that_comes_while_another_is_answered_waits_for_its_turn(wire, parsing):
    hold = HEAD.replace(b"/echo?a=1", b"/hold")
    wire.send(post(b"first", hold))
    wire.service.held[0].answer(wire.service.answer(b"done"))
    wire.send(post(b"second", hold))
    wire.send(post(b"third!", hold))

    assert parsing.pieces == [post(b"first", hold)]
    assert [request.body for request in wire.service.held] == [b"first", b"second"]
    assert not wire.transport.reading

    wire.service.held[1].answer(wire.service.answer(b"done"))

    assert wire.service.held[2].body == b"third!"
    assert wire.transport.reading


def test_a_get_without_line_returns_does_not_hide_the_request_behind_it(wire):
    # Where a parser took bare line feeds for the end of a head, both would look like one.
    both = b"GET /nowhere HTTP/1.1\nHost: a\n\n" + post(b"first")
    wire.send(both)
    seen = len(wire.service.requests)
    if not wire.transport.closed:
        wire.send(both)

    assert len(wire.service.requests) in (0, seen * 2)
    assert all(request.path == "/echo" for request in wire.service.requests)


@pytest.mark.parametrize(
    ("line", "statuses"),
    [
        (b"Transfer-Encoding: chunked", [400]),  # beside a length, as llhttp says
        (b"Expect: 100-continue", [100, 200, 100, 200]),
        (b"Connection: close", [200]),
        (b"Upgrade: h2c", [200]),
        (b"Content-Length: 5", [400]),
    ],
)
def test_heads_with_a_say_in_the_connection_are_never_remembered(wire, parsing, line, statuses):
    odd = post(b"first", HEAD.replace(b"\r\n\r\n", b"\r\n" + line + b"\r\n\r\n"))
    wire.send(odd)
    if not wire.transport.closed:
        wire.send(odd)

    assert wire.statuses() == statuses
    assert wire.connection._repeated._before == b""


def test_nothing_is_recognised_behind_the_last_request(wire, monkeypatch):
    accepted, accept = [], wire.service.accept
    monkeypatch.setattr(
        wire.service, "accept", lambda request: accepted.append(request.path) or accept(request)
    )
    wire.send(post(b"first"))
    wire.send(b"POST /hold HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    wire.send(post(b"later"))
    wire.service.held[0].answer(wire.service.answer(b"bye"))

    assert accepted == ["/echo", "/hold"]
    assert wire.transport.closed


def test_a_body_over_the_limit_is_refused_and_the_next_is_answered(wire, parsing):
    wire.send(post(b"first"))
    wire.send(post(b"x" * 1001))
    wire.send(post(b"x" * 1000))

    assert parsing.pieces == [post(b"first")]
    assert wire.statuses() == [200, 413, 200]


def test_the_service_decides_about_each_request(wire, parsing, monkeypatch):
    wire.send(post(b"first"))
    allowed = wire.service.accept

    def accept(request):
        if request.body == b"wrong":
            request.path = "/nowhere"
        return allowed(request)

    monkeypatch.setattr(wire.service, "accept", accept)
    wire.send(post(b"wrong"))
    wire.send(post(b"right"))

    assert parsing.pieces == [post(b"first")]
    assert wire.statuses() == [200, 404, 200]


def test_who_never_repeats_a_head_does_not_pay_for_remembering(wire):
    for number in range(repeated.TRIES + 1):
        wire.send(post(b"first", HEAD.replace(b"Host: a", b"Host: %d" % number)))

    assert wire.connection._repeated._tries == 0
    assert wire.statuses() == [200] * (repeated.TRIES + 1)


def test_a_long_head_is_not_remembered(wire):
    long = HEAD.replace(b"Host: a", b"Host: " + b"a" * repeated.KNOWN_HEAD_BYTES)
    wire.send(post(b"first", long))

    assert wire.connection._repeated._before == b""


@pytest.mark.parametrize(
    ("arrived", "body"),
    [
        (post(b"first"), b"firs"),
        (post(b"first") + b"more", b"first"),
        (b"GET / HTTP/1.1\nHost: a\n\n" + post(b"first"), b""),
        (post(b"first", b"POST / HTTP/1.1\r\nContent-Length: 5\r\n" + HEAD), b"first"),
        (post(b"first", HEAD.replace(b"%d", b"%d0")), b"first"),
        (HEAD.replace(b"\r\n", b"\n") % 5 + b"first", b"first"),
    ],
)
def test_a_head_that_looks_other_than_it_was_parsed_is_not_remembered(arrived, body):
    raw = [(b"host", b"a"), (b"content-length", b"5")]
    request = Request("POST", "/echo", b"", Headers(raw), body, None, 0.0, 5.0)
    buffers.ARRIVED[: len(arrived)] = arrived
    head = repeated.RepeatedHead()

    head.remember(len(arrived), request)

    assert head.recognise(len(arrived), None, 5.0) is None


def heard(wire, stream, tries=repeated.TRIES):
    """Give everything that came of a stream; with no tries the parser reads all of it."""
    wire.connection._repeated._tries = tries
    for piece in stream:
        if piece and not wire.transport.closed:
            wire.send(piece)
    asked = [(request.path, request.query, request.body) for request in wire.service.requests]
    return asked, wire.out, wire.transport.closed, wire.service.answers


PIECES = st.sampled_from(
    [
        HEAD,
        HEAD.replace(b"Content-Length: ", b"Content-Length:"),
        HEAD.replace(b"/echo", b"/nowhere"),
        HEAD.replace(b"\r\n\r\n", b"\r\nConnection: close\r\n\r\n"),
        HEAD.replace(b"\r\n", b"\n"),
        b"\r\n" + HEAD,
        b"GET /echo HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /echo HTTP/1.1\nHost: a\n\n",
        b"POST /echo HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
        HEAD.replace(b"%d", b"%d0"),
    ]
)
BODIES = st.sampled_from([b"", b"a", b"0123456789", b"\r\n\r\n", HEAD % 3 + b"abc", b"x" * 1001])


@given(st.lists(st.tuples(PIECES, BODIES), min_size=1, max_size=8), st.data())
@example(requests=[(HEAD, b"a"), (HEAD, b"b")], data=None)
def test_any_stream_is_read_as_the_parser_alone_reads_it(dial, requests, data):
    stream = [post(body, head) if b"%d" in head else head for head, body in requests]
    if data is not None:
        whole = b"".join(stream)
        cuts = sorted(data.draw(st.lists(st.integers(0, len(whole)), max_size=6)))
        starts = [sum(map(len, stream[:number])) for number in range(len(stream))]
        edges = sorted({0, len(whole), *(cuts if data.draw(st.booleans()) else starts)})
        stream = [whole[a:b] for a, b in pairwise(edges)]

    assert heard(dial(), stream) == heard(dial(), stream, tries=0)


@given(
    st.lists(
        st.tuples(st.integers(0, len(post(b"{}"))), st.integers(0, 3), st.binary(max_size=3)),
        min_size=1,
        max_size=4,
    )
)
@settings(max_examples=2000)
def test_a_damaged_copy_of_a_known_request_is_read_as_the_parser_alone_reads_it(dial, damages):
    copy = bytearray(post(b"{}"))
    for place, length, given_bytes in damages:
        copy[place : place + length] = given_bytes
    stream = [post(b"{}"), post(b"{}"), bytes(copy), post(b"{}")]

    assert heard(dial(), stream) == heard(dial(), stream, tries=0)
