"""The `modelway` command: one thin module per subcommand.

A command parses, calls and prints; decisions are elsewhere. Results go to stdout, talk to stderr.
Exit status: 0 done, 1 refused or failed, 2 a spec, other input or the command line is wrong; 3 of
`verdict` alone: none yet.
Heavy imports belong inside the commands, so that `modelway --help` answers at once.
"""

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from modelway.cli import (
    approve,
    check,
    copy,
    doctor,
    due,
    emulator,
    iam,
    image,
    init,
    inspect,
    package,
    plan,
    profile,
    promote,
    register,
    registry,
    rehearse,
    release,
    releases,
    rollback,
    schema,
    shadow,
    sign,
    status,
    verdict,
    verify,
)
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


app.command()(init.init)
app.command()(check.check)
app.command()(plan.plan)
app.command()(package.package)
app.command()(inspect.inspect)
app.command()(profile.profile)
app.command()(sign.sign)
app.command()(verify.verify)
app.command()(register.register)
app.command()(approve.approve)
app.command()(registry.registry)
app.command()(rehearse.rehearse)
app.command()(schema.schema)
app.command()(iam.iam)
app.command()(status.status)
app.command()(release.release)
app.command()(promote.promote)
app.command()(copy.copy)
app.command()(releases.releases)
app.command()(due.due)
app.command()(rollback.rollback)
app.command()(shadow.shadow)
app.command()(verdict.verdict)
app.command()(doctor.doctor)
app.add_typer(emulator.app, name="emulator")
app.add_typer(image.app, name="image")


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
