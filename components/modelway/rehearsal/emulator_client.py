"""What a rehearsal asks of its emulator: the clock, events, faults, and what exists.

Takes the emulator's address, gives plain values. It asks loopback only, and changes nothing but
faults.
"""

import json
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from modelway.emulator.process import RunningEmulator, control
from modelway.errors import RehearsalError
from modelway.rehearsal.record import Event
from modelway.rehearsal.virtual_clock import VirtualClock

ANSWER_SECONDS = 5.0

_opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))


def read_clock(emulator: RunningEmulator) -> VirtualClock:
    """Ask for the virtual time; of several answers the quickest is the most exact."""
    answers = []
    for _ in range(3):
        asked = time.monotonic()
        found = control(emulator.url, "GET", "clock")
        took = time.monotonic() - asked
        answers.append((took, VirtualClock(found["now"], asked + took / 2, found["time_scale"])))
    return min(answers, key=lambda answer: answer[0])[1]


def event_reader(emulator: RunningEmulator, endpoint: str) -> Callable[[], Sequence[Event]]:
    """Give a function that gives the events of an endpoint, and of none, since its last call."""
    following = 0

    def read() -> Sequence[Event]:
        nonlocal following
        found = control(emulator.url, "GET", f"events?since={following}")
        following = found["next"]
        return [
            Event(each["at"], each["kind"], each["text"], each.get("data") or {})
            for each in found["events"]
            if each["endpoint"] in (endpoint, "", None)
        ]

    return read


def begin_fault(emulator: RunningEmulator, request: Mapping[str, Any]) -> None:
    """Let something go wrong.

    Raises:
        RehearsalError: the emulator refused, with its reason.
    """
    asked = urllib.request.Request(  # noqa: S310 - an address of our own
        f"{emulator.url}/_modelway/faults",
        json.dumps(request).encode(),
        {"Content-Type": "application/json"},
        method="POST",
    )
    doing = f"beginning the fault `{request['kind']}`"
    try:
        with _opener.open(asked, timeout=ANSWER_SECONDS) as answer:
            answer.read()
    except urllib.error.HTTPError as error:
        said = error.read().decode(errors="replace").strip()
        raise RehearsalError(f"{doing}: the emulator refused it: {said}") from error
    except OSError as error:
        raise RehearsalError(f"{doing}: the emulator does not answer ({error})") from error


def endpoint_status(emulator: RunningEmulator, endpoint: str) -> dict[str, Any] | None:
    """Give the emulator's entry of an endpoint; None when there is none."""
    entries = emulator.status()["endpoints"]
    return next((entry for entry in entries if entry["name"] == endpoint), None)


def client(emulator: RunningEmulator, service: str) -> Any:
    """Make a boto3 client of the emulator, with its dummy keys."""
    import boto3

    variables = emulator.environment()
    session = boto3.Session(
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
        region_name=variables["AWS_REGION"],
    )
    return session.client(service, endpoint_url=emulator.url)
