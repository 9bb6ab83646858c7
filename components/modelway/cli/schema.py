"""`modelway schema`: the JSON Schema of spec files, for editors."""

import json
from pathlib import Path
from typing import Annotated

import typer


def schema(
    output: Annotated[
        Path | None, typer.Option("--output", help="Write to this file. Default: print.")
    ] = None,
) -> None:
    """Print the JSON Schema of spec files, so that an editor completes and checks them.

    Put this line first in a spec, and editors with the YAML language server find the schema:

        # yaml-language-server: $schema=../../modelway.schema.json

    For example:

        modelway schema --output modelway.schema.json
    """
    from modelway.errors import ModelwayError
    from modelway.spec.schema import json_schema

    text = json.dumps(json_schema(), indent=2, ensure_ascii=False) + "\n"
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
