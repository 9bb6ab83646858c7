"""`modelway shadow`: whether a shadow answers as production does, from captured data."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from modelway.experiment.line import Line
    from modelway.experiment.shadow import Agreement

NOTHING_COMPARED = 3


def shadow(
    name: Annotated[
        str | None, typer.Argument(help="The endpoint, or a spec's name with --env.")
    ] = None,
    captured: Annotated[
        str | None,
        typer.Option(help="Captured data instead: a file, a folder or s3://BUCKET/PREFIX."),
    ] = None,
    env: Annotated[
        str | None, typer.Option("--env", help="The environment: reads `<name>-<env>`.")
    ] = None,
    production: Annotated[
        str | None, typer.Option(help="The variant that answers. Default: the endpoint's, primary.")
    ] = None,
    shadow_variant: Annotated[
        str | None,
        typer.Option("--shadow", help="The variant that gets copies. Default: the endpoint's."),
    ] = None,
    tolerance: Annotated[
        float, typer.Option(min=0, help="Numbers that differ by no more agree.")
    ] = 1e-6,
    region: Annotated[
        str | None, typer.Option(help="AWS region. Default: boto3's own.", metavar="REGION")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Compare a shadow's answers with production's, joined by inference id.

    Callers must send an InferenceId: SageMaker captures none of its own. A captured answer is in S3
    a few minutes after the request.

    Exit status: 0 when all answers that were compared agree, 1 when some differ, 3 when there are
    none to compare, 2 when the input is wrong.

    For example:

        modelway shadow fraud --env prod

        modelway shadow --captured s3://bucket/data-capture/fraud-prod --tolerance 0.001 --json
    """
    from modelway.errors import ExperimentError
    from modelway.experiment.shadow import compare, plain, read_captures

    if (name is None) == (captured is None):
        raise ExperimentError(
            "comparing a shadow: give an endpoint's name or --captured, and not both"
        )
    if captured is None:
        endpoint = f"{name}-{env}" if env else str(name)
        captured, production, shadow_variant = _of_endpoint(
            endpoint, region, production, shadow_variant
        )
    production, shadow_variant = production or "primary", shadow_variant or "shadow"
    read = read_captures(_lines(captured, region), production, shadow_variant)
    found = compare(read, tolerance)
    if as_json:
        head = {"production": production, "shadow": shadow_variant}
        typer.echo(json.dumps({**head, **plain(found)}, indent=2))
    else:
        _print(found, production, shadow_variant)
    if found.compared == 0:
        raise typer.Exit(NOTHING_COMPARED)
    if found.differing:
        raise typer.Exit(1)


def _of_endpoint(
    endpoint: str, region: str | None, production: str | None, shadow_variant: str | None
) -> tuple[str, str, str]:
    """Give where an endpoint's data is captured, and its two variants."""
    from modelway.errors import ExperimentError
    from modelway.monitoring.shadow_capture import captured_by

    found = captured_by(endpoint, region)
    production = production or found.production
    shadow_variant = shadow_variant or found.shadow
    if shadow_variant is None:
        raise ExperimentError(
            f"comparing a shadow: endpoint {endpoint} has no shadow variant now. Name the one that "
            "it had with --shadow, or deploy one: `shadow` in the spec."
        )
    return f"{found.destination.rstrip('/')}/{endpoint}", production, shadow_variant


def _lines(source: str, region: str | None) -> "Iterator[Line]":
    """Give the lines of a file, a folder or a bucket."""
    if source.startswith("s3://"):
        from modelway.experiment.bucket import lines_in_bucket

        return lines_in_bucket(source, region)
    from modelway.experiment.text import lines_in_files

    return lines_in_files(Path(source))


def _print(found: "Agreement", production: str, shadow_variant: str) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from modelway.experiment.shadow import plain, sentence

    console = Console(highlight=False, soft_wrap=True)
    table = Table(title=f"{shadow_variant} against {production}", title_justify="left")
    for at, column in enumerate(("field", "kind", "values", "differing", "max", "mean")):
        table.add_column(column, justify="right" if at > 1 else "left", overflow="fold")
    for each in found.fields:
        numbers = (each.max_difference, each.mean_difference)
        cells = (each.path, each.kind, str(each.values), str(each.differing), *map(_text, numbers))
        table.add_row(*(Text(cell) for cell in cells))
    if found.fields:
        console.print(table)
    left_out: dict[str, Any] = plain(found)["not_compared"]
    for what, count in left_out.items():
        if count:
            console.print(Text(f"not compared: {count} {what.replace('_', ' ')}"))
    if found.examples:
        console.print(Text(f"differing inference ids: {', '.join(found.examples)}"))
    console.print(Text(sentence(found)))


def _text(value: float | None) -> str:
    return "" if value is None else f"{value:.3g}"
