"""`modelway registry`: the versions of a model package group."""

import json
from typing import TYPE_CHECKING, Annotated

import typer

from modelway.cli.promotion import print_table
from modelway.cli.registry_options import Region, plain_version

if TYPE_CHECKING:
    from modelway.registry import Version

COLUMNS = (
    *("version", "status", "package", "signed by", "metrics", "registered", "decided by", "why"),
)


def registry(
    group: Annotated[str, typer.Argument(help="A model package group of SageMaker's registry.")],
    region: Region = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """List a group's versions, the newest first: what each is, and who approved it.

    For example:

        modelway registry fraud

        modelway registry fraud --json
    """
    from modelway.registry.sagemaker import SageMakerRegistry

    versions = [*SageMakerRegistry(region).versions(group)]
    if as_json:
        listed = [plain_version(each) for each in versions]
        typer.echo(json.dumps({"group": group, "versions": listed}, indent=2))
    else:
        print_table(f"group {group}", COLUMNS, map(_row, versions))


def _row(version: "Version") -> tuple[str, ...]:
    return (
        str(version.number),
        version.status,
        version.package or "not registered by modelway",
        version.signed_by[:16] or "nobody",
        ", ".join(f"{name} {value}" for name, value in version.metrics.items()),
        f"{version.registered_at:%Y-%m-%d %H:%M}",
        version.decided_by,
        version.reason,
    )
