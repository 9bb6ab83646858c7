import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psutil
import pytest

from modelway.engine.lock import Holder, examine, held, read_lock, read_locks
from modelway.errors import StackLocked

STACK = "organization/tiny/dev"


def write_lock(directory: Path, name: str = "a", **changes) -> Path:
    content = {
        "pid": os.getpid(),
        "username": "ann",
        "hostname": socket.gethostname(),
        "timestamp": datetime.now(UTC).isoformat(),
    } | changes
    directory.mkdir(parents=True, exist_ok=True)
    file = directory / f"{name}.json"
    file.write_text(json.dumps(content))
    return file


@pytest.fixture
def dead_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_lock_of_the_engine_is_read(tmp_path):
    file = tmp_path / "x.json"
    file.write_text(
        '{"pid":4711,"username":"ann","hostname":"box",'
        '"timestamp":"2026-11-23T13:10:28.318052288+01:00"}'
    )

    lock = read_lock(file, STACK)

    assert (lock.pid, lock.username, lock.hostname) == (4711, "ann", "box")
    assert lock.since == datetime(2026, 11, 23, 12, 10, 28, 318052, tzinfo=UTC)
    assert str(lock) == "ann@box (pid 4711) since 2026-11-23 13:10:28+01:00"


def test_a_holder_that_is_gone_is_dead(tmp_path, dead_pid):
    verdict = examine(read_lock(write_lock(tmp_path, pid=dead_pid), STACK))

    assert verdict.holder is Holder.DEAD
    assert verdict.evidence == f"no process {dead_pid} on this machine"


def test_a_holder_that_runs_is_alive(tmp_path):
    verdict = examine(read_lock(write_lock(tmp_path), STACK))

    assert verdict.holder is Holder.ALIVE


def test_a_process_that_started_after_the_lock_was_taken_is_not_its_holder(tmp_path):
    before = psutil.Process().create_time() - 60
    stamp = datetime.fromtimestamp(before, UTC).isoformat()

    verdict = examine(read_lock(write_lock(tmp_path, timestamp=stamp), STACK))

    assert verdict.holder is Holder.DEAD
    assert "is another one" in verdict.evidence


def test_a_start_time_within_the_clocks_slack_proves_nothing(tmp_path):
    started = psutil.Process().create_time()
    stamp = (datetime.fromtimestamp(started, UTC) - timedelta(seconds=1.9)).isoformat()

    assert examine(read_lock(write_lock(tmp_path, timestamp=stamp), STACK)).holder is Holder.ALIVE


def test_a_holder_that_ended_and_was_not_collected_is_dead(tmp_path):
    process = subprocess.Popen([sys.executable, "-c", ""])
    while psutil.Process(process.pid).status() != psutil.STATUS_ZOMBIE:
        pass

    verdict = examine(read_lock(write_lock(tmp_path, pid=process.pid), STACK))

    process.wait()
    assert verdict.holder is Holder.DEAD


def test_nothing_is_known_of_a_holder_on_another_machine(tmp_path, dead_pid):
    lock = read_lock(write_lock(tmp_path, hostname="elsewhere", pid=dead_pid), STACK)

    verdict = examine(lock)

    assert verdict.holder is Holder.UNKNOWN
    assert "another machine, elsewhere" in verdict.evidence


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"pid": "x", "timestamp": 3}', "\udcff"])
def test_nothing_is_known_of_a_lock_that_cannot_be_read(tmp_path, text):
    file = tmp_path / "x.json"
    file.write_bytes(text.encode("utf-8", "surrogateescape"))

    assert examine(read_lock(file, STACK)).holder is Holder.UNKNOWN


def test_a_held_stack_is_locked_for_others_and_free_afterwards(tmp_path):
    with held(tmp_path, STACK) as stale:
        [mine] = read_locks(tmp_path, STACK)

    assert stale == ()
    assert (mine.pid, mine.hostname) == (os.getpid(), socket.gethostname())
    assert read_locks(tmp_path, STACK) == ()


def test_a_stack_is_not_held_beside_a_living_holder(tmp_path):
    file = write_lock(tmp_path)

    with pytest.raises(StackLocked, match=rf"locked by ann@.*pid {os.getpid()}.*SIGTERM"):
        held(tmp_path, STACK).__enter__()

    assert list(tmp_path.iterdir()) == [file]


def test_a_stack_is_not_held_beside_a_holder_on_another_machine(tmp_path):
    file = write_lock(tmp_path, hostname="elsewhere")

    with pytest.raises(StackLocked, match="run this on elsewhere"):
        held(tmp_path, STACK).__enter__()

    assert list(tmp_path.iterdir()) == [file]


def test_a_dead_engines_lock_stays_while_the_stack_is_held(tmp_path, dead_pid):
    file = write_lock(tmp_path, pid=dead_pid)

    with held(tmp_path, STACK) as stale:
        present = file.exists()

    assert [lock.file for lock in stale] == [file]
    assert present
