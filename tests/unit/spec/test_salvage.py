"""Rules over several fields are told together with wrong fields, but never because of them."""

import pytest

from modelway.spec.review import review_files


@pytest.fixture
def paths_of(tmp_path):
    """Check a spec for `local` and give each problem's path with its message."""

    def check(text):
        path = tmp_path / "fraud.yaml"
        path.write_text(text)
        (review,) = review_files([path], ["local"])
        return {problem.path: problem.message for problem in review.problems}

    return check


def test_a_misspelt_field_does_not_hide_what_another_rule_says(paths_of):
    found = paths_of(
        """
        name: fraud
        model: {path: fraud.onnx}
        serving: {instance_typ: ml.m5.large}
        scaling: {min_instances: 3, max_instances: 1}
        """
    )

    assert found == {
        "serving.instance_typ": "is not a field; did you mean `instance_type`?",
        "scaling.max_instances": "is below `scaling.min_instances`, which is 3 (in local)",
    }


def test_a_rule_is_silent_about_a_field_whose_value_could_not_be_read(paths_of):
    found = paths_of(
        """
        name: fraud
        model: {path: fraud.onnx}
        scaling: {min_instances: many, max_instances: 1}
        """
    )

    assert found == {"scaling.min_instances": "must be a whole number"}


@pytest.mark.parametrize("name", ["", "name: null", "name: [a, b]"])
def test_a_spec_without_a_name_is_still_checked(paths_of, name):
    found = paths_of(
        f"""
        model: {{path: fraud.onnx}}
        serving: {{instance_type: ml.m99.huge}}
        {name}
        """
    )

    assert sorted(found) == ["name", "serving.instance_type"]


@pytest.mark.parametrize("model", ["", "model: fraud.onnx", "model: {}", "model: null"])
def test_a_spec_without_a_model_is_still_checked(paths_of, model):
    found = paths_of(
        f"""
        name: fraud
        serving: {{instance_type: ml.m99.huge}}
        {model}
        """
    )

    assert len(found) == 2
    assert "serving.instance_type" in found
    assert any(path.startswith("model") for path in found)


def test_wrong_members_of_a_list_do_not_hide_the_rest(paths_of):
    found = paths_of(
        """
        name: fraud
        model: {path: fraud.onnx}
        data_capture: {capture: [inputs, outputs, input]}
        logging: {retention_days: 31}
        """
    )

    assert sorted(found) == [
        "data_capture.capture[0]",
        "data_capture.capture[1]",
        "logging.retention_days",
    ]


def test_a_file_that_is_no_mapping_is_one_problem(paths_of):
    assert len(paths_of("- a\n- b\n")) == 1
