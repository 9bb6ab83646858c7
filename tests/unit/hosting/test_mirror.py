"""Copies of requests for the shadow: how many, what becomes of them, and that nobody waits."""

import threading
import time
from types import SimpleNamespace

import pytest

from modelway.emulator.hosting.deployment import Capacity
from modelway.emulator.hosting.fleet import Fleet
from modelway.emulator.hosting.mirror import COPIES_AT_ONCE, MOST_WAITING, Copy, Mirror

RECORD = SimpleNamespace(arn="arn:aws:sagemaker:fraud-prod")


class Heard:
    """Takes the place of sending, metrics and data capture."""

    def __init__(self) -> None:
        self.sent, self.measured, self.captured = [], [], []
        self.status = 200
        self.hold = threading.Event()
        self.hold.set()

    def send(self, lease, body, headers):
        self.hold.wait(10)
        self.sent.append((lease.choice.variant, body))
        return SimpleNamespace(status=self.status, headers={"Content-Type": "t"}, body=b"answer")

    def measure(self, record, choice, call, seconds):
        self.measured.append((choice.variant, None if call is None else call.status))

    def add(self, record, config, exchange):
        self.captured.append((exchange.variant, exchange.answer))

    def wait(self, count):
        deadline = time.monotonic() + 10
        while len(self.measured) < count:
            assert time.monotonic() < deadline, self.measured
            time.sleep(0.005)


@pytest.fixture
def heard():
    return Heard()


@pytest.fixture
def mirror(heard):
    made = Mirror(heard.send, heard.measure, heard)
    yield made
    heard.hold.set()
    made.close()


@pytest.fixture
def fleet(deployment):
    """A fleet of a champion and a shadow with one idle replica, which gets a share of copies."""

    def make(share=1.0, healthy=1):
        found = deployment(primary=(1.0, 1), shadow=(share, 1))
        object.__setattr__(found.variants[1], "shadow", True)
        made = Fleet(found, lambda *_: None, lambda *_: None, threading.Event())
        made.reweigh({"primary": Capacity(1, 1.0), "shadow": Capacity(1, share)})
        replica = SimpleNamespace(
            in_flight=0, take=lambda: None, release=lambda: None, suspect=lambda: None
        )
        made._healthy = {"primary": (), "shadow": (replica,) * healthy}
        return made

    return make


def copy(fleet, body=b"row", captured=True):
    return Copy(RECORD, fleet, body, {"Content-Type": "text/csv"}, captured)


def test_a_shadow_has_no_weight_and_takes_no_request(fleet):
    assert dict(fleet(0.5).weights()) == {"primary": 1.0}


@pytest.mark.parametrize(("share", "copies"), [(1.0, 20), (0.5, 10), (0.05, 1)])
def test_a_share_of_the_requests_is_copied_exactly(mirror, heard, fleet, share, copies):
    made = fleet(share)

    for number in range(20):
        mirror.offer(copy(made, str(number).encode()))
    heard.wait(copies)
    mirror.close()

    assert len(heard.sent) == copies
    assert {variant for variant, _ in heard.sent} == {"shadow"}
    assert heard.measured == [("shadow", 200)] * copies
    assert heard.captured == [("shadow", b"answer")] * copies


def test_nobody_waits_for_a_slow_shadow(mirror, heard, fleet):
    heard.hold.clear()
    made = fleet()

    begun = time.monotonic()
    for _ in range(200):
        mirror.offer(copy(made))

    assert time.monotonic() - begun < 1
    assert heard.sent == []
    heard.hold.set()
    heard.wait(200)


def test_what_a_shadow_cannot_keep_up_with_counts_as_its_503(mirror, heard, fleet):
    heard.hold.clear()
    made = fleet()

    for _ in range(COPIES_AT_ONCE + MOST_WAITING + 3):
        mirror.offer(copy(made))

    assert heard.measured == [("shadow", None)] * 3


def test_a_shadow_without_a_healthy_instance_fails_by_itself(mirror, heard, fleet):
    mirror.offer(copy(fleet(healthy=0)))
    heard.wait(1)

    assert heard.measured == [("shadow", None)]
    assert heard.captured == []


@pytest.mark.parametrize(("status", "captured"), [(500, True), (200, False)])
def test_failed_answers_and_requests_outside_the_sample_are_not_captured(
    mirror, heard, fleet, status, captured
):
    heard.status = status

    mirror.offer(copy(fleet(), captured=captured))
    heard.wait(1)
    mirror.close()

    assert heard.measured == [("shadow", status)]
    assert heard.captured == []


def test_a_fleet_without_a_shadow_copies_nothing(mirror, heard, deployment):
    made = Fleet(deployment(), lambda *_: None, lambda *_: None, threading.Event())

    mirror.offer(copy(made))

    assert heard.sent == []
