"""A worker's line to the process in front."""

import asyncio
import json
import socket

import pytest

from model_server.process.channel import Channel
from model_server.process.plan import Measured, Plan, Terms

MEASURED = Measured(cpus=2, threads=1, run_seconds=0.5, model_bytes=7)


@pytest.fixture
def ends():
    front, worker = socket.socketpair()
    yield front, worker
    front.close()
    worker.close()


def test_the_first_worker_is_told_the_plan_for_what_it_measured(ends):
    front, worker = ends
    front.sendall(
        b'{"kind":"greeting"}\n'
        b'{"kind":"plan","workers":2,"threads":1,"reason":"why","warning":null}\n'
    )

    async def measure():
        channel = Channel(worker, Terms())
        before = channel.plan
        plan = await channel.measured(MEASURED)
        channel.close()
        return before, plan, channel.plan

    before, plan, after = asyncio.run(measure())

    assert before is None
    assert plan == after == Plan(2, 1, "why")
    assert json.loads(front.recv(1000)) == {
        "kind": "measured", "cpus": 2, "threads": 1, "run_seconds": 0.5, "model_bytes": 7,
        "memory_bytes": None, "memory_limit_bytes": None, "alone": None,
    }  # fmt: skip


def test_a_later_worker_knows_the_plan_from_its_start(ends):
    _, worker = ends

    channel = Channel(worker, Terms(Plan(4, 1, "why"), answers_while_loading=False))

    assert channel.plan == Plan(4, 1, "why")
    assert not channel.terms.answers_while_loading


def test_what_a_worker_tells_is_one_message_each(ends):
    front, worker = ends

    async def tell():
        channel = Channel(worker, Terms())
        channel.ready()
        channel.failed("broken")
        channel.stopped(3)
        channel.close()

    asyncio.run(tell())

    assert [json.loads(line) for line in front.recv(1000).splitlines()] == [
        {"kind": "ready"},
        {"kind": "failed", "reason": "broken"},
        {"kind": "stopped", "requests_lost": 3},
    ]


def test_messages_are_received_in_order_and_given_to_every_callback(ends):
    front, worker = ends

    async def receive():
        channel = Channel(worker, Terms())
        heard = []
        channel.on_message(heard.append)
        waiting = asyncio.create_task(channel.receive())
        given_up = asyncio.create_task(channel.receive())
        await asyncio.sleep(0)
        given_up.cancel()
        front.sendall(b'{"kind":"a"}\n{"kind":"b"}\n')
        received = [await waiting, await channel.receive()]
        channel.close()
        return received, heard

    received, heard = asyncio.run(receive())

    assert received == heard == [{"kind": "a"}, {"kind": "b"}]


def test_a_message_that_the_front_is_slow_to_read_arrives(ends):
    front, worker = ends
    worker.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    async def tell():
        loop = asyncio.get_running_loop()
        channel = Channel(worker, Terms())
        channel.failed("x" * 500_000)
        front.setblocking(False)
        data = b""
        while not data.endswith(b"\n"):
            data += await loop.sock_recv(front, 65536)
        channel.close()
        return data

    assert len(json.loads(asyncio.run(tell()))["reason"]) == 500_000


def test_a_worker_says_that_it_is_alive_as_often_as_it_is_asked_and_tells_nobody(ends):
    front, worker = ends

    async def live():
        loop = asyncio.get_running_loop()
        front.setblocking(False)
        channel, heard = Channel(worker, Terms()), []
        channel.on_message(heard.append)
        front.sendall(b'{"kind":"ask"}\n{"kind":"other"}\n{"kind":"ask"}\n')
        received = await channel.receive()
        said = b""
        while said.count(b"\n") < 2:
            said += await loop.sock_recv(front, 65536)
        channel.close()
        return received, heard, said

    assert asyncio.run(live()) == (
        {"kind": "other"},
        [{"kind": "other"}],
        b'{"kind":"alive"}\n{"kind":"alive"}\n',
    )


def test_the_end_of_the_front_ends_the_worker(ends, monkeypatch):
    front, worker = ends
    statuses = []
    ended = asyncio.Event()

    def leave(status):
        statuses.append(status)
        ended.set()

    async def live():
        channel = Channel(worker, Terms())
        channel.open()
        front.close()
        await ended.wait()
        channel.close()

    monkeypatch.setattr("os._exit", leave)
    asyncio.run(live())

    assert statuses[0] == 1
