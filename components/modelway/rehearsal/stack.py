"""The stack that a rehearsal deploys: its program, its spec and the runs of the literal `pulumi`.

Takes a folder of its own and a loaded scenario, gives runs. It writes in that folder only, and
every run is led to the emulator. Must not wait for events.
"""

import json
import os
import shutil
import signal
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from modelway.emulator.environment import backend_folder, child_environment
from modelway.errors import RehearsalError
from modelway.rehearsal.scenario_file import LoadedScenario
from modelway.spec.model import ModelSpec
from modelway.spec.rules import EMULATOR_ENVIRONMENT

PROGRAM = Path(__file__).parent / "program"
"""The program that is deployed where the scenario names none."""

STACK = EMULATOR_ENVIRONMENT
"""The stack's name, and so the environment: the emulator's."""

ENDPOINT_TYPE = "dynamic/modelway:Endpoint::"
"""Is in the URN of the resource that holds models, configurations and endpoint."""

END_SECONDS = 20.0
"""Real seconds that an engine gets to end after SIGTERM, when a rehearsal is given up."""


@dataclass(frozen=True)
class Run:
    """One run of `pulumi`."""

    exit_status: int
    output: str


class RehearsedStack:
    """One stack of one rehearsal.

    Args:
        loaded: the scenario.
        folder: an empty folder.
        state: the emulator's state folder, beside which Pulumi keeps its own.
    """

    def __init__(self, loaded: LoadedScenario, folder: Path, state: Path) -> None:
        scenario = loaded.scenario
        self._state = state
        self._folder = folder / "program"
        program = PROGRAM if scenario.program is None else loaded.folder / scenario.program
        spec = "spec.yaml"
        if scenario.program is not None:
            spec = _spec_inside(loaded, program)
        shutil.copytree(
            program, self._folder, ignore=shutil.ignore_patterns(".git", ".venv", "__pycache__")
        )
        self._spec = self._folder / spec
        self.project = str(_project(self._folder)["name"])
        self.backend_url = f"file://{backend_folder(state)}"
        self.environment: Mapping[str, str] = {}
        """Variables of every run; complete after `lead_to`."""
        self._logs = folder
        self._runs = 0
        self._running: _Started | None = None

    def lead_to(self, url: str) -> None:
        """Let every later run use the emulator at this address."""
        self.environment = child_environment(url, self._state, os.environ)

    def initialize(self) -> None:
        """Make the stack in the backend; this asks no AWS."""
        backend_folder(self._state).mkdir(parents=True, exist_ok=True)
        self.lead_to("http://127.0.0.1:9")
        done = self.run("stack", "init", STACK)
        if done.exit_status != 0:
            raise RehearsalError(f"making the stack of the rehearsal: {done.output.strip()}")

    def write(self, spec: ModelSpec) -> None:
        """Let the next run deploy this spec."""
        data = spec.model_dump(mode="json", exclude_defaults=True, exclude={"environments"})
        self._spec.write_text(yaml.safe_dump(data, sort_keys=False), encoding="utf-8")

    def start_up(self) -> None:
        """Begin `pulumi up`; `end_up` waits for it."""
        self._running = self._start("up", "--yes", "--skip-preview", "--stack", STACK)

    def interrupt(self, name: str) -> None:
        """Send a signal, such as `SIGKILL`, to the engine that runs, if one does."""
        if self._running is not None and self._running.process.poll() is None:
            self._running.process.send_signal(signal.Signals[name])

    def end_up(self, seconds: float) -> Run | None:
        """Give the run that was started; None when it is not over within so many real seconds."""
        if self._running is None:
            message = "no `pulumi up` was started"
            raise AssertionError(message)
        try:
            status = self._running.process.wait(seconds)
        except subprocess.TimeoutExpired:
            return None
        run = Run(status, self._running.output())
        self._running = None
        return run

    def start_preview(self) -> None:
        """Begin to look at what one more `pulumi up` would do; `changes` waits for it."""
        self._running = self._start("preview", "--json", "--stack", STACK)

    def changes(self) -> tuple[dict[str, int], tuple[str, ...]]:
        """Give what the preview found.

        Returns:
            Counts by operation, such as `{"same": 12}`, and the operations on the endpoint itself,
            empty when it would be left alone.

        Raises:
            RehearsalError: the preview failed.
        """
        started, self._running = self._running, None
        if started is None:
            message = "no preview was started"
            raise AssertionError(message)
        started.process.wait()
        try:
            found = json.loads(started.out.read_text())
            counts = {kind: int(count) for kind, count in found["changeSummary"].items()}
            steps = [(step["op"], step["urn"]) for step in found.get("steps") or ()]
        except (ValueError, KeyError):
            raise RehearsalError(f"looking for changes after all: {started.output()}") from None
        return counts, tuple(op for op, urn in steps if ENDPOINT_TYPE in urn and op != "same")

    def run(self, *arguments: str) -> Run:
        """Run `pulumi` to its end."""
        started = self._start(*arguments)
        return Run(started.process.wait(), started.output())

    def give_up(self) -> None:
        """End an engine that still runs, so that nothing is left of it."""
        if self._running is None or self._running.process.poll() is not None:
            return
        self._running.process.terminate()
        try:
            self._running.process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            self._running.process.kill()
            self._running.process.wait()

    def _start(self, *arguments: str) -> "_Started":
        self._runs += 1
        out, errors = (self._logs / f"pulumi-{self._runs}.{kind}" for kind in ("out", "err"))
        # Files, not pipes: what a killed engine leaves behind would keep a pipe open.
        with out.open("wb") as to_out, errors.open("wb") as to_errors:
            process = subprocess.Popen(
                ["pulumi", *arguments, "--non-interactive", "--color", "never"],
                cwd=self._folder,
                env=dict(self.environment),
                stdin=subprocess.DEVNULL,
                stdout=to_out,
                stderr=to_errors,
                start_new_session=True,  # Ctrl-C is for the rehearsal, which ends the engine itself
            )
        return _Started(process, out, errors)


@dataclass(frozen=True)
class _Started:
    process: "subprocess.Popen[bytes]"
    out: Path
    errors: Path

    def output(self) -> str:
        return self.out.read_text(errors="replace") + self.errors.read_text(errors="replace")


def _project(folder: Path) -> dict[str, Any]:
    return yaml.safe_load((folder / "Pulumi.yaml").read_text(encoding="utf-8"))


def _spec_inside(loaded: LoadedScenario, program: Path) -> str:
    spec = loaded.scenario.spec
    path = (loaded.folder / spec).resolve() if isinstance(spec, str) else None
    if path is None or not path.is_relative_to(program.resolve()):
        raise RehearsalError(
            f"preparing the rehearsal {loaded.scenario.name}: with a `program` of your own, `spec` "
            f"must be a file inside {program}, so that the rehearsal can change it there"
        )
    return str(path.relative_to(program.resolve()))
