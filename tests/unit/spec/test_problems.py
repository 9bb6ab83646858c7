"""Fields of a wrong kind or out of range: what the user is told."""

import pytest

from modelway.errors import SpecError
from modelway.spec import parse_spec


def refusal(changes):
    with pytest.raises(SpecError) as caught:
        parse_spec({"name": "fraud", "model": {"path": "m.onnx"}, **changes})
    (problem,) = caught.value.problems
    return problem


@pytest.mark.parametrize(
    ("changes", "path", "message", "allowed"),
    [
        (
            {"scaling": {"min_instances": 0}},
            "scaling.min_instances",
            "is out of range",
            "at least 1",
        ),
        (
            {"serving": {"startup_timeout_seconds": 59}},
            "serving.startup_timeout_seconds",
            "is out of range",
            "at least 60, at most 3600",
        ),
        (
            {"serving": {"download_timeout_seconds": 3601}},
            "serving.download_timeout_seconds",
            "is out of range",
            "at least 60, at most 3600",
        ),
        (
            {"rollout": {"timeout_seconds": 599}},
            "rollout.timeout_seconds",
            "is out of range",
            "at least 600, at most 28800",
        ),
        (
            {"rollout": {"timeout_seconds": 28_801}},
            "rollout.timeout_seconds",
            "is out of range",
            "at least 600, at most 28800",
        ),
        (
            {"rollout": {"wait_seconds": 3601}},
            "rollout.wait_seconds",
            "is out of range",
            "at least 0, at most 3600",
        ),
        (
            {"rollout": {"termination_wait_seconds": 3601}},
            "rollout.termination_wait_seconds",
            "is out of range",
            "at least 0, at most 3600",
        ),
        (
            {"data_capture": {"sampling_percent": 101}},
            "data_capture.sampling_percent",
            "is out of range",
            "at least 0, at most 100",
        ),
        (
            {"objectives": {"p99_latency_ms": 60_001}},
            "objectives.p99_latency_ms",
            "is out of range",
            "above 0, at most 60000",
        ),
        (
            {"alarms": {"no_invocations_minutes": 1441}},
            "alarms.no_invocations_minutes",
            "is out of range",
            "at least 1, at most 1440",
        ),
        (
            {"scaling": {"min_instances": 1.5}},
            "scaling.min_instances",
            "must be a whole number",
            "at least 1",
        ),
        (
            {"scaling": {"min_instances": True}},
            "scaling.min_instances",
            "must be a number, not true or false",
            "at least 1",
        ),
        (
            {"objectives": {"error_rate_percent": False}},
            "objectives.error_rate_percent",
            "must be a number, not true or false",
            "above 0, below 100",
        ),
        (
            {"scaling": {"target_invocations_per_instance_per_minute": float("inf")}},
            "scaling.target_invocations_per_instance_per_minute",
            "must be a finite number",
            "above 0",
        ),
        (
            {"network": {"isolation": "maybe"}},
            "network.isolation",
            "must be true or false",
            "",
        ),
        (
            {"tags": {"cost center": 42}},
            'tags["cost center"]',
            "must be text",
            'text in quotes, such as "42"',
        ),
        ({"tags": ["a"]}, "tags", "must be a mapping of keys to values", ""),
        ({"rollout": "canary"}, "rollout", "must be a mapping of fields to values", ""),
        ({"alarms": {"notify": "a@b.de"}}, "alarms.notify", "must be a list", ""),
        (
            {"target": "eks"},
            "target",
            "is not one of the choices",
            "'sagemaker'",
        ),
        (
            {"model": {"path": "m", "digest": "sha256:12"}},
            "model.digest",
            "has characters or a form that are not allowed",
            (
                "the pattern ^sha256:[0-9a-f]{64}$; `sha256:` and the digest of the file. "
                "Needed for an S3 URI, checked for a file. Default: read from the file"
            ),
        ),
    ],
)  # fmt: skip
def test_a_wrong_field_says_what_is_allowed(changes, path, message, allowed):
    problem = refusal(changes)

    assert (problem.path, problem.message, problem.allowed) == (path, message, allowed)


def test_a_name_over_63_characters_is_too_long():
    problem = refusal({"name": "a" * 64})

    assert problem.message == "is too long"
    assert problem.allowed.startswith("at most 63 characters; ")
    assert problem.source == "SageMaker EntityName"


@pytest.mark.parametrize(
    ("changes", "source"),
    [
        ({"serving": {"volume_gib": 0}}, "SageMaker ProductionVariant.VolumeSizeInGB"),
        (
            {"rollout": {"timeout_seconds": 1}},
            "SageMaker BlueGreenUpdatePolicy.MaximumExecutionTimeoutInSeconds",
        ),
        ({"rollout": {"history": 21}}, "modelway"),
    ],
)
def test_a_range_names_whose_rule_it_is(changes, source):
    assert refusal(changes).source == source


@pytest.mark.parametrize(
    ("changes", "hint"),
    [
        ({"scalling": {}}, "; did you mean `scaling`?"),
        ({"serving": {"instancetype": "x"}}, "; did you mean `instance_type`?"),
        ({"rollout": {"stratgy": "canary"}}, "; did you mean `strategy`?"),
        ({"zzz": 1}, ""),
    ],
)
def test_an_unknown_field_names_the_nearest_one(changes, hint):
    assert refusal(changes).message == f"is not a field{hint}"


def test_a_whole_float_is_an_integer_since_the_engine_sends_those():
    spec = parse_spec({"name": "a", "model": {"path": "m"}, "rollout": {"wait_seconds": 60.0}})

    assert spec.rollout.wait_seconds == 60


def test_a_key_that_is_not_text_is_refused_with_its_place():
    problem = refusal({"tags": {1: "x"}})

    assert (problem.path, problem.message) == ("tags[1]", "must be text")
