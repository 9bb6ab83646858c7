"""One file for every environment: what overrides do."""

import pytest

from modelway.errors import SpecError
from modelway.spec import ModelSpec, parse_spec

SPEC = {
    "name": "fraud",
    "model": {"path": "fraud.onnx"},
    "scaling": {"min_instances": 2, "max_instances": 4},
    "alarms": {"notify": ["a@example.com", "b@example.com"]},
    "tags": {"team": "risk"},
    "environments": {
        "prod": {
            "scaling": {"max_instances": 8},
            "alarms": {"notify": ["c@example.com"]},
            "tags": {"cost": "high"},
            "data_capture": {"sampling_percent": 5},
        }
    },
}


def test_mappings_merge_and_lists_replace():
    prod = parse_spec(SPEC).for_environment("prod")

    assert (prod.scaling.min_instances, prod.scaling.max_instances) == (2, 8)
    assert prod.alarms.notify == ("c@example.com",)
    assert prod.tags == {"team": "risk", "cost": "high"}


def test_a_part_that_the_base_leaves_out_may_appear():
    spec = parse_spec(SPEC)

    assert spec.data_capture is None
    assert spec.for_environment("prod").data_capture.sampling_percent == 5


def test_null_takes_a_part_away():
    data = {**SPEC, "data_capture": {}, "environments": {"dev": {"data_capture": None}}}

    assert parse_spec(data).for_environment("dev").data_capture is None


def test_an_environment_that_is_not_mentioned_is_the_base():
    spec = parse_spec(SPEC)

    other = spec.for_environment("staging")

    assert other == spec.model_copy(update={"environments": {}})


def test_the_spec_of_one_environment_has_no_environments():
    assert parse_spec(SPEC).for_environment("prod").environments == {}


def test_the_base_is_not_changed():
    spec = parse_spec(SPEC)
    before = spec.model_dump()

    spec.for_environment("prod")

    assert spec.model_dump() == before


def test_overrides_made_in_code_are_checked_when_they_are_used():
    spec = ModelSpec(
        name="fraud",
        model={"path": "m"},
        environments={"prod": {"scaling": {"min_instances": 0}, "name": "x"}},
    )

    with pytest.raises(SpecError, match=r"environments\.prod\.name: cannot differ"):
        spec.for_environment("prod")


def test_a_wrong_override_is_shown_at_its_own_place():
    spec = ModelSpec(
        name="fraud",
        model={"path": "m"},
        environments={"prod": {"scaling": {"schedules": [{"name": "a"}]}}},
    )

    with pytest.raises(SpecError) as caught:
        spec.for_environment("prod")

    assert [problem.path for problem in caught.value.problems] == [
        "environments.prod.scaling.schedules[0].schedule"
    ]
