"""`modelway status`: what is live at an endpoint, how it is, and why it failed."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from rich.console import Console


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
    """Show what an endpoint serves: status, traffic, alarms, last rollouts and errors.

    Of an endpoint that failed to come up, and was removed, the last errors of its log are shown.

    Exit status: 0 when it is in service, 1 otherwise.

    For example:

        modelway status digits-local

        modelway status digits --env prod --json
    """
    from modelway.errors import DeploymentError
    from modelway.monitoring.endpoint_status import read_errors, read_status

    endpoint = name if env is None else f"{name}-{env}"
    found = read_status(endpoint, region, lines)
    if found is None:
        missing = (
            f"showing endpoint {endpoint}: there is none of this name in this account and region."
        )
        if errors := read_errors(endpoint, region, lines):
            listed = "".join(f"\n  {line}" for line in errors)
            raise DeploymentError(f"{missing} The last errors in its log:{listed}")
        raise DeploymentError(
            f"{missing} Give the endpoint's full name, or the spec's name and --env."
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
    if found["rollout"]:
        console.print(f"rollout        {escape(str(found['rollout']))}")
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
    _print_lines(console, "last rollouts:", found["rollouts"])
    _print_lines(console, f"last errors in {found['log_group']}:", found["errors"])


def _print_lines(console: "Console", title: str, lines: object) -> None:
    from rich.markup import escape

    if not isinstance(lines, list) or not lines:
        return
    console.print(escape(title))
    for line in lines:
        console.print(f"  {escape(str(line))}")
