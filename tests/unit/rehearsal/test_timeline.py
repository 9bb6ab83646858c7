"""The timeline: events in order, and actions at their moments. The emulator here is a list."""

import threading
import time

import pytest

from modelway.errors import EmulatorNotRunning, RehearsalError
from modelway.rehearsal.moment import Moment
from modelway.rehearsal.record import Event
from modelway.rehearsal.timeline import Timeline
from modelway.rehearsal.virtual_clock import VirtualClock


class Emulator:
    """Gives what was told since the last look."""

    def __init__(self):
        self.clock = VirtualClock(1000.0, time.monotonic(), 60.0)
        self.told, self.dead = [], False

    def tell(self, kind, **data):
        self.told.append(Event(self.clock.now(), kind, kind, data))

    def fetch(self):
        if self.dead:
            raise EmulatorNotRunning("gone")
        told, self.told = self.told, []
        return told


@pytest.fixture
def emulator():
    return Emulator()


@pytest.fixture
def timeline(emulator):
    made = Timeline(emulator.fetch, emulator.clock)
    made.start()
    yield made
    made.stop()


def test_events_come_in_order_with_the_rehearsals_own(emulator, timeline):
    timeline.add("up-started", "pulumi up")
    emulator.tell("update-started", config="b")
    timeline.synchronize()

    assert [event.kind for event in timeline.since()] == ["up-started", "update-started"]
    assert [event.kind for event in timeline.since(1)] == ["update-started"]


def test_an_action_waits_for_its_event_and_runs_once(emulator, timeline):
    done = []
    came = threading.Event()
    timeline.when(Moment(event="traffic"), lambda: (done.append(1), came.set()))

    emulator.tell("bake-started")
    timeline.synchronize()
    assert done == []

    emulator.tell("traffic")
    emulator.tell("traffic")
    assert came.wait(2)
    time.sleep(0.15)
    assert done == [1]


def test_events_before_do_not_count(emulator, timeline):
    emulator.tell("traffic")
    timeline.synchronize()
    done = []

    timeline.when(Moment(event="traffic"), lambda: done.append(1))
    timeline.synchronize()
    time.sleep(0.15)

    assert done == []


def test_events_before_count_from_the_one_that_is_named(emulator, timeline):
    emulator.tell("scaled", to=2)
    emulator.tell("promoted")
    timeline.synchronize()
    after = len(timeline.since())

    with pytest.raises(RehearsalError, match="waiting for `scaled`"):
        timeline.wait_for(Moment(event="scaled"), 0.2, first=after)
    emulator.tell("scaled", to=3)
    timeline.synchronize()
    timeline.wait_for(Moment(event="scaled"), 2, first=after)
    with pytest.raises(RehearsalError, match="waiting for `scaled`"):
        timeline.wait_for(Moment(event="scaled"), 0.2)


def test_the_events_data_must_hold_what_the_moment_names(emulator, timeline):
    came = threading.Event()
    timeline.when(Moment(event="alarm", data={"to": "ALARM"}), came.set)

    emulator.tell("alarm", name="a", to="OK")
    timeline.synchronize()
    assert not came.wait(0.15)

    emulator.tell("alarm", name="a", to="ALARM")
    assert came.wait(2)


def test_virtual_seconds_after_an_event_are_waited_at_the_time_scale(emulator, timeline):
    came = threading.Event()
    timeline.when(Moment(event="traffic", after_seconds=30), came.set)
    began = time.monotonic()

    emulator.tell("traffic")

    assert came.wait(5)
    assert time.monotonic() - began >= 0.5


def test_who_counts_the_seconds_himself_is_called_at_the_event(emulator, timeline):
    came = threading.Event()
    timeline.when(Moment(event="traffic", after_seconds=36_000), came.set, at_event=True)

    emulator.tell("traffic")

    assert came.wait(2)


def test_an_event_of_its_own_acts_before_add_returns(timeline):
    done = []
    timeline.when(Moment(event="step-started"), lambda: done.append(1))

    timeline.add("step-started", "now")

    assert done == [1]


def test_a_moment_that_does_not_come_is_told_with_what_came(emulator, timeline):
    emulator.tell("update-started")
    timeline.synchronize()

    with pytest.raises(RehearsalError, match=r"waiting for `alarm`: .* it had: update-started"):
        timeline.wait_for(Moment(event="alarm"), 0.2)


def test_what_its_data_should_have_held_is_told_too(emulator, timeline):
    emulator.tell("scaled", to=3)
    timeline.synchronize()

    with pytest.raises(RehearsalError, match=r"waiting for `scaled` \(to: 2\): .*had: scaled"):
        timeline.wait_for(Moment(event="scaled", data={"to": 2}), 0.2)


def test_what_an_action_raises_reaches_whoever_checks(emulator, timeline):
    def fail():
        raise RehearsalError("refused")

    timeline.when(Moment(event="step-started"), fail)
    timeline.add("step-started", "now")

    with pytest.raises(RehearsalError, match="refused"):
        timeline.check()


def test_an_emulator_that_dies_is_noticed(emulator, timeline):
    emulator.dead = True
    time.sleep(0.2)

    with pytest.raises(EmulatorNotRunning):
        timeline.check()
