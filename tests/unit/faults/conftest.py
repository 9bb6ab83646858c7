"""Faults under a clock that stands still until it is told to move."""

import json
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from modelway.emulator.clock import Clock
from modelway.emulator.faults.registry import FaultRegistry
from modelway.emulator.faults.request import parse
from modelway.emulator.faults.schedule import Update

START = 1_000_000.0


class Hand:
    """Moves a clock's time by hand, within one thread."""

    def __init__(self) -> None:
        self.clock = Clock(origin=START)
        self._pin: Any = None
        self.set(0.0)

    def set(self, seconds: float) -> None:
        """Let it be so many virtual seconds after the start."""
        self.release()
        self._pin = self.clock.pinned(START + seconds)
        self._pin.__enter__()

    def release(self) -> None:
        if self._pin is not None:
            self._pin.__exit__(None, None, None)
            self._pin = None


@pytest.fixture
def hand() -> Iterator[Hand]:
    made = Hand()
    yield made
    made.release()


@pytest.fixture
def world(hand: Hand) -> SimpleNamespace:
    """A registry with `updates` that are under way and `told`, what it announced."""
    updates: dict[str, Update] = {}
    told: list[tuple[str, str, str]] = []
    registry = FaultRegistry(hand.clock, lambda: updates, lambda *announced: told.append(announced))
    return SimpleNamespace(registry=registry, updates=updates, told=told)


@pytest.fixture
def add(world: SimpleNamespace) -> Callable[..., int]:
    """Add a fault as over HTTP: its kind and fields."""

    def adding(kind: str, **fields: Any) -> int:
        return world.registry.add(parse(json.dumps({"kind": kind, **fields}).encode()))

    return adding
