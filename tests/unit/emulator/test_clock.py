"""The virtual clock."""

import threading
import time
from datetime import datetime

import pytest

from modelway.emulator.clock import Clock


def test_a_scale_of_a_thousand_makes_ten_milliseconds_ten_seconds():
    clock = Clock(time_scale=1000, origin=5000.0)

    time.sleep(0.01)

    assert 5010 <= clock.now() < 5000 + 60_000


def test_the_clock_goes_on_from_its_origin():
    assert 1_800_000_000 <= Clock(origin=1_800_000_000.0).now() < 1_800_000_010


def test_a_scale_of_zero_is_refused_by_name():
    with pytest.raises(ValueError, match="time_scale is 0; it must be above 0"):
        Clock(time_scale=0)


def test_a_pinned_clock_stands_for_its_own_thread_only():
    clock = Clock(origin=5000.0)
    seen = []

    with clock.pinned(17.0):
        other = threading.Thread(target=lambda: seen.append(clock.now()))
        other.start()
        other.join()
        inside = clock.now()

    assert inside == 17.0
    assert seen[0] >= 5000
    assert clock.now() >= 5000


def test_times_for_moto_are_naive_and_utc():
    clock = Clock()

    with clock.pinned(1_700_000_000.0):
        assert clock.utcnow() == datetime(2023, 11, 14, 22, 13, 20)  # noqa: DTZ001 - as moto's


def test_a_wait_is_as_much_shorter_as_the_clock_is_faster():
    assert Clock(time_scale=60).real_seconds(600) == 10
