"""Challengers and the shadow in the plan."""

import pytest

from modelway.errors import SpecError

CHALLENGER = {"name": "b", "model": {"path": "/models/b.onnx"}, "traffic_percent": 20}
SHADOW = {"model": {"path": "/models/b.onnx"}, "sampling_percent": 25}
OBJECTIVES = {"p99_latency_ms": 100, "error_rate_percent": 1}
DIGITS = "d" * 64


def test_without_challengers_the_champion_keeps_its_weight_of_one(make_plan):
    plan = make_plan()

    assert [(each.name, each.initial_weight, each.model) for each in plan.variants] == [
        ("primary", 1.0, "primary")
    ]
    assert (plan.shadow, dict(plan.challenger_scalings), list(plan.containers)) == (
        None,
        {},
        ["primary"],
    )


def test_weights_are_per_cent_and_the_champion_has_the_rest(make_plan, decision):
    plan = make_plan(
        {"challengers": [{**CHALLENGER, "traffic_percent": 33.3}, {**CHALLENGER, "name": "c"}]}
    )

    assert [(each.name, each.initial_weight) for each in plan.variants] == [
        ("primary", 46.7),
        ("b", 33.3),
        ("c", 20.0),
    ]
    assert decision(plan, "variant.initial_weight")[1] == "what the challengers leave, in per cent"
    assert decision(plan, "challengers.b.initial_weight")[0] == 33.3


def test_each_challenger_has_its_own_container_and_artifact(make_plan):
    plan = make_plan({"challengers": [{**CHALLENGER, "environment": {"THREADS": "2"}}]})

    assert plan.container.artifact_key == f"models/fraud/{'c' * 64}/model.tar.gz"
    assert plan.containers["b"].artifact_key == f"models/fraud/{DIGITS}/model.tar.gz"
    assert dict(plan.containers["b"].environment) == {"THREADS": "2"}
    assert dict(plan.container.environment) == {}


def test_a_challenger_is_watched_as_the_champion_is(make_plan):
    plan = make_plan(
        {
            "challengers": [CHALLENGER],
            "objectives": OBJECTIVES,
            "alarms": {"no_invocations_minutes": 5, "disk_utilization_percent": None},
        }
    )

    assert [each.name for each in plan.alarms] == [
        "fraud-prod-p99-latency",
        "fraud-prod-error-rate",
        "fraud-prod-no-invocations",
        "fraud-prod-cpu",
        "fraud-prod-memory",
        "fraud-prod-p99-latency.b",
        "fraud-prod-error-rate.b",
        "fraud-prod-cpu.b",
        "fraud-prod-memory.b",
    ]
    dimensions = [dict(each.metrics[0].dimensions) for each in plan.alarms[5:]]
    assert dimensions == [{"EndpointName": "fraud-prod", "VariantName": "b"}] * 4


def test_no_two_alarms_share_a_name_whatever_variants_are_called(make_plan):
    names = ["client", "x-client", "x", "gpu", "rollout-new", "memory"]
    challengers = [{**CHALLENGER, "name": name, "traffic_percent": 1} for name in names]

    plan = make_plan(
        {
            "challengers": challengers,
            "objectives": OBJECTIVES,
            "alarms": {"client_error_rate_percent": 5},
        }
    )

    assert len({each.name for each in plan.alarms}) == len(plan.alarms) == 6 * 7


def test_only_a_challenger_that_asks_for_it_scales(make_plan):
    challengers = [
        {**CHALLENGER, "max_instances": 4, "target_invocations_per_instance_per_minute": 300},
        {**CHALLENGER, "name": "c"},
    ]

    plan = make_plan({"challengers": challengers})

    assert plan.scaling is None
    assert list(plan.challenger_scalings) == ["b"]
    scaling = plan.challenger_scalings["b"]
    assert scaling.resource_id == "endpoint/fraud-prod/variant/b"
    assert (scaling.min_capacity, scaling.max_capacity, scaling.target_value) == (1, 4, 300)
    assert plan.autoscaled == ("b",)


def test_a_challenger_does_not_scale_because_the_champion_does(make_plan):
    scaling = {
        "min_instances": 2,
        "max_instances": 6,
        "target_invocations_per_instance_per_minute": 600,
    }

    plan = make_plan({"scaling": scaling, "challengers": [CHALLENGER]})

    assert plan.autoscaled == ("primary",)
    assert plan.variants[1].initial_instance_count == 2


def test_a_shadow_is_sampled_by_its_weight_and_captured_by_default(make_plan, decision):
    plan = make_plan({"shadow": SHADOW, "scaling": {"min_instances": 5}})

    assert plan.shadow is not None
    assert (plan.shadow.name, plan.shadow.model) == ("shadow", "shadow")
    assert (plan.shadow.initial_weight, plan.shadow.initial_instance_count) == (0.25, 2)
    assert (plan.variant.initial_weight, len(plan.variants)) == (1.0, 1)
    assert plan.data_capture is not None
    assert plan.data_capture.sampling_percent == 100
    assert plan.data_capture.capture_modes == ("Input", "Output")
    assert decision(plan, "data_capture")[:2] == (
        "on",
        "SageMaker discards a shadow's answers: only captured data can compare it",
    )


def test_the_capture_that_the_spec_gives_is_taken_for_a_shadow(make_plan):
    plan = make_plan({"shadow": SHADOW, "data_capture": {"sampling_percent": 10}})

    assert plan.data_capture is not None
    assert plan.data_capture.sampling_percent == 10


def test_nobody_is_woken_for_a_shadow(make_plan):
    with_shadow = make_plan({"shadow": SHADOW, "objectives": OBJECTIVES})

    assert with_shadow.alarms == make_plan({"objectives": OBJECTIVES}).alarms


def test_one_variant_without_a_volume_key_leaves_the_configuration_without(make_plan):
    plan = make_plan({"challengers": [{**CHALLENGER, "instance_type": "ml.m5d.large"}]})

    assert plan.volume_encryption is False


def test_broken_rules_of_variants_stop_the_plan(make_plan):
    with pytest.raises(SpecError, match=r"shadow: cannot stand beside 1 challenger"):
        make_plan({"challengers": [CHALLENGER], "shadow": SHADOW})
