"""How an endpoint gets from what is live to what is wanted."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from endpoint_sides import (
    CANARY,
    CANARY_CONFIG,
    PLAIN,
    PRIMARY,
    ROLLING,
    SCALED,
    SECOND,
    SERVERLESS,
    TARGET,
    TWO,
    alarm,
    kinds,
    live,
    wanted,
)
from modelway.plan.changes import Change
from modelway.plan.live import (
    LiveVariant,
    VariantConfig,
    WantedEndpoint,
    wanted_endpoint,
)
from modelway.plan.steps import (
    Bake,
    Capacity,
    ChangeCapacities,
    CheckGuardAlarms,
    DeleteRollbackAlarms,
    DeregisterScaling,
    PutRollbackAlarms,
    RegisterScaling,
    UpdateEndpoint,
    WaitUntilSettled,
)
from modelway.plan.update import plan_update


@pytest.mark.parametrize(
    ("before", "after", "changes"),
    [
        (live(TWO), wanted(TWO, config_name="fraud-a"), ()),
        (live(TWO), wanted(SECOND), (Change.MODEL,)),
        (
            live(TWO),
            wanted(replace(TWO, instance_type="ml.c5.large")),
            (Change.INSTANCE_TYPE,),
        ),
        (
            live(TWO),
            wanted(replace(TWO, initial_instance_count=3)),
            (Change.COUNT_OR_WEIGHT,),
        ),
        (live(TWO), wanted(replace(TWO, initial_weight=2.0)), (Change.COUNT_OR_WEIGHT,)),
        (live(TWO), wanted(replace(TWO, name="other")), (Change.VARIANT_SET,)),
        (live(TWO), wanted(TWO, replace(TWO, name="other")), (Change.VARIANT_SET,)),
        (live(SERVERLESS), wanted(PRIMARY), (Change.HOSTING_KIND, Change.COUNT_OR_WEIGHT)),
        (live(TWO), wanted(replace(TWO, settings={"VolumeSizeInGB": 9})), (Change.SETTINGS,)),
        (live(TWO), wanted(TWO), (Change.SETTINGS,)),
        (
            live(TWO, data_capture={"EnableCapture": True}),
            wanted(TWO),
            (Change.DATA_CAPTURE,),
        ),
        (
            live(TWO),
            wanted(TWO, config_name="fraud-a", rollout=CANARY),
            (Change.POLICY,),
        ),
        (
            live(TWO, deployment_config=CANARY_CONFIG, rollback_alarms=(alarm("new-error-rate"),)),
            wanted(TWO, config_name="fraud-a", rollout=CANARY),
            (Change.POLICY,),
        ),
        (
            live(TWO),
            wanted(replace(SECOND, instance_type="ml.c5.large"), rollout=CANARY),
            (Change.MODEL, Change.INSTANCE_TYPE, Change.POLICY),
        ),
    ],
)
def test_each_change_has_its_kind(before, after, changes):
    assert plan_update(before, after).changes == changes


def test_nothing_to_change_is_nothing_to_do():
    plan = plan_update(live(TWO), wanted(TWO, config_name="fraud-a"))

    assert (plan.steps, plan.stages, plan.peak_instances) == ((), (), 2)
    assert plan.duration_seconds == (0, 0)


def test_another_policy_alone_waits_for_the_next_update():
    plan = plan_update(live(TWO), wanted(TWO, config_name="fraud-a", rollout=CANARY))

    assert plan.steps == ()


def test_a_model_change_is_watched_from_before_the_update_until_after_the_last_bake():
    plan = plan_update(live(TWO), wanted(SECOND, rollout=CANARY))

    names = ("fraud-rollout-new-error-rate", "fraud-rollout-too-few-requests")
    assert plan.steps == (
        CheckGuardAlarms(("fraud-error-rate",)),
        PutRollbackAlarms(names),
        UpdateEndpoint("fraud-b", False, (), CANARY_CONFIG),
        *(Bake(stage) for stage in plan.stages),
        DeleteRollbackAlarms(names),
    )
    assert [(s.traffic_percent, s.wait_seconds) for s in plan.stages] == [
        (10, 600),
        (100, 600),
        (100, 300),
    ]
    assert plan.peak_instances == 4
    assert plan.duration_seconds == (1620, 2100)


def test_a_roll_out_that_repairs_does_not_look_at_the_guard_alarms():
    plan = plan_update(live(TWO), wanted(SECOND, rollout=replace(CANARY, repair=True)))

    assert "CheckGuardAlarms" not in kinds(plan)


def test_the_count_that_auto_scaling_chose_is_retained_and_weights_are_not():
    plan = plan_update(
        live(TWO, count=5, scalable_targets=(TARGET,)), wanted(SECOND, rollout=CANARY, **SCALED)
    )

    (update,) = [step for step in plan.steps if isinstance(step, UpdateEndpoint)]
    assert update.retain_all_variant_properties is True
    assert update.exclude_retained_variant_properties == ("DesiredWeight",)
    assert plan.peak_instances == 10
    assert "DeregisterScaling" not in kinds(plan)


def test_an_instance_type_change_takes_the_target_away_and_puts_it_back_exactly():
    plan = plan_update(
        live(TWO, count=3, scalable_targets=(TARGET,)),
        wanted(replace(TWO, instance_type="ml.c5.large"), rollout=CANARY, **SCALED),
    )

    assert kinds(plan) == [
        "CheckGuardAlarms",
        "DeregisterScaling",
        "PutRollbackAlarms",
        "UpdateEndpoint",
        "Bake",
        "Bake",
        "Bake",
        "DeleteRollbackAlarms",
        "RegisterScaling",
    ]
    assert plan.steps[1] == DeregisterScaling(TARGET)
    assert plan.steps[-1] == RegisterScaling(TARGET)
    assert plan.restoring == plan.steps[-2:]
    assert plan.peak_instances == 6


def test_a_variant_that_goes_loses_its_target_for_good():
    other = replace(TWO, name="other")
    plan = plan_update(
        live(TWO, other, scalable_targets=(TARGET,)),
        wanted(other, scaled_variants=frozenset({"other"})),
    )

    assert kinds(plan) == ["DeregisterScaling", "UpdateEndpoint", "Bake"]
    assert plan.peak_instances == 6


def test_counts_that_nobody_scales_are_corrected_after_an_update_that_retains_all():
    other = replace(TWO, name="other")
    plan = plan_update(live(TWO, other, count=4), wanted(SECOND, other, rollout=PLAIN, **SCALED))

    assert plan.steps[-1] == ChangeCapacities((Capacity("other", 2, None),))


def test_a_count_changed_by_hand_is_put_back_without_a_new_fleet():
    plan = plan_update(live(TWO, count=1), wanted(TWO, config_name="fraud-a"))

    assert plan.steps == (ChangeCapacities((Capacity("primary", 2, None),)),)
    assert plan.stages == ()
    assert plan.peak_instances == 2
    assert plan.duration_seconds == (120, 600)


def test_a_weight_changed_by_hand_takes_seconds():
    variant = LiveVariant(TWO, desired_instance_count=2, current_weight=3.0)
    plan = plan_update(live(variants=(variant,)), wanted(TWO, config_name="fraud-a"))

    assert plan.steps == (ChangeCapacities((Capacity("primary", None, 1.0),)),)
    assert plan.duration_seconds == (15, 60)


@pytest.mark.parametrize("status", ["Creating", "Updating", "SystemUpdating", "RollingBack"])
def test_a_busy_endpoint_is_waited_for_and_planned_again(status):
    plan = plan_update(live(TWO, status=status), wanted(SECOND))

    assert plan.steps == (WaitUntilSettled(status),)


def test_serverless_may_become_instances_which_are_counted():
    plan = plan_update(live(SERVERLESS), wanted(TWO, rollout=CANARY, **SCALED))

    assert plan.peak_instances == 2


def test_the_wanted_side_follows_from_the_plan(make_plan):
    plan = make_plan(
        {
            "scaling": {
                "min_instances": 2,
                "max_instances": 4,
                "target_invocations_per_instance_per_minute": 100,
            },
            "serving": {"volume_gib": 30},
        }
    )

    assert wanted_endpoint(plan, "fraud-b", "fraud-1") == WantedEndpoint(
        config_name="fraud-b",
        variants=(
            VariantConfig(
                name="primary",
                model="fraud-1",
                instance_type="ml.m5.large",
                initial_instance_count=2,
                initial_weight=1.0,
                settings={
                    "VolumeSizeInGB": 30,
                    "ContainerStartupHealthCheckTimeoutInSeconds": 120,
                    "ModelDataDownloadTimeoutInSeconds": 120,
                },
            ),
        ),
        rollout=plan.rollout,
        scaled_variants=frozenset({"primary"}),
    )


def test_every_step_says_itself():
    plan = plan_update(
        live(TWO, count=3, scalable_targets=(TARGET,)),
        wanted(replace(TWO, instance_type="ml.c5.large"), rollout=CANARY, **SCALED),
    )

    assert [str(step) for step in plan.steps] == [
        "refuse if one of these is in ALARM: fraud-error-rate",
        "deregister variant primary from auto scaling",
        ("put the roll-back alarms fraud-rollout-new-error-rate, fraud-rollout-too-few-requests"),
        "update to configuration fraud-b (instance counts are kept)",
        "canary: 10 % of the traffic, 600 s",
        "the rest: 100 % of the traffic, 600 s",
        "old fleet kept: 100 % of the traffic, 300 s",
        (
            "delete the roll-back alarms fraud-rollout-new-error-rate, "
            "fraud-rollout-too-few-requests"
        ),
        "register variant primary again with 1 policies and 1 scheduled actions",
    ]


VARIANTS = st.builds(
    VariantConfig,
    name=st.sampled_from(["primary", "other"]),
    model=st.sampled_from(["fraud-1", "fraud-2"]),
    instance_type=st.sampled_from([None, "ml.m5.large", "ml.c5.large"]),
    initial_instance_count=st.integers(1, 5),
)
SETS = st.lists(VARIANTS, min_size=1, max_size=2, unique_by=lambda variant: variant.name)


@settings(deadline=None)
@given(
    before=SETS,
    after=SETS,
    count=st.integers(1, 6),
    scaled=st.frozensets(st.sampled_from(["primary", "other"])),
    rollout=st.sampled_from([PLAIN, CANARY, ROLLING]),
    status=st.sampled_from(["InService", "Updating", "Failed"]),
)
def test_whatever_is_taken_away_comes_back_and_nothing_is_begun_that_is_refused(
    before, after, count, scaled, rollout, status
):
    targets = tuple(replace(TARGET, variant=v.name) for v in before if v.name in scaled)

    plan = plan_update(
        live(*before, count=count, status=status, scalable_targets=targets),
        wanted(*after, rollout=rollout, scaled_variants=scaled),
    )

    taken = [step.target for step in plan.steps if isinstance(step, DeregisterScaling)]
    back = [step.target for step in plan.steps if isinstance(step, RegisterScaling)]
    remaining = {variant.name for variant in after}
    assert back == [target for target in taken if target.variant in remaining]
    assert not (plan.refusals and plan.steps)
    assert kinds(plan).count("UpdateEndpoint") <= 1
    if "PutRollbackAlarms" in kinds(plan):
        put = kinds(plan).index("PutRollbackAlarms")
        assert kinds(plan)[put + 1] == "UpdateEndpoint"
    if plan.stages:
        assert plan.peak_instances >= sum(0 if v.serverless else count for v in before)
