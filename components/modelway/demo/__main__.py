"""`make demo`: train, start the embedded AWS, `pulumi up`, predict, rehearse two rollouts.

Works in the repository whose `Pulumi.yaml` is in the current folder, with the literal engine.
Writes only what git ignores; leaves the emulator running.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
from rich.console import Console
from rich.table import Table

from modelway.demo.predictions import Result, predict
from modelway.demo.rollouts import Rollout, rehearse_rollouts
from modelway.demo.training import held_out, train
from modelway.emulator import process
from modelway.emulator.process import RunningEmulator
from modelway.engine import ensure_engine
from modelway.errors import DeploymentError, ModelwayError, RehearsalError
from modelway.image.runtime import server_python
from modelway.package import read_artifact
from modelway.spec import load_spec

STACK = "local"
SPEC = Path("stacks/specs/digits.yaml")
REPORTS = Path(".modelway/rehearsals")
TIME_SCALE = 60.0
"""AWS's own waits pass 60 times faster; processes and predictions are in real time."""

talk = Console(stderr=True, highlight=False)
# Without a terminal nothing is cut off at 80 columns.
result = Console(highlight=False, width=None if sys.stdout.isatty() else 120)


def main() -> None:
    """Run the demo from start to end."""
    parser = argparse.ArgumentParser(prog="python -m modelway.demo", description=__doc__)
    parser.add_argument(
        "--port", type=int, default=process.DEFAULT_PORT, help="the emulator's port (%(default)s)"
    )
    port = parser.parse_args().port
    started = time.monotonic()
    if not SPEC.exists():
        message = f"running the demo: {SPEC} is not here; run it in a clone of the repository"
        raise ModelwayError(message)

    step(1, "the Pulumi engine")
    engine = ensure_engine(progress=talk.print)
    talk.print(f"    {engine.version} ({engine.origin})")

    step(2, "the model server")
    server_python(progress=talk.print)

    step(3, "a classifier for scikit-learn's handwritten digits, as ONNX")
    spec = load_spec(SPEC)
    model = train(Path(spec.model.path))
    talk.print(f"    {os.path.relpath(model)}, {read_artifact(spec.model).size_bytes:,} bytes")

    step(4, "the embedded AWS")
    emulator = process.find(port) or process.start(port, TIME_SCALE)
    talk.print(f"    {emulator.url}, pid {emulator.pid}, waits {TIME_SCALE:.0f} times faster")

    step(5, f"pulumi up --stack {STACK}")
    pulumi(emulator, "stack", "select", "--create", STACK)
    pulumi(emulator, "up", "--stack", STACK, "--yes", "--skip-preview", "--suppress-outputs")
    state = json.loads(pulumi(emulator, "stack", "export", "--stack", STACK, capture=True))
    outputs = json.loads(
        pulumi(emulator, "stack", "output", "--stack", STACK, "--json", capture=True)
    )
    endpoint_name = outputs[spec.name]["endpoint_name"]

    step(6, "the held-out rows through boto3's sagemaker-runtime")
    rows = held_out()
    answers = predict(client(emulator, "sagemaker-runtime"), endpoint_name, rows)

    step(7, "two rollouts, rehearsed on an emulator of their own: a good version, then a bad one")
    rollouts = rehearse_rollouts(REPORTS, progress=lambda line: talk.print(f"    {line}"))

    show_resources(state)
    show_rollouts(rollouts)
    show_result(emulator, endpoint_name, answers, time.monotonic() - started)
    if not all(rollout.held for rollout in rollouts):
        message = f"rehearsing rollouts: they did not go as they should; {REPORTS} says how"
        raise RehearsalError(message)


def step(number: int, text: str) -> None:
    """Say what is being done."""
    talk.print(f"[bold]{number}/7[/bold] {text}")


def client(emulator: RunningEmulator, service: str) -> Any:
    """Make a boto3 client as a user's program would, from the emulator's variables."""
    variables = emulator.environment()
    return boto3.client(
        service,
        endpoint_url=variables["AWS_ENDPOINT_URL"],
        region_name=variables["AWS_REGION"],
        aws_access_key_id=variables["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=variables["AWS_SECRET_ACCESS_KEY"],
    )


def pulumi(emulator: RunningEmulator, *arguments: str, capture: bool = False) -> str:
    """Run the literal `pulumi` with the emulator's variables; its talk goes to stderr."""
    variables = emulator.child_environment()
    done = subprocess.run(
        ["pulumi", *arguments, "--non-interactive"],
        env=variables,
        stdout=subprocess.PIPE if capture else sys.stderr,
        text=True,
        check=False,
    )
    if done.returncode != 0:
        message = (
            f"running pulumi {' '.join(arguments)}: it exited with {done.returncode} and said why "
            f"above; `modelway doctor` checks the machine, and the demo can simply be run again"
        )
        raise DeploymentError(message)
    return done.stdout if capture else ""


def show_resources(state: dict[str, Any]) -> None:
    """Draw what was made, by type."""
    table = Table("type", "name", box=None, pad_edge=False, header_style="bold")
    for resource in state["deployment"]["resources"]:
        type_token = resource["type"]
        if not type_token.startswith("pulumi:"):
            table.add_row(type_token, resource["urn"].rsplit("::", 1)[-1])
    result.print(table, soft_wrap=True)
    result.print()


def show_rollouts(rollouts: Sequence[Rollout]) -> None:
    """Draw what became of the rehearsed rollouts."""
    columns = ("rollout", "outcome", "requests", "failed", "went back after")
    table = Table(*columns, box=None, pad_edge=False, header_style="bold")
    for each in rollouts:
        back = each.rolled_back_after_seconds
        table.add_row(
            each.scenario,
            each.outcome,
            str(each.requests),
            str(each.failed),
            "" if back is None else f"{back:.0f} s of AWS's time",
        )
    result.print(table, soft_wrap=True)
    result.print(f"reports and plots: {REPORTS}/\n")


def show_result(
    emulator: RunningEmulator, endpoint_name: str, answers: Result, took: float
) -> None:
    """Print the figures and what to try next."""
    option = "" if emulator.port == process.DEFAULT_PORT else f" --port {emulator.port}"
    result.print(f"endpoint   {endpoint_name}")
    result.print(f"           {emulator.url}/endpoints/{endpoint_name}/invocations")
    result.print(f"accuracy   {answers.accuracy:.1%} of {answers.rows} held-out rows")
    result.print(
        f"latency    p50 {answers.p50_ms:.1f} ms, p99 {answers.p99_ms:.1f} ms (one row a call)"
    )
    result.print(f"took       {took:.0f} s")
    result.print(
        f"""
The emulator is still running. To look around:

  source .venv/bin/activate
  eval "$(modelway emulator env{option})"
                                  now plain pulumi, boto3 and the AWS CLI talk to it
  modelway emulator status{option}
                                  what runs, and where its log is
  modelway status {endpoint_name}    the endpoint, its alarms, its last errors
  pulumi preview                  no change
  $EDITOR {SPEC}
                                  set scaling.min_instances to 2, then: pulumi up
  modelway plan {SPEC} --env local
                                  every number, and why
  modelway rehearse --list        what else can be rehearsed: faults, kills, scaling
  pulumi destroy                  takes everything away
  modelway emulator stop{option}
                                  stops it; the next start finds the same state""",
        soft_wrap=True,
    )


if __name__ == "__main__":
    try:
        main()
    except ModelwayError as error:
        talk.print(f"error: {error}", markup=False)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        talk.print("interrupted; run it again to go on")
        sys.exit(130)
