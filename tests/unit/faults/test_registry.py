"""Which faults hold: by time, by endpoint, by fleet."""

import pytest

from modelway.emulator.faults.model import CrashLoop, Errors, MetricsMissing, Throttling
from modelway.emulator.faults.schedule import Update


def holds(world, endpoint="fraud", config="one"):
    return any(world.registry.on_fleet(CrashLoop, endpoint, config))


def state(world):
    return [each["state"] for each in world.registry.describe()]


def test_a_fault_holds_from_its_beginning_for_as_long_as_asked(world, add, hand):
    add("crash-loop", after_seconds=60, for_seconds=30)
    held = {}
    for seconds in (0, 59.9, 60, 89.9, 90):
        hand.set(seconds)
        held[seconds] = holds(world)

    assert held == {0: False, 59.9: False, 60: True, 89.9: True, 90: False}
    assert state(world) == ["ended"]


def test_a_fault_without_an_end_holds_until_it_is_removed(world, add, hand):
    number = add("crash-loop")
    hand.set(1_000_000)

    assert holds(world)
    assert world.registry.remove(number) == [number]
    assert not holds(world)
    assert world.registry.describe() == []


def test_a_fault_is_about_its_endpoint_and_configuration_only(world, add):
    add("crash-loop", endpoint="fraud", fleet="one")

    assert holds(world, "fraud", "one")
    assert not holds(world, "fraud", "two")
    assert not holds(world, "other", "one")


def test_without_an_endpoint_every_endpoint_is_meant(world, add):
    add("crash-loop")

    assert holds(world, "fraud", "one")
    assert holds(world, "other", "two")


@pytest.mark.parametrize(("fleet", "met", "spared"), [("new", "two", "one"), ("old", "one", "two")])
def test_new_and_old_are_of_the_update_under_way(world, add, fleet, met, spared):
    world.updates["fraud"] = Update(old="one", new="two")

    add("crash-loop", endpoint="fraud", fleet=fleet)

    assert holds(world, "fraud", met)
    assert not holds(world, "fraud", spared)
    assert world.registry.describe()[0]["configs"] == {"fraud": met}


@pytest.mark.parametrize(("fleet", "met", "spared"), [("new", "two", "one"), ("old", "one", "two")])
def test_without_an_update_new_and_old_are_of_the_next_one(world, add, hand, fleet, met, spared):
    add("crash-loop", endpoint="fraud", fleet=fleet)
    assert state(world) == ["waiting"]
    assert not holds(world, "fraud", met)
    assert world.registry.describe()[0]["begins_at"] is None

    hand.set(100)
    world.registry.update_begins("other", "one", "two")
    assert state(world) == ["waiting"]
    world.registry.update_begins("fraud", "one", "two")

    assert holds(world, "fraud", met)
    assert not holds(world, "fraud", spared)


def test_new_stays_the_fleet_of_its_update_when_another_update_follows(world, add):
    add("crash-loop", fleet="new")
    world.registry.update_begins("fraud", "one", "two")
    world.registry.update_begins("fraud", "one", "three")

    assert holds(world, "fraud", "two")
    assert not holds(world, "fraud", "three")


def test_a_fault_of_new_never_begins_before_its_update_and_lasts_from_there(world, add, hand):
    add("crash-loop", fleet="new", after_seconds=10, for_seconds=30)
    hand.set(100)
    world.registry.update_begins("fraud", "one", "two")
    assert holds(world, "fraud", "two")

    hand.set(129)
    assert holds(world, "fraud", "two")
    hand.set(130)
    assert not holds(world, "fraud", "two")


def test_beginning_and_end_are_announced_once_each(world, add, hand):
    add("crash-loop", endpoint="fraud", after_seconds=10, for_seconds=10)
    add("throttling", for_seconds=5)
    for seconds in (0, 5, 5, 10, 15, 20, 25):
        hand.set(seconds)
        world.registry.turn()

    assert world.told == [
        ("", "throttling", "begins"),
        ("", "throttling", "ends"),
        ("fraud", "crash-loop", "begins"),
        ("fraud", "crash-loop", "ends"),
    ]


def test_a_fault_that_nobody_looked_at_is_announced_all_the_same(world, add, hand):
    add("crash-loop", after_seconds=10, for_seconds=10)
    hand.set(100)
    world.registry.turn()

    assert [action for _, _, action in world.told] == ["begins", "ends"]


def test_a_fault_removed_before_it_began_is_not_announced(world, add):
    add("crash-loop", after_seconds=10)
    add("crash-loop", fleet="new")

    assert world.registry.remove() == [1, 2]
    assert world.told == []


def test_removing_a_fault_that_is_not_there_names_those_that_are(world, add):
    add("crash-loop")
    add("crash-loop")

    with pytest.raises(LookupError) as caught:
        world.registry.remove(7)

    assert str(caught.value) == "there is no fault 7; there are: 1, 2"


@pytest.mark.parametrize(
    ("percent", "taken"),
    [(100, "1111111111"), (50, "0101010101"), (25, "0001000100"), (30, "0001001001")],
)
def test_a_percentage_is_spread_evenly_and_the_same_way_each_time(world, add, percent, taken):
    add("errors", percent=percent)
    ((fault, request),) = world.registry.active(Errors)

    found = [world.registry.takes(fault, request.percent) for _ in range(10)]

    assert "".join(str(int(each)) for each in found) == taken
    assert world.registry.describe()[0]["hits"] == taken.count("1")


def test_a_share_of_a_percent_is_exact_over_a_thousand(world, add):
    add("throttling", percent=0.3)
    ((fault, request),) = world.registry.active(Throttling)

    assert sum(world.registry.takes(fault, request.percent) for _ in range(1000)) == 3


def test_only_the_newest_ended_faults_are_listed(world, add, hand):
    for _ in range(105):
        add("crash-loop", for_seconds=1)
    hand.set(2)
    add("slow", delay_ms=1)

    listed = [each["id"] for each in world.registry.describe()]
    assert listed == list(range(6, 107))


def test_a_fault_describes_itself(world, add):
    add("slow", endpoint="fraud", delay_ms=300, for_seconds=60)

    assert world.registry.describe() == [
        {
            "id": 1,
            "kind": "slow",
            "state": "active",
            "begins_at": 1_000_000.0,
            "ends_at": 1_000_060.0,
            "hits": 0,
            "after_seconds": 0.0,
            "for_seconds": 60,
            "endpoint": "fraud",
            "fleet": "any",
            "delay_ms": 300,
        }
    ]


def test_a_reset_forgets_faults_and_silences(world, add, hand):
    add("metrics-missing")
    hand.set(60)
    world.registry.reset()

    assert world.registry.describe() == []
    assert list(world.registry.active(MetricsMissing)) == []
    assert world.registry.measured("fraud", 1_000_030.0, 1_000_100.0)


def test_a_silence_stays_in_the_past_when_its_fault_is_removed(world, add, hand):
    add("metrics-missing", endpoint="fraud")
    hand.set(60)
    world.registry.remove()
    far = 1_000_000.0 + 86_400

    assert not world.registry.measured("fraud", 1_000_030.0, far)
    assert world.registry.measured("fraud", 1_000_060.0, far)
    assert world.registry.measured("other", 1_000_030.0, far)


def test_a_delay_ends_and_one_fleets_silence_is_not_the_variants(world, add):
    add("metrics-delayed", delay_seconds=120)
    add("metrics-missing", fleet="two")

    assert not world.registry.measured("fraud", 1_000_000.0, 1_000_119.0)
    assert world.registry.measured("fraud", 1_000_000.0, 1_000_120.0)
