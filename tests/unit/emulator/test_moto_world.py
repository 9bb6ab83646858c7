"""What moto's modules see instead of Python's time and chance."""

import datetime as dt
import os
import random
import time
import types
import uuid

import pytest

from modelway.emulator.clock import Clock
from modelway.emulator.moto_world import MotoWorld

AT = 1_700_000_000.0


@pytest.fixture
def clock():
    return Clock(origin=5000.0)


@pytest.fixture
def world(clock):
    return MotoWorld(clock, birth=AT)


@pytest.fixture
def module(world):
    module = types.ModuleType("moto.example")
    module.datetime = dt.datetime
    module.dt = dt
    module.time = time
    module.now = time.time
    module.os = os
    module.uuid4 = uuid.uuid4
    module.random = random
    world.enter(module)
    return module


def test_every_spelling_of_now_is_virtual(module, clock):
    with clock.pinned(AT):
        assert module.datetime.now(dt.UTC).timestamp() == AT
        assert module.dt.datetime.now(dt.UTC).timestamp() == AT
        assert module.datetime.utcnow() == dt.datetime(2023, 11, 14, 22, 13, 20)  # noqa: DTZ001
        assert module.datetime.now() == dt.datetime(2023, 11, 14, 22, 13, 20)  # noqa: DTZ001
        assert module.time.time() == AT
        assert module.now() == AT


def test_the_other_names_of_a_module_stay(module):
    assert module.dt.timedelta is dt.timedelta
    assert module.os.path is os.path
    assert module.time.sleep is time.sleep


def test_times_made_are_ordinary_datetimes(module):
    made = module.datetime(2024, 2, 3, tzinfo=dt.UTC)
    parsed = module.datetime.strptime("2024-02-03", "%Y-%m-%d")
    stamped = module.datetime.fromtimestamp(AT, dt.UTC)

    assert {type(made), type(parsed), type(stamped)} == {dt.datetime}
    assert isinstance(made, module.datetime)
    assert isinstance(dt.datetime.now(dt.UTC), module.datetime)


def test_the_same_seed_gives_the_same_ids_keys_and_times(module, world):
    def draw():
        return module.uuid4(), module.os.urandom(16), module.random.randint(0, 10**9), module.now()

    with world.exact(7, AT):
        first = draw()
    with world.exact(7, AT):
        second = draw()
    with world.exact(8, AT):
        other = draw()

    assert first == second
    assert first[3] == AT
    assert other[:3] != first[:3]


def test_what_is_drawn_outside_is_not_repeated_by_a_seed_inside(module, world):
    before = module.uuid4()
    with world.exact(7, AT):
        module.uuid4()
    first = module.uuid4()
    with world.exact(7, AT):
        module.uuid4()

    assert len({before, first, module.uuid4()}) == 3


def test_pythons_own_modules_are_untouched(module):
    assert dt.datetime.now(dt.UTC).timestamp() > AT
    assert time.time() > AT
    assert module.now is not time.time
