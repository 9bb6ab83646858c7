"""Replicas are killed once, when it is due and the fleet stands."""

from types import SimpleNamespace

import pytest

from modelway.emulator.faults.crashes import Crashes, Placed
from modelway.emulator.hosting.replica import State


def placed(endpoint="fraud", config="one", state=State.HEALTHY):
    killed = []
    running = SimpleNamespace(kill=lambda: killed.append(True))
    return Placed(endpoint, config, SimpleNamespace(state=state, running=running, killed=killed))


@pytest.fixture
def fleet():
    return []


@pytest.fixture
def crashes(world, fleet):
    return Crashes(world.registry, lambda: fleet)


def killed(fleet):
    return [len(each.replica.killed) for each in fleet]


def test_as_many_as_asked_are_killed_once_when_it_is_due(crashes, fleet, add, world, hand):
    fleet += [placed(), placed(), placed()]
    add("replica-crash", count=2, after_seconds=60)

    crashes.step()
    assert killed(fleet) == [0, 0, 0]

    hand.set(60)
    crashes.step()
    crashes.step()

    assert killed(fleet) == [1, 1, 0]
    assert world.registry.describe()[0]["state"] == "ended"
    assert world.registry.describe()[0]["hits"] == 2
    assert world.told == [("", "replica-crash", "begins"), ("", "replica-crash", "ends")]


def test_only_the_fleet_that_is_meant_is_hit(crashes, fleet, add, world):
    fleet += [placed("other", "two"), placed("fraud", "one"), placed("fraud", "two")]
    add("replica-crash", endpoint="fraud", fleet="new", count=5)
    world.registry.update_begins("fraud", "one", "two")

    crashes.step()

    assert killed(fleet) == [0, 0, 1]


def test_a_fleet_that_comes_up_is_waited_for(crashes, fleet, add):
    fleet += [placed(), placed(state=State.STARTING)]
    add("replica-crash", count=2)

    crashes.step()
    assert killed(fleet) == [0, 0]

    fleet[1].replica.state = State.HEALTHY
    crashes.step()
    assert killed(fleet) == [1, 1]


def test_a_crash_that_never_found_anybody_ends_with_its_time(crashes, fleet, add, hand, world):
    add("replica-crash", for_seconds=60)
    crashes.step()
    hand.set(60)
    fleet += [placed()]

    crashes.step()

    assert killed(fleet) == [0]
    assert world.told[-1] == ("", "replica-crash", "ends")
