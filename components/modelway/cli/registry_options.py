"""What the commands share that ask a model registry: options, and how it is opened."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from modelway.registry import ModelReader, Version

Region = Annotated[
    str | None,
    typer.Option(help="AWS region of the registry. Default: boto3's own.", metavar="REGION"),
]


def model_reader(region: str | None) -> "ModelReader":
    """Give what reads the models of specs; which version a reference is goes to stderr."""
    from modelway.registry import ModelReader
    from modelway.registry.sagemaker import SageMakerRegistry

    return ModelReader(lambda: SageMakerRegistry(region), lambda said: typer.echo(said, err=True))


def parsed_version(text: str) -> tuple[str, int]:
    """Read GROUP/VERSION."""
    from modelway.spec.registry import parse_reference

    try:
        reference = parse_reference(text)
    except ValueError:
        reference = None
    if reference is None or reference.version is None:
        raise typer.BadParameter(f"{text!r} is not GROUP/VERSION, such as fraud/3")
    return reference.group, reference.version


def plain_version(version: "Version") -> dict[str, object]:
    """Give a version as JSON has it."""
    return {
        "version": version.name,
        "status": version.status,
        "package": version.package,
        "content": version.content,
        "signed_by": version.signed_by,
        "location": version.location,
        "metrics": dict(version.metrics),
        "registered_at": version.registered_at.isoformat(timespec="seconds"),
        "decided_by": version.decided_by,
        "reason": version.reason,
    }


PackageFolder = Annotated[Path, typer.Argument(help="A package's folder.", metavar="PACKAGE")]
