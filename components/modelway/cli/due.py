"""`modelway due`: which stacks a commit deploys, and what the others wait for."""

import json
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from modelway.cli.promotion import Project, print_table


def due(
    stacks: Annotated[
        list[str], typer.Argument(help="Stacks, in the order of deployment.", metavar="STACK")
    ],
    project: Project = Path(),
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
    github_output: Annotated[
        Path | None,
        typer.Option(
            help='Append `stacks=["dev"]`, those that are due, to the file that GitHub Actions '
            "names in GITHUB_OUTPUT.",
            metavar="FILE",
        ),
    ] = None,
) -> None:
    """Say which stacks this commit deploys, by their release records.

    A stack is due when every model's newest record says what its spec says here, or when it has no
    records and the policy asks for none. Otherwise it waits for a release or a promotion, and keeps
    what it serves.

    Exit status: 0 judged, 1 records are not as modelway wrote and signed them, 2 a spec or the
    policy is wrong.

    For example:

        modelway due dev staging prod

        modelway due dev staging prod --json
    """
    from modelway.delivery.due import find_due, stacks_due
    from modelway.promotion.folder import ReleaseFolder

    found = find_due(ReleaseFolder(project), stacks)
    wanted = stacks_due(found)
    if as_json:
        document = {"stacks": wanted, "models": [asdict(each) for each in found]}
        typer.echo(json.dumps(document, indent=2))
    else:
        rows = [(each.stack, each.model, each.verdict, each.why) for each in found]
        print_table("what this commit deploys", ("stack", "model", "verdict", "why"), rows)
    if any(each.verdict == "refused" for each in found):
        typer.echo("nothing is to be deployed: release records are wrong", err=True)
        raise typer.Exit(1)
    if github_output is not None:
        with github_output.open("a", encoding="utf-8") as file:
            file.write(f"stacks={json.dumps(wanted)}\n")
