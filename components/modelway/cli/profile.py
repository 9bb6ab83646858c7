"""`modelway profile`: where a model's time goes on this machine, and settings that follow."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from modelway.profile.advice import Setting
    from modelway.profile.measurement import Profile

TOP_OPERATORS = 10


def profile(
    package: Annotated[
        Path, typer.Argument(help="A package's folder, or an ONNX file.", metavar="PACKAGE")
    ],
    samples: Annotated[
        Path | None,
        typer.Option(
            help="Rows to run, CSV or JSON lines. Default: those of the package; else made-up.",
            metavar="FILE",
        ),
    ] = None,
    seconds: Annotated[
        float, typer.Option(min=1, max=3600, help="Time of measuring, all together.")
    ] = 20,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Measure a model on this machine, and propose settings of the model server.

    Throughput and latency by rows of a run and threads, onnxruntime's own profile by operator, and
    memory, in a process of its own. The settings go into a spec's `serving.environment`; they are
    for a machine like this one.

    Exit status: 0, or 1 when the model cannot be run.

    For example:

        modelway profile fraud-1

        modelway profile fraud.onnx --samples holdout.csv --seconds 60 --json
    """
    from rich.console import Console
    from rich.progress import Progress

    from modelway.profile.advice import advise
    from modelway.profile.run import ROWS, profile_model, thread_counts, usable_cpus
    from modelway.profile.subject import find_subject

    subject = find_subject(package, samples)
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("measuring", total=len(ROWS) * len(thread_counts(usable_cpus())))
        found = profile_model(subject, seconds, lambda _cell: progress.advance(task))
    settings = advise(found)
    if not found.complete:
        typer.echo(f"note: {seconds:g} s did not suffice for all of it (--seconds)", err=True)
    if as_json:
        plain = {
            "package": str(package),
            "rows_from": subject.rows_from,
            **asdict(found),
            "settings": [asdict(each) for each in settings],
        }
        typer.echo(json.dumps(plain, indent=2))
    else:
        _print(found, settings, subject.rows_from)


def _print(found: "Profile", settings: Sequence["Setting"], rows_from: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        # Piped output is for other programs: no line is cut to a guessed width.
        console = Console(width=240, no_color=True, highlight=False)

    def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        drawn = Table(title=Text(title), title_justify="left")
        for column in columns:
            drawn.add_column(column, justify="right" if column != "operator" else "left")
        for row in rows:
            drawn.add_row(*map(Text, row))
        console.print(drawn)

    table(
        f"runs of {rows_from} on {found.cpus} CPUs",
        ("threads", "rows", "p50 us", "p99 us", "rows a second"),
        [
            (
                str(cell.threads),
                str(cell.rows),
                f"{cell.p50_us:.1f}",
                f"{cell.p99_us:.1f}",
                f"{cell.rows_per_second:.0f}",
            )
            for cell in found.cells
        ],
    )
    table(
        "by operator, one thread, most rows",
        ("operator", "share", "nodes", "us a run"),
        [
            (each.operator, f"{each.share:.1%}", str(each.nodes), f"{each.mean_us:.1f}")
            for each in found.operators[:TOP_OPERATORS]
        ],
    )
    console.print(
        Text(f"loaded in {found.load_ms:.1f} ms, {found.peak_memory_mib:.1f} MiB at its peak")
    )
    console.print("serving:\n  environment:")
    for each in settings:
        console.print(Text(f'    {each.name}: "{each.value}"  # {each.reason}'))
