"""`modelway releases`: the release records of a project, and which of them is live."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from modelway.cli.promotion import Keys, Project, print_table

if TYPE_CHECKING:
    from modelway.promotion.ledger import Entry, Ledger

COLUMNS = ("stack", "model", "release", "image", "models", "approved by", "origin", "live")


def releases(
    name: Annotated[str | None, typer.Argument(help="A spec's name. Default: all.")] = None,
    stack: Annotated[str | None, typer.Option("--stack", help="One stack. Default: all.")] = None,
    region: Annotated[
        str | None, typer.Option(help="AWS region. Default: boto3's own.", metavar="REGION")
    ] = None,
    offline: Annotated[
        bool, typer.Option("--offline", help="Do not ask AWS what is live.")
    ] = False,
    keys: Keys = None,
    project: Project = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List release records, the newest of a stack first, verified, with what is live.

    Live is the newest record whose image and models an endpoint serves now; `?` where AWS could not
    be asked.

    Exit status: 0, or 1 when records are not as modelway wrote them.

    For example:

        modelway releases

        modelway releases digits --stack prod --json
    """
    from modelway.promotion.folder import ReleaseFolder
    from modelway.promotion.ledger import recorded

    place = ReleaseFolder(project, keys)
    wanted = [
        place.ledger(each, model)
        for each, model in recorded(place.releases)
        if stack in (None, each) and name in (None, model)
    ]
    rows: list[dict[str, Any]] = []
    for ledger in wanted:
        live = "?" if offline else _live(ledger, region)
        rows += [_plain(ledger, entry, live) for entry in reversed(ledger.entries)]
    problems = [problem for ledger in wanted for problem in ledger.problems]
    if as_json:
        typer.echo(json.dumps({"releases": rows, "problems": problems}, indent=2))
    elif rows:
        print_table("releases", COLUMNS, [[_cell(row[each]) for each in COLUMNS] for row in rows])
    if not wanted:
        typer.echo(f"no release records in {place.releases}", err=True)
    for problem in problems:
        typer.echo(f"not as modelway wrote it: {problem}", err=True)
    if problems:
        raise typer.Exit(1)


def _live(ledger: "Ledger", region: str | None) -> str:
    """Give the id of the record that is live, nothing where none is, or `?`."""
    from modelway.errors import DeploymentError
    from modelway.naming import endpoint_name
    from modelway.promotion.live import read_live, served

    try:
        live = read_live(endpoint_name(ledger.model, ledger.stack), region)
    except DeploymentError as error:
        typer.echo(f"note: {error}", err=True)
        return "?"
    entry = served(ledger, live)
    return "" if entry is None else entry.id


def _cell(value: Any) -> str:
    """Give a value as people read it: digests by their first digits."""
    from modelway.promotion.record import short

    if isinstance(value, dict):
        return ", ".join(dict.fromkeys(_cell(each) for each in value.values()))
    text = str(value)
    return short(text) if text.startswith("sha256:") else text


def _plain(ledger: "Ledger", entry: "Entry", live: str) -> dict[str, Any]:
    """Give one record as a row; `--json` has the same members and whole digests."""
    record = entry.record
    origin = "spec"
    if record.promoted_from is not None:
        origin = f"{record.promoted_from.stack} {record.promoted_from.number:04d}"
    if record.rollback is not None:
        origin = f"back to {ledger.find(record.rollback.to)}"
    return {
        "stack": record.stack,
        "model": record.model,
        "release": str(entry),
        "id": entry.id,
        "created_at": record.created_at,
        "image": record.image,
        "models": dict(record.models),
        "packages": dict(record.packages),
        "approved by": record.approver,
        "signed by": sorted(entry.signers),
        "evidence": sorted({each.kind for each in record.evidence}),
        "origin": origin,
        "live": "?" if live == "?" else ("live" if entry.id == live else ""),
    }
