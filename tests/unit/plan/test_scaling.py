"""How the number of instances changes."""

from modelway.plan import ScalingPlan, SchedulePlan

TARGET = {"target_invocations_per_instance_per_minute": 100}


def test_a_fixed_number_is_not_scaled(make_plan, decision):
    plan = make_plan({"scaling": {"min_instances": 2, **TARGET}})

    assert plan.scaling is None
    assert decision(plan, "scaling")[1].startswith("the bounds are equal")


def test_a_range_is_tracked(make_plan):
    plan = make_plan({"scaling": {"min_instances": 2, "max_instances": 6, **TARGET}})

    assert plan.scaling == ScalingPlan(
        resource_id="endpoint/fraud-prod/variant/primary",
        min_capacity=2,
        max_capacity=6,
        target_value=100.0,
        scale_out_cooldown_seconds=60,
        scale_in_cooldown_seconds=300,
        schedules=(),
    )


def test_a_cooldown_of_zero_stays_zero(make_plan):
    scaling = {"max_instances": 2, "scale_out_cooldown_seconds": 0, "scale_in_cooldown_seconds": 0}

    plan = make_plan({"scaling": {**scaling, **TARGET}})

    assert plan.scaling.scale_out_cooldown_seconds == 0
    assert plan.scaling.scale_in_cooldown_seconds == 0


def test_schedules_alone_change_the_bounds_without_tracking(make_plan, decision):
    day = {"name": "day", "schedule": "rate(1 day)", "min_instances": 2, "max_instances": 2}

    plan = make_plan({"scaling": {"schedules": [day], **TARGET}})

    assert plan.scaling.target_value is None
    assert (plan.scaling.min_capacity, plan.scaling.max_capacity) == (1, 1)
    assert plan.scaling.schedules == (SchedulePlan("day", "rate(1 day)", "UTC", 2, 2),)
    assert decision(plan, "scaling.max_capacity")[1] == "the same as the lower bound"


def test_a_schedule_that_opens_a_range_is_tracked(make_plan):
    day = {"name": "day", "schedule": "rate(1 day)", "max_instances": 4}

    plan = make_plan({"scaling": {"schedules": [day], **TARGET}})

    assert plan.scaling.target_value == 100.0
    assert plan.scaling.schedules[0].min_capacity is None
