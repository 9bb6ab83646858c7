"""Engines stopped in the middle of an update, and what `repair` makes of it."""

import signal
import sys

import pytest

from modelway.engine import diagnose, repair
from modelway.engine.lock import Holder
from modelway.engine.recovery import Action
from modelway.errors import StackLocked

pytestmark = pytest.mark.integration

URN = "urn:pulumi:dev::tiny::pulumi-python:dynamic:Resource::slow"


def start_slow_creation(project, seconds: str = "30"):
    running = project.start("up", "--yes", "--skip-preview", SLOW_SECONDS=seconds)
    project.wait_for(lambda: "started" in project.marks)
    return running


def test_sigterm_lets_the_running_step_end_and_the_next_up_goes_on(project):
    running = start_slow_creation(project, "3")

    running.send_signal(signal.SIGTERM)
    output, _ = running.communicate(timeout=60)
    conditions = diagnose(project.backend_url)
    status, second = project.pulumi("up", "--yes")

    assert running.returncode != 0, output
    assert "Traceback" not in output
    assert project.marks == ["started", "finished"]
    assert [(c.locks, c.pending, c.orphans) for c in conditions] == [((), (), ())]
    assert project.processes() == []
    assert status == 0, second


def test_plugins_end_by_themselves_when_their_engine_is_killed(project):
    running = start_slow_creation(project)

    running.kill()
    running.wait()

    project.wait_for(lambda: project.processes() == [], seconds=10)
    assert project.marks == ["started"]


def test_a_killed_engine_is_repaired_and_the_next_up_converges(project):
    running = start_slow_creation(project)
    running.kill()
    running.wait()
    project.wait_for(lambda: project.processes() == [], seconds=10)

    refused = project.pulumi("up", "--yes")
    [condition] = diagnose(project.backend_url, "dev")
    actions = repair(project.backend_url, "dev")
    converged = project.pulumi("up", "--yes", "--skip-preview")
    again = project.pulumi("up", "--yes", "--expect-no-changes")

    assert refused[0] != 0
    assert "the stack is currently locked" in refused[1]
    [(lock, verdict)] = condition.locks
    assert condition.stack == "organization/tiny/dev"
    assert lock.pid == running.pid
    assert verdict.holder is Holder.DEAD
    assert [(op.kind, op.urn) for op in condition.pending] == [("creating", URN)]
    assert [(a.action, a.subject) for a in actions[:1]] == [
        (Action.SETTLED_OPERATION, f"creating {URN}")
    ]
    assert [a.action for a in actions[1:]] == [Action.REMOVED_LOCK]
    assert converged[0] == 0, converged[1]
    assert "pending operations" not in converged[1]
    assert again[0] == 0, again[1]
    assert project.marks == ["started", "started", "finished"]
    assert repair(project.backend_url) == []
    assert project.processes() == []


def test_a_plugin_that_outlives_its_engine_is_stopped_by_the_repair(project, tmp_path):
    # As the official release starts it: nothing tells this process that its engine is gone.
    plugin = tmp_path / "bin" / "pulumi-resource-pulumi-python"
    plugin.parent.mkdir()
    plugin.write_text(f'#!/bin/sh\n{sys.executable} -u -m pulumi.dynamic "$@"\n')
    plugin.chmod(0o755)
    project.environment["PATH"] = f"{plugin.parent}:{project.environment['PATH']}"
    running = start_slow_creation(project)
    running.kill()
    running.wait()
    project.wait_for(lambda: len(project.processes()) == 2, seconds=10)
    left = {process.pid for process in project.processes()}

    [condition] = diagnose(project.backend_url, "dev")
    actions = repair(project.backend_url, "dev")

    assert {orphan.pid for orphan in condition.orphans} == left
    assert [a.action for a in actions] == [
        Action.STOPPED_PROCESS,
        Action.STOPPED_PROCESS,
        Action.SETTLED_OPERATION,
        Action.REMOVED_LOCK,
    ]
    assert project.processes() == []
    assert project.marks == ["started"]


def test_a_running_engine_is_left_alone(project):
    running = start_slow_creation(project)
    before = {process.pid for process in project.processes()}

    with pytest.raises(StackLocked, match=rf"pid {running.pid}\) since .* is running"):
        repair(project.backend_url, "dev")

    assert repair(project.backend_url) == []
    assert {process.pid for process in project.processes()} == before
    running.kill()
