"""`modelway iam`: the least-privilege policy of whoever deploys these specs."""

import json
from pathlib import Path
from typing import Annotated

import typer

MANAGED_POLICY_LIMIT = 6144
"""Characters of a managed policy, white space not counted (IAM quotas)."""


ACCOUNT_PLACEHOLDER = "ACCOUNT"
"""Stands in the ARNs when no account is given."""


def iam(
    specs: Annotated[list[Path], typer.Argument(help="Spec files.", metavar="SPEC")],
    env: Annotated[str, typer.Option("--env", help="The stack's name.")],
    account: Annotated[
        str, typer.Option(help="The AWS account's 12 digits.", metavar="ID")
    ] = ACCOUNT_PLACEHOLDER,
    region: Annotated[str, typer.Option(help="The AWS region.", metavar="REGION")] = "us-east-1",
    permissions_boundary: Annotated[
        str | None,
        typer.Option(help="Allow only roles with this boundary.", metavar="ARN"),
    ] = None,
    existing_role: Annotated[
        str | None,
        typer.Option(help="Allow no role to be made; this one is used.", metavar="ARN"),
    ] = None,
    platform: Annotated[
        str, typer.Option(help="The ModelPlatform's name in the program.", metavar="NAME")
    ] = "platform",
    model_group: Annotated[
        list[str] | None,
        typer.Option(
            help="A model package group that the platform declares; may be repeated.",
            metavar="GROUP",
        ),
    ] = None,
    shared_platform: Annotated[
        bool, typer.Option("--shared-platform", help="Another stack manages the platform.")
    ] = False,
) -> None:
    r"""Print the policy that deploying these specs needs, and no more than that.

    The policy is printed as JSON. No action in it is a wildcard, and no resource either where AWS
    knows one. It never has sagemaker:UpdateModelPackage: who deploys does not approve. Nothing is
    asked of AWS.

    For example:

        modelway iam stacks/specs/digits.yaml --env prod --account 123456789012 > deployer.json

        modelway iam stacks/specs/*.yaml --env prod --account 123456789012 --shared-platform

        modelway iam stacks/specs/digits.yaml --env prod --account 123456789012 \
            --permissions-boundary arn:aws:iam::123456789012:policy/boundary
    """
    from modelway.iam.deployer import DeployerOptions, deployer_statements
    from modelway.iam.deployer_image import codebuild_statements, local_build_statements
    from modelway.iam.deployer_platform import platform_statements, shared_platform_statements
    from modelway.iam.merge import merged
    from modelway.iam.statements import Scope, document
    from modelway.image.reference import repository_arn
    from modelway.plan.build import PROTECTED_ENVIRONMENTS
    from modelway.spec import load_spec
    from modelway.spec.image import ImageBuild

    scope = Scope(account=account, region=region, partition=_partition(region))
    options = DeployerOptions(
        permissions_boundary_arn=permissions_boundary,
        existing_role_arn=existing_role,
        bucket=f"{platform}-artifacts-*",
    )
    if shared_platform:
        statements = shared_platform_statements(platform, scope)
    else:
        may_empty = env not in PROTECTED_ENVIRONMENTS
        statements = platform_statements(
            platform, scope, may_empty=may_empty, groups=model_group or ()
        )
    for path in specs:
        spec = load_spec(path).for_environment(env)
        statements += deployer_statements(spec, env, scope, options)
        if not isinstance(spec.image, ImageBuild):
            continue
        if spec.image.builder == "codebuild":
            owner = spec.name if shared_platform else platform
            statements += codebuild_statements(owner, options.bucket, scope)
        else:
            base = repository_arn(spec.image.base or "", scope.partition)
            statements += local_build_statements(base, scope)
    policy = document(merged(statements))
    typer.echo(json.dumps(policy, indent=2))
    if account == ACCOUNT_PLACEHOLDER:
        typer.echo(f"note: {account} stands for your account; give --account ID", err=True)
    length = len(json.dumps(policy, separators=(",", ":")))
    if length > MANAGED_POLICY_LIMIT:
        typer.echo(
            f"note: {length} characters are more than the {MANAGED_POLICY_LIMIT} of one managed "
            "policy; put the statements into several and attach them all",
            err=True,
        )


def _partition(region: str) -> str:
    if region.startswith("cn-"):
        return "aws-cn"
    return "aws-us-gov" if region.startswith("us-gov-") else "aws"
