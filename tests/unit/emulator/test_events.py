"""The list of events that rehearsals and the status page read."""

from modelway.emulator.clock import Clock
from modelway.emulator.events import Events


def test_events_are_numbered_from_zero_and_read_from_any_number_on():
    events = Events(Clock(origin=1000.0))
    for config in ("a", "b", "c"):
        events.add("fraud", "promoted", f"Configuration {config} serves.", config=config)

    found, following = events.since(1)

    assert [(event.n, event.data) for event in found] == [
        (1, {"config": "b"}),
        (2, {"config": "c"}),
    ]
    assert following == 3
    assert events.since(following) == ([], 3)


def test_an_event_says_when_where_and_what():
    clock = Clock(origin=1000.0)
    events = Events(clock)

    with clock.pinned(1060.5):
        events.add("", "fault", "Capacity runs out.", kind="capacity", action="begins")

    assert events.since(0)[0][0].shown() == {
        "n": 0,
        "at": 1060.5,
        "endpoint": "",
        "kind": "fault",
        "text": "Capacity runs out.",
        "data": {"kind": "capacity", "action": "begins"},
    }


def test_the_oldest_events_go_when_there_are_too_many():
    events = Events(Clock(), kept=2)
    for _ in range(5):
        events.add("fraud", "deleted", "It is deleted.")

    found, following = events.since(0)

    assert [event.n for event in found] == [3, 4]
    assert following == 5


def test_numbers_go_on_after_everything_is_forgotten():
    events = Events(Clock())
    events.add("fraud", "deleted", "It is deleted.")

    events.clear()
    events.add("fraud", "deleted", "It is deleted again.")

    assert [event.n for event in events.since(1)[0]] == [1]
