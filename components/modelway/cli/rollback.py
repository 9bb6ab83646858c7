"""`modelway rollback`: make a version that served before the wanted one, and deploy it."""

import os
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from modelway.cli.promotion import Approver, Key, approval, passphrase

if TYPE_CHECKING:
    from modelway.rollback.stack import Stack


def rollback(
    name: Annotated[str, typer.Argument(help="The spec's name, such as `digits`.")],
    to: Annotated[
        int,
        typer.Option("--to", min=0, help="How many versions back. 0: what is live now."),
    ] = 1,
    stack: Annotated[
        str | None, typer.Option("--stack", help="The stack. Default: the selected one.")
    ] = None,
    project: Annotated[
        Path, typer.Option("--project", help="The folder of Pulumi.yaml.", metavar="DIR")
    ] = Path(),
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask before deploying.")] = False,
    write_only: Annotated[
        bool, typer.Option("--write-only", help="Write the file; deploy nothing.")
    ] = False,
    approver: Approver = None,
    key: Key = None,
) -> None:
    """Go back to a version that served before: write it down, and run `pulumi up`.

    The file is `rollbacks/STACK/NAME.json` beside the program; commit it. It counts until the spec
    wants something else: the next release ends it.

    A stack with release records deploys its newest record only, so there a new record that points
    back to the earlier one is signed and written as well; commit both.

    `--to 0` keeps what is live, when SageMaker rolled a bad version back and the spec still wants
    it.

    Exit status: that of `pulumi up`.

    For example:

        modelway rollback digits --stack prod

        modelway rollback digits --to 2 --yes
    """
    from modelway.errors import DeploymentError
    from modelway.naming import endpoint_name
    from modelway.promotion.folder import ReleaseFolder
    from modelway.promotion.going_back import prepare
    from modelway.promotion.seal import Seal
    from modelway.rollback.choice import choose
    from modelway.rollback.file import Rollback, load_rollback, rollback_path, save_rollback

    opened = _opened(name, project, stack)
    environment = opened.environment_name()
    endpoint = endpoint_name(name, environment)
    ledger = ReleaseFolder(project).ledger(environment, name).verified()
    version = choose(opened.endpoint(endpoint), to)
    folder = opened.program_folder
    wanted = opened.wanted_config_name(endpoint)
    before = load_rollback(folder, name, environment)
    # A rollback that counts already is what the preview shows; the spec is behind it.
    counts = before is not None and before["back_to"] == wanted
    instead_of = before["instead_of"] if before is not None and counts else wanted
    file = rollback_path(folder, name, environment)
    spec_leads_there = version.config_name == instead_of
    if spec_leads_there and not ledger.goes_back:
        raise DeploymentError(
            f"rolling {endpoint} back by {to}: {version.config_name} is what the spec leads to. "
            + (
                f"Delete {file} and run `pulumi up`."
                if before and ledger.empty
                else "Nothing is to be done but `pulumi up`."
            )
        )
    content = version.content or {}
    now = datetime.now(UTC).isoformat(timespec="seconds")
    back = Rollback(endpoint, version.config_name, instead_of, content, now)
    record = None
    if not ledger.empty:
        seal = Seal.of(ReleaseFolder(project), key, passphrase())
        members = None if spec_leads_there else asdict(back)
        record = prepare(ledger, content, members, seal, approval(approver))
    if spec_leads_there:
        file.unlink(missing_ok=True)
    else:
        save_rollback(file, back)
    typer.echo(f"{endpoint} goes back to {version.config_name} instead of {instead_of}", err=True)
    for image in version.images:
        typer.echo(f"  image {image}", err=True)
    typer.echo(f"{'deleted' if spec_leads_there else 'written to'} {file}; commit it", err=True)
    if record is not None:
        typer.echo(f"recorded as {record.write()}; commit it with its signature", err=True)
    if write_only:
        return
    status = opened.up(*(["--yes"] if yes else []))
    if status == 0:
        live = opened.endpoint(endpoint)["endpoint_config_name"]
        if live != version.config_name:
            raise DeploymentError(
                f"rolling {endpoint} back: it serves {live}. The program does not hand the file "
                "over; give `rollback=load_rollback(folder, name, stack)` to its ModelDeployment."
            )
    raise typer.Exit(status)


def _opened(name: str, project: Path, stack: str | None) -> "Stack":
    """Give the stack, with an engine to ask about it."""
    from modelway.engine.locate import find_engine
    from modelway.errors import DeploymentError
    from modelway.project import PROJECT_FILE
    from modelway.rollback.stack import Stack

    if not (project / PROJECT_FILE).is_file():
        raise DeploymentError(
            f"rolling {name} back: {project.resolve()} has no Pulumi.yaml. "
            "Run this in the project's folder, or give it with --project."
        )
    engine = find_engine()
    if engine is None:
        raise DeploymentError(
            f"rolling {name} back: no Pulumi engine on PATH. Run `modelway doctor --setup`."
        )
    path = [*map(str, engine.path_entries), str(engine.executable.parent), os.environ["PATH"]]
    return Stack(project, stack, {**os.environ, "PATH": os.pathsep.join(path)})
