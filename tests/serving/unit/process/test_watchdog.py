"""A worker that stands still is ended and replaced; one that is only busy is not."""

import os
import resource
import signal

import pytest

from model_server.process.watchdog import Watchdog


def test_a_worker_that_answers_never_hangs():
    watchdog = Watchdog()

    for _ in range(100):
        assert not watchdog.turn()
        watchdog.answered()


def test_a_worker_hangs_after_five_questions_without_an_answer():
    watchdog = Watchdog()

    assert [watchdog.turn() for _ in range(7)] == [False] * 5 + [True, True]


def test_one_late_answer_is_enough():
    watchdog = Watchdog()
    for _ in range(5):
        watchdog.turn()

    watchdog.answered()

    assert [watchdog.turn() for _ in range(5)] == [False] * 5


def test_a_worker_may_say_its_last_words_before_it_is_killed():
    watchdog = Watchdog()

    signals = [watchdog.signal for _ in range(8) if watchdog.turn()]

    assert signals == [signal.SIGABRT, signal.SIGKILL, signal.SIGKILL]


def test_a_worker_that_hangs_is_replaced_and_the_log_says_where_it_hung(front):
    server = front(workers=2, worker_timeout_seconds=1)
    server.wait_for("worker_ready", 2)
    with server.connect() as raw:
        server.send(raw, "/block")

        (hung,) = server.wait_for("worker_hangs")
        (died,) = server.wait_for("worker_died")

        with pytest.raises((ConnectionError, OSError)):
            server.answer(raw)
    assert (died["slot"], died["pid"], died["signal"]) == (hung["slot"], hung["pid"], "SIGABRT")
    assert "fake_server.py" in died["trace"]
    assert "in data_received" in died["trace"]
    ready = server.wait_for("worker_ready", 3)[2]
    assert ready["slot"] == hung["slot"]
    assert {int(server.ask()[1]) for _ in range(40)} <= set(server.workers().values())


def test_a_worker_leaves_no_core_file_with_what_callers_sent(front):
    before = resource.getrlimit(resource.RLIMIT_CORE)
    resource.setrlimit(resource.RLIMIT_CORE, (before[1], before[1]))
    try:
        server = front(workers=1)
        server.wait_for("worker_ready")
    finally:
        resource.setrlimit(resource.RLIMIT_CORE, before)

    (pid,) = server.workers().values()
    assert resource.prlimit(pid, resource.RLIMIT_CORE)[0] == 0


def test_a_long_request_that_leaves_the_event_loop_free_is_no_reason(front):
    server = front(workers=1, worker_timeout_seconds=1)
    server.wait_for("worker_ready")

    assert server.ask("/sleep/3") == (200, "slept")

    assert server.events("worker_hangs") == []


def test_a_process_that_no_signal_reaches_is_killed(front):
    server = front(workers=1, worker_timeout_seconds=1)
    server.wait_for("worker_ready")
    (pid,) = server.workers().values()
    os.kill(pid, signal.SIGSTOP)

    (died,) = server.wait_for("worker_died")

    assert (died["pid"], died["signal"]) == (pid, "SIGKILL")
    assert "trace" not in died
    server.wait_for("worker_ready", 2)
    assert server.ask()[0] == 200


def test_what_a_worker_did_when_it_crashed_is_in_the_log(front):
    server = front(workers=1)
    server.wait_for("worker_ready")
    (pid,) = server.workers().values()
    os.kill(pid, signal.SIGSEGV)

    (died,) = server.wait_for("worker_died")

    assert died["signal"] == "SIGSEGV"
    assert died["trace"].startswith("Fatal Python error: Segmentation fault")
    assert "in run_worker" in died["trace"]
