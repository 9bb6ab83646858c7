"""Starting a process: its environment, and the leash that ties it to the emulator."""

import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from modelway.emulator.hosting import leash
from modelway.emulator.hosting.launch import Order, container_environment


def order(**environment):
    return Order(
        endpoint_name="fraud",
        variant="primary",
        instance_id="i-1",
        image="image",
        model_dir=Path("models"),
        environment=environment,
        region="eu-west-1",
    )


def test_a_container_gets_the_models_environment_and_sagemakers_own():
    assert container_environment(order(MODEL_SERVER_THREADS="2"), 8081) == {
        "MODEL_SERVER_THREADS": "2",
        "AWS_REGION": "eu-west-1",
        "AWS_DEFAULT_REGION": "eu-west-1",
        "SAGEMAKER_BIND_TO_PORT": "8081",
    }


def test_a_model_cannot_move_the_port_that_sagemaker_gives():
    found = container_environment(order(SAGEMAKER_BIND_TO_PORT="1"), 8081)

    assert found["SAGEMAKER_BIND_TO_PORT"] == "8081"


def test_a_leashed_program_dies_with_a_killed_parent():
    program = f"""
import os, subprocess, sys, time
leashed = [sys.executable, "-I", "-S", {leash.__file__!r}, str(os.getpid())]
child = subprocess.Popen([*leashed, sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    with parent:
        child = psutil.Process(int(parent.stdout.readline()))
        # The leash is on once the child has become the program itself.
        while "leash.py" in " ".join(child.cmdline()):
            time.sleep(0.01)

        parent.kill()

    deadline = time.monotonic() + 10
    while child.is_running() and child.status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_leash_whose_parent_is_gone_starts_nothing():
    done = subprocess.run(
        [sys.executable, "-I", "-S", leash.__file__, "0", sys.executable, "-c", "print('ran')"],
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": os.defpath},
    )

    assert done.returncode == 1
    assert done.stdout == ""
