"""The model package groups of a platform, and who may approve in them.

Takes a platform's switches, declares a group each, with a resource policy where there are
approvers. Decides nothing about versions.
"""

from collections.abc import Mapping

import pulumi
from pulumi_aws import sagemaker

from modelway.args import ModelPlatformArgs
from modelway.iam.platform_policies import approval_statements
from modelway.iam.statements import Scope, as_json
from modelway.registry.sagemaker import BUCKET_TAG


def declare_groups(
    name: str,
    given: ModelPlatformArgs,
    scope: pulumi.Output[Scope],
    bucket: pulumi.Input[str],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> list[sagemaker.ModelPackageGroup]:
    """Declare the groups.

    Args:
        name: of the platform.
        given: the platform's arguments.
        scope: account and region.
        bucket: where archives of new versions go; a tag of each group says so.
        tags: on each group.
        opts: of the resources.
    """
    approvers = given.get("approvers") or []
    declared: list[sagemaker.ModelPackageGroup] = []
    for group in given.get("model_package_groups") or []:
        made = sagemaker.ModelPackageGroup(
            f"{name}-{group}",
            model_package_group_name=group,
            tags={**tags, BUCKET_TAG: bucket},
            opts=opts,
        )
        declared.append(made)
        if approvers:
            sagemaker.ModelPackageGroupPolicy(
                f"{name}-{group}-approvers",
                model_package_group_name=made.model_package_group_name,
                resource_policy=scope.apply(
                    lambda known, group=group: as_json(approval_statements(group, approvers, known))
                ),
                opts=opts,
            )
    return declared
