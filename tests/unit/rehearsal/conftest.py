"""A rehearsal that was not run: records of one, made by hand."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from modelway.rehearsal.calls import Call
from modelway.rehearsal.record import Event, Rehearsed, SentCall, UpRecord
from modelway.rehearsal.scenario import Scenario

SPEC = {"name": "greeter", "model": {"path": "m.onnx"}}


@pytest.fixture
def scenario() -> Callable[..., Scenario]:
    """Make a scenario of one change."""

    def make(**parts: Any) -> Scenario:
        return Scenario.model_validate({"name": "try", "spec": SPEC, "change": {}} | parts)

    return make


@pytest.fixture
def call() -> Callable[..., Call]:
    """Make a call that succeeded, or one with an error."""

    def make(at_seconds: float, **parts: Any) -> Call:
        values = {
            "status": 200,
            "latency_ms": 10.0,
            "late_ms": 0.0,
            "variant": "primary",
            "error": "",
            "version": "1",
        }
        return Call(at_seconds=at_seconds, **(values | parts))

    return make


@pytest.fixture
def rehearsed(scenario) -> Callable[..., Rehearsed]:
    """Make a rehearsal of 600 virtual seconds from 1000 on, whose change ended at 1500."""

    def make(
        wanted: dict[str, Any] | None = None,
        *,
        calls: list[tuple[float, Call]] = [],  # noqa: B006 - not changed
        events: list[Event] = [],  # noqa: B006 - not changed
        up: dict[str, Any] | None = None,
        **parts: Any,
    ) -> Rehearsed:
        made = scenario(**(wanted or {}))
        first = UpRecord(None, 0, "", 5.0, 1000.0, 1100.0, (), "", "old", "promoted")
        values = {
            "up": made.change,
            "exit_status": 0,
            "output": "",
            "seconds": 6.0,
            "began": 1100.0,
            "ended": 1500.0,
            "events": tuple(events),
            "config_before": "old",
            "config_after": "new",
            "outcome": "promoted",
        } | (up or {})
        return Rehearsed(
            scenario=made,
            endpoint="greeter-local",
            began=1000.0,
            ended=1600.0,
            seconds=20.0,
            ups=(first, UpRecord(**values)),
            events=tuple(events),
            calls=tuple(SentCall(each, sent) for sent, each in calls),
            instances_at_end=parts.pop("instances_at_end", 1),
            **parts,
        )

    return make


@pytest.fixture
def models() -> Path:
    """The models of the scenarios that ship."""
    from modelway.rehearsal.scenario_file import SHIPPED

    return SHIPPED / "models"
