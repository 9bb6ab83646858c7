"""What the page shows, as one JSON value.

Takes one reading of the emulator's parts, gives plain values that the script only has to draw:
fleets with their role and share, time left, alarms beside the endpoint that they watch. Pure: no
clock, no lock, no moto, no HTTP. It must not make up what was not read.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from modelway.emulator.cloudwatch.alarms import State
from modelway.emulator.page.figures import Line, Window

_LOUDEST_FIRST = (State.ALARM, State.INSUFFICIENT_DATA, State.OK)


class Lines(Protocol):
    """Where the plots' numbers come from."""

    def lines(self, endpoint_name: str, window: Window) -> list[Line]:
        """Give an endpoint's lines over a window."""
        ...


@dataclass(frozen=True)
class ShownAlarm:
    """One alarm and the state that it is in."""

    name: str
    region: str
    state: str
    """OK, ALARM or INSUFFICIENT_DATA."""
    condition: str
    """What it watches for, in words."""
    reason: str
    """Why it is in this state, as CloudWatch says it."""
    since: float
    """When it entered this state, in virtual seconds since the epoch."""
    endpoint: str | None = None
    """The endpoint whose metric it watches."""
    config: str | None = None
    """The fleet whose metric it watches: such an alarm decides a rollout."""


@dataclass(frozen=True)
class Reading:
    """What was read of an emulator at one moment."""

    window: Window
    endpoints: Sequence[Mapping[str, Any]]
    """As `services.Hosting.status` gives them."""
    alarms: Sequence[ShownAlarm]
    figures: Lines


def page_data(reading: Reading) -> dict[str, Any]:
    """Give the endpoints by name, and the alarms that watch none of them."""
    watched = {(entry["region"], entry["name"]) for entry in reading.endpoints}
    return {
        "endpoints": [
            _endpoint(entry, reading)
            for entry in sorted(reading.endpoints, key=lambda each: (each["name"], each["region"]))
        ],
        "alarms": _alarms([each for each in reading.alarms if _watched(each) not in watched]),
    }


def _endpoint(entry: Mapping[str, Any], reading: Reading) -> dict[str, Any]:
    place = (entry["region"], entry["name"])
    rollout = entry["rollout"]
    window = reading.window
    lines = reading.figures.lines(entry["name"], window)
    return {
        "name": entry["name"],
        "region": entry["region"],
        "status": entry["status"],
        "config": entry["config"],
        "failure_reason": entry["failure_reason"],
        "log_group": entry["log_group"],
        "last_failure_log": list(entry["last_failure_log"]),
        "rollout": None if rollout is None else _rollout(rollout, window),
        "fleets": _fleets(entry),
        "variants": [dict(variant) for variant in entry["variants"]],
        "replicas": [dict(replica) for replica in entry["replicas"]],
        "alarms": _alarms([each for each in reading.alarms if _watched(each) == place]),
        "series": {
            "start": window.start,
            "period_seconds": window.period_seconds,
            "lines": [_line(line) for line in lines],
        },
    }


def _watched(alarm: ShownAlarm) -> tuple[str, str | None]:
    return alarm.region, alarm.endpoint


def _rollout(rollout: Mapping[str, Any], window: Window) -> dict[str, Any]:
    """Give the stage with the time left, virtual and real; None where the end is not known."""
    until = rollout["until"]
    left = None if until is None else max(0.0, until - window.now)
    return {
        "stage": rollout["stage"],
        "config": rollout["config"],
        "seconds_left": left,
        "real_seconds_left": None if left is None else left / window.time_scale,
    }


def _fleets(entry: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Give each fleet once, the new one last: what has traffic, replicas, or is still to come."""
    traffic: Mapping[str, float] = entry["traffic"]
    rollout = entry["rollout"]
    new = None if rollout is None else rollout["config"]
    replicas = entry["replicas"]
    configs = [*traffic, *(each["config"] for each in replicas)]
    if new is not None:
        configs = [*(each for each in configs if each != new), new]
    fleets = list[dict[str, Any]]()
    for config in dict.fromkeys(configs):
        own = [each for each in replicas if each["config"] == config]
        role = "serving"
        if new is not None:
            role = "new" if config == new else "old"
        fleets.append(
            {
                "config": config,
                "role": role,
                "traffic_percent": 100.0 * traffic.get(config, 0.0),
                "replicas": len(own),
                "healthy_replicas": sum(1 for each in own if each["state"] == "healthy"),
            }
        )
    return fleets


def _alarms(alarms: Sequence[ShownAlarm]) -> list[dict[str, Any]]:
    """Give the firing ones first, then those without data."""
    return [
        asdict(each)
        for each in sorted(alarms, key=lambda a: (_LOUDEST_FIRST.index(State(a.state)), a.name))
    ]


def _line(line: Line) -> dict[str, Any]:
    content = asdict(line)
    for name, values in content.items():
        if isinstance(values, list):
            content[name] = [None if each is None else round(each, 3) for each in values]
    return content
