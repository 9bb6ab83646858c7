"""The line of an answered request: whole JSON, in its order, whoever asked."""

import asyncio
import json
import os

import pytest

from model_server import log as logs
from model_server.log import Log


@pytest.fixture
def told(tmp_path):
    """Run a function of a log on an event loop, and give the lines as objects."""

    def run(act):
        path = tmp_path / "log"
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT)

        async def main():
            act(Log("info", descriptor))
            await asyncio.sleep(0)

        try:
            asyncio.run(main())
        finally:
            os.close(descriptor)
        return [json.loads(line) for line in path.read_text().splitlines()]

    return run


def test_an_answer_is_one_line_with_who_asked(told, monkeypatch):
    monkeypatch.setattr(logs.time, "time", lambda: 1_795_575_600.1239)

    lines = told(lambda log: log.access("r-1", "/invocations", 200, 0.0012345, 27, "scoring"))

    assert lines == [
        {
            "time": "2026-11-25T03:00:00.123Z",
            "level": "info",
            "event": "invocation",
            "request_id": "r-1",
            "path": "/invocations",
            "status": 200,
            "duration_ms": 1.234,
            "answer_bytes": 27,
            "caller": "scoring",
        }
    ]


def test_each_line_has_its_own_millisecond(told, monkeypatch):
    moments = iter([1_795_575_600.0004, 1_795_575_600.0009, 1_795_575_600.0015, 1_795_575_601.5])
    now = [0.0]
    monkeypatch.setattr(logs.time, "time", lambda: now[0])

    def act(log):
        for moment in moments:
            now[0] = moment
            log.access("r", "/p", 200, 0.0, 0)

    assert [line["time"][17:] for line in told(act)] == ["00.000Z", "00.000Z", "00.001Z", "01.500Z"]


def test_names_are_escaped_the_first_time_and_every_other(told):
    def act(log):
        for caller in ('a"b\\c', 'a"b\\c', None, "ü", 'a"b\\c'):
            log.access("r", "/p", 200, 0.0, 0, caller)

    callers = [line.get("caller") for line in told(act)]
    assert callers == ['a"b\\c', 'a"b\\c', None, "ü", 'a"b\\c']


def test_more_callers_than_are_remembered_keep_their_names(told):
    names = [f"job-{number}" for number in range(logs.KNOWN_CALLERS + 5)]

    def act(log):
        for name in [*names, names[0]]:
            log.access("r", "/p", 200, 0.0, 0, name)
        assert len(log._callers) <= logs.KNOWN_CALLERS

    assert [line["caller"] for line in told(act)] == [*names, names[0]]


def test_lines_stay_in_the_order_of_what_they_tell(told):
    def act(log):
        log.access("first", "/p", 200, 0.0, 0)
        log.info("between")
        log.access("last", "/p", 200, 0.0, 0)

    assert [line.get("request_id", line["event"]) for line in told(act)] == [
        "first",
        "between",
        "last",
    ]
