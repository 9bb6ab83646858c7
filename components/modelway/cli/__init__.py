"""The `modelway` command: one thin module per subcommand.

A command parses, calls and prints; decisions are elsewhere. Results go to stdout, talk to stderr.
Exit status: 0 done, 1 refused or failed, 2 a spec or the command line is wrong.
Heavy imports belong inside the commands, so that `modelway --help` answers at once.
"""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from modelway.cli import check, doctor, emulator, iam, plan, schema, status
from modelway.errors import ModelwayError

app = typer.Typer(
    name="modelway",
    help="Machine-learning models in production as code: check, plan, rehearse, deploy.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"modelway {version('modelway')}")
        raise typer.Exit


@app.callback()
def _options(
    _version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="Print it."),
    ] = False,
) -> None:
    """Machine-learning models in production as code: check, plan, rehearse, deploy."""


app.command()(check.check)
app.command()(plan.plan)
app.command()(schema.schema)
app.command()(iam.iam)
app.command()(status.status)
app.command()(doctor.doctor)
app.add_typer(emulator.app, name="emulator")


def main() -> None:
    """Run the command line; errors made for users become one message and an exit status."""
    try:
        app()
    except ModelwayError as error:
        typer.echo(f"error: {error}", err=True)
        sys.exit(error.exit_status)
    except KeyboardInterrupt:
        typer.echo("interrupted", err=True)
        sys.exit(130)
    except BrokenPipeError:
        # The reader went away (`modelway plan ... | head`): not an error of ours.
        sys.stderr.close()
        sys.exit(141)
