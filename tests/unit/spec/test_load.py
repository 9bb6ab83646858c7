"""Spec files: what is read, and what is refused where."""

from pathlib import Path

import pytest

from modelway.errors import SpecError
from modelway.spec import Strategy, load_spec, parse_spec

MINIMAL = "name: fraud\nmodel:\n  path: ../models/fraud.onnx\n"


def refusals(path):
    with pytest.raises(SpecError) as caught:
        load_spec(path)
    return [str(problem) for problem in caught.value.problems]


def test_a_minimal_spec_has_the_documented_defaults(write_spec, tmp_path):
    spec = load_spec(write_spec(MINIMAL))

    assert spec.name == "fraud"
    assert spec.model.path == str(tmp_path / "models" / "fraud.onnx")
    assert spec.serving.instance_type == "ml.m5.large"
    assert (spec.scaling.min_instances, spec.scaling.max_instances) == (1, None)
    assert spec.rollout.strategy is Strategy.ALL_AT_ONCE
    assert spec.logging.retention_days == 90
    assert spec.network.isolation is True
    assert spec.data_capture is None
    assert spec.environments == {}


def test_a_relative_path_is_taken_from_the_specs_folder_wherever_one_stands(
    write_spec, tmp_path, monkeypatch
):
    write_spec(MINIMAL)
    monkeypatch.chdir(tmp_path / "specs")

    assert load_spec("fraud.yaml").model.path == str(tmp_path / "models" / "fraud.onnx")


def test_an_environments_path_is_taken_from_the_specs_folder_too(write_spec, tmp_path):
    text = MINIMAL + "environments:\n  dev:\n    model:\n      path: small.onnx\n"

    spec = load_spec(write_spec(text))

    assert spec.for_environment("dev").model.path == str(tmp_path / "specs" / "small.onnx")


def test_files_beside_the_model_are_taken_from_the_specs_folder(write_spec, tmp_path):
    spec = load_spec(write_spec(MINIMAL + "  input_rules: r.json\n  generation: ../g.json\n"))

    assert spec.model.input_rules == str(tmp_path / "specs" / "r.json")
    assert spec.model.generation == str(tmp_path / "g.json")


def test_a_uri_is_left_as_it_is(write_spec):
    spec = load_spec(write_spec("name: fraud\nmodel:\n  path: s3://bucket/fraud.tar.gz\n"))

    assert spec.model.path == "s3://bucket/fraud.tar.gz"


def test_every_problem_is_told_at_once_each_with_its_line(write_spec):
    path = write_spec(
        "name: fraud_\n"
        "model:\n"
        "  path: m.onnx\n"
        "  version: 1.0\n"
        "scaling:\n"
        "  max_instance: 4\n"
        "environments:\n"
        "  prod:\n"
        "    rollout:\n"
        "      strategy: blue\n"
        "    serving: {volume_gib: 513}\n"
    )

    assert refusals(path) == [
        (
            f"{path}:1: name: has characters or a form that are not allowed (got 'fraud_'); "
            "allowed: the pattern ^[a-zA-Z0-9](-*[a-zA-Z0-9])*$; The model's name; names of "
            "resources begin with it [SageMaker EntityName]"
        ),
        (
            f"{path}:4: model.version: must be text (got 1.0); allowed: text in quotes, such as "
            '"1.0" [modelway]'
        ),
        (
            f"{path}:6: scaling.max_instance: is not a field; did you mean "
            "`max_instances`? (got 4); "
            "allowed: max_instances, min_instances, scale_in_cooldown_seconds, "
            "scale_out_cooldown_seconds, schedules, target_invocations_per_instance_per_minute "
            "[modelway]"
        ),
        (
            f"{path}:10: environments.prod.rollout.strategy: is not one of the choices "
            "(got 'blue'); "
            "allowed: 'all-at-once', 'canary', 'linear' or 'rolling' [modelway]"
        ),
        (
            f"{path}:11: environments.prod.serving.volume_gib: is out of range (got 513); "
            "allowed: at least 1, at most 512 [SageMaker ProductionVariant.VolumeSizeInGB]"
        ),
    ]


@pytest.mark.parametrize(
    ("model", "line"), [("format: onnx", 2), ('path: ""', 3), ("registry: null", 2)]
)
def test_a_model_that_is_nowhere_is_shown_where_it_belongs(write_spec, model, line):
    (message,) = refusals(write_spec(f"name: fraud\nmodel:\n  {model}\n"))

    assert f":{line}: model.path: is missing" in message
    assert "where `registry` names the model" in message


def test_a_problem_of_the_base_is_told_once_and_not_for_each_environment(write_spec):
    text = MINIMAL + "colour: red\nenvironments:\n  dev: {}\n  prod: {}\n"

    (message,) = refusals(write_spec(text))

    assert ":4: colour: is not a field (got 'red')" in message


def test_an_environment_may_be_empty(write_spec):
    spec = load_spec(write_spec(MINIMAL + "environments:\n  dev:\n"))

    assert spec.environments == {"dev": {}}


@pytest.mark.parametrize(
    ("environments", "message"),
    [
        ("[dev]", "environments: must be a mapping of keys to values"),
        ("{dev: 3}", "environments.dev: must be a mapping of keys to values"),
        ("{dev_1: {}}", "environments.dev_1: has characters or a form that are not allowed"),
        ("{no: {}}", "environments"),
        ("{dev: {name: other}}", "environments.dev.name: cannot differ between environments"),
        (
            "{dev: {environments: {x: {}}}}",
            "environments.dev.environments: cannot differ between environments",
        ),
    ],
)
def test_environments_of_a_wrong_form_are_refused(write_spec, environments, message):
    (found,) = refusals(write_spec(f"{MINIMAL}environments: {environments}\n"))

    assert message in found


def test_a_program_may_give_plain_data():
    spec = parse_spec(
        {"name": "fraud", "model": {"path": "m.onnx"}, "scaling": {"min_instances": 2.0}}
    )

    assert spec.scaling.min_instances == 2
    assert Path(spec.model.path) == Path("m.onnx")


def test_plain_data_is_refused_without_a_file():
    with pytest.raises(SpecError) as caught:
        parse_spec({"name": "fraud"})

    assert str(caught.value) == "model: is missing; allowed: The trained model [modelway]"
    assert caught.value.exit_status == 2


def test_models_of_challengers_and_shadows_are_taken_from_the_specs_folder(write_spec, tmp_path):
    variants = (
        "challengers:\n  - {name: b, model: {path: b.onnx}, traffic_percent: 5}\n"
        "environments:\n  dev:\n    challengers: []\n    shadow: {model: {path: ../c.onnx}}\n"
    )
    spec = load_spec(write_spec(MINIMAL + variants))

    assert spec.challengers[0].model.path == str(tmp_path / "specs" / "b.onnx")
    shadow = spec.for_environment("dev").shadow
    assert shadow is not None
    assert shadow.model.path == str(tmp_path / "c.onnx")
