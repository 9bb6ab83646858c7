"""A deployment's log group.

Takes the plan and a key, declares `aws.cloudwatch.LogGroup` under SageMaker's own name for it.
SageMaker makes the group by itself, without retention and without a key, unless it is there
before the endpoint (apache/airflow PR 29581 shows what happens otherwise).
"""

from collections.abc import Mapping

import pulumi
from pulumi_aws import cloudwatch

from modelway.plan.model import DeploymentPlan


def declare_log_group(
    name: str,
    plan: DeploymentPlan,
    kms_key_arn: pulumi.Input[str],
    tags: Mapping[str, str],
    opts: pulumi.ResourceOptions,
) -> cloudwatch.LogGroup:
    """Declare the log group."""
    return cloudwatch.LogGroup(
        f"{name}-logs",
        name=plan.names.log_group,
        retention_in_days=plan.log_retention_days,
        kms_key_id=kms_key_arn,
        tags=dict(tags),
        opts=opts,
    )
