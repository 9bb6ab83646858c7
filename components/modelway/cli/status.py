"""`modelway status`: what is live at an endpoint, how it is, and why it failed."""

import json
from typing import Annotated

import typer


def status(
    name: Annotated[str, typer.Argument(help="The endpoint, or a spec's name with --env.")],
    env: Annotated[
        str | None, typer.Option("--env", help="The environment: shows `<name>-<env>`.")
    ] = None,
    region: Annotated[
        str | None, typer.Option(help="AWS region. Default: boto3's own.", metavar="REGION")
    ] = None,
    lines: Annotated[int, typer.Option(min=0, help="How many lines of errors.")] = 10,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Show what an endpoint serves: status, configuration, variants, alarms, last errors.

    Exit status: 0 when it is in service, 1 otherwise.

    For example:

        modelway status digits-local

        modelway status digits --env prod --json
    """
    from modelway.errors import DeploymentError
    from modelway.monitoring.endpoint_status import read_status

    endpoint = name if env is None else f"{name}-{env}"
    found = read_status(endpoint, region, lines)
    if found is None:
        raise DeploymentError(
            f"showing endpoint {endpoint}: there is none of this name in this account and region. "
            "Give the endpoint's full name, or the spec's name and --env."
        )
    if as_json:
        typer.echo(json.dumps(found, indent=2, default=str))
    else:
        _print(found)
    if found["status"] != "InService":
        raise typer.Exit(1)


def _print(found: dict[str, object]) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False, soft_wrap=True)
    console.print(f"[bold]{escape(str(found['endpoint']))}[/bold]  {found['status']}")
    console.print(f"configuration  {found['configuration']}")
    console.print(f"changed        {found['changed']}")
    if found["reason"]:
        console.print(f"reason         {escape(str(found['reason']))}")
    for title, rows in (("variants", found["variants"]), ("alarms", found["alarms"])):
        if not isinstance(rows, list) or not rows:
            console.print(f"{title:14} none")
            continue
        table = Table(box=None, pad_edge=False, header_style="dim")
        for heading in rows[0]:
            # Folded, never cut off: a model's name and an image's digest are there to be copied.
            table.add_column(heading, overflow="fold")
        for row in rows:
            table.add_row(*(escape(str(value)) for value in row.values()))
        console.print(table)
    errors = found["errors"]
    if isinstance(errors, list) and errors:
        console.print(f"last errors in {escape(str(found['log_group']))}:")
        for line in errors:
            console.print(f"  {escape(str(line))}")
