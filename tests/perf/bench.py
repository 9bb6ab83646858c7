"""`make bench`: what modelway costs beside a hand-written Pulumi program with the same resources.

Prints figures and asserts none. Each cell is a literal `pulumi` command against a fresh emulator;
the programs are `by_hand.py` here, and modelway's components on as many specs.

    python tests/perf/bench.py [--quick] [--json]
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from modelway.demo.training import train
from modelway.emulator.process import RunningEmulator, start
from modelway.package import write_archive
from modelway.testing import child_environment

HERE = Path(__file__).parent
REPEATS = 3
"""Emulator starts, imports and previews: the median of so many."""

OURS = """
import modelway
from pathlib import Path

platform = modelway.ModelPlatform("models")
for path in sorted(Path("specs").glob("*.yaml")):
    modelway.ModelDeployment(path.stem, spec=modelway.load_spec(path), platform=platform)
"""

# pulumi_aws loads a service's module when one of its classes is first used.
BY_HAND_IMPORTS = (
    "pulumi, pulumi_aws as aws; aws.appautoscaling.Target; aws.cloudwatch.MetricAlarm; "
    "aws.ecr.Repository; aws.iam.Role; aws.kms.Key; aws.s3.Bucket; aws.sagemaker.Model; "
    "aws.sns.Topic"
)

SPEC = """
name: {name}
model: {{path: {model}}}
image: 111122223333.dkr.ecr.us-east-1.amazonaws.com/models@sha256:{digest}
scaling: {{min_instances: 1, max_instances: 2, target_invocations_per_instance_per_minute: 600}}
objectives: {{p99_latency_ms: 100, error_rate_percent: 1}}
alarms: {{client_error_rate_percent: 20}}
logging: {{retention_days: 1}}
"""
DIGEST = "0123456789abcdef" * 4
"""An image of another account's registry: the emulator does not look into those."""

talk = Console(stderr=True, highlight=False)


def main() -> None:
    """Measure, then print one table (or JSON)."""
    parser = argparse.ArgumentParser(description="Measure modelway beside a hand-written program.")
    parser.add_argument("--quick", action="store_true", help="leave out 100 models")
    parser.add_argument("--json", action="store_true", help="print JSON instead of a table")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="modelway-bench-") as folder:
        rows = list(measure(Path(folder), quick=options.quick))
    if options.json:
        print(json.dumps(rows, indent=2))  # noqa: T201 - the result
        return
    table = Table(title=f"modelway bench, {os.cpu_count()} cores, Python {sys.version.split()[0]}")
    for column in ("what", "by hand (s)", "modelway (s)", "ratio"):
        table.add_column(column, justify="left" if column == "what" else "right")
    for row in rows:
        by_hand, ours = row.get("by_hand_seconds"), row["modelway_seconds"]
        ratio = "" if by_hand is None else f"{ours / by_hand:.2f}"
        table.add_row(
            row["what"], "" if by_hand is None else f"{by_hand:.2f}", f"{ours:.2f}", ratio
        )
    Console(highlight=False).print(table)


def measure(folder: Path, *, quick: bool) -> Iterator[dict[str, Any]]:
    """Give one row for each thing measured, as soon as it is known."""
    model = train(folder / "digits.onnx")
    archive = folder / "model.tar.gz"
    write_archive(model, archive)
    yield {"what": "emulator start to ready", "modelway_seconds": emulator_start(folder)}
    yield {"what": "import modelway", "modelway_seconds": import_time("modelway")}
    yield {
        "what": "import what a program uses",
        "by_hand_seconds": import_time(BY_HAND_IMPORTS),
        "modelway_seconds": import_time("pulumi, modelway; modelway.ModelDeployment"),
    }
    counts = (1, 10) if quick else (1, 10, 100)
    for count in counts:
        large = count >= 100
        for kind in ("preview", "up", "up without change"):
            label = " (no replicas, checkpoints skipped)" if large and kind != "preview" else ""
            talk.print(f"{kind} of {count} model(s){label}")
            times = {}
            for program in ("by_hand", "modelway"):
                project = make_project(folder, program, count, model, archive)
                with emulator(folder, replicas=not large) as running:
                    environment = child_environment(running.environment())
                    if large:
                        environment |= {
                            "PULUMI_EXPERIMENTAL": "true",
                            "PULUMI_SKIP_CHECKPOINTS": "true",
                        }
                    times[f"{program}_seconds"] = run_cell(project, environment, kind)
            yield {"what": f"{kind}, {count} model(s){label}", **times}


def run_cell(project: Path, environment: dict[str, str], kind: str) -> float:
    """Time one command of one project on a fresh stack."""
    pulumi(project, environment, "stack", "init", "local")
    if kind == "preview":
        command = ("preview",)
        return statistics.median(pulumi(project, environment, *command) for _ in range(REPEATS))
    took = pulumi(project, environment, "up", "--yes", "--skip-preview")
    if kind == "up without change":
        took = pulumi(project, environment, "up", "--yes", "--skip-preview", "--expect-no-changes")
    return took


def pulumi(project: Path, environment: dict[str, str], *arguments: str) -> float:
    """Run the literal engine and give how long it took."""
    started = time.perf_counter()
    done = subprocess.run(
        ["pulumi", *arguments, "--non-interactive", "--color", "never"],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.perf_counter() - started
    if done.returncode != 0:
        sys.exit(f"pulumi {' '.join(arguments)} failed in {project}:\n{done.stdout}{done.stderr}")
    return took


def make_project(folder: Path, program: str, count: int, model: Path, archive: Path) -> Path:
    """Write one of the two programs for so many models into a fresh folder."""
    project = folder / program
    shutil.rmtree(project, ignore_errors=True)
    (project / "specs").mkdir(parents=True)
    (project / "Pulumi.yaml").write_text(f"name: bench-{program}\nruntime: python\n")
    config = {"models": count, "artifact": str(archive), "digest": f"sha256:{DIGEST}"}
    lines = [f"  bench-{program}:{name}: '{value}'" for name, value in config.items()]
    (project / "Pulumi.local.yaml").write_text("config:\n" + "\n".join(lines) + "\n")
    if program == "by_hand":
        shutil.copy(HERE / "by_hand.py", project / "__main__.py")
        return project
    (project / "__main__.py").write_text(OURS)
    for number in range(count):
        name = f"digits{number}"
        text = SPEC.format(name=name, model=model, digest=DIGEST)
        (project / "specs" / f"{name}.yaml").write_text(text)
    return project


@contextmanager
def emulator(folder: Path, *, replicas: bool) -> Iterator[RunningEmulator]:
    """Run a fresh emulator whose AWS waits are short."""
    state = Path(tempfile.mkdtemp(prefix="state-", dir=folder))
    running = start(port=0, time_scale=600.0, state=state, replicas=replicas)
    try:
        yield running
    finally:
        running.stop()


def emulator_start(folder: Path) -> float:
    """Time the start of an emulator until it answers."""
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        with emulator(folder, replicas=True):
            times.append(time.perf_counter() - started)
    return statistics.median(times)


def import_time(modules: str) -> float:
    """Time a fresh interpreter that imports these, less one that imports nothing."""
    return max(0.0, _interpreter(f"import {modules}") - _interpreter("pass"))


def _interpreter(program: str) -> float:
    times = []
    for _ in range(REPEATS):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-c", program], check=True)
        times.append(time.perf_counter() - started)
    return statistics.median(times)


if __name__ == "__main__":
    main()
