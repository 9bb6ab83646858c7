"""The table: one entry per Pulumi resource type, one module per AWS service.

What needs a new resource and what AWS fills in follows the Terraform provider that pulumi_aws wraps
(hashicorp/terraform-provider-aws: internal/service/<service>/, `ForceNew` and `Computed`);
automatic names follow pulumi-aws (provider/resources.go).
"""

from functools import cache

from modelway.emulator.provider.entry import Entry
from modelway.errors import EmulatorError


@cache
def entries() -> dict[str, Entry]:
    """Give every entry by its Pulumi type; the modules are imported on first use."""
    from modelway.emulator.provider.table import (
        appautoscaling,
        cloudwatch,
        codebuild,
        ecr,
        iam,
        kms,
        logs,
        s3,
        s3_object,
        sagemaker,
        sns,
    )

    modules = (appautoscaling, cloudwatch, codebuild, ecr, iam, kms, logs, s3, s3_object)
    modules += (sagemaker, sns)
    return {entry.type: entry for module in modules for entry in module.ENTRIES}


def entry_of(token: str) -> Entry:
    """Give the entry of a type, for example `aws:s3/bucket:Bucket`.

    Raises:
        EmulatorError: the emulator's provider does not cover the type.
    """
    entry = entries().get(token)
    if entry is None:
        covered = ", ".join(sorted(entries()))
        raise EmulatorError(
            f"the emulator's aws provider does not cover the resource type {token}; it covers: "
            f"{covered}. Leave the resource out on the emulator, or deploy to AWS"
        )
    return entry
