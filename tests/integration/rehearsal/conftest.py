"""Rehearsals in this process, and the command as a process of its own."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import psutil
import pytest
import yaml

from modelway.rehearsal.expectations import judge
from modelway.rehearsal.report import write_report
from modelway.rehearsal.run import rehearse
from modelway.rehearsal.scenario_file import SHIPPED, load_scenario
from modelway.testing import child_environment

WAIT_SECONDS = 60


@pytest.fixture
def rehearsed(tmp_path):
    """Run a scenario file: the rehearsal, what did not hold, and everything that was said."""

    def run(path: Path, **options):
        said = []
        done = rehearse(load_scenario(path), progress=said.append, **options)
        verdicts = judge(done)
        write_report(tmp_path / "report", done, verdicts)
        broken = [
            f"{each.path}: expected {each.expected}, found {each.found}"
            for each in verdicts
            if not each.held
        ]
        return done, broken, said

    return run


@pytest.fixture
def scenario_file(tmp_path) -> Callable[..., Path]:
    """Write a scenario of the models that ship."""

    def write(**parts) -> Path:
        spec = {
            "name": "greeter",
            "model": {"path": str(SHIPPED / "models" / "one.onnx"), "version": "1"},
            "rollout": {"timeout_seconds": 600},
        }
        data = {"name": "small", "spec": spec, "change": {}} | parts
        path = tmp_path / "small.yaml"
        path.write_text(yaml.safe_dump(data))
        return path

    return write


@pytest.fixture
def command(tmp_path):
    """Start `modelway rehearse` with a folder for temporary files of its own."""
    started = []
    temporary = tmp_path / "tmp"
    temporary.mkdir()

    def start(*arguments: str) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [Path(sys.executable).parent / "modelway", "rehearse", *arguments],
            cwd=tmp_path,
            env=child_environment({"TMPDIR": str(temporary)}),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.poll() is None:
            process.kill()
            process.communicate()


@pytest.fixture
def left_over(tmp_path):
    """What a rehearsal of the command left: processes that work in its folder, and files there."""

    def look() -> list[str]:
        temporary = tmp_path / "tmp"
        found = [str(path) for path in temporary.glob("modelway-rehearsal-*")]
        for process in psutil.process_iter(["cwd", "cmdline", "pid"]):
            place = " ".join([process.info["cwd"] or "", *(process.info["cmdline"] or ())])
            if str(temporary) in place:
                found.append(f"{process.info['pid']} {place}")
        return found

    return look
