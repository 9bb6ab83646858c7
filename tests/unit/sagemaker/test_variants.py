"""Several variants and a shadow, from the resource's inputs to SageMaker's requests."""

import pytest

from modelway.sagemaker import live
from modelway.sagemaker.api import SageMakerApi
from modelway.sagemaker.desired import DesiredEndpoint


def second_model(inputs, **changes):
    return {**inputs["models"]["primary"], "model_data_url": "s3://artifacts/b.tar.gz", **changes}


def variant(name, weight, count=1):
    return {
        "name": name,
        "model": name,
        "instance_type": "ml.m5.large",
        "initial_instance_count": count,
        "initial_weight": weight,
        "startup_timeout_seconds": 480,
        "download_timeout_seconds": 300,
    }


@pytest.fixture
def duel(inputs):
    """Inputs with a challenger `b` at 20 per cent."""

    def make(count=1, **changes):
        base = inputs(count=count)
        base["models"]["b"] = second_model(base)
        base["variants"] = [
            {**base["variants"][0], "initial_weight": 80.0},
            variant("b", 20.0),
        ]
        return {**base, **changes}

    return make


@pytest.fixture
def shadowed(inputs):
    """Inputs with a shadow that gets half of the requests."""

    def make(weight=0.5):
        base = inputs()
        base["models"]["shadow"] = second_model(base)
        base["shadow_variants"] = [variant("shadow", weight)]
        return base

    return make


def test_names_of_an_endpoint_without_challengers_are_what_they_always_were(inputs):
    desired = DesiredEndpoint.from_inputs(inputs())

    assert desired.config_name == "fraud-dev-2a0d4fb4d083"
    assert desired.model_names == ("fraud-dev-2d98f7c91df9",)
    assert "ShadowProductionVariants" not in desired.config_request


def test_each_variant_names_its_model_and_its_weight(duel):
    desired = DesiredEndpoint.from_inputs(duel())

    shown = [
        (each["VariantName"], each["ModelName"], each["InitialVariantWeight"])
        for each in desired.variants
    ]
    first, second = shown
    assert (first[0], first[2], second[0], second[2]) == ("primary", 80.0, "b", 20.0)
    assert {first[1], second[1]} == set(desired.model_names)
    assert first[1] != second[1]


def test_two_variants_of_the_same_content_share_a_model(duel, inputs):
    same = duel()
    same["models"]["b"] = inputs()["models"]["primary"]

    assert len(DesiredEndpoint.from_inputs(same).model_names) == 1


def test_a_shadow_is_configured_apart_from_production(shadowed):
    request = DesiredEndpoint.from_inputs(shadowed()).config_request

    assert [each["VariantName"] for each in request["ProductionVariants"]] == ["primary"]
    (shadow,) = request["ShadowProductionVariants"]
    assert (shadow["VariantName"], shadow["InitialVariantWeight"]) == ("shadow", 0.5)


def test_an_endpoint_with_a_challenger_is_created_and_swapped_by_an_update(aws, deployment, duel):
    outputs = deployment.create(duel())
    swapped = duel()
    swapped["models"] = {
        "primary": swapped["models"]["b"],
        "b": swapped["models"]["primary"],
    }

    after = deployment.update(swapped, outputs)

    assert after["endpoint_config_name"] != outputs["endpoint_config_name"]
    assert after["model_names"] == outputs["model_names"]
    assert len(aws.models) == 2


def test_a_shadows_model_is_kept_as_long_as_its_configuration(aws, deployment, shadowed, inputs):
    outputs = deployment.create(shadowed())

    deployment.update(inputs(image="b"), outputs)

    assert len(aws.models) == 3


def test_counts_that_autoscaling_owns_are_left_and_the_others_are_corrected(duel):
    wanted = DesiredEndpoint.from_inputs(duel(autoscaled=True, autoscaled_variants=["b"]))
    found = {
        "ProductionVariants": [
            {"VariantName": "primary", "DesiredInstanceCount": 5, "DesiredWeight": 80.0},
            {"VariantName": "b", "DesiredInstanceCount": 5, "DesiredWeight": 1.0},
        ]
    }

    assert live.wrong_capacities(wanted, found) == [
        {"VariantName": "primary", "DesiredInstanceCount": 1},
        {"VariantName": "b", "DesiredWeight": 20.0},
    ]


def test_autoscaling_owns_every_count_where_no_variant_is_named(duel):
    wanted = DesiredEndpoint.from_inputs(duel(autoscaled=True))

    assert wanted.autoscaled_variants == {"primary", "b"}


def test_a_shadows_share_that_was_changed_by_hand_is_put_back(shadowed):
    wanted = DesiredEndpoint.from_inputs(shadowed())
    found = {
        "ProductionVariants": [],
        "ShadowProductionVariants": [
            {"VariantName": "shadow", "DesiredInstanceCount": 1, "DesiredWeight": 1.0}
        ],
    }

    assert live.wrong_capacities(wanted, found) == [{"VariantName": "shadow", "DesiredWeight": 0.5}]


def test_a_refresh_sees_a_shadows_share_and_model(aws, deployment, clock, shadowed):
    outputs = deployment.create(shadowed())
    (described,) = aws.endpoint["ShadowProductionVariants"]
    described["DesiredWeight"] = 1.0

    read = live.read_outputs(SageMakerApi(aws, 15.0, clock.sleep, clock.monotonic), outputs)

    assert read is not None
    assert read["shadow_variants"][0]["initial_weight"] == 1.0
    assert read["variants"] == outputs["variants"]
    assert read["model_names"] == outputs["model_names"]
