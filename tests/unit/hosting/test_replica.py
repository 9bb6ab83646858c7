"""A replica's health: what takes it in and out of routing, and what starts it again."""

import threading
import time
from pathlib import Path

import pytest

from modelway.emulator.hosting import timing
from modelway.emulator.hosting.replica import Replica, State
from modelway.errors import ImageError


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(timing, "PING_INTERVAL_SECONDS", 0.05)
    monkeypatch.setattr(timing, "FIRST_PINGS_SECONDS", 0.02)
    monkeypatch.setattr(timing, "RESTART_PAUSES_SECONDS", (0.0, 0.05))


@pytest.fixture
def replica(start):
    """Makes replicas; all are stopped at the end of the test."""
    made = []

    def make(launch=None, **options):
        lines = []
        made.append(
            Replica(
                launch or (lambda _replica, _log: start()),
                lambda _instance, more: lines.extend(more),
                lambda: None,
                **options,
            )
        )
        made[-1].lines = lines
        made[-1].start()
        return made[-1]

    yield make
    for each in made:
        each.stop()


def until(condition, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_replica_is_healthy_once_its_ping_is_answered(replica, start):
    made = replica(lambda _replica, _log: start(ping_status=503))
    until(lambda: made.running is not None)
    before = made.state

    made.running.ping_status = 200
    until(lambda: made.state is State.HEALTHY)

    assert before is State.STARTING


def test_one_failed_health_check_is_forgiven_and_two_are_not(replica, containers):
    made = replica()
    until(lambda: made.state is State.HEALTHY)

    containers[0].ping_status = 503
    until(lambda: made.state is State.UNHEALTHY)
    containers[0].ping_status = 200
    until(lambda: made.state is State.HEALTHY)

    assert made.restarts == 0
    assert len(containers) == 1


def test_a_container_that_ends_is_started_again(replica, containers):
    made = replica()
    until(lambda: made.state is State.HEALTHY)

    containers[0].die(3)
    until(lambda: len(containers) == 2 and made.state is State.HEALTHY)

    assert made.restarts == 1
    assert made.last_exit_status == 3
    assert made.exits == 0
    assert "the container ended with exit status 3" in made.lines


def test_a_container_that_hangs_is_replaced(replica, containers, monkeypatch):
    monkeypatch.setattr(timing, "PINGS_BEFORE_RESTART", 3)
    made = replica()
    until(lambda: made.state is State.HEALTHY)

    containers[0].ping_status = 500
    until(lambda: len(containers) == 2 and made.state is State.HEALTHY)

    assert containers[0].signals == ["TERM"]


def test_exits_before_the_first_health_check_are_counted(replica, start):
    made = replica(lambda _replica, _log: start(ping_status=503, exit_status=1))

    until(lambda: made.exits >= 3)

    assert made.ever_healthy is False
    assert made.state is State.STARTING


def test_a_container_that_cannot_be_started_says_why_in_the_log(replica):
    def fails(_replica, _log):
        raise ImageError("no such image")

    made = replica(fails)
    until(lambda: made.exits >= 1)

    assert made.lines[0] == "the container could not be started: no such image"


def test_a_container_that_never_answers_is_replaced_after_its_start_up_time(
    replica, start, containers
):
    made = replica(lambda _replica, _log: start(ping_status=503), startup_seconds=0.1)

    until(lambda: made.restarts >= 1)

    assert containers[0].signals == ["TERM"]
    assert made.ever_healthy is False


def test_stopping_sends_sigterm_and_leaves_no_thread(replica, containers):
    made = replica()
    until(lambda: made.state is State.HEALTHY)

    made.stop()

    assert containers[0].signals == ["TERM"]
    assert made.state is State.STOPPED
    assert made.instance_id not in {thread.name for thread in threading.enumerate()}


def test_a_container_deaf_to_sigterm_is_killed(replica, start, monkeypatch):
    monkeypatch.setattr(timing, "STOP_SECONDS", 0.1)
    container = start()
    container.terminate = lambda: container.signals.append("TERM")
    made = replica(lambda _replica, _log: container)
    until(lambda: made.state is State.HEALTHY)

    made.stop()

    assert container.signals == ["TERM", "KILL"]


def test_draining_waits_for_requests_in_flight(replica):
    made = replica()
    made.take()
    release = threading.Timer(0.3, made.release)
    release.start()
    begun = time.monotonic()

    made.drain(10.0, threading.Event())

    assert 0.25 < time.monotonic() - begun < 5
    assert made.in_flight == 0


def test_draining_ends_when_there_is_a_hurry(replica):
    made = replica()
    made.take()
    hurry = threading.Event()
    hurry.set()
    begun = time.monotonic()

    made.drain(60.0, hurry)

    assert time.monotonic() - begun < 5


def test_an_instance_has_an_id_as_ec2_gives_them(replica):
    made = replica()

    assert made.instance_id.startswith("i-")
    assert len(made.instance_id) == 19
    assert Path(made.instance_id).name == made.instance_id
