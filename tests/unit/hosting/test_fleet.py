"""Fleets: bringing up, giving up, growing and shrinking."""

import threading
import time

import pytest

from modelway.emulator.hosting import timing
from modelway.emulator.hosting.deployment import Capacity, initial_capacities
from modelway.emulator.hosting.fleet import Fleet, FleetFailed
from modelway.emulator.hosting.patience import Stopped


@pytest.fixture(autouse=True)
def _quick(monkeypatch):
    monkeypatch.setattr(timing, "PING_INTERVAL_SECONDS", 0.05)
    monkeypatch.setattr(timing, "FIRST_PINGS_SECONDS", 0.02)
    monkeypatch.setattr(timing, "RESTART_PAUSES_SECONDS", (0.0,))


@pytest.fixture
def stopping():
    return threading.Event()


@pytest.fixture
def fleet(start, stopping):
    made = []

    def make(deployment, **container):
        logged = []
        made.append(
            Fleet(
                deployment,
                lambda _variant, _replica, _log: start(**container),
                lambda stream, lines: logged.append((stream, lines)),
                stopping,
            )
        )
        made[-1].logged = logged
        return made[-1]

    yield make
    for each in made:
        each.stop(drain=False)


def test_a_fleet_comes_up_with_every_variants_instances(fleet, deployment):
    wanted = deployment(a=(1.0, 2), b=(0.5, 1))
    made = fleet(wanted)
    made.reweigh(initial_capacities(wanted))

    made.launch(initial_capacities(wanted))
    made.await_healthy()

    assert len(made.healthy("a")) == 2
    assert len(made.healthy("b")) == 1
    assert made.weights() == {"a": 1.0, "b": 0.5}


def test_three_exits_end_the_wait_in_awss_words_without_the_whole_start_up_time(fleet, deployment):
    wanted = deployment(startup_seconds=480.0, primary=(1.0, 1))
    made = fleet(wanted, ping_status=503, exit_status=1)
    begun = time.monotonic()

    made.launch(initial_capacities(wanted))
    with pytest.raises(FleetFailed) as caught:
        made.await_healthy()

    assert str(caught.value) == (
        "The primary container for production variant primary did not pass the ping health "
        "check. Please check CloudWatch logs for this endpoint."
    )
    assert time.monotonic() - begun < 30
    assert made.logged[0][1] == ["the container ended with exit status 1"]
    assert made.logged[0][0].startswith("primary/i-")


def test_a_container_that_never_passes_fails_the_fleet_after_its_start_up_time(fleet, deployment):
    wanted = deployment(startup_seconds=0.3, primary=(1.0, 1))
    made = fleet(wanted, ping_status=503)

    made.launch(initial_capacities(wanted))
    with pytest.raises(FleetFailed):
        made.await_healthy()


def test_the_wait_ends_when_the_emulator_stops(fleet, deployment, stopping):
    wanted = deployment(startup_seconds=480.0, primary=(1.0, 1))
    made = fleet(wanted, ping_status=503)
    made.launch(initial_capacities(wanted))
    stopping.set()

    with pytest.raises(Stopped):
        made.await_healthy()


def test_a_fleet_grows_without_touching_what_runs_and_shrinks_the_newest_first(fleet, deployment):
    wanted = deployment()
    made = fleet(wanted)
    made.launch(initial_capacities(wanted))
    made.await_healthy()
    first = made.replicas("primary")

    made.launch({"primary": Capacity(3, 1.0)})
    made.await_healthy()
    three = made.replicas("primary")
    made.shrink({"primary": Capacity(1, 1.0)})

    assert three[:1] == first
    assert len(three) == 3
    assert made.replicas("primary") == first
    assert made.healthy("primary") == first


def test_a_stopped_fleet_has_no_replicas(fleet, deployment, containers):
    wanted = deployment(primary=(1.0, 2))
    made = fleet(wanted)
    made.launch(initial_capacities(wanted))
    made.await_healthy()

    made.stop(drain=True)

    assert made.replicas("primary") == ()
    assert made.healthy("primary") == ()
    assert [container.signals for container in containers] == [["TERM"], ["TERM"]]


def test_no_instance_is_started_when_one_variant_can_have_none(start, deployment, stopping):
    wanted = deployment(a=(1.0, 1), b=(1.0, 1))
    started = []

    def launch(variant, _replica, _log):
        started.append(variant.name)
        return start()

    made = Fleet(
        wanted,
        launch,
        lambda _stream, _lines: None,
        stopping,
        provision=lambda variant: "no capacity" if variant.name == "b" else None,
    )

    with pytest.raises(FleetFailed, match=r"^no capacity$"):
        made.launch(initial_capacities(wanted))

    assert started == []
    assert made.replicas("a") == ()
