"""Faults on endpoints that really run, with containers that only answer /ping."""

import json
import time
from types import SimpleNamespace

import pytest

from modelway.emulator.clock import Clock
from modelway.emulator.cloudwatch.metrics import MetricStore
from modelway.emulator.faults import FaultInjection
from modelway.emulator.hosting import EndpointHosting, timing
from modelway.emulator.hosting.deployment import Capacity, initial_capacities
from modelway.emulator.hosting.record import EndpointRecord
from modelway.emulator.services import Services, Settings

PING = (
    "The primary container for production variant primary did not pass the ping health check. "
    "Please check CloudWatch logs for this endpoint."
)
NO_IMAGE = (
    "Please make sure all images included in the model for the production variant primary exist, "
    "and that the execution role used to create the model has permissions to access them."
)
NO_PROCESS = 2**22 + 1
"""A process id above Linux's highest: a container that runs, but not on this machine."""

NO_CAPACITY = (
    "Unable to provision requested ML compute capacity due to InsufficientInstanceCapacity error. "
    "Please retry using a different ML instance type or after some time."
)


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(timing, "PING_INTERVAL_SECONDS", 0.05)
    monkeypatch.setattr(timing, "FIRST_PINGS_SECONDS", 0.02)
    monkeypatch.setattr(timing, "RESTART_PAUSES_SECONDS", (0.0,))


@pytest.fixture
def lines():
    return []


@pytest.fixture
def hosted(request, tmp_path, start, deployment, lines):
    """An endpoint `fraud` that is being created with the configuration `one`, and its faults."""
    replicas = getattr(request, "param", True)
    settings = Settings(port=0, state_dir=tmp_path, replicas=replicas)
    services = Services(settings, Clock(time_scale=1000))
    services.metrics = MetricStore(services.clock)
    services.logs = SimpleNamespace(write=lambda _group, _stream, new: lines.extend(new))
    services.alarms = SimpleNamespace(state=lambda *_: "OK", fired_since=lambda *_: False)

    def launch(_order, _log):
        container = start()
        container.pid = NO_PROCESS
        return container

    launcher = SimpleNamespace(start=launch, close=lambda: None)
    hosting = EndpointHosting(services, fetch=lambda *_: [], launcher=launcher)
    faults = FaultInjection(services, hosting, services.metrics)
    services.faults = faults.effects
    faults.start()
    record = EndpointRecord(
        account_id="123456789012", region="us-east-1", name="fraud", arn="arn", tags=[]
    )

    def add(kind, **fields):
        body = json.dumps({"kind": kind, **fields}).encode()
        status, answer = faults.routes.answer("POST", "faults", lambda: body)
        assert status == 200
        return answer["id"]

    def create(count=1):
        wanted = deployment("one", primary=(1.0, count))
        with services.lock:
            hosting.create(record, wanted, initial_capacities(wanted), lambda: None)
        return settled()

    def update():
        wanted = deployment("two")
        with services.lock:
            hosting.update(record, wanted, initial_capacities(wanted))
        return settled()

    def resize(count):
        with services.lock:
            hosting.resize(record, {"primary": Capacity(count, 1.0)})
        return settled()

    def settled():
        until(lambda: record.operation is None)
        return record.endpoint_status, record.endpoint_config_name, record.failure_reason

    def listed():
        return hosting.status()[0]["replicas"]

    yield SimpleNamespace(
        services=services,
        hosting=hosting,
        record=record,
        faults=faults,
        add=add,
        create=create,
        update=update,
        resize=resize,
        replicas=listed,
    )
    hosting.stop()


def until(condition, seconds=20.0):
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def fault_events(hosted):
    events, _ = hosted.services.events.since(0)
    return [(event.endpoint, event.data) for event in events if event.kind == "fault"]


@pytest.mark.parametrize(
    ("kind", "expected"), [("capacity", NO_CAPACITY), ("image-missing", NO_IMAGE)]
)
def test_a_creation_without_what_it_needs_fails(hosted, kind, expected):
    hosted.add(kind, endpoint="fraud")

    status, config, reason = hosted.create()

    assert (status, config) == ("Failed", "one")
    assert reason == expected
    assert hosted.replicas() == []


def test_an_update_without_capacity_is_rolled_back_and_the_next_one_succeeds(hosted):
    hosted.create()
    number = hosted.add("capacity", fleet="new")

    assert hosted.update() == ("InService", "one", NO_CAPACITY)
    assert [each["config"] for each in hosted.replicas()] == ["one"]

    hosted.faults.routes.answer("DELETE", f"faults/{number}", lambda: b"")
    assert hosted.update() == ("InService", "two", None)


def test_a_resize_without_capacity_keeps_what_there_is(hosted):
    hosted.create()
    hosted.add("capacity")

    assert hosted.resize(3) == ("InService", "one", NO_CAPACITY)
    assert len(hosted.replicas()) == 1


@pytest.mark.parametrize("hosted", [False], indirect=True)
def test_without_replicas_there_is_no_capacity_either(hosted):
    hosted.create()
    hosted.add("capacity", fleet="new")

    assert hosted.update() == ("InService", "one", NO_CAPACITY)
    assert hosted.resize(3) == ("InService", "one", None)

    hosted.add("capacity", fleet="one")
    assert hosted.resize(2) == ("InService", "one", None)
    assert hosted.resize(3) == ("InService", "one", NO_CAPACITY)


def test_fewer_instances_need_no_capacity(hosted):
    hosted.create(count=2)
    hosted.add("capacity")

    assert hosted.resize(1) == ("InService", "one", None)
    assert len(hosted.replicas()) == 1


def test_a_crash_loop_of_the_new_fleet_is_a_failed_health_check(hosted, lines):
    hosted.create()
    hosted.add("crash-loop", fleet="new")

    assert hosted.update() == ("InService", "one", PING)
    assert lines[:2] == [
        "fault crash-loop: the container is killed soon after its start",
        "the container ended with exit status -9",
    ]
    assert [each["state"] for each in hosted.replicas()] == ["healthy"]


def test_a_crash_loop_of_the_old_fleet_does_not_meet_the_new_one(hosted):
    hosted.create()
    hosted.add("crash-loop", fleet="old")

    assert hosted.update() == ("InService", "two", None)


def test_a_replica_is_killed_and_comes_back(hosted):
    hosted.create(count=2)
    hosted.add("replica-crash", endpoint="fraud")

    until(lambda: sum(each["restarts"] for each in hosted.replicas()) == 1)
    until(lambda: all(each["state"] == "healthy" for each in hosted.replicas()))

    assert sorted(each["last_exit_status"] or 0 for each in hosted.replicas()) == [-9, 0]
    assert fault_events(hosted) == [
        ("fraud", {"kind": "replica-crash", "action": "begins"}),
        ("fraud", {"kind": "replica-crash", "action": "ends"}),
    ]


def test_a_fault_added_during_an_update_finds_its_fleets(hosted, deployment):
    hosted.create()
    wanted = deployment("two")
    with hosted.services.lock:
        # Settling needs the lock, so the update is under way for as long as it is held.
        hosted.hosting.update(hosted.record, wanted, initial_capacities(wanted))
        hosted.add("slow", fleet="new", delay_ms=1)
        hosted.add("slow", fleet="old", delay_ms=1)

    listed = hosted.faults.routes.answer("GET", "faults", lambda: b"")[1]["faults"]
    assert [each["configs"] for each in listed] == [{"fraud": "two"}, {"fraud": "one"}]
    assert [each["state"] for each in listed] == ["active", "active"]
