"""The log writer: queued by any thread, read whole."""

import threading
import uuid

import pytest
from moto.logs.models import logs_backends

from modelway.emulator.clock import Clock
from modelway.emulator.logs import LogWriter
from modelway.emulator.services import ACCOUNT_ID, Services, Settings


@pytest.fixture
def services(tmp_path):
    return Services(Settings(port=0, state_dir=tmp_path), Clock())


@pytest.fixture
def group():
    return f"/aws/sagemaker/Endpoints/t{uuid.uuid4().hex[:8]}"


def messages(group, stream):
    stored = logs_backends[ACCOUNT_ID]["us-east-1"].groups[group].streams[stream]
    return [(event.timestamp, event.message) for event in stored.events]


def test_lines_make_their_group_and_stream_and_carry_virtual_time(services, group):
    writer = LogWriter(services)
    with services.clock.pinned(1_800_000_000.5):
        writer.write(group, "primary/i-1", ["one", "", "two"])

    writer.flush()

    at = 1_800_000_000_500
    assert messages(group, "primary/i-1") == [(at, "one"), (at, "two")]


def test_writing_never_waits_for_a_request_in_progress(services, group):
    writer = LogWriter(services)
    holding, done = threading.Event(), threading.Event()

    def hold():
        with services.lock:
            holding.set()
            done.wait(5)

    thread = threading.Thread(target=hold)
    thread.start()
    holding.wait(5)

    writer.write(group, "stream", ["line"])

    done.set()
    thread.join()
    writer.flush()
    assert [text for _, text in messages(group, "stream")] == ["line"]


def test_a_reset_forgets_what_was_not_stored_yet(services, group):
    writer = LogWriter(services)
    writer.write(group, "stream", ["line"])

    writer.reset()
    writer.flush()

    assert group not in logs_backends[ACCOUNT_ID]["us-east-1"].groups
