"""One connection: order, limits, time-outs and what is no HTTP."""

from types import SimpleNamespace

import pytest

from model_server.rest import http1
from model_server.rest.http import Answer, Disconnected
from model_server.rest.limits import HEAD_SECONDS, KEEP_ALIVE_SECONDS, MAX_CHUNKS
from model_server.settings.transform import INVOKE_SECONDS


def post(path=b"/echo", body=b"hello", *more):
    head = b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: %d\r\n" % (path, len(body))
    return head + b"".join(line + b"\r\n" for line in more) + b"\r\n" + body


def test_a_body_comes_back_with_its_length_and_the_connection_stays_open(wire):
    wire.send(post())

    assert wire.out == (
        b"HTTP/1.1 200 OK\r\ndate: now\r\ncontent-type: text/plain\r\n"
        b"content-length: 5\r\n\r\nhello"
    )
    assert not wire.transport.closed
    assert wire.service.answers == [("/echo", 200, 5)]


def test_a_request_may_come_in_single_bytes(wire):
    for byte in post(body=b"slowly"):
        wire.send(bytes([byte]))

    assert wire.out.endswith(b"\r\n\r\nslowly")


def test_requests_that_come_at_once_are_answered_in_their_order(wire):
    wire.send(post(b"/hold") + post(body=b"second") + post(body=b"third"))

    assert wire.out == b""
    assert not wire.transport.reading

    wire.service.held[0].answer(Answer(200, b"first"))

    assert [part.split(b"\r\n\r\n")[1] for part in wire.out.split(b"HTTP/1.1 ")[1:]] == [
        b"first",
        b"second",
        b"third",
    ]
    assert wire.transport.reading


def test_a_thousand_pings_in_one_packet_do_not_recurse(wire):
    wire.send(b"GET /echo HTTP/1.1\r\nhost: a\r\n\r\n" * 3000)

    assert wire.statuses() == [200] * 3000


def test_a_caller_that_sends_far_ahead_is_cut_off(wire):
    wire.send(post(b"/hold") + post() * 66)

    assert wire.transport.closed


def test_a_chunked_body_is_joined(wire):
    wire.send(
        b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
        b"3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n"
    )

    assert wire.out.endswith(b"\r\n\r\nabcde")


def test_a_body_of_the_limit_is_read_and_one_byte_more_is_refused(wire):
    wire.send(post(body=b"x" * 1000))
    wire.send(post(body=b"x" * 1001))
    wire.send(post(body=b"after"))

    assert wire.statuses() == [200, 413, 200]
    assert wire.out.endswith(b"after")


def test_a_refused_body_is_not_waited_for(wire):
    wire.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100000000\r\n\r\nabc")

    assert wire.statuses() == [413]
    assert not wire.transport.closed


def test_a_chunked_body_over_the_limit_is_refused_while_it_comes(wire):
    wire.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n")
    wire.send(b"3e9\r\n" + b"x" * 1001 + b"\r\n")

    assert wire.statuses() == [413]


def test_whoever_goes_on_sending_a_refused_body_is_cut_off(wire):
    wire.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 100000000\r\n\r\n")
    wire.send(b"x" * 70_000)

    assert wire.statuses() == [413]
    assert wire.transport.closed


def test_chunks_are_counted(wire):
    wire.service.max_body_bytes = 10_000_000
    head = b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\n"
    wire.send(head + b"1\r\na\r\n" * MAX_CHUNKS + b"0\r\n\r\n")
    wire.send(head + b"1\r\na\r\n" * (MAX_CHUNKS + 1) + b"0\r\n\r\n")

    assert wire.statuses() == [200, 400]
    assert b"more than 65536 chunks" in wire.out


def test_an_unknown_path_is_refused_before_its_body(wire):
    wire.send(b"POST /nowhere HTTP/1.1\r\nhost: a\r\ncontent-length: 5\r\n\r\n")
    assert wire.statuses() == [404]

    wire.send(b"hello" + post(body=b"next"))

    assert wire.statuses() == [404, 200]
    assert wire.out.endswith(b"next")


@pytest.mark.parametrize(
    "junk",
    [
        b"nonsense\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
        b"POST /echo HTTP/1.1\r\ncontent-length: 1\r\ncontent-length: 2\r\n\r\nab",
        b"POST /echo HTTP/1.1\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /echo HTTP/1.1\r\ncontent-length: -1\r\n\r\n",
        b"POST /echo HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n",
        b"GET /echo HTTP/1.1\r\nbad header\r\n\r\n",
        b"GET /echo HTTP/1.1\r\nname : value\r\n\r\n",
        b"GET /echo HTTP/9.9\r\n\r\n",
    ],
)
def test_what_is_no_http_gets_400_and_the_connection_ends(wire, junk):
    wire.send(junk)

    assert wire.statuses() == [400]
    assert b'"error":"this is no HTTP request"' in wire.out
    assert wire.transport.closed


def test_junk_behind_a_request_is_answered_after_it(wire):
    wire.send(post(b"/hold") + b"\x00\x01junk\r\n\r\n")
    assert wire.out == b""

    wire.service.held[0].answer(Answer(200, b"fine"))

    assert wire.statuses() == [200, 400]
    assert wire.transport.closed


def test_a_head_over_its_bound_gets_431(wire):
    wire.send(b"GET /echo HTTP/1.1\r\nhost: a\r\nx: " + b"y" * 70_000 + b"\r\n\r\n")

    assert wire.statuses() == [431]
    assert wire.transport.closed


def test_a_head_that_never_ends_is_cut_off_in_time(wire):
    wire.send(b"GET /echo HTTP/1.1\r\n")
    for _ in range(20):
        wire.send(b"x: " + b"y" * 9_000 + b"\r\n")

    assert wire.statuses() == [431]
    assert wire.transport.closed


def test_over_a_hundred_headers_get_431(wire):
    wire.send(b"GET /echo HTTP/1.1\r\n" + b"a: b\r\n" * 101 + b"\r\n")

    assert wire.statuses() == [431]


def test_a_body_longer_than_a_head_may_be_is_no_head(wire):
    wire.service.max_body_bytes = 200_000

    wire.send(post(body=b"x" * 150_000))

    assert wire.statuses() == [200]


def test_the_caller_is_told_to_go_on_only_when_its_body_is_wanted(wire):
    wire.send(b"POST /echo HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2\r\n\r\n")
    assert wire.out == b"HTTP/1.1 100 Continue\r\n\r\n"
    wire.send(b"ok")
    assert wire.statuses() == [100, 200]

    wire.send(b"POST /echo HTTP/1.1\r\nexpect: 100-continue\r\ncontent-length: 2000\r\n\r\n")

    assert wire.statuses() == [100, 200, 413]


def test_close_is_heeded(wire):
    wire.send(post(b"/echo", b"bye", b"connection: close"))

    assert b"connection: close\r\n" in wire.out
    assert wire.transport.closed


def test_a_caller_that_sends_no_more_gets_its_answers_and_is_closed(wire):
    wire.send(post(b"/hold") + post(body=b"second"))

    assert wire.connection.eof_received() is True
    wire.service.held[0].answer(Answer(200, b"first"))

    assert wire.statuses() == [200, 200]
    assert wire.transport.closed


def test_http_1_0_is_closed_after_the_answer(wire):
    wire.send(b"GET /echo HTTP/1.0\r\n\r\n")

    assert wire.statuses() == [200]
    assert wire.transport.closed


def test_head_has_the_length_and_no_body(wire):
    wire.service.echo = lambda request: request.answer(Answer(200, b"12345"))

    wire.send(b"HEAD /echo HTTP/1.1\r\nhost: a\r\n\r\n")

    assert wire.out.endswith(b"content-length: 5\r\n\r\n")


def test_an_upgrade_is_ignored_and_the_connection_closed(wire):
    wire.send(b"GET /echo HTTP/1.1\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\n")

    assert wire.statuses() == [200]
    assert wire.transport.closed


def test_a_head_that_takes_too_long_ends_the_connection(wire):
    wire.send(b"GET /echo HTTP/1.1\r\nhost")
    due = wire.connection.due

    wire.connection.expire(due - 0.01)
    assert not wire.transport.closed
    wire.connection.expire(due + 0.01)

    assert wire.transport.closed
    assert wire.out == b""
    assert HEAD_SECONDS == 9.0


def test_a_body_that_takes_too_long_is_told_with_408(wire):
    wire.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc")

    wire.connection.expire(wire.connection.due + 0.01)

    assert wire.statuses() == [408]
    assert b"connection: close\r\n" in wire.out
    assert wire.transport.closed


def test_a_body_of_a_transform_job_may_take_an_hour(wire, service, monkeypatch):
    service.body_seconds = INVOKE_SECONDS
    clock = SimpleNamespace(monotonic=lambda: 1000.0)
    monkeypatch.setattr(http1, "time", clock)
    wire.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc")

    wire.connection.expire(1000.0 + 3597)
    clock.monotonic = lambda: 1000.0 + 3597
    wire.send(b"def")
    (request,) = service.requests
    wire.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ncontent-length: 6\r\n\r\nabc")
    wire.connection.expire(1000.0 + 3597 + 3599)

    assert wire.statuses() == [200, 408]
    assert request.deadline == 1000.0 + 3598
    assert b"the body did not arrive within 3598.0 s" in wire.out


def test_an_idle_connection_is_kept_for_75_seconds(wire):
    wire.send(post())
    wire.connection.expire(wire.connection.due - 0.01)
    assert not wire.transport.closed

    wire.connection.expire(wire.connection.due + 0.01)

    assert wire.transport.closed
    assert KEEP_ALIVE_SECONDS == 75.0


def test_an_answer_is_waited_for_however_long_it_takes(wire):
    wire.send(post(b"/hold"))

    wire.connection.expire(1e12)

    assert not wire.transport.closed


def test_a_caller_that_left_is_told_of_and_its_answer_dropped(wire):
    wire.send(post(b"/hold"))
    wire.connection.connection_lost(None)

    wire.service.held[0].answer(Answer(200, b"too late"))

    assert wire.service.gone == ["/hold"]
    assert wire.out == b""
    assert wire.service.connections == set()


def test_everything_that_was_asked_is_told_of_when_the_caller_leaves(wire):
    wire.send(post(b"/hold") + post(b"/second"))
    wire.send(b"POST /third HTTP/1.1\r\nhost: a\r\ncontent-length: 9\r\n\r\nabc")

    wire.connection.connection_lost(None)

    assert sorted(wire.service.gone) == ["/hold", "/second", "/third"]


def test_a_request_whose_body_turns_out_to_be_no_http_is_told_of(wire):
    wire.send(b"POST /echo HTTP/1.1\r\nhost: a\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n")

    assert wire.statuses() == [400]
    assert wire.service.gone == ["/echo"]


def test_draining_closes_idle_connections_and_others_after_their_answer(wire):
    wire.send(post(b"/hold"))
    wire.service.draining = True

    wire.connection.drain()
    assert not wire.transport.closed
    wire.service.held[0].answer(Answer(200, b"last"))

    assert b"connection: close\r\n" in wire.out
    assert wire.transport.closed


@pytest.mark.parametrize(
    ("target", "path", "query"),
    [
        (b"/a?b=c", "/a", b"b=c"),
        (b"/a%20b", "/a b", b""),
        (b"http://host/a?x", "/a", b"x"),
        (b"/%ff", "/\ufffd", b""),
    ],
)
def test_the_target_is_split_and_decoded(wire, target, path, query):
    wire.send(b"GET %s HTTP/1.1\r\nhost: a\r\n\r\n" % target)

    (request,) = wire.service.requests
    assert (request.path, request.query) == (path, query)


def test_a_target_without_a_path_is_refused(wire):
    wire.send(b"OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n")

    assert wire.statuses() == [400]


def test_an_answer_in_parts_is_chunked(wire, run):
    async def main():
        wire.send(post(b"/hold"))
        stream = wire.service.held[0].stream(Answer(200, b"one", b"text/plain"))
        await stream.write(b"two!")
        await stream.write(b"")
        stream.end()
        stream.end()

    run(main())

    head, _, body = wire.out.partition(b"\r\n\r\n")
    assert b"transfer-encoding: chunked" in head
    assert body == b"3\r\none\r\n4\r\ntwo!\r\n0\r\n\r\n"
    assert wire.service.answers == [("/hold", 200, 7)]


def test_an_answer_in_parts_waits_for_a_slow_reader(wire, run):
    async def main():
        import asyncio

        wire.send(post(b"/hold"))
        stream = wire.service.held[0].stream(Answer(200, b""))
        wire.connection.pause_writing()
        writing = asyncio.create_task(stream.write(b"x"))
        await asyncio.sleep(0.01)
        waited = not writing.done()
        wire.connection.resume_writing()
        await writing
        return waited

    assert run(main()) is True


def test_an_answer_in_parts_ends_when_its_caller_leaves(wire, run):
    async def main():
        wire.send(post(b"/hold"))
        stream = wire.service.held[0].stream(Answer(200, b""))
        wire.connection.connection_lost(None)
        with pytest.raises(Disconnected):
            await stream.write(b"x")
        stream.end()

    run(main())
