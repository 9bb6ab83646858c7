"""Running commands in this process."""

from collections.abc import Callable

import click.testing
import pytest
import typer
import typer.testing


@pytest.fixture
def run_command() -> Callable[..., click.testing.Result]:
    """Run one command function as Typer does, with arguments as on the command line."""

    def run(command: Callable[..., None], *arguments: str) -> click.testing.Result:
        app = typer.Typer(pretty_exceptions_enable=False)
        app.command()(command)
        return typer.testing.CliRunner().invoke(app, list(arguments))

    return run
