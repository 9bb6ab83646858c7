"""Challengers and a shadow beside the spec's own model."""

import pytest

from modelway.spec.alone import alone

MODEL = {"path": "/models/b.onnx"}
DIGEST = "sha256:" + "d" * 64


def challenger(name="b", percent=20, **more):
    return {"name": name, "model": MODEL, "traffic_percent": percent, **more}


def shadow(**more):
    return {"model": MODEL, **more}


def told(problems):
    return [(each.path, each.message) for each in problems]


def test_challengers_that_leave_the_champion_a_share_are_fine(problems):
    assert problems({"challengers": [challenger("b", 20), challenger("c", 79.5)]}) == []


def test_a_shadow_beside_the_champion_is_fine(problems):
    assert problems({"shadow": shadow(sampling_percent=5)}) == []


def test_shares_that_leave_the_champion_none_are_refused(the_problem):
    problem = the_problem({"challengers": [challenger("b", 60), challenger("c", 40)]})

    assert str(problem) == (
        "challengers: take 100 % of the traffic together and leave the champion none; "
        "allowed: `traffic_percent` of less than 100 together; to promote a challenger, make it "
        "the spec's own `model` [modelway]"
    )


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["primary"], "is the variant name of the spec's own model already"),
        (["b", "B"], "is the variant name of `challengers[0]` already"),
    ],
)
def test_variant_names_are_unique_whatever_their_case(the_problem, names, message):
    problem = the_problem({"challengers": [challenger(name, 10) for name in names]})

    assert (problem.path, problem.message, problem.value) == (
        f"challengers[{len(names) - 1}].name",
        message,
        names[-1],
    )


def test_a_configuration_takes_ten_variants_and_no_more(problems):
    nine = [challenger(f"c{number}", 1) for number in range(9)]

    assert problems({"challengers": nine}) == []
    assert told(problems({"challengers": [*nine, challenger("c9", 1)]})) == [
        ("challengers", "holds 10 variants beside the champion")
    ]


def test_a_shadow_stands_beside_exactly_one_production_variant(the_problem):
    problem = the_problem({"challengers": [challenger()], "shadow": shadow()})

    assert (problem.path, problem.message, problem.source) == (
        "shadow",
        "cannot stand beside 1 challenger(s)",
        "SageMaker CreateEndpointConfig.ShadowProductionVariants",
    )


@pytest.mark.parametrize("beside", [{"challengers": [challenger()]}, {"shadow": shadow()}])
def test_rolling_is_not_for_several_variants(the_problem, beside):
    problem = the_problem(
        {
            **beside,
            "rollout": {"strategy": "rolling"},
            "scaling": {"min_instances": 4},
            "objectives": {"error_rate_percent": 1},
        }
    )

    assert (problem.path, problem.message, problem.value) == (
        "rollout.strategy",
        "is not for an endpoint with several variants",
        "rolling",
    )


def test_each_variant_of_a_canary_needs_two_instances(the_problem):
    problem = the_problem(
        {
            "challengers": [challenger("b", 10), challenger("c", 10, min_instances=1)],
            "rollout": {"strategy": "canary"},
            "scaling": {"min_instances": 2},
            "objectives": {"error_rate_percent": 1},
        }
    )

    assert (problem.path, problem.value) == ("challengers[1].min_instances", 1)
    assert problem.message == "is too few for canary: a step is at most half of each variant"


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"serving": {"instance_type": "ml.inf1.xlarge"}}, "serving.instance_type"),
        ({"shadow": {"instance_type": "ml.inf1.xlarge"}}, "shadow.instance_type"),
    ],
)
def test_shadows_do_not_support_inf1(problems, changes, path):
    found = problems({"shadow": {**shadow(), **changes.pop("shadow", {})}, **changes})

    message = "is an Inf1 instance, which shadow variants do not support"
    assert (path, message) in told(found)


@pytest.mark.parametrize(
    ("capture", "path"),
    [
        ({"capture": ["input"]}, "data_capture.capture"),
        ({"sampling_percent": 0}, "data_capture.sampling_percent"),
    ],
)
def test_a_shadow_needs_its_answers_captured(the_problem, capture, path):
    problem = the_problem({"shadow": shadow(), "data_capture": capture})

    assert problem.path == path


def test_a_challengers_model_and_instances_follow_the_champions_rules(problems):
    found = problems(
        {
            "challengers": [
                {
                    "name": "b",
                    "model": {"path": "s3://bucket/b.tar.gz"},
                    "traffic_percent": 5,
                    "instance_type": "ml.nothing.large",
                    "min_instances": 3,
                    "max_instances": 2,
                    "environment": {"1BAD": "x"},
                }
            ]
        }
    )

    assert [each.path for each in found] == [
        "challengers[0].model.digest",
        "challengers[0].instance_type",
        'challengers[0].environment["1BAD"]',
        "challengers[0].max_instances",
    ]


def test_what_is_wrong_with_the_champion_is_told_once(the_problem):
    problem = the_problem(
        {"serving": {"instance_type": "ml.nothing.large"}, "challengers": [challenger()]}
    )

    assert problem.path == "serving.instance_type"


def test_a_challenger_that_scales_needs_a_number_to_scale_by(the_problem):
    problem = the_problem({"challengers": [challenger(max_instances=3)]})

    assert problem.path == "challengers[0].target_invocations_per_instance_per_minute"


def test_alone_a_variant_has_its_own_model_and_what_it_shares(spec_with):
    spec = spec_with(
        {
            "serving": {"environment": {"A": "1", "B": "1"}, "volume_gib": 50},
            "scaling": {"min_instances": 4},
            "challengers": [challenger(environment={"B": "2"})],
            "shadow": shadow(sampling_percent=30, instance_type="ml.c5.large"),
        }
    )
    first, second = (alone(spec, each) for each in spec.beside)

    assert (first.model.path, first.challengers, first.shadow) == ("/models/b.onnx", (), None)
    assert first.serving.environment == {"A": "1", "B": "2"}
    assert (first.serving.volume_gib, first.scaling.min_instances) == (50, 4)
    assert (second.serving.instance_type, second.serving.volume_gib) == ("ml.c5.large", None)
    assert second.scaling.min_instances == 2
