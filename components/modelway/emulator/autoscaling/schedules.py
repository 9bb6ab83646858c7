"""Which scheduled actions of moto's store have come due.

Takes a store and a span of virtual time; gives the actions that fire in it, with their targets.
Their times are those of `modelway.emulator.autoscaling.schedule`.
"""

from datetime import datetime
from typing import Any

from modelway.emulator.autoscaling.schedule import ScheduleError, parse


def due_actions(backend: Any, since: float, now: float) -> list[tuple[Any, Any]]:
    """Give every (action, target) that fires after `since` and not after `now`, once each."""
    found = list[tuple[Any, Any]]()
    for action in backend.scheduled_actions:
        target = backend.targets.get(action.scalable_dimension, {}).get(action.resource_id)
        if target is None:
            continue
        due = next_time(action, since)
        if due is not None and due <= now:
            found.append((action, target))
    return found


def next_time(action: Any, after: float) -> float | None:
    """Give when one of moto's scheduled actions fires next; None for never."""
    start, end = _seconds(action.start_time), _seconds(action.end_time)
    created = float(action.creation_time)
    try:
        schedule = parse(action.schedule, action.timezone, created if start is None else start)
    except ScheduleError:
        return None
    if start is not None and after < start:
        # A rate fires at its start time for the first time.
        after = start - 1
        if action.schedule.startswith("rate"):
            return start
    due = schedule.next_after(max(after, created - 1))
    return None if due is None or (end is not None and due > end) else due


def _seconds(at: Any) -> float | None:
    if at is None or at == "":
        return None
    return at.timestamp() if isinstance(at, datetime) else float(at)
