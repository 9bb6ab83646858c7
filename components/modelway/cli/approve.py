"""`modelway approve`: say that a version may be deployed, or that it may not."""

import json
from typing import Annotated

import typer

from modelway.cli.registry_options import Region, parsed_version, plain_version


def approve(
    version: Annotated[str, typer.Argument(help="GROUP/VERSION, such as fraud/3.")],
    reject: Annotated[
        bool, typer.Option("--reject", help="Say that it may not be deployed.")
    ] = False,
    description: Annotated[str, typer.Option(help="Why; kept with the version.")] = "",
    region: Region = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Approve a version of a model package group for deployment, or reject it.

    The version keeps who decided, which is whoever AWS says that you are, and why. Who may decide
    is what IAM and the group's policy say; a ModelPlatform's `approvers` writes that policy.

    Exit status: 0 when it is decided, 1 when it is refused.

    For example:

        modelway approve fraud/3 --description "AUC 0.93 on the holdout, reviewed by risk"

        modelway approve fraud/4 --reject --description "wrong for empty fields"
    """
    from modelway.registry import Status
    from modelway.registry.sagemaker import SageMakerRegistry

    group, number = parsed_version(version)
    status = Status.REJECTED if reject else Status.APPROVED
    decided = SageMakerRegistry(region).decide(group, number, status, description)
    if as_json:
        typer.echo(json.dumps(plain_version(decided), indent=2))
    else:
        typer.echo(f"{decided.name} is {decided.status}, by {decided.decided_by}")
