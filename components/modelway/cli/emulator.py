"""`modelway emulator`: the embedded AWS on this machine.

Takes options, gives an emulator's life in commands. Nothing here talks to AWS.
"""

import json
import time
from pathlib import Path
from typing import Annotated, Any

import typer

from modelway.cli import faults

app = typer.Typer(no_args_is_help=True, help="The embedded AWS on this machine.")
app.add_typer(faults.app, name="fault")

_FOLLOW_SECONDS = 0.5
_PAGE = "/_modelway/"
"""Where an emulator serves its live page."""

Port = Annotated[int, typer.Option(help="The emulator's port on 127.0.0.1.")]


@app.command()
def start(
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 takes any free one.")] = 4510,
    time_scale: Annotated[
        float, typer.Option(help="Virtual seconds per real second: 60 makes minutes seconds.")
    ] = 1.0,
    runtime: Annotated[
        str, typer.Option(help="What a replica is: process, or docker (needs Docker).")
    ] = "process",
    state: Annotated[
        Path | None,
        typer.Option(help="Folder that keeps what exists. Default: by port, in your state home."),
    ] = None,
    replicas: Annotated[
        bool,
        typer.Option(
            "--replicas/--no-replicas", help="Whether endpoints have anything behind them."
        ),
    ] = True,
) -> None:
    """Start an emulator and wait until it answers. What existed before is there again.

    Examples:
        modelway emulator start
        modelway emulator start --time-scale 60
        modelway emulator start --port 4511 --state /tmp/second
    """
    from modelway.emulator import process

    began = time.monotonic()
    emulator = process.start(port, time_scale, runtime, state, replicas)
    seconds = time.monotonic() - began
    option = "" if emulator.port == process.DEFAULT_PORT else f" --port {emulator.port}"
    typer.echo(emulator.url)
    typer.echo(f"ready after {seconds:.1f} s; state and log in {emulator.state_dir}", err=True)
    for warning in emulator.status()["warnings"]:
        typer.echo(f"warning: {warning}", err=True)
    typer.echo("\nnext:", err=True)
    typer.echo(f'  eval "$(modelway emulator env{option})"', err=True)
    typer.echo("  pulumi stack select --create local && pulumi up", err=True)
    typer.echo(f"  open {emulator.url}{_PAGE} in a browser to watch it live", err=True)
    typer.echo(f"  modelway emulator stop{option}", err=True)


@app.command()
def stop(port: Port = 4510) -> None:
    """Stop an emulator and all its replicas. What exists stays in its state folder.

    Examples:
        modelway emulator stop
        modelway emulator stop --port 4511
    """
    from modelway.emulator import process

    emulator = process.find(port)
    if emulator is None:
        typer.echo(f"no emulator answers on port {port}; nothing to stop", err=True)
        return
    emulator.stop()
    typer.echo(f"stopped; its state is in {emulator.state_dir}", err=True)


@app.command()
def status(
    port: Port = 4510,
    as_json: Annotated[bool, typer.Option("--json", help="Print everything as JSON.")] = False,
) -> None:
    """Say how an emulator was started and what runs on it.

    Examples:
        modelway emulator status
        modelway emulator status --json
    """
    from modelway.emulator import process

    found = process.require(port).status()
    if as_json:
        typer.echo(json.dumps(found, indent=2))
        return
    for line in _status_lines(found):
        typer.echo(line)


@app.command()
def env(port: Port = 4510) -> None:
    """Print shell exports that lead pulumi, aws and boto3 to an emulator.

    Dummy keys are set and profiles cleared, so that nothing run afterwards in this shell can reach
    a real account.

    Examples:
        eval "$(modelway emulator env)"
        eval "$(modelway emulator env --port 4511)"
    """
    from modelway.emulator import process
    from modelway.emulator.environment import posix_exports
    from modelway.engine import find_engine

    emulator = process.require(port)
    if find_engine() is None:
        typer.echo("no Pulumi engine yet: get one with `modelway doctor --setup`", err=True)
    typer.echo(posix_exports(emulator.environment()), nl=False)


@app.command()
def logs(
    group: Annotated[
        str | None, typer.Argument(help="A log group. Default: the emulator's own log.")
    ] = None,
    port: Port = 4510,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until interrupted.")
    ] = False,
    groups: Annotated[bool, typer.Option("--groups", help="List the log groups.")] = False,
) -> None:
    """Print the emulator's own log, or the events of one of its CloudWatch log groups.

    Examples:
        modelway emulator logs
        modelway emulator logs --groups
        modelway emulator logs /aws/sagemaker/Endpoints/fraud-local --follow
    """
    from modelway.emulator import process

    emulator = process.require(port)
    if groups:
        for name in process.control(emulator.url, "GET", "logs")["groups"]:
            typer.echo(name)
        return
    shown = 0
    while True:
        lines = _own_log(emulator.state_dir) if group is None else _events(emulator.url, group)
        for line in lines[shown:]:
            typer.echo(line)
        shown = len(lines)
        if not follow:
            return
        time.sleep(_FOLLOW_SECONDS)


@app.command()
def reset(
    port: Port = 4510,
    keep_stacks: Annotated[
        bool, typer.Option(help="Keep Pulumi's state of the stacks on this emulator.")
    ] = False,
) -> None:
    """Make an emulator forget everything: resources, replicas, metrics, logs and stacks.

    Examples:
        modelway emulator reset
    """
    from modelway.emulator import process

    emulator = process.require(port)
    emulator.reset(keep_stacks=keep_stacks)
    typer.echo(f"the emulator on port {port} is as new", err=True)


app.command()(faults.faults)


def _status_lines(found: dict[str, Any]) -> list[str]:
    now = time.strftime("%Y-%m-%d %H:%M:%S UTC", time.gmtime(found["virtual_now"]))
    lines = [
        f"emulator   {found['url']} (process {found['pid']}, modelway {found['version']})",
        f"page       {found['url']}{_PAGE}",
        f"account    {found['account']}, {found['region']}",
        f"clock      {now}, {found['time_scale']:g} times real time",
        f"state      {found['state_dir']}",
        f"images     {found['images']}",
        *(f"warning    {warning}" for warning in found["warnings"]),
    ]
    endpoints = found["endpoints"]
    lines.append(f"endpoints  {len(endpoints) or 'none'}")
    lines.extend(f"  {line}" for endpoint in endpoints for line in _endpoint_lines(endpoint))
    return lines


def _endpoint_lines(endpoint: dict[str, Any]) -> list[str]:
    replicas = endpoint["replicas"]
    healthy = sum(1 for replica in replicas if replica["state"] == "healthy")
    weights = ", ".join(
        f"{variant['name']} {variant['instances']} of {variant['desired_instances']}"
        for variant in endpoint["variants"]
    )
    lines = [
        f"{endpoint['name']}: {endpoint['status']}, configuration {endpoint['config']}",
        f"  instances {weights or 'none'}; {healthy} of {len(replicas)} replicas healthy",
        f"  log group {endpoint['log_group']}",
    ]
    if endpoint["failure_reason"]:
        lines.append(f"  failed: {endpoint['failure_reason']}")
    lines.extend(f"  | {line}" for line in endpoint["last_failure_log"])
    return lines


def _own_log(state_dir: Path) -> list[str]:
    return (state_dir / "emulator.log").read_text(errors="replace").splitlines()


def _events(url: str, group: str) -> list[str]:
    from urllib.parse import quote

    from modelway.emulator import process

    answer = process.control(url, "GET", f"logs?group={quote(group, safe='')}")
    return [
        time.strftime("%H:%M:%S ", time.gmtime(event["timestamp"]))
        + f"{event['stream']} {event['message']}"
        for event in answer["events"]
    ]
