"""What an endpoint's execution role is needed for, from the plan and what was declared for it.

Takes a plan and plain values, gives `ExecutionNeeds`. Pure.
"""

from collections.abc import Sequence

from modelway.iam.execution_role import ExecutionNeeds
from modelway.iam.statements import Scope
from modelway.image.reference import repository_arn
from modelway.plan.model import DeploymentPlan


def execution_needs(
    plan: DeploymentPlan,
    scope: Scope,
    *,
    image: str,
    model_data_urls: Sequence[str],
    kms_key_arn: str,
    capture_destination: str | None,
) -> ExecutionNeeds:
    """Give what one endpoint touches.

    Args:
        plan: the plan.
        scope: where the endpoint is.
        image: the container image.
        model_data_urls: `s3://` URIs of the model archives, of every variant.
        kms_key_arn: key of the archive, the volumes and captured data.
        capture_destination: `s3://` URI that captured data is written under; None for no capture.
    """
    captured = None
    if capture_destination is not None:
        captured = s3_arn(capture_destination, scope).rstrip("/") + "/*"
    return ExecutionNeeds(
        artifact_arns=[s3_arn(url, scope) for url in model_data_urls],
        repository_arn=repository_arn(image, scope.partition),
        log_group=plan.names.log_group,
        kms_key_arns=[kms_key_arn],
        capture_arn=captured,
        rollback_alarm_arns=[
            scope.arn("cloudwatch", f"alarm:{name}") for name in rollback_alarms(plan)
        ],
        subnet_ids=plan.network.subnet_ids,
        security_group_ids=plan.network.security_group_ids,
    )


def rollback_alarms(plan: DeploymentPlan) -> list[str]:
    """Give the names of the alarms that SageMaker reads during a roll-out."""
    config = plan.rollout.deployment_config or {}
    rollback = config.get("AutoRollbackConfiguration")
    alarms = rollback.get("Alarms", []) if isinstance(rollback, dict) else []
    return [str(alarm["AlarmName"]) for alarm in alarms]


def s3_arn(uri: str, scope: Scope) -> str:
    """Give the ARN of an object or prefix named by an `s3://` URI."""
    return f"arn:{scope.partition}:s3:::{uri.removeprefix('s3://')}"
