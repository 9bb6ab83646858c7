"""Scenario files: what is read, and every problem with its line."""

import json
import shutil

import pytest
from pydantic import ValidationError

from modelway.errors import SpecError
from modelway.rehearsal.fault import Fault
from modelway.rehearsal.scenario import Up
from modelway.rehearsal.scenario_file import (
    find_scenario,
    json_schema,
    load_scenario,
    shipped,
)

SMALL = """\
name: small
spec: {name: greeter, model: {path: one.onnx}}
change: {set: {scaling: {min_instances: 2}}}
"""


@pytest.fixture
def write(tmp_path, models):
    """Write a scenario beside the models that ship."""
    for name in ("one.onnx", "two.onnx"):
        shutil.copy(models / name, tmp_path)

    def make(text, name="scenario.yaml"):
        path = tmp_path / name
        path.write_text(text)
        return path

    return make


def problems(path):
    with pytest.raises(SpecError) as caught:
        load_scenario(path)
    assert caught.value.exit_status == 2
    return [(each.line, each.path, each.message) for each in caught.value.problems]


def test_a_small_scenario_has_defaults(write):
    scenario = load_scenario(write(SMALL)).scenario

    assert scenario.time_scale == 60
    assert scenario.traffic.requests_per_second == 10
    assert scenario.traffic.arrivals == "poisson"
    assert scenario.change.begin.event == "step-started"
    assert scenario.environment == "local"


def test_overrides_are_laid_over_the_spec_of_the_up_before(write, tmp_path):
    loaded = load_scenario(
        write(
            SMALL
            + """\
then:
  - {model: two.onnx, set: {model: {version: "2"}}}
  - {back: true, set: {tags: {team: a}}}
"""
        )
    )

    found = [(s.scaling.min_instances, s.model.path, s.model.version) for s in loaded.specs]
    one, two = str(tmp_path / "one.onnx"), str(tmp_path / "two.onnx")
    assert found == [(1, one, "1"), (2, one, "1"), (2, two, "2"), (1, one, "1")]
    assert loaded.specs[3].tags == {"team": "a"}


def test_a_spec_file_is_taken_in_one_of_its_environments(write):
    write(
        "name: greeter\nmodel: {path: one.onnx}\n"
        "environments: {prod: {scaling: {min_instances: 3}}}",
        "spec.yaml",
    )
    text = "name: small\nspec: spec.yaml\nenvironment: prod\nchange: {}\n"

    loaded = load_scenario(write(text))

    assert [spec.scaling.min_instances for spec in loaded.specs] == [3, 3]
    assert loaded.specs[0].environments == {}


def test_problems_of_the_scenario_are_told_all_at_once_with_their_lines(write):
    found = problems(
        write(
            """\
name: small
spec: {name: greeter, model: {path: one.onnx}}
time_scale: yes
change:
  faults:
    - {kind: slow, delay_ms: 5, percent: 3}
    - {kind: errors}
    - {kind: boom}
  expct: {}
"""
        )
    )

    assert found == [
        (3, "time_scale", "must be a number"),
        (6, "change.faults[0]", "has percent, which slow does not take; it takes `delay_ms`"),
        (7, "change.faults[1]", "lacks `percent`, which errors needs"),
        (8, "change.faults[2].kind", "is not one of the choices"),
        (9, "change.expct", "is not a field; did you mean `expect`?"),
    ]


def test_what_a_change_breaks_is_told_at_the_change(write):
    found = problems(
        write(
            """\
name: small
spec: {name: greeter, model: {path: one.onnx}}
change:
  set:
    rollout: {strategy: canary}
then:
  - set: {scaling: {max_instancs: 2}}
"""
        )
    )

    assert (5, "change.set.rollout.strategy") in [(line, path) for line, path, _ in found]
    assert found[-1] == (
        7,
        "then[0].set.scaling.max_instancs",
        "is not a field; did you mean `max_instances`?",
    )


def test_a_problem_of_the_spec_file_is_told_with_that_file(write, tmp_path):
    write("name: greeter\nmodel: {path: one.onnx}\nscalin: {}\n", "spec.yaml")
    path = write("name: small\nspec: spec.yaml\nchange: {}\n")

    with pytest.raises(SpecError) as caught:
        load_scenario(path)

    (problem,) = caught.value.problems
    assert (problem.file, problem.line, problem.path) == (str(tmp_path / "spec.yaml"), 3, "scalin")


def test_a_missing_file_is_called_a_scenario(tmp_path):
    (found,) = problems(tmp_path / "none.yaml")

    assert found[2] == "does not exist; give the path of a scenario file"


def test_another_time_scale_is_checked_too(write):
    loaded = load_scenario(write(SMALL))

    assert loaded.at_time_scale(None) is loaded
    assert loaded.at_time_scale(240).scenario.time_scale == 240
    with pytest.raises(SpecError, match="time_scale: is out of range"):
        loaded.at_time_scale(0)


def test_a_fault_of_a_fleet_asks_with_the_endpoint_and_one_of_calls_without():
    slow = Fault(kind="slow", delay_ms=300, at={"after_seconds": 60})
    throttled = Fault(kind="throttling", operation="UpdateEndpoint", for_seconds=120)

    assert slow.request("greeter-local") == {
        "kind": "slow",
        "after_seconds": 60,
        "endpoint": "greeter-local",
        "fleet": "new",
        "delay_ms": 300,
    }
    assert throttled.request("greeter-local") == {
        "kind": "throttling",
        "after_seconds": 0,
        "for_seconds": 120,
        "operation": "UpdateEndpoint",
    }


def test_what_the_emulator_would_refuse_is_refused_before_anything_runs():
    from modelway.emulator.faults.request import parse

    for fault in (
        Fault(kind="replica-crash", count=2),
        Fault(kind="crash-loop"),
        Fault(kind="slow", delay_ms=1),
        Fault(kind="errors", percent=5, status=503),
        Fault(kind="capacity"),
        Fault(kind="image-missing"),
        Fault(kind="artifact-missing"),
        Fault(kind="throttling", service="sagemaker", operation="UpdateEndpoint", percent=50),
        Fault(kind="expired-credentials", service="sagemaker"),
        Fault(kind="metrics-missing"),
        Fault(kind="metrics-delayed", delay_seconds=60),
    ):
        assert parse(json.dumps(fault.request("greeter-local")).encode()).kind == fault.kind
    with pytest.raises(ValidationError):
        Fault(kind="errors", percent=0)


def test_every_scenario_that_ships_is_valid_named_as_its_file_and_described():
    found = {name: load_scenario(path).scenario for name, path in shipped().items()}

    assert sorted(found) == [
        "alarm-already-firing",
        "autoscaling-during-update",
        "canary-latency-regression",
        "crash-loop-at-start",
        "engine-killed-at-each-step",
        "errors-in-green",
        "healthy-all-at-once",
        "healthy-canary",
        "instance-type-change-on-scaled-variant",
        "linear-late-fault",
        "no-capacity",
        "no-traffic-during-bake",
        "shadow-with-differing-answers",
    ]
    for name, scenario in found.items():
        assert scenario.name == name
        assert scenario.description.endswith(".")
        assert scenario.change.expect.outcome is not None


def test_a_scenario_that_ships_is_found_by_its_name_and_others_by_their_path(write):
    assert find_scenario("healthy-canary") == shipped()["healthy-canary"]
    assert find_scenario(str(write(SMALL))) == write(SMALL)
    with pytest.raises(SpecError, match="or alarm-already-firing, autoscaling-during-update"):
        find_scenario("healthy-canry")


def test_the_schema_is_of_the_newest_dialect_and_closed():
    schema = json_schema()

    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["additionalProperties"] is False
    assert schema["required"] == ["name", "spec", "change"]
    fault = schema["$defs"]["Fault"]["properties"]
    assert "crash-loop" in fault["kind"]["enum"]
    assert fault["delay_ms"]["description"] == "Real milliseconds added to every answer."


def test_a_model_that_only_a_real_registry_has_is_refused_with_the_way_out(write):
    text = SMALL.replace("{path: one.onnx}", "{registry: fraud@approved}")

    assert problems(write(text)) == [
        (
            2,
            "spec.model.registry",
            "names a registry, and a rehearsal has an AWS of its own",
        )
    ]


def test_a_step_is_announced_with_what_it_waits_for():
    scenario = load_scenario(find_scenario("autoscaling-during-update")).scenario

    assert [up.announcement for up in scenario.ups] == [
        "pulumi up: version 2",
        "waiting for `scaled` (to: 2), then pulumi up: nothing, after scaling out",
    ]
    assert Up().announcement == "pulumi up"
