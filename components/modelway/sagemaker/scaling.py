"""Application Auto Scaling of an endpoint's instances.

Takes a `ScalingPlan`, declares `aws.appautoscaling` resources. Decides no number. They depend on
the endpoint: a target can be registered only for a variant that exists, and goes before it.
"""

import pulumi
from pulumi_aws import appautoscaling

from modelway.plan.model import ScalingPlan

NAMESPACE = "sagemaker"
DIMENSION = "sagemaker:variant:DesiredInstanceCount"
METRIC = "SageMakerVariantInvocationsPerInstance"
"""Invocations per instance per minute (application-autoscaling service model, MetricType)."""


def declare_scaling(
    name: str, plan: ScalingPlan, tags: dict[str, str], opts: pulumi.ResourceOptions
) -> appautoscaling.Target:
    """Declare target, policy and scheduled actions of one variant.

    Args:
        name: prefix of the resources' names.
        plan: bounds, target value, cooldowns and schedules.
        tags: on the target.
        opts: the parent, and the endpoint among what it depends on.
    """
    # The service writes its own tags and may assign its service-linked role to the target.
    target = appautoscaling.Target(
        f"{name}-scaling",
        service_namespace=NAMESPACE,
        scalable_dimension=DIMENSION,
        resource_id=plan.resource_id,
        min_capacity=plan.min_capacity,
        max_capacity=plan.max_capacity,
        tags=tags,
        opts=opts,
    )
    attached = pulumi.ResourceOptions.merge(opts, pulumi.ResourceOptions(depends_on=[target]))
    if plan.target_value is not None:
        appautoscaling.Policy(
            f"{name}-target-tracking",
            policy_type="TargetTrackingScaling",
            service_namespace=NAMESPACE,
            scalable_dimension=DIMENSION,
            resource_id=plan.resource_id,
            target_tracking_scaling_policy_configuration=_tracking(plan, plan.target_value),
            opts=attached,
        )
    for schedule in plan.schedules:
        appautoscaling.ScheduledAction(
            f"{name}-{schedule.name}",
            name=schedule.name,
            service_namespace=NAMESPACE,
            scalable_dimension=DIMENSION,
            resource_id=plan.resource_id,
            schedule=schedule.schedule,
            timezone=schedule.timezone,
            scalable_target_action=appautoscaling.ScheduledActionScalableTargetActionArgs(
                min_capacity=schedule.min_capacity, max_capacity=schedule.max_capacity
            ),
            opts=attached,
        )
    return target


def _tracking(
    plan: ScalingPlan, target_value: float
) -> appautoscaling.PolicyTargetTrackingScalingPolicyConfigurationArgsDict:
    return {
        "predefined_metric_specification": {"predefined_metric_type": METRIC},
        "target_value": target_value,
        "scale_out_cooldown": plan.scale_out_cooldown_seconds,
        "scale_in_cooldown": plan.scale_in_cooldown_seconds,
    }
