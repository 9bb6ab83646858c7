"""Which processes count as left behind; each is a real one, named as the engine names plugins."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from modelway.engine.backend import FileBackend
from modelway.engine.orphan import Orphan, find_orphans, stop_orphans


@pytest.fixture
def backend(tmp_path: Path) -> FileBackend:
    return FileBackend(tmp_path / "state")


@pytest.fixture
def free_port() -> Iterator[int]:
    with socket.socket() as bound:  # bound and not listening, so that nobody else gets it
        bound.bind(("127.0.0.1", 0))
        yield bound.getsockname()[1]


@pytest.fixture
def start_plugin(tmp_path: Path, backend: FileBackend, free_port: int):
    """Start a process that looks like a provider of an engine at some port."""
    started: list[subprocess.Popen[bytes]] = []

    def start(
        name: str = "pulumi-resource-thing", port: int = free_port, code: str = "", **variables: str
    ) -> subprocess.Popen[bytes]:
        script = tmp_path / name
        script.write_text(f"{code}\nprint(flush=True)\nimport time\ntime.sleep(120)\n")
        environment = {"PULUMI_BACKEND_URL": backend.root.as_uri(), "PULUMI_PROJECT": "tiny"}
        process = subprocess.Popen(
            [sys.executable, str(script), f"127.0.0.1:{port}"],
            env=environment | variables,
            stdout=subprocess.PIPE,
        )
        started.append(process)
        process.stdout.readline()
        return process

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_plugin_without_an_engine_is_an_orphan(start_plugin, backend):
    process = start_plugin()

    [orphan] = find_orphans(backend, "tiny")

    assert (orphan.pid, orphan.name, orphan.project) == (
        process.pid,
        "pulumi-resource-thing",
        "tiny",
    )


def test_a_plugin_whose_engine_listens_is_no_orphan(start_plugin, backend):
    with socket.create_server(("127.0.0.1", 0)) as engine:
        start_plugin(port=engine.getsockname()[1])

        assert find_orphans(backend, "tiny") == ()


def test_a_plugin_of_another_backend_is_left_alone(start_plugin, backend):
    start_plugin(PULUMI_BACKEND_URL="file:///elsewhere")

    assert find_orphans(backend, "tiny") == ()


def test_a_plugin_of_another_project_is_left_alone(start_plugin, backend):
    start_plugin(PULUMI_PROJECT="other")

    assert find_orphans(backend, "tiny") == ()


def test_a_process_that_is_no_plugin_is_left_alone(start_plugin, backend):
    start_plugin(name="some-server")

    assert find_orphans(backend, "tiny") == ()


def test_an_orphan_is_stopped_with_the_processes_that_it_started(start_plugin, backend):
    process = start_plugin(
        code="import subprocess, sys\n"
        "child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(120)'])"
    )
    [child] = psutil.Process(process.pid).children()

    stopped = stop_orphans(find_orphans(backend, "tiny"))

    assert [orphan.pid for orphan in stopped] == [process.pid]
    assert not psutil.pid_exists(process.pid)
    assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


def test_a_process_that_only_has_an_orphans_old_number_is_left_alone():
    mine = psutil.Process()
    other = Orphan(os.getpid(), mine.create_time() - 1, "pulumi-resource-thing", None)

    assert stop_orphans([other]) == ()
