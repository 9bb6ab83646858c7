"""How the time of an update is counted when the clock runs fast."""

import time

from modelway.emulator.clock import Clock
from modelway.emulator.hosting.time_limit import TimeLimit


def test_waits_count_in_virtual_time():
    clock = Clock(time_scale=1000.0)
    limit = TimeLimit(clock, 600.0)

    time.sleep(0.1)

    assert limit.left_seconds <= 500


def test_the_start_of_processes_counts_in_real_time():
    clock = Clock(time_scale=1000.0)
    limit = TimeLimit(clock, 600.0)

    with limit.process_time():
        time.sleep(0.5)
        during = limit.left_seconds
    after = limit.left_seconds

    # By the clock, half a second is 500 s. The room between is for a machine that stands still.
    assert 100 < after <= during < 599.6


def test_without_a_limit_time_never_runs_out():
    assert TimeLimit(Clock(), None).left_seconds == float("inf")
