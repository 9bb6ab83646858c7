"""The executable that leads the engine to the provider."""

import os
import socket
import subprocess
import threading
from pathlib import Path

import pytest

import modelway.emulator

LAUNCHER = Path(modelway.emulator.__file__).parent / "bin/pulumi-resource-aws"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n"


@pytest.fixture
def emulator():
    """Answers one request with the bytes given, closes, and keeps what was asked."""
    asked = []
    listening = socket.create_server(("127.0.0.1", 0))

    def answer(*parts):
        def serve():
            connection, _ = listening.accept()
            with connection:
                asked.append(connection.recv(65536).decode())
                for part in parts:
                    connection.sendall(part)

        thread = threading.Thread(target=serve)
        thread.start()
        threads.append(thread)
        return f"http://127.0.0.1:{listening.getsockname()[1]}"

    threads = []
    yield answer, asked
    for thread in threads:
        thread.join()
    listening.close()


def run(cwd=None, launcher=LAUNCHER, **environment):
    path = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        [launcher, "127.0.0.1:1"],
        env=path | environment,
        cwd=cwd,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_it_is_executable():
    assert os.access(LAUNCHER, os.X_OK)


@pytest.mark.parametrize(
    "parts",
    [
        (HEAD + b"\r\n", b"40123\n", b"\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"6\r\n40123\n\r\n", b"1\r\n\n\r\n"),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n6\r\n401", b"23\n\r\n"),
    ],
    ids=["plain", "chunked", "in-pieces"],
)
def test_it_prints_the_port_and_ends_with_the_emulator(emulator, parts):
    answer, _ = emulator
    url = answer(*parts)

    done = run(MODELWAY_EMULATOR_URL=url)

    assert done.stdout == "40123\n"
    assert f"the emulator at {url} has stopped" in done.stderr
    assert done.returncode == 1


def test_it_says_where_the_program_is_and_which_region_it_means(emulator, tmp_path):
    answer, asked = emulator
    (tmp_path / "my program").mkdir()

    run(tmp_path / "my program", MODELWAY_EMULATOR_URL=answer(HEAD), AWS_REGION="eu-west-1")

    assert asked[0].splitlines()[0] == (
        f"GET /_modelway/providers/aws?directory={tmp_path}/my%20program&region=eu-west-1 HTTP/1.1"
    )


def test_under_another_name_it_leads_to_the_provider_of_that_name(emulator, tmp_path):
    answer, asked = emulator
    launcher = LAUNCHER.with_name("pulumi-resource-docker-build")

    run(tmp_path, launcher, MODELWAY_EMULATOR_URL=answer(HEAD))

    assert asked[0].startswith("GET /_modelway/providers/docker-build?directory=")


def test_a_refusal_of_the_emulator_is_passed_on(emulator):
    answer, _ = emulator
    url = answer(b'HTTP/1.1 404 Not Found\r\n\r\n{"error": "none"}')

    done = run(MODELWAY_EMULATOR_URL=url)

    assert done.stdout == ""
    assert f'the emulator at {url} refused: HTTP/1.1 404 Not Found: {{"error": "none"}}' in (
        done.stderr
    )
    assert done.returncode == 1


@pytest.mark.parametrize("url", ["", "127.0.0.1:4510", "http://127.0.0.1"])
def test_an_address_that_is_none_is_refused(url):
    done = run(MODELWAY_EMULATOR_URL=url)

    assert "MODELWAY_EMULATOR_URL is" in done.stderr
    assert done.stdout == ""
    assert done.returncode == 1
