"""`modelway emulator ...` as a user types it."""

import json
import os
import socket
import subprocess
import sys

import pytest

pytestmark = pytest.mark.integration

PROGRAM = "from modelway.cli import main; main()"


@pytest.fixture
def modelway(tmp_path):
    environment = os.environ | {"XDG_STATE_HOME": str(tmp_path)}

    def run(*arguments):
        return subprocess.run(
            [sys.executable, "-c", PROGRAM, "emulator", *arguments],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )

    return run


@pytest.fixture
def port(modelway):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        free = probe.getsockname()[1]
    yield str(free)
    modelway("stop", "--port", str(free))


def test_start_says_what_to_do_next_and_its_state_is_the_users(modelway, port, tmp_path):
    done = modelway("start", "--port", port)

    assert done.returncode == 0
    assert done.stdout == f"http://127.0.0.1:{port}\n"
    assert f'eval "$(modelway emulator env --port {port})"' in done.stderr
    assert f"open http://127.0.0.1:{port}/_modelway/ in a browser" in done.stderr
    assert (tmp_path / "modelway" / f"emulator-{port}" / "emulator.json").exists()


def test_what_is_exported_works_in_a_shell(modelway, port):
    modelway("start", "--port", port)
    exports = modelway("env", "--port", port)
    program = "import boto3; boto3.client('sns').create_topic(Name='from-a-shell')"
    # The shell knows nothing but the exports: whatever leads to the emulator is in them.
    done = subprocess.run(
        ["/bin/sh", "-c", f'{exports.stdout}\n"$0" -c "{program}"', sys.executable],
        env={"PATH": os.environ["PATH"]},
        capture_output=True,
        text=True,
        check=False,
    )

    assert exports.returncode == 0
    assert done.stderr == ""
    assert done.returncode == 0


def test_status_is_for_people_and_for_programs(modelway, port):
    modelway("start", "--port", port, "--time-scale", "60")

    text = modelway("status", "--port", port).stdout
    content = json.loads(modelway("status", "--port", port, "--json").stdout)

    assert f"http://127.0.0.1:{port}" in text
    assert "60 times real time" in text
    assert "endpoints  none" in text
    assert content["time_scale"] == 60
    assert content["endpoints"] == []


def test_logs_are_the_emulators_own_or_a_groups(modelway, port):
    modelway("start", "--port", port)
    exports = modelway("env", "--port", port).stdout
    program = (
        "import boto3, time; logs = boto3.client('logs');"
        "logs.create_log_group(logGroupName='/one');"
        "logs.create_log_stream(logGroupName='/one', logStreamName='s');"
        "logs.put_log_events(logGroupName='/one', logStreamName='s', logEvents=["
        "{'timestamp': int(time.time() * 1000), 'message': 'hello there'}])"
    )
    subprocess.run(["/bin/sh", "-c", f'{exports}\n"$0" -c "{program}"', sys.executable], check=True)

    assert f"ready on http://127.0.0.1:{port}" in modelway("logs", "--port", port).stdout
    assert modelway("logs", "--port", port, "--groups").stdout == "/one\n"
    assert modelway("logs", "/one", "--port", port).stdout.endswith("s hello there\n")
    absent = modelway("logs", "/two", "--port", port)
    assert absent.returncode == 1
    assert "there is no log group '/two'; there are: /one" in absent.stderr


@pytest.mark.parametrize("command", ["env", "status", "logs", "reset"])
def test_without_an_emulator_a_command_says_how_to_start_one(modelway, port, command):
    done = modelway(command, "--port", port)

    assert done.returncode == 1
    assert done.stdout == ""
    assert done.stderr.startswith(f"error: no emulator answers on port {port}; start one with")


def test_stopping_where_there_is_nothing_is_no_error(modelway, port):
    assert modelway("stop", "--port", port).returncode == 0


def test_a_taken_port_is_an_error_for_people(modelway, port):
    modelway("start", "--port", port)

    done = modelway("start", "--port", port)

    assert done.returncode == 1
    assert done.stderr.startswith(f"error: starting the emulator: port {port} already has")
    assert "Traceback" not in done.stderr
