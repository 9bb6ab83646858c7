"""The process in front: forks, deaths and statuses, with workers that load nothing."""

import os
import signal
import socket
import subprocess
import sys
import threading
import time

import psutil
import pytest

from modelway.image.context import serving_image_directory


def test_a_connection_is_accepted_before_anything_is_loaded(front):
    server = front(load_seconds=0.5)

    with server.connect(0.25) as raw:
        assert server.ask_over(raw) == (503, "loading")


def test_the_first_worker_says_that_it_loads_and_then_answers(front):
    server = front(load_seconds=0.3)

    first = server.ask()
    server.wait_for("worker_ready")

    assert first == (503, "loading")
    assert server.ask() == (200, str(server.workers()[0]))


def test_a_taken_port_is_status_4_with_a_hint(front):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()

        server = front(port=other.getsockname()[1])

        assert server.process.wait(20) == 4
    (event,) = server.events()
    assert event["event"] == "not_listening"
    assert event["reason"] == "Address already in use"
    assert event["hint"] == "choose another port with SAGEMAKER_BIND_TO_PORT"


def test_a_short_small_model_is_served_by_a_process_for_each_cpu(front):
    server = front(measured={"cpus": 3})

    server.wait_for("worker_ready", 3)

    (event,) = server.events("processes")
    assert (event["workers"], event["threads"]) == (3, 1)
    assert event["reason"] == "a row takes 0.01 ms, under 1 ms: processes answer more than threads"
    assert sorted(server.workers()) == [0, 1, 2]


def test_a_long_model_is_served_by_one_process(front):
    server = front(measured={"cpus": 3, "run_seconds": 0.02})

    server.wait_for("worker_ready")

    (event,) = server.events("processes")
    assert (event["workers"], event["threads"]) == (1, 3)
    time.sleep(0.2)
    assert list(server.workers()) == [0]


def test_the_others_start_when_the_first_is_ready(front):
    server = front(workers=2, load_seconds=0.3)

    server.wait_for("worker_ready", 2)

    names = [event["event"] for event in server.events() if event["event"].startswith("worker")]
    assert names == ["worker_started", "worker_ready", "worker_started", "worker_ready"]


def test_the_process_in_front_is_light(front):
    server = front(workers=2)
    server.wait_for("worker_ready", 2)

    memory = psutil.Process(server.pid).memory_full_info()

    # What it shares with every other Python is not its own.
    assert memory.uss < 12 * 2**20
    assert psutil.Process(server.pid).num_threads() == 1


def test_the_process_in_front_imports_nothing_heavy():
    heavy = {"numpy", "onnxruntime", "uvloop", "httptools", "ctypes", "grpc", "cryptography"}
    program = (
        "import sys, model_server.process.supervisor, model_server.settings; print(*sys.modules)"
    )

    said = subprocess.check_output(
        [sys.executable, "-c", program],
        env={"PYTHONPATH": str(serving_image_directory())},
        text=True,
    )

    assert heavy & set(said.split()) == set()


def test_a_killed_worker_is_replaced_and_its_callers_alone_notice(front):
    server = front(workers=2)
    server.wait_for("worker_ready", 2)
    held = [server.connect() for _ in range(8)]
    of = [int(server.ask_over(raw)[1]) for raw in held]
    victim = server.workers()[1]

    os.kill(victim, signal.SIGKILL)
    server.wait_for("worker_ready", 3)

    for raw, pid in zip(held, of, strict=True):
        if pid == victim:
            with pytest.raises(ConnectionError):
                server.ask_over(raw)
        else:
            assert server.ask_over(raw) == (200, str(pid))
        raw.close()
    assert victim in of
    (died,) = server.events("worker_died")
    assert (died["slot"], died["pid"], died["signal"]) == (1, victim, "SIGKILL")
    assert died["restart_seconds"] == 0.0
    assert server.events("worker_ready")[-1]["down_seconds"] < 1.0


def test_the_front_never_refuses_while_workers_are_killed(front):
    server = front(workers=2, load_seconds=0.05)
    server.wait_for("worker_ready", 2)
    over = threading.Event()
    counts = {"answered": 0, "broken": 0, "refused": 0}

    def ask_on():
        while not over.is_set():
            try:
                raw = server.connect()
            except OSError:
                counts["refused"] += 1
                continue
            with raw:
                try:
                    server.ask_over(raw)
                    counts["answered"] += 1
                except ConnectionError:
                    counts["broken"] += 1
            time.sleep(0.002)

    askers = [threading.Thread(target=ask_on) for _ in range(4)]
    for asker in askers:
        asker.start()
    kills = 0
    for turn in range(10):
        workers = server.workers()
        if workers:
            os.kill(list(workers.values())[turn % len(workers)], signal.SIGKILL)
            kills += 1
        time.sleep(0.5)
    over.set()
    for asker in askers:
        asker.join()

    assert counts["refused"] == 0
    assert kills >= 8
    # One request a caller at most can be under way when a worker dies.
    assert counts["broken"] <= kills * len(askers)
    assert counts["answered"] > 100
    assert server.stop() == 0


def test_connections_wait_while_the_only_worker_is_replaced(front):
    server = front(workers=1, load_seconds=0.3)
    server.wait_for("worker_ready")
    os.kill(server.workers()[0], signal.SIGKILL)
    server.wait_for("worker_died")

    start = time.monotonic()
    status, _ = server.ask()

    # It is not told 503, as it would be from a worker that answers while it loads.
    assert status == 200
    assert time.monotonic() - start > 0.1


def test_a_worker_that_keeps_dying_is_replaced_later_and_later(front):
    server = front(workers=1)
    server.wait_for("worker_ready")

    for count in range(2, 7):
        os.kill(server.workers()[0], signal.SIGKILL)
        server.wait_for("worker_ready", count)

    delays = [event["restart_seconds"] for event in server.events("worker_died")]
    assert delays == [0.0, 0.1, 0.2, 0.4, 0.8]
    downs = [event["down_seconds"] for event in server.events("worker_ready")[1:]]
    for down, delay in zip(downs, delays, strict=True):
        assert delay <= down < delay + 1.0


@pytest.mark.parametrize(("given", "told"), [(9, ("status", 9)), (0, ("status", 0))])
def test_a_worker_that_ends_by_itself_is_replaced_whatever_its_status(front, given, told):
    server = front(workers=1, stop_status=given)
    server.wait_for("worker_ready")

    os.kill(server.workers()[0], signal.SIGTERM)
    server.wait_for("worker_ready", 2)

    name, value = told
    assert server.events("worker_died")[0][name] == value
    assert server.ask()[0] == 200


def test_a_slot_is_told_before_it_is_filled_again(front, tmp_path):
    server = front(workers=2, deaths=str(tmp_path / "deaths"))
    server.wait_for("worker_ready", 2)

    os.kill(server.workers()[1], signal.SIGKILL)
    server.wait_for("worker_ready", 3)

    assert (tmp_path / "deaths").read_text() == "1\n"


def test_nobody_gives_way_to_a_worker_that_is_dead(front):
    server = front(workers=2, load_seconds=1.0)
    server.wait_for("worker_ready", 2)

    os.kill(server.workers()[1], signal.SIGKILL)
    server.wait_for("worker_died")

    assert server.ask("/counts")[1].endswith(" None")


def test_an_unusable_model_is_told_and_ends_the_server_with_status_3(front, tmp_path):
    broken = tmp_path / "broken"
    broken.touch()
    server = front(unusable_file=str(broken), failure_seconds=0.5)

    until = time.monotonic() + 10
    while server.ask() == (503, "loading"):
        assert time.monotonic() < until

    assert server.ask() == (503, "failed: the file is broken")
    assert server.process.wait(20) == 3
    assert server.events("worker_died") == []


def test_a_first_load_that_kills_its_process_is_given_up_after_3(front):
    server = front(crash="kill", failure_seconds=0.5)

    server.wait_for("model_unusable")
    told = server.ask()

    assert told == (503, "failed: 3 processes died while they loaded the model")
    assert server.process.wait(20) == 3
    assert [event["signal"] for event in server.events("worker_died")] == ["SIGKILL"] * 3


def test_a_fault_of_a_worker_is_in_the_log(front):
    server = front(crash="raise", failure_seconds=0)

    assert server.process.wait(20) == 3
    assert "RuntimeError: a fault of the worker" in server.events("worker_failed")[0]["trace"]
    assert server.events("worker_died")[0]["status"] == 70


@pytest.mark.parametrize("status", [2, 4])
def test_a_status_that_would_come_again_ends_the_server(front, status):
    server = front(crash=status)

    assert server.process.wait(20) == status


def test_a_model_that_broke_after_it_was_served_is_told_when_nobody_else_serves(front, tmp_path):
    broken = tmp_path / "broken"
    server = front(workers=1, unusable_file=str(broken), failure_seconds=0.5)
    server.wait_for("worker_ready")
    broken.touch()

    os.kill(server.workers()[0], signal.SIGKILL)
    told = server.ask()

    assert told == (503, "failed: the file is broken")
    assert server.process.wait(20) == 3


def test_a_model_that_broke_does_not_end_workers_that_serve_it(front, tmp_path):
    broken = tmp_path / "broken"
    server = front(workers=2, unusable_file=str(broken))
    server.wait_for("worker_ready", 2)
    broken.touch()

    os.kill(server.workers()[1], signal.SIGKILL)
    server.wait_for("worker_died", 3)
    answers = {server.ask() for _ in range(20)}
    broken.unlink()
    server.wait_for("worker_ready", 3)

    assert answers == {(200, str(server.workers()[0]))}
    assert server.events("worker_died")[1]["status"] == 3


def test_no_process_is_left_when_the_front_is_killed(front):
    server = front(workers=2)
    server.wait_for("worker_ready", 2)
    workers = list(server.workers().values())
    blocked = server.connect()
    server.send(blocked, "/block")  # a worker that would heed no signal that it may handle

    server.process.kill()
    server.process.wait()

    server.wait_until_gone(*workers, seconds=2)
    with blocked, pytest.raises(ConnectionError):  # closed, or reset
        server.answer(blocked)


def test_where_the_kernel_does_not_tell_workers_the_end_of_their_channel_does(front):
    server = front(workers=3, silent_kernel=True)
    server.wait_for("worker_ready", 3)
    *others, last = server.workers().values()
    held = []
    while not held or server.ask_over(held[-1]) != (200, str(last)):
        held.append(server.connect())
    # It was forked last, hangs, and must not hold the ends of the other workers' channels.
    server.send(held[-1], "/block")

    server.process.kill()
    server.process.wait()

    server.wait_until_gone(*others, seconds=2)
    assert not server.gone(last)
    os.kill(last, signal.SIGKILL)
    for raw in held:
        raw.close()


def test_no_zombie_is_left_of_workers_or_of_what_they_leave_behind(front):
    server = front(workers=1, subreaper=True)
    server.wait_for("worker_ready")

    orphan = int(server.ask("/orphan")[1])
    adopted = psutil.Process(orphan).ppid()
    os.kill(server.workers()[0], signal.SIGKILL)
    server.wait_for("worker_ready", 2)
    until = time.monotonic() + 5
    while psutil.pid_exists(orphan):
        assert time.monotonic() < until
        time.sleep(0.02)

    assert adopted == server.pid
    children = psutil.Process(server.pid).children()
    assert [child.status() for child in children if child.status() == "zombie"] == []


def test_all_workers_may_die_at_once(front):
    server = front(workers=2)
    server.wait_for("worker_ready", 2)

    for pid in server.workers().values():
        os.kill(pid, signal.SIGKILL)
    status, _ = server.ask()
    server.wait_for("worker_ready", 4)

    assert status == 200
    assert server.stop() == 0
