"""`modelway doctor`: what is on this machine, what is missing, and how to put it right.

Takes the environment, gives one finding per thing that modelway can use. It must not change
anything unless `--setup` or `--repair` asks for it, and makes no call to AWS.
"""

import dataclasses
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import typer

from modelway.engine import (
    Engine,
    RepairAction,
    StackCondition,
    diagnose,
    ensure_engine,
    find_engine,
    repair,
)
from modelway.errors import EngineError, ModelwayError
from modelway.image.runtime import server_python

DOCKER_SECONDS = 10.0
"""How long Docker's daemon may take to answer."""


@dataclass(frozen=True)
class Finding:
    """One thing that was looked for."""

    subject: str
    state: str
    """`ok`; `absent`, which one can do without; `missing` or `broken`, which fail the command."""
    detail: str
    advice: str = ""
    """What to do about it; empty when nothing is to be done."""


def doctor(
    setup: Annotated[
        bool, typer.Option("--setup", help="Get a missing engine and the server's packages.")
    ] = False,
    mend: Annotated[
        bool, typer.Option("--repair", help="Put right what a killed engine left in the stacks.")
    ] = False,
    stack: Annotated[
        str | None, typer.Option(help="Look at this stack only: NAME or PROJECT/NAME.")
    ] = None,
    backend: Annotated[
        str | None, typer.Option(help="State backend. Default: the one that pulumi would use.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
    path: Annotated[
        bool,
        typer.Option(
            "--path", help="Print only the folders that PATH needs for the engine, one a line."
        ),
    ] = False,
) -> None:
    """Say what was found on this machine, what is missing and how to get it.

    Exit status 1 when the engine is missing or a stack needs repair.

    Examples:
        modelway doctor
        modelway doctor --setup
        modelway doctor --repair --stack local
        modelway doctor --setup --path
    """
    if setup:
        ensure_engine(progress=_say)
        server_python(progress=_say)
    if path:
        for folder in _engine_folders():
            typer.echo(folder)
        return
    url = _backend_url() if backend is None else backend
    repaired = _repaired(url, stack) if mend else []
    findings = [*_machine(), *_stacks(url, stack)]
    if as_json:
        document = {
            "repaired": [dataclasses.asdict(action) for action in repaired],
            "findings": [dataclasses.asdict(finding) for finding in findings],
        }
        typer.echo(json.dumps(document, indent=2))
    else:
        for action in repaired:
            typer.echo(f"repaired {action.stack}: {action.action} {action.subject}")
            typer.echo(f"         {action.detail}")
        if mend and not repaired:
            typer.echo("nothing to repair")
        for finding in findings:
            typer.echo(f"{finding.state:<8} {finding.subject}: {finding.detail}")
            if finding.advice:
                typer.echo(f"         {finding.advice}")
    if any(finding.state in ("missing", "broken") for finding in findings):
        raise typer.Exit(1)


def _repaired(url: str | None, stack: str | None) -> list[RepairAction]:
    """Repair the stacks of a backend."""
    if url is None:
        raise EngineError(
            "repairing stacks: no state backend is known here; set PULUMI_BACKEND_URL, or "
            "name it with --backend file:///path/to/state"
        )
    return repair(url, stack)


def _engine_folders() -> list[Path]:
    """Give the folders of the engine and of what it starts; the last one is to come first."""
    engine = find_engine()
    if engine is None:
        raise EngineError("looking for the Pulumi engine: there is none; add --setup to get one")
    return [engine.executable.parent, *reversed(engine.path_entries)]


def _say(line: str) -> None:
    typer.echo(line, err=True)


def _machine() -> Iterator[Finding]:
    """Look at the machine, from what is always needed to what is not."""
    engine = find_engine()
    yield _engine(engine)
    yield _emulator()
    yield _provider(engine)
    yield _credentials()
    yield _docker()


def _engine(engine: Engine | None) -> Finding:
    if engine is None:
        return Finding(
            "Pulumi engine",
            "missing",
            "no supported `pulumi` on PATH or in the cache",
            "run `modelway doctor --setup`, which downloads or builds it (about 2 minutes)",
        )
    origins = {"path": "on PATH", "official": "official release", "built": "built from source"}
    detail = f"{engine.version}, {origins[engine.origin]}, {engine.executable}"
    return Finding("Pulumi engine", "ok", detail)


def _emulator() -> Finding:
    from modelway.emulator import process

    try:
        running = process.find()
    except ModelwayError as error:
        return Finding("emulator", "absent", str(error))
    if running is None:
        advice = "start it with `modelway emulator start`"
        return Finding("emulator", "absent", "not running on its default port", advice)
    return Finding("emulator", "ok", f"{running.url} (pid {running.pid})")


def _provider(engine: Engine | None) -> Finding:
    """Look for the aws provider where the engine does: PATH, then its plugin directory."""
    on_path = shutil.which("pulumi-resource-aws")
    if on_path is not None:
        return Finding("aws provider", "ok", on_path)
    home = Path(os.environ.get("PULUMI_HOME", Path.home() / ".pulumi"))
    installed = sorted(entry.name for entry in (home / "plugins").glob("resource-aws-v*[0-9]"))
    if installed:
        return Finding("aws provider", "ok", f"{installed[-1]} in {home / 'plugins'}")
    needs = "" if engine is None else "; for AWS the engine downloads it at the first `pulumi up`"
    return Finding(
        "aws provider",
        "absent",
        "neither on PATH nor installed",
        f'for the emulator: eval "$(modelway emulator env)"{needs}',
    )


def _credentials() -> Finding:
    import boto3

    session = boto3.Session()
    endpoint = os.environ.get("AWS_ENDPOINT_URL")
    where = "" if endpoint is None else f", for {endpoint}"
    # Without instance metadata: asking for it takes seconds where there is none.
    core: Any = session._session  # noqa: SLF001 - boto3 has no public way to leave a source out
    chain = core.get_component("credential_provider")
    chain.remove("iam-role")
    found = chain.load_credentials()
    if found is None:
        return Finding(
            "AWS credentials",
            "absent",
            "none in the environment or the AWS configuration files",
            "only needed for AWS itself; the emulator's come with `modelway emulator env`",
        )
    region = session.region_name or "no region"
    return Finding("AWS credentials", "ok", f"from {found.method}, {region}{where}")


def _docker() -> Finding:
    command = shutil.which("docker")
    without = "not needed: replicas then run as processes"
    if command is None:
        return Finding("Docker", "absent", "no `docker` on PATH", without)
    try:
        answer = subprocess.run(
            [command, "version", "--format", "{{.Server.Version}}"],
            capture_output=True,
            check=True,
            stdin=subprocess.DEVNULL,
            text=True,
            timeout=DOCKER_SECONDS,
        ).stdout.strip()
    except (OSError, subprocess.SubprocessError):
        return Finding("Docker", "absent", f"the daemon does not answer {command}", without)
    return Finding("Docker", "ok", f"server {answer}")


def _backend_url() -> str | None:
    """Name the file backend that `pulumi` would use here, else the running emulator's."""
    from modelway.emulator import process
    from modelway.engine.backend import configured_backend

    if url := configured_backend(os.environ, Path.cwd()):
        return url
    try:
        running = process.find()
    except ModelwayError:
        return None
    return None if running is None else running.environment().get("PULUMI_BACKEND_URL")


def _stacks(url: str | None, stack: str | None) -> Iterator[Finding]:
    """Look at the stacks of a file backend; others keep their locks themselves."""
    if url is None:
        return
    if not url.startswith("file:"):
        yield Finding("stacks", "absent", f"{url} is no file backend, its stacks are not examined")
        return
    for condition in diagnose(url, stack):
        yield _stack(condition)


def _stack(condition: StackCondition) -> Finding:
    subject = f"stack {condition.stack}"
    if condition.busy:
        held = "; ".join(f"{lock}: {verdict.evidence}" for lock, verdict in condition.locks)
        return Finding(subject, "ok", f"locked by {held}")
    if not condition.needs_repair:
        return Finding(subject, "ok", "no lock, nothing pending")
    parts = [f"locked by {lock}, but {verdict.evidence}" for lock, verdict in condition.locks]
    parts += [f"{operation.kind} {operation.urn}" for operation in condition.pending]
    parts += [f"left behind: {orphan.name} (pid {orphan.pid})" for orphan in condition.orphans]
    name = condition.stack.split("/", 1)[-1]
    advice = f"run `modelway doctor --repair --stack {name}`"
    return Finding(subject, "broken", "; ".join(parts), advice)
