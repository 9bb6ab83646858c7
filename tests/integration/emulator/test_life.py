"""Emulators start, find each other's ports taken, run side by side, and leave nothing behind."""

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from email.utils import parsedate_to_datetime

import psutil
import pytest

from modelway.emulator.process import find, start
from modelway.errors import EmulatorError, PortTaken

pytestmark = pytest.mark.integration


@pytest.fixture
def started():
    running = []

    def launch(**options):
        running.append(start(port=options.pop("port", 0), **options))
        return running[-1]

    yield launch
    for emulator in running:
        emulator.stop()


def port_is_free(port):
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True


def test_it_listens_on_loopback_only_and_says_how_it_was_started(started, tmp_path):
    emulator = started(state=tmp_path / "state", time_scale=30, replicas=False)

    status = emulator.status()
    addresses = {
        each.laddr.ip
        for each in psutil.Process(emulator.pid).net_connections("inet")
        if each.status == psutil.CONN_LISTEN
    }
    assert addresses == {"127.0.0.1"}
    assert status["pid"] == emulator.pid
    assert status["url"] == f"http://127.0.0.1:{emulator.port}"
    assert status["state_dir"] == str(tmp_path / "state")
    assert status["time_scale"] == 30
    assert status["runtime"] == "process"
    assert status["replicas"] is False
    assert status["endpoints"] == []


def test_after_a_stop_there_is_no_process_and_no_port(started, tmp_path):
    emulator = started(state=tmp_path)
    family = psutil.Process(emulator.pid).children(recursive=True)

    emulator.stop()

    assert find(emulator.port) is None
    assert port_is_free(emulator.port)
    assert not any(each.is_running() for each in family)
    assert not (tmp_path / "emulator.json").exists()


def test_stopping_twice_is_no_error(started, tmp_path):
    emulator = started(state=tmp_path)

    emulator.stop()
    emulator.stop()

    assert port_is_free(emulator.port)


def test_a_second_emulator_on_the_port_is_refused_and_the_first_one_named(started, tmp_path):
    first = started(state=tmp_path / "first")

    with pytest.raises(PortTaken) as caught:
        started(port=first.port, state=tmp_path / "second")

    assert f"port {first.port} already has an emulator (process {first.pid}" in str(caught.value)
    assert find(first.port) == first


def test_a_second_emulator_on_the_state_is_refused(started, tmp_path):
    first = started(state=tmp_path)

    with pytest.raises(EmulatorError, match=f"is used by process {first.pid}"):
        started(state=tmp_path)


def test_emulators_side_by_side_know_nothing_of_each_other(started, tmp_path, client_of):
    one, two = started(state=tmp_path / "one"), started(state=tmp_path / "two")

    client_of(one, "sns").create_topic(Name="only-here")

    assert len(client_of(one, "sns").list_topics()["Topics"]) == 1
    assert client_of(two, "sns").list_topics()["Topics"] == []


def test_a_start_after_a_kill_needs_no_cleaning_up(started, tmp_path):
    first = started(state=tmp_path)
    os.kill(first.pid, signal.SIGKILL)
    with contextlib.suppress(psutil.NoSuchProcess):
        psutil.Process(first.pid).wait(10)

    second = started(port=first.port, state=tmp_path)

    assert second.pid != first.pid
    assert find(second.port) == second


def test_an_emulator_that_cannot_start_shows_its_last_words(tmp_path):
    (tmp_path / "journal.jsonl").write_text('{"format": 99}\n')

    with pytest.raises(EmulatorError, match="has format 99; this version reads 1"):
        start(port=0, state=tmp_path)


def test_virtual_time_never_goes_back_across_a_restart(started, tmp_path):
    first = started(state=tmp_path, time_scale=100_000)
    time.sleep(0.1)
    before = first.status()["virtual_now"]
    first.stop()

    second = started(state=tmp_path, time_scale=1)

    assert before > time.time() + 3600
    assert second.status()["virtual_now"] >= before


def test_answers_are_dated_by_the_clock_of_what_they_tell(started, client_of, tmp_path):
    emulator = started(state=tmp_path, time_scale=100_000)
    s3, sagemaker = client_of(emulator, "s3"), client_of(emulator, "sagemaker")
    s3.list_buckets()
    sagemaker.list_endpoints()  # both parts of moto are imported now
    before = int(emulator.status()["virtual_now"])

    answers = s3.list_buckets(), sagemaker.list_endpoints()

    after = emulator.status()["virtual_now"]
    dated = [
        parsedate_to_datetime(answer["ResponseMetadata"]["HTTPHeaders"]["date"]).timestamp()
        for answer in answers
    ]
    assert all(before <= each <= after for each in dated)
    assert before > time.time() + 3600


def test_the_process_inherits_no_credentials(started, tmp_path, monkeypatch):
    monkeypatch.setenv("AWS_SESSION_TOKEN", "real-token")
    monkeypatch.setenv("SOME_SECRET", "real-secret")

    emulator = started(state=tmp_path)

    environment = psutil.Process(emulator.pid).environ()
    assert "AWS_SESSION_TOKEN" not in environment
    assert "SOME_SECRET" not in environment


def test_the_exports_lead_a_child_to_the_emulator(started, tmp_path):
    emulator = started(state=tmp_path)
    program = "import boto3; print(boto3.client('sts').get_caller_identity()['Arn'])"

    done = subprocess.run(
        [sys.executable, "-c", program],
        env=emulator.environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert done.stdout.strip() == "arn:aws:iam::123456789012:user/emulator"


def test_a_route_that_does_not_exist_names_those_that_do(started, tmp_path):
    emulator = started(state=tmp_path)

    with socket.create_connection(("127.0.0.1", emulator.port), timeout=5) as connection:
        connection.sendall(b"GET /_modelway/nothing HTTP/1.1\r\nHost: x\r\n\r\n")
        answer = connection.recv(4000)

    assert answer.startswith(b"HTTP/1.1 404")
    assert "GET status" in json.loads(answer.split(b"\r\n\r\n")[1])["error"]
