"""Whole messages through a stream that may tear them apart."""

import contextlib
import socket

import pytest

from model_server.process.messages import MAX_BYTES, Ended, Pipe


@pytest.fixture
def pair():
    left, right = socket.socketpair()
    yield Pipe(left), right
    left.close()
    right.close()


def test_messages_arrive_whole_and_in_order(pair):
    pipe, other = pair

    other.sendall(b'{"kind":"a"}\n{"kind":"b","x":[1]}\n{"ki')
    first = pipe.receive()
    other.sendall(b'nd":"c"}\n')

    assert first == [{"kind": "a"}, {"kind": "b", "x": [1]}]
    assert pipe.receive() == [{"kind": "c"}]
    assert pipe.receive() == []


def test_a_message_is_a_line_of_json(pair):
    pipe, other = pair

    pipe.send({"kind": "ready", "why": "two\nlines"})

    assert other.recv(100) == b'{"kind":"ready","why":"two\\nlines"}\n'


def test_what_is_no_message_is_dropped(pair):
    pipe, other = pair

    other.sendall(b'nonsense\n[1]\n{"no":"kind"}\n\xff\n\n{"kind":"good"}\n')

    assert pipe.receive() == [{"kind": "good"}]


def test_the_last_words_arrive_before_the_end(pair):
    pipe, other = pair
    other.sendall(b'{"kind":"stopped"}\n')
    other.close()

    assert pipe.receive() == [{"kind": "stopped"}]
    with pytest.raises(Ended):
        pipe.receive()


def test_a_side_that_does_not_read_blocks_nobody(pair):
    pipe, other = pair
    other.setblocking(False)

    for _ in range(3000):
        pipe.send({"kind": "x" * 1000})

    assert pipe.pending
    received = b""
    while pipe.pending:
        received += other.recv(2**20)
        pipe.flush()
    while len(received) < MAX_BYTES:  # what is left in the socket
        received += other.recv(2**20)
    assert set(received.split(b"\n")[:-1]) == {b'{"kind":"%s"}' % (b"x" * 1000)}


def test_a_message_without_end_ends_the_channel(pair):
    pipe, other = pair
    other.setblocking(False)

    with pytest.raises(Ended):  # noqa: PT012  # a stream has to be fed while it is read
        for _ in range(100):
            with contextlib.suppress(BlockingIOError):
                other.send(b"x" * 65536)
            assert pipe.receive() == []


def test_sending_to_nobody_is_no_error(pair):
    pipe, other = pair
    other.close()

    pipe.send({"kind": "ready"})

    assert not pipe.pending
