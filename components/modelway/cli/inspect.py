"""`modelway inspect`: what a package is, and whether it is whole."""

import json
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelway.cli.variants import variants_table

if TYPE_CHECKING:
    from modelway.package.inspection import Inspection


def inspect(
    package: Annotated[
        Path, typer.Argument(help="A package's folder, or its model.tar.gz.", metavar="PACKAGE")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Print what a package says of itself, once all of its files are those of its manifest.

    A signature is told of, and not verified.

    Exit status: 0, or 1 when it is no package, or not what its manifest says.

    For example:

        modelway inspect fraud-1

        modelway inspect model.tar.gz --json
    """
    from modelway.package.inspection import inspect_package

    found = inspect_package(package)
    if as_json:
        typer.echo(json.dumps(_plain(found), indent=2))
    else:
        _print(found)


def _plain(found: "Inspection") -> dict[str, Any]:
    return {
        "digest": found.digest,
        "signed": found.signed,
        "manifest": found.manifest.model_dump(mode="json", by_alias=True),
        "evidence": dict(found.evidence),
    }


def _print(found: "Inspection") -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    console = Console(highlight=False)
    if not console.is_terminal:
        # Piped output is for other programs: no line is cut to a guessed width.
        console = Console(width=240, no_color=True, highlight=False)

    def table(title: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
        drawn = Table(title=Text(title), title_justify="left")
        for column in columns:
            drawn.add_column(column, overflow="fold")
        for row in rows:
            drawn.add_row(*(Text(str(cell)) for cell in row))
        if drawn.row_count > 0:
            console.print(drawn)

    manifest = found.manifest
    lineage = manifest.lineage
    facts = (
        ("digest", found.digest),
        ("signed", "yes (not verified here)" if found.signed else "no"),
        ("licence", manifest.licence),
        ("source", f"{manifest.source.format}, SHA-256 {manifest.source.sha256}"),
        ("optimised", manifest.model.variant or "no"),
        ("class", manifest.source.class_name),
        ("registered", lineage.registered),
        ("training job", lineage.training_job),
        ("data snapshot", lineage.data_snapshot),
        (
            "operator sets",
            ", ".join(f"{k or 'ai.onnx'} {v}" for k, v in manifest.model.opset.items()),
        ),
    )
    table(
        f"{manifest.name} {manifest.version}",
        ("", ""),
        ((name, "not stated" if value is None else value) for name, value in facts),
    )
    tensors = [("input", each) for each in manifest.model.inputs]
    tensors += [("output", each) for each in manifest.model.outputs]
    table(
        "tensors",
        ("", "name", "datatype", "shape"),
        ((side, each.name, each.datatype, list(each.shape)) for side, each in tensors),
    )
    table("metrics", ("metric", "value"), sorted(manifest.metrics.items()))
    table(
        "files",
        ("path", "bytes", "SHA-256"),
        ((file.path, file.size_bytes, file.sha256) for file in manifest.files),
    )
    table("environment", ("", "version"), sorted(manifest.environment.items()))
    parity: dict[str, Any] = found.evidence.get("parity", {})
    columns = ("output", "values", "largest difference", "typical (median)", "agreement")
    table(
        f"against its source, on {parity.get('rows')} rows",
        columns,
        (
            [_short(key, each.get(key, "")) for key in _PARITY_COLUMNS]
            for each in parity.get("outputs", ())
        ),
    )
    variants: dict[str, Any] = found.evidence.get("variants", {})
    if variants:
        console.print(variants_table(variants))
    others = [name for name in found.evidence if name not in ("parity", "variants")]
    if others:
        console.print(Text(f"further evidence: {', '.join(others)}"))


def _short(key: str, value: object) -> str:
    if not isinstance(value, float):
        return str(value)
    # Three digits would show 0.9996 as all.
    return f"{value:.2%}" if key == "agreement" else f"{value:.3g}"


_PARITY_COLUMNS = ("name", "values", "largest_difference", "typical_difference", "agreement")
