"""`modelway package`: a trained model as a package, converted and compared with its source."""

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelway.cli.variants import print_variants
from modelway.package.optimise.variants import Variant

if TYPE_CHECKING:
    from rich.console import Console
    from rich.status import Status

    from modelway.package.assemble import Made
    from modelway.package.parity import Parity


def package(
    source: Annotated[
        str,
        typer.Argument(
            help="A trained model: ONNX, scikit-learn, XGBoost, LightGBM, or MLflow's folder of "
            "one; or one in MLflow's registry, models:/NAME/VERSION, models:/NAME@ALIAS or "
            "runs:/RUN_ID/PATH.",
            metavar="SOURCE",
        ),
    ],
    name: Annotated[
        str | None,
        typer.Option(help="The model's name. Default: that of the file, or the registry's."),
    ] = None,
    version: Annotated[
        str | None, typer.Option(help="Your own label. Default: the registry's, or 1.")
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option(help="The package's folder. Default: NAME-VERSION, here.", metavar="FOLDER"),
    ] = None,
    tracking_uri: Annotated[
        str | None,
        typer.Option(help="MLflow's server. Default: MLFLOW_TRACKING_URI.", metavar="URI"),
    ] = None,
    samples: Annotated[
        Path | None,
        typer.Option(
            help="Rows on which the converted model is compared with the source: CSV or JSON "
            "lines. Needed for everything but ONNX and MLflow's folders with an input example.",
            metavar="FILE",
        ),
    ] = None,
    keep_rows: Annotated[
        int, typer.Option(min=0, help="Sample rows that go into the package.")
    ] = 100,
    input_name: Annotated[
        str, typer.Option(help="Name of the one input that holds all columns.")
    ] = "input",
    trust: Annotated[
        bool, typer.Option("--trust", help="Read a pickle (joblib too), which runs what is in it.")
    ] = False,
    trust_type: Annotated[
        list[str] | None,
        typer.Option(help="A type that skops may make; may be repeated.", metavar="TYPE"),
    ] = None,
    tolerance_absolute: Annotated[
        float, typer.Option(min=0, help="Numbers may differ by this ...")
    ] = 1e-4,
    tolerance_relative: Annotated[
        float, typer.Option(min=0, help="... and by this share of the source's, together.")
    ] = 1e-3,
    label_agreement: Annotated[
        float, typer.Option(min=0, max=1, help="Smallest share of rows with equal labels.")
    ] = 1.0,
    optimise: Annotated[
        bool,
        typer.Option(
            "--optimise",
            help="Make smaller and quicker variants, measure them, and package the fastest that is "
            "accurate enough.",
        ),
    ] = False,
    max_accuracy_loss: Annotated[
        float | None,
        typer.Option(
            min=0,
            max=100,
            help="What a variant may lose, in percentage points; means --optimise. Default: 1.",
            metavar="POINTS",
        ),
    ] = None,
    variant: Annotated[
        Variant | None,
        typer.Option(help="Package this variant, whatever is quicker here; means --optimise."),
    ] = None,
    labels: Annotated[
        str | None,
        typer.Option(
            help="What is true of each sample row: a column of the samples, or a file with one a "
            "line. Default: variants are compared with the original.",
            metavar="COLUMN|FILE",
        ),
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="NAME=NUMBER, such as accuracy=0.97; may be repeated."),
    ] = None,
    licence: Annotated[str | None, typer.Option(help="Such as Apache-2.0.")] = None,
    training_job: Annotated[str | None, typer.Option(help="What trained the model.")] = None,
    data_snapshot: Annotated[str | None, typer.Option(help="What it was trained on.")] = None,
    input_rules: Annotated[
        Path | None, typer.Option(help="A file of what may go in.", metavar="FILE")
    ] = None,
    generation: Annotated[
        Path | None, typer.Option(help="A file of how sequences are made.", metavar="FILE")
    ] = None,
    archive: Annotated[
        Path | None, typer.Option(help="Write a model.tar.gz too.", metavar="FILE")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Replace another package in the folder.")
    ] = False,
    memory_limit_mib: Annotated[
        int, typer.Option(min=256, help="Memory of the process that converts.")
    ] = 8192,
    time_limit_seconds: Annotated[
        int, typer.Option(min=1, help="Time of the process that converts.")
    ] = 600,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Make a package of a trained model: converted to ONNX, compared with its source, described.

    The format is told by content. Pickles are read with --trust alone, in a process of its own
    without network. Outside the tolerance nothing is written. The same source and options give the
    same package, with the same digest; a spec names its folder as `model.path`.

    A model of MLflow's registry is fetched with MLflow's own client; an alias becomes a version.
    Name, version, training job and metrics are what MLflow has, unless they are said here.

    With --optimise half of the sample rows calibrate variants and the others judge them; the table
    goes to stderr and into the evidence. What is quickest depends on the machine, so --variant NAME
    makes the same package elsewhere.

    Exit status: 0 when the package is there, 1 when the source is refused.

    For example:

        modelway package fraud.skops --samples holdout.csv --metric auc=0.93

        modelway package fraud.joblib --trust --samples holdout.csv --archive model.tar.gz

        modelway package fraud.onnx --licence Apache-2.0 --json

        modelway package models:/fraud@champion --samples holdout.csv

        modelway package fraud.onnx --samples holdout.csv --labels fraud --max-accuracy-loss 0.5
    """
    from modelway.package.assemble import make_package
    from modelway.package.parity import Tolerance
    from modelway.package.request import MAX_LOST_POINTS, Optimisation, PackageRequest
    from modelway.package.sources.isolation import Limits
    from modelway.package.sources.registries import source_at_hand

    optimisation: Optimisation | None = None
    if optimise or max_accuracy_loss is not None or variant is not None:
        lost = MAX_LOST_POINTS if max_accuracy_loss is None else max_accuracy_loss
        optimisation = Optimisation(lost, variant)
    with _steps() as status, source_at_hand(source, tracking_uri, status.update) as found:
        name = found.name if name is None else name
        version = found.version if version is None else version
        request = PackageRequest(
            source=found.path,
            name=name,
            version=version,
            samples=samples,
            keep_rows=keep_rows,
            input_name=input_name,
            trust=trust,
            trusted_types=tuple(trust_type or ()),
            tolerance=Tolerance(tolerance_absolute, tolerance_relative, label_agreement),
            licence=licence,
            metrics=dict(map(_metric, metric)) if metric else found.metrics,
            training_job=training_job or found.training_job,
            data_snapshot=data_snapshot,
            registered=found.registered,
            input_rules=input_rules,
            generation=generation,
            labels=labels,
            optimisation=optimisation,
            limits=Limits(memory_mib=memory_limit_mib, time_seconds=time_limit_seconds),
        )
        destination = Path(f"{name}-{version}".replace("/", "-")) if out is None else out
        made = make_package(request, destination, replace=force, tell=status.update)
        if archive is not None:
            from modelway.package.packing import pack_package

            status.update("packing")
            pack_package(made.folder, archive)
    if made.optimised is not None:
        print_variants(made.optimised)
    for note in (*found.notes, *made.notes):
        typer.echo(f"note: {note}", err=True)
    if as_json:
        typer.echo(json.dumps(_plain(made, archive), indent=2))
    else:
        _print(made, archive)


def _metric(text: str) -> tuple[str, float]:
    name, _, number = text.partition("=")
    try:
        return name.strip(), float(number)
    except ValueError:
        raise typer.BadParameter(
            f"--metric {text!r} is not NAME=NUMBER, such as accuracy=0.97"
        ) from None


@contextmanager
def _steps() -> "Iterator[Status]":
    """Show what is being done, on stderr, where somebody looks."""
    from rich.console import Console

    with Console(stderr=True).status("looking at the source") as status:
        yield status


def _plain(made: "Made", archive: Path | None) -> dict[str, Any]:
    from modelway.package import parity
    from modelway.package.optimise import evidence

    return {
        "package": str(made.folder),
        "archive": None if archive is None else str(archive),
        "digest": made.digest,
        "unchanged": made.unchanged,
        "manifest": made.manifest.model_dump(mode="json", by_alias=True),
        "variants": (
            None if made.optimised is None else evidence.plain(made.optimised, made.digest, {})
        ),
        "parity": None if made.compared is None else parity.plain(made.compared, made.digest, {}),
    }


def _print(made: "Made", archive: Path | None) -> None:
    from rich.console import Console
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        # Piped output is for other programs: no line is cut to a guessed width.
        console = Console(width=240, no_color=True, highlight=False)
    if made.compared is not None:
        print_parity(console, made.compared)
    there = " (was there already, the same)" if made.unchanged else ""
    console.print(Text(f"package: {made.folder}{there}"))
    if archive is not None:
        console.print(Text(f"archive: {archive}"))
    console.print(Text(f"digest:  {made.digest}"))


def print_parity(console: "Console", compared: "Parity") -> None:
    """Draw how far the converted model is from its source."""
    from rich.table import Table
    from rich.text import Text

    title = f"the ONNX model against its source, on {compared.rows} rows"
    table = Table(title=title, title_justify="left")
    columns = ("output", "kind", "values", "largest difference", "typical (median)", "agreement")
    for at, column in enumerate(columns):
        table.add_column(column, justify="right" if at > 1 else "left", overflow="fold")
    for each in compared.outputs:
        cells: Sequence[str] = (
            each.name,
            each.kind,
            str(each.values),
            "" if each.largest_difference is None else f"{each.largest_difference:.3g}",
            "" if each.typical_difference is None else f"{each.typical_difference:.3g}",
            "" if each.agreement is None else f"{each.agreement:.2%}",
        )
        table.add_row(*(Text(cell) for cell in cells))
    console.print(table)
