"""The processes of the provider begin and end with their engine."""

import subprocess
import time

import psutil
import pytest

pytestmark = pytest.mark.integration

NAME = "pulumi-resource-aws"
SLOW = """
import time
import pulumi_aws as aws
aws.get_caller_identity()
open("asked", "w").close()
time.sleep(60)
"""


def providers_below(process):
    return [
        child
        for child in process.children(recursive=True)
        if any(NAME in part for part in child.cmdline())
    ]


def until(condition, seconds):
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if condition():
            return True
        time.sleep(0.1)
    return False


def test_a_provider_ends_when_its_engine_is_killed(stack_of):
    stack = stack_of("orphaning", SLOW)
    engine = subprocess.Popen(
        ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive"],
        cwd=stack.directory,
        env=stack.environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    assert until((stack.directory / "asked").exists, 60)
    everyone = psutil.Process(engine.pid).children(recursive=True)
    providers = providers_below(psutil.Process(engine.pid))

    engine.kill()
    engine.wait()

    assert len(providers) == 1
    assert until(lambda: not providers[0].is_running(), 10)
    for process in everyone:  # the program itself sleeps on
        if process.is_running():
            process.kill()


def test_a_finished_update_leaves_no_provider(stack_of):
    before = {each.pid for each in psutil.process_iter(["cmdline"]) if named(each)}
    stack = stack_of("tidy", 'import pulumi_aws as aws\naws.sns.Topic("t")\n')

    stack.up()

    environment = stack.emulator.url
    left = [each for each in psutil.process_iter(["cmdline"]) if named(each)]
    ours = [each for each in left if each.pid not in before and serves(each, environment)]
    assert ours == []


def named(process):
    return any(NAME in part for part in process.info["cmdline"] or ())


def serves(process, url):
    try:
        return process.environ().get("MODELWAY_EMULATOR_URL") == url
    except psutil.Error:
        return False
