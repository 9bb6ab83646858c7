"""`modelway init`: a repository that puts a model into production, with its tests and workflows."""

from pathlib import Path
from typing import Annotated

import typer

from modelway.scaffold.choices import REGION, STACKS


def init(
    folder: Annotated[Path, typer.Argument(help="Where it goes; made when missing.")] = Path(),
    name: Annotated[
        str | None,
        typer.Option(help="Of the project and its model. Default: the folder's name."),
    ] = None,
    stacks: Annotated[
        str,
        typer.Option(help="Stacks in the order of deployment; `local` comes by itself."),
    ] = ",".join(STACKS),
    aws_region: Annotated[str, typer.Option(help="The AWS region.", metavar="REGION")] = REGION,
    workflows_ref: Annotated[
        str | None,
        typer.Option(
            help="Call modelway's reusable workflows in this repository. Default: they are written "
            "into the new one.",
            metavar="OWNER/REPOSITORY@COMMIT",
        ),
    ] = None,
) -> None:
    """Scaffold a repository: spec, program, a small model, rehearsal, tests, GitHub workflows.

    Its tests pass at once, with the real engine on the embedded AWS. The same options give the same
    bytes. A file that is in the way is never overwritten: then all such files are listed and
    nothing is written. Files that are there with the same content are left as they are.

    Exit status: 0 written, 2 a name is wrong or files are in the way.

    For example:

        modelway init fraud

        modelway init --name fraud --stacks dev,prod --aws-region eu-west-1
    """
    from modelway.scaffold.choices import Choices
    from modelway.scaffold.repository import repository_files
    from modelway.scaffold.writing import write_files

    named = [each.strip() for each in stacks.split(",") if each.strip()]
    chosen = name if name is not None else folder.resolve().name
    choices = Choices(chosen, tuple(named), aws_region, workflows_ref)
    for path in write_files(folder, repository_files(choices)):
        typer.echo(path)
    typer.echo(f"{choices.name} is in {folder}; `make test` there is next", err=True)
