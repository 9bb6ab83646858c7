"""Counters of several real processes, some of them killed."""

import os
import signal
import threading
import time
import traceback
import zlib

import pytest

from model_server.observe.families import BATCH_ROWS, DURATION, ERRORS, IN_FLIGHT, REQUESTS
from model_server.observe.metrics import Metrics
from model_server.observe.scoreboard import Scoreboard
from model_server.observe.snapshot import Snapshot, decode, encode

REQUEST = (REQUESTS.name, "rest", "/x", "m", "200")


def fork(work):
    """Run `work` in a forked process and give its id."""
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            work()
            status = 0
        except BaseException:  # noqa: BLE001  # the fork must never go on as pytest
            traceback.print_exc()
        finally:
            os._exit(status)
    return pid


def ended(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def count(metrics, number, seconds=0.003):
    child = metrics.request_child("rest", "/x", "m")
    for _ in range(number):
        child.observe(200, seconds, "r-1")


def requests_of(metrics):
    return metrics.totals().series.get(REQUEST, [0.0])[0]


def test_a_scrape_at_any_worker_adds_up_all_workers():
    board = Scoreboard(3)

    def work(slot, number):
        metrics = Metrics(board, slot)
        count(metrics, number)
        metrics.publish()

    statuses = [ended(fork(lambda slot=slot: work(slot, 10 + slot))) for slot in (1, 2)]
    mine = Metrics(board, 0)
    count(mine, 5)

    assert statuses == [0, 0]
    assert requests_of(mine) == 28
    duration = mine.totals().series[DURATION.name, "/x", "m"]
    assert sum(duration[:-1]) == 28
    assert duration[-1] == pytest.approx(28 * 0.003)


def test_a_killed_worker_leaves_what_it_published_and_its_gauges_end_with_it():
    board = Scoreboard(2)
    ready, told = os.pipe()

    def work():
        metrics = Metrics(board, 1)
        metrics.add_source(IN_FLIGHT, lambda: 4)
        count(metrics, 100)
        metrics.error("m", "overloaded")
        metrics.publish()
        os.write(told, b".")
        signal.pause()

    pid = fork(work)
    assert os.read(ready, 1) == b"."
    mine = Metrics(board, 0)
    count(mine, 1)
    alive = mine.totals()

    os.kill(pid, signal.SIGKILL)
    assert ended(pid) == -signal.SIGKILL
    unretired = mine.totals()
    board.retire(1)
    after = mine.totals()
    os.close(ready)
    os.close(told)

    assert alive.series[REQUEST] == unretired.series[REQUEST] == after.series[REQUEST] == [101.0]
    assert after.series[ERRORS.name, "m", "overloaded"] == [1.0]
    assert alive.series[IN_FLIGHT.name,] == [4.0]
    assert (IN_FLIGHT.name,) not in after.series
    assert after.series["model_server_worker_restarts",] == [1.0]


def test_the_next_worker_of_a_slot_adds_to_what_the_last_one_left():
    board = Scoreboard(1)

    def work():
        metrics = Metrics(board, 0)
        count(metrics, 10)
        metrics.publish()

    for _ in range(3):
        assert ended(fork(work)) == 0
        board.retire(0)
    mine = Metrics(board, 0)
    count(mine, 1)

    assert requests_of(mine) == 31
    assert board.restarts == 3


def test_a_worker_that_was_told_to_stop_is_kept_and_not_counted_as_restarted():
    board = Scoreboard(1)
    first = Metrics(board, 0)
    count(first, 10)
    first.publish()

    board.retire(0, restarted=False)

    assert board.restarts == 0
    assert requests_of(Metrics(board, 0)) == 10


def test_counters_never_fall_while_workers_publish_and_are_killed_in_the_middle_of_it():
    board = Scoreboard(3)

    def work(slot):
        metrics = Metrics(board, slot)
        while True:
            count(metrics, 7)
            metrics.publish()

    workers = {slot: fork(lambda slot=slot: work(slot)) for slot in (1, 2)}
    mine = Metrics(board, 0)
    seen = []
    end = time.monotonic() + 60
    kill = time.monotonic() + 0.1
    try:
        # As often, not as long: forks of a large test process take their time on a busy machine.
        while board.restarts < 10 or len(seen) <= 200 or seen[-1] == seen[0]:
            assert time.monotonic() < end, (board.restarts, len(seen))
            seen.append(requests_of(mine))
            if time.monotonic() > kill:
                slot = 1 + len(seen) % 2
                os.kill(workers[slot], signal.SIGKILL)
                ended(workers[slot])
                seen.append(requests_of(mine))
                board.retire(slot)
                seen.append(requests_of(mine))
                workers[slot] = fork(lambda slot=slot: work(slot))
                kill = time.monotonic() + 0.1
    finally:
        for pid in workers.values():
            os.kill(pid, signal.SIGKILL)
            ended(pid)

    assert seen == sorted(seen)


def test_a_reader_in_another_process_never_sees_a_worker_twice_or_not_at_all_while_it_is_retired():
    board = Scoreboard(2)
    wrong, told = os.pipe()

    def watch():
        # Slot 1 always holds 10, and each retirement adds 10: the total is a whole number of
        # steps, and never below the one before.
        last = 0
        end = time.monotonic() + 2
        while time.monotonic() < end:
            total = sum(decode(data).series.get(REQUEST, [0.0])[0] for data in board.read_all())
            if total < last or total % 10:
                os.write(told, f"{last}->{total} ".encode())
            last = total

    pid = fork(watch)
    rounds = 0
    end = time.monotonic() + 1.8
    data = encode(Snapshot({REQUEST: [10.0]}), board.capacity)
    while time.monotonic() < end:
        board.publish(1, data)
        board.retire(1)
        rounds += 1
    assert ended(pid) == 0
    os.close(told)
    with os.fdopen(wrong, "rb") as pipe:
        assert pipe.read() == b""
    assert rounds > 100


def test_a_reader_waits_while_a_worker_is_being_retired():
    board = Scoreboard(1)
    board.publish(0, encode(Snapshot({REQUEST: [10.0]}), board.capacity))
    seen = []
    reader = threading.Thread(
        target=lambda: seen.extend(decode(data).series[REQUEST][0] for data in board.read_all())
    )
    write = board._write

    def write_and_let_others_read(area, data):
        write(area, data)
        reader.start()
        time.sleep(0.005)  # now the worker is in its slot and among those that ended

    board._write = write_and_let_others_read
    board.retire(0)
    reader.join()

    assert seen == [10.0]


def test_a_half_that_is_being_written_is_never_read():
    board = Scoreboard(1, 16384)
    board.publish(0, b"first")
    area = board._areas[0]

    # What a process killed in the middle of its next snapshot leaves behind.
    board._map[area + 20 : area + 40] = b"x" * 20

    assert board.read(0) == b"first"


def test_a_snapshot_that_is_damaged_is_left_out():
    board = Scoreboard(1, 16384)
    board.publish(0, b"first")
    start = board._areas[0] + board._halves[board._areas[0]]
    assert board._map[start + 8 : start + 13] == b"first"

    board._map[start + 8 : start + 9] = b"F"

    assert board.read(0) is None
    assert board.read_all() == []


def test_a_snapshot_over_the_slot_is_refused_and_the_last_one_stays():
    board = Scoreboard(1, 16384)
    board.publish(0, b"first")

    with pytest.raises(ValueError, match="over a slot's 8184"):
        board.publish(0, b"x" * 8185)
    board.publish(0, b"x" * 8184)

    assert zlib.crc32(board.read(0)) == zlib.crc32(b"x" * 8184)


def test_more_slots_than_fit_are_refused():
    with pytest.raises(ValueError, match="504 slots"):
        Scoreboard(504, 16384)


def test_a_snapshot_comes_back_as_it_went_in():
    snapshot = Snapshot(
        {REQUEST: [3.0], (BATCH_ROWS.name, "m"): [float(n) for n in range(15)]},
        {(BATCH_ROWS.name, "m"): {2: ("r-1", "t-1", 4.0, 1.5)}},
    )

    assert decode(encode(snapshot, 10_000)) == snapshot


def test_a_small_slot_counts_in_other_what_has_no_room():
    board = Scoreboard(1, 16384)
    metrics = Metrics(board, 0)
    for number in range(500):
        metrics.request_child("rest", "/x", f"model-{number}").observe(200, 0.003, "r-1")

    series = metrics.totals().series

    counts = {key: value[0] for key, value in series.items() if key[0] == REQUESTS.name}
    assert sum(counts.values()) == 500
    assert counts[REQUESTS.name, "other", "other", "other", "other"] > 300
    durations = [sum(v[:-1]) for key, v in series.items() if key[0] == DURATION.name]
    assert sum(durations) == 500


def test_the_totals_of_ended_workers_with_ever_new_names_stay_bounded_and_lose_no_count():
    board = Scoreboard(1, 16384)
    for worker in range(20):
        metrics = Metrics(board, 0)
        for number in range(30):
            metrics.request_child("rest", "/x", f"m-{worker}-{number}").observe(200, 0.003)
        metrics.publish()
        board.retire(0)

    series = Metrics(board, 0).totals().series

    assert sum(value[0] for key, value in series.items() if key[0] == REQUESTS.name) == 600
