"""The README's commands that need AWS: each is one that the command line takes.

They run in tests of their own against the emulator; here their names and options are held.
"""

import re
import shlex
from pathlib import Path

import pytest
import typer

from modelway.cli import app

README = Path(__file__).parents[3] / "README.md"


def commands():
    text = README.read_text()
    found = re.findall(r"^```sh aws\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)
    lines = [line for block in found for line in block.splitlines()]
    return [line for line in lines if line.startswith("modelway ")]


def given(context):
    """Give what is left for the subcommand; click 8 keeps its name apart."""
    return [*context._protected_args, *context.args]


def test_there_are_such_commands():
    assert len(commands()) >= 4


@pytest.mark.parametrize("line", commands())
def test_every_command_that_needs_aws_has_the_options_that_the_readme_gives_it(line):
    program, *arguments = shlex.split(line, comments=True)
    group = typer.main.get_command(app)
    context = group.make_context(program, arguments)

    name, command, rest = group.resolve_command(context, given(context))
    while hasattr(command, "resolve_command"):  # a group, such as `modelway image`
        context = command.make_context(name, rest, parent=context)
        name, command, rest = command.resolve_command(context, given(context))

    assert program == "modelway"
    assert command.make_context(name, rest, parent=context).params


def test_an_option_that_does_not_exist_would_be_found():
    group = typer.main.get_command(app)
    context = group.make_context("modelway", ["status", "x", "--no-such"])
    name, command, rest = group.resolve_command(context, given(context))

    with pytest.raises(Exception, match="No such option: --no-such"):
        command.make_context(name, rest, parent=context)
