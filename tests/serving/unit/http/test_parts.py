"""Answers in parts and work in threads: whatever goes wrong, the request is answered once."""

import asyncio
from concurrent.futures import ThreadPoolExecutor

import pytest

from model_server.core.errors import InvalidInput
from model_server.rest.http import Answer
from model_server.rest.off_loop import off_loop
from model_server.rest.parts import answer_in_parts


def post(path):
    return b"POST %s HTTP/1.1\r\nhost: a\r\ncontent-length: 2\r\n\r\nok" % path


def fail(error):
    raise error


@pytest.fixture
def settle(wire, run):
    """Give what the wire has after `begin(request)` was called and everything settled."""

    def after(begin):
        async def main():
            wire.send(post(b"/hold"))
            begin(wire.service.held[0])
            until = asyncio.get_running_loop().time() + 5
            # The wire knows no event loop that it could tell.
            while not wire.service.answers and asyncio.get_running_loop().time() < until:  # noqa: ASYNC110
                await asyncio.sleep(0.01)
            await asyncio.sleep(0.01)

        run(main())
        return wire

    return after


@pytest.fixture
def pool():
    with ThreadPoolExecutor(1) as made:
        yield made


def test_parts_leave_one_after_the_other(settle):
    async def make(parts):
        await parts.write(b"one")
        await parts.write(b"two")

    wire = settle(lambda request: answer_in_parts(request, Answer(200, b""), make))

    assert wire.out.endswith(b"3\r\none\r\n3\r\ntwo\r\n0\r\n\r\n")
    assert not wire.transport.closed


def test_an_error_before_the_first_part_is_a_plain_answer(settle):
    async def make(_parts):
        raise InvalidInput("wrong")

    wire = settle(lambda request: answer_in_parts(request, Answer(200, b""), make))

    assert wire.statuses() == [400]


def test_an_error_after_a_part_breaks_the_answer_off(settle):
    async def make(parts):
        await parts.write(b"one")
        raise InvalidInput("too late")

    wire = settle(lambda request: answer_in_parts(request, Answer(200, b""), make))

    assert wire.statuses() == [200]
    assert not wire.out.endswith(b"0\r\n\r\n")
    assert wire.transport.closed


def test_no_part_at_all_is_an_empty_answer(settle):
    async def make(_parts):
        return

    wire = settle(lambda request: answer_in_parts(request, Answer(204, b""), make))

    assert wire.statuses() == [204]


@pytest.mark.parametrize(
    ("work", "go_on", "status"),
    [
        (lambda: fail(InvalidInput("wrong")), None, 400),
        (lambda: fail(RuntimeError("secret")), None, 500),
        (lambda: 1, lambda _: fail(InvalidInput("does not fit the rules")), 400),
        (lambda: 1, lambda _: fail(RuntimeError("secret")), 500),
    ],
    ids=["refused in the thread", "failed in the thread", "refused after it", "failed after it"],
)
def test_what_is_raised_in_a_thread_or_after_it_is_answered(settle, pool, work, go_on, status):
    wire = settle(lambda request: off_loop(pool, request, work, go_on))

    assert wire.statuses() == [status]
    assert b"secret" not in wire.out


def test_what_a_thread_made_is_gone_on_with_on_the_loop(settle, pool):
    wire = settle(
        lambda request: off_loop(
            pool, request, lambda: b"made", lambda body: request.answer(Answer(200, body))
        )
    )

    assert wire.out.endswith(b"\r\n\r\nmade")
