"""Processes that end when their owner does; the owner here is this test."""

import os
import signal
import subprocess
import sys

import psutil
import pytest

FOLLOW = (
    "from modelway.engine.hosts.lifeline import follow_parent\n"
    "import time\nfollow_parent()\nprint('up', flush=True)\ntime.sleep(120)\n"
)


def test_a_process_ends_when_its_standard_input_is_closed():
    with subprocess.Popen(
        [sys.executable, "-c", FOLLOW], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as process:
        process.stdout.readline()

        process.stdin.close()

        assert process.wait(10) == 130


def test_a_process_without_a_pipe_ends_when_its_parent_does():
    parent = (
        "import subprocess, sys, time\n"
        f"child = subprocess.Popen([sys.executable, '-c', {FOLLOW!r}], stdin=subprocess.DEVNULL,"
        " stdout=subprocess.PIPE)\n"
        "child.stdout.readline()\nprint(child.pid, flush=True)\ntime.sleep(120)\n"
    )
    with subprocess.Popen([sys.executable, "-c", parent], stdout=subprocess.PIPE) as process:
        child = psutil.Process(int(process.stdout.readline()))

        process.kill()

        psutil.wait_procs([child], 10)
        assert not child.is_running() or child.status() == psutil.STATUS_ZOMBIE


@pytest.mark.parametrize("module", ["language", "dynamic"])
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_host_ends_quietly_on_a_signal(module, number, tmp_path):
    with subprocess.Popen(
        [sys.executable, "-u", "-m", f"modelway.engine.hosts.{module}", "127.0.0.1:1"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=tmp_path,
        env={"PATH": os.defpath},
    ) as process:
        port = int(process.stdout.readline())
        process.send_signal(number)
        process.wait(10)
        errors = process.stderr.read()

    assert 0 < port < 65536
    assert errors == b""
