"""When a worker that died is replaced."""

import pytest

from model_server.process.slot import Slot, restart_delay


class NoPipe:
    def close(self):
        pass


def died(slot, now, lived):
    slot.filled(1, NoPipe(), now - lived, answers_while_loading=False)
    slot.emptied(now)
    return slot.restart(now)


@pytest.mark.parametrize(
    ("deaths", "seconds"),
    [(1, 0.0), (2, 0.1), (3, 0.2), (4, 0.4), (5, 0.8), (6, 1.6), (7, 3.2), (8, 4.0), (10**6, 4.0)],
)
def test_the_wait_doubles_up_to_4_seconds(deaths, seconds):
    assert restart_delay(deaths) == pytest.approx(seconds)


def test_a_worker_killed_every_10_seconds_is_always_replaced_at_once():
    slot = Slot(0)

    assert [died(slot, now, 10.0) for now in (10.0, 20.0, 30.0, 40.0)] == [0.0] * 4
    assert slot.due == 40.0


def test_a_worker_that_lived_for_5_seconds_ends_a_row_of_quick_deaths():
    slot = Slot(0)

    delays = [died(slot, 100.0, lived) for lived in (1.0, 1.0, 1.0, 4.9, 5.0, 1.0)]

    assert delays == pytest.approx([0.0, 0.1, 0.2, 0.4, 0.0, 0.1])


def test_a_replacement_begins_with_a_clean_slate():
    slot = Slot(3)
    slot.filled(1, NoPipe(), 0.0, answers_while_loading=True)
    slot.ready = True
    slot.failure, slot.lost = "broken", 7
    slot.emptied(9.0)

    slot.filled(2, NoPipe(), 10.0, answers_while_loading=False)

    assert (slot.ready, slot.failure, slot.lost) == (False, None, 0)
    assert (slot.pid, slot.died, slot.due) == (2, 9.0, None)
