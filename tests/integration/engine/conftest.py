"""A tiny program with one dynamic resource, run by the real engine on a file backend of its own."""

import os
import subprocess
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil
import pytest

from modelway.engine import Engine, engine_environment, find_engine

PROGRAM = """
    import os
    import pulumi
    from clock import Slow

    print("the program speaks")
    Slow("slow", os.environ.get("SLOW_SECONDS", "0"))
    if "PROGRAM_FAULT" in os.environ:
        exec(os.environ["PROGRAM_FAULT"])
    pulumi.export("answer", 42)
"""

# The provider leaves a mark at the start and at the end of each creation.
RESOURCE = """
    import os
    import time
    from pathlib import Path
    from pulumi.dynamic import CreateResult, Resource, ResourceProvider


    class SlowProvider(ResourceProvider):
        def create(self, props):
            marks = Path(os.environ["MARKS"])
            with marks.open("a") as file:
                file.write("started\\n")
            time.sleep(float(os.environ.get("SLOW_SECONDS", "0")))
            with marks.open("a") as file:
                file.write("finished\\n")
            return CreateResult("slow-1", props)


    class Slow(Resource):
        def __init__(self, name, _seconds):
            super().__init__(SlowProvider(), name, {"word": "same"})
"""


@dataclass
class Project:
    """A project directory, its stack `dev` and the engine runs that a test started."""

    directory: Path
    backend_url: str
    environment: dict[str, str]
    started: list[subprocess.Popen] = field(default_factory=list)

    @property
    def marks(self) -> list[str]:
        """What the provider did so far."""
        file = Path(self.environment["MARKS"])
        return file.read_text().split() if file.exists() else []

    def start(self, *arguments: str, **variables: str) -> subprocess.Popen:
        """Start `pulumi` with these arguments."""
        process = subprocess.Popen(
            ["pulumi", *arguments, "--non-interactive"],
            cwd=self.directory,
            env=self.environment | variables,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.started.append(process)
        return process

    def pulumi(self, *arguments: str, **variables: str) -> tuple[int, str]:
        """Run `pulumi` to its end; its exit status and all its output."""
        process = self.start(*arguments, **variables)
        output, _ = process.communicate(timeout=120)
        return process.returncode, output

    def processes(self) -> list[psutil.Process]:
        """Every living process that was started for this project."""
        found = []
        for process in psutil.process_iter():
            try:
                mine = process.environ().get("MARKS") == self.environment["MARKS"]
                if mine and process.status() != psutil.STATUS_ZOMBIE:
                    found.append(process)
            except psutil.Error:
                continue
        return found

    def wait_for(self, condition, seconds: float = 60) -> None:
        """Wait until a condition holds, and fail when it does not."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.05)


@pytest.fixture(scope="session")
def engine() -> Engine:
    found = find_engine()
    assert found is not None, "no engine: run `modelway doctor --setup` first"
    return found


@pytest.fixture
def project(engine: Engine, tmp_path: Path) -> Iterator[Project]:
    directory = tmp_path / "project"
    (directory / "program").mkdir(parents=True)
    (directory / "Pulumi.yaml").write_text("name: tiny\nruntime: python\nmain: program/\n")
    (directory / "program" / "__main__.py").write_text(textwrap.dedent(PROGRAM))
    (directory / "program" / "clock.py").write_text(textwrap.dedent(RESOURCE))
    (tmp_path / "state").mkdir()
    url = (tmp_path / "state").as_uri()
    base = {name: os.environ[name] for name in ("HOME", "LANG", "PATH") if name in os.environ}
    environment = engine_environment(
        engine,
        base,
        home=tmp_path / "home",
        backend_url=url,
        passphrase="only for this test",
        acquire_plugins=False,
    )
    project = Project(directory, url, environment | {"MARKS": str(tmp_path / "marks")})
    status, output = project.pulumi("stack", "init", "dev")
    assert status == 0, output
    yield project
    for process in project.started:
        process.kill()
        process.communicate()
    for process in project.processes():
        process.kill()
