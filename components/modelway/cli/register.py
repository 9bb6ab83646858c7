"""`modelway register`: a package becomes a version of a model package group."""

import json
from pathlib import Path
from typing import Annotated

import typer

from modelway.cli.registry_options import PackageFolder, Region, plain_version


def register(
    package: PackageFolder,
    group: Annotated[str, typer.Option(help="A model package group of SageMaker's registry.")],
    image: Annotated[
        str,
        typer.Option(help="The image that serves it, REPOSITORY@sha256:...", metavar="IMAGE"),
    ],
    key: Annotated[
        list[Path] | None,
        typer.Option(
            help="Register only what was signed with this public key in PEM; may be repeated.",
            metavar="FILE",
        ),
    ] = None,
    bucket: Annotated[
        str | None,
        typer.Option(help="Where the archive goes. Default: the bucket of the group's platform."),
    ] = None,
    create_group: Annotated[
        bool,
        typer.Option("--create-group", help="Create the group, where no ModelPlatform has it."),
    ] = False,
    region: Region = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Register a package, with its digest, signer, metrics, lineage and card, to be approved.

    The archive and the metrics are uploaded unless they are there already. The same package is
    registered once: again, its version is given, and nothing is changed. Its status is
    PendingManualApproval until somebody runs `modelway approve`.

    Exit status: 0 when it is registered, 1 when it is refused.

    For example:

        modelway register fraud-1 --group fraud --image $REPOSITORY@$DIGEST --key trusted.pem

        modelway register fraud-1 --group fraud --image $REPOSITORY@$DIGEST --json
    """
    from rich.console import Console

    from modelway.registry.candidate import read_candidate
    from modelway.registry.sagemaker import SageMakerRegistry

    registry = SageMakerRegistry(region, bucket=bucket)
    with Console(stderr=True).status("reading the package") as status:
        candidate = read_candidate(package, image, key or ())
        status.update(f"registering it in the group {group}")
        if create_group:
            registry.create_group(group)
        version, new = registry.register(group, candidate)
    if not candidate.signed_by:
        typer.echo("note: the package is not signed", err=True)
    if as_json:
        typer.echo(json.dumps({**plain_version(version), "new": new}, indent=2))
    else:
        said = "registered as" if new else "was registered already, as"
        typer.echo(f"{package} {said} {version.name}, {version.package}: {version.status}")
