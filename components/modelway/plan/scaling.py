"""Decide how the number of instances changes.

Takes a spec of one environment, gives a `ScalingPlan` and its decisions, or no plan when the number
is fixed.
"""

from modelway.plan.decide import chosen
from modelway.plan.model import Decision, ScalingPlan, SchedulePlan
from modelway.spec.model import ModelSpec, Scaling


def plan_scaling(
    spec: ModelSpec, endpoint: str, variant: str
) -> tuple[ScalingPlan | None, list[Decision]]:
    """Decide the scalable target, its tracking policy and its scheduled actions."""
    scaling = spec.scaling
    highest = scaling.min_instances if scaling.max_instances is None else scaling.max_instances
    if highest == scaling.min_instances and not scaling.schedules:
        reason = "the bounds are equal and nothing is scheduled, so no autoscaling is declared"
        return None, [Decision("scaling", None, reason, "modelway")]
    tracks = highest > scaling.min_instances or _opens(scaling)
    target = scaling.target_invocations_per_instance_per_minute if tracks else None
    plan = ScalingPlan(
        resource_id=f"endpoint/{endpoint}/variant/{variant}",
        min_capacity=scaling.min_instances,
        max_capacity=highest,
        target_value=target,
        scale_out_cooldown_seconds=scaling.scale_out_cooldown_seconds,
        scale_in_cooldown_seconds=scaling.scale_in_cooldown_seconds,
        schedules=tuple(
            SchedulePlan(
                name=schedule.name,
                schedule=schedule.schedule,
                timezone=schedule.timezone,
                min_capacity=schedule.min_instances,
                max_capacity=schedule.max_instances,
            )
            for schedule in scaling.schedules
        ),
    )
    return plan, _decisions(plan, scaling.max_instances)


def _opens(scaling: Scaling) -> bool:
    """Tell whether a schedule moves the bounds apart, so that tracking has room."""
    return any(
        schedule.max_instances is not None
        and schedule.max_instances
        > (scaling.min_instances if schedule.min_instances is None else schedule.min_instances)
        for schedule in scaling.schedules
    )


def _highest(plan: ScalingPlan, given: int | None) -> Decision:
    """Explain the upper bound."""
    default = plan.max_capacity if given is None else None
    return chosen("scaling.max_capacity", plan.max_capacity, default, "the same as the lower bound")


def _decisions(plan: ScalingPlan, given: int | None) -> list[Decision]:
    """Explain the plan."""
    default = Scaling()
    decisions = [
        chosen(
            "scaling.min_capacity",
            plan.min_capacity,
            default.min_instances,
            "the least that serves",
        ),
        _highest(plan, given),
        chosen(
            "scaling.scale_out_cooldown_seconds",
            plan.scale_out_cooldown_seconds,
            default.scale_out_cooldown_seconds,
            "one period of the metric: growing too early costs less than refusing requests",
        ),
        chosen(
            "scaling.scale_in_cooldown_seconds",
            plan.scale_in_cooldown_seconds,
            default.scale_in_cooldown_seconds,
            "a short lull must not take instances away; Application Auto Scaling's own default",
        ),
    ]
    if plan.target_value is None:
        reason = "only schedules change the number of instances, so nothing is tracked"
        decisions.append(Decision("scaling.target_value", None, reason, "modelway"))
    else:
        decisions.append(chosen("scaling.target_value", plan.target_value, None, ""))
    return decisions
