"""`modelway schema`: the JSON Schema of spec files and of scenarios, for editors."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer


def schema(
    output: Annotated[
        Path | None, typer.Option("--output", help="Write to this file. Default: print.")
    ] = None,
    scenario: Annotated[
        bool, typer.Option("--scenario", help="Of scenarios for `modelway rehearse` instead.")
    ] = False,
) -> None:
    """Print the JSON Schema of spec files or of scenarios, for editors.

    An editor then completes fields and marks what is wrong.

    Put this line first in a spec, and editors with the YAML language server find the schema:

        # yaml-language-server: $schema=../../modelway.schema.json

    For example:

        modelway schema --output modelway.schema.json

        modelway schema --scenario --output scenario.schema.json
    """
    from modelway.errors import ModelwayError

    text = json.dumps(_schema(scenario), indent=2, ensure_ascii=False) + "\n"
    if output is None:
        typer.echo(text, nl=False)
        return
    try:
        output.write_text(text, encoding="utf-8")
    except OSError as error:
        raise ModelwayError(
            f"cannot write the schema to {output}: {error.strerror}; give --output a file in a "
            "folder that exists and that you may write to"
        ) from None
    typer.echo(f"wrote {output}", err=True)


def _schema(scenario: bool) -> dict[str, Any]:
    if scenario:
        from modelway.rehearsal.scenario_file import json_schema
    else:
        from modelway.spec.schema import json_schema
    return json_schema()
