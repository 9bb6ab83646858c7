"""Going back to an earlier version, and forward again."""

from modelway.sagemaker.desired import DesiredEndpoint
from modelway.sagemaker.live import derived_names


def rolled_back(inputs, outputs, step=1):
    """Give inputs of the same spec with a rollback to an earlier version."""
    return {
        **inputs,
        "rollback": {
            "instead_of": outputs["endpoint_config_name"],
            "content": outputs["history"][step - 1]["content"],
        },
    }


def test_the_history_remembers_what_each_version_was_made_from(deployment, inputs):
    first = deployment.create(inputs("a"))

    second = deployment.update(inputs("b"), first)

    content = second["history"][0]["content"]
    assert content["models"]["primary"]["image"].endswith("a" * 64)
    assert sorted(content) == ["models", "variants"]


def test_a_rollback_serves_the_earlier_version_under_its_own_names(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    second = deployment.update(inputs("b"), first)

    back = deployment.update(rolled_back(inputs("b"), second), second)

    assert aws.endpoint["EndpointConfigName"] == first["endpoint_config_name"]
    assert back["endpoint_config_name"] == first["endpoint_config_name"]
    assert len(aws.called("create_endpoint_config")) == 2
    assert [each["endpoint_config_name"] for each in back["history"]] == [
        second["endpoint_config_name"]
    ]
    assert back["history"][0]["content"]["models"]["primary"]["image"].endswith("b" * 64)


def test_a_preview_shows_the_version_that_a_rollback_leads_to(deployment, inputs):
    first = deployment.create(inputs("a"))
    second = deployment.update(inputs("b"), first)

    names = derived_names(DesiredEndpoint.from_inputs(rolled_back(inputs("b"), second)))

    assert names["endpoint_config_name"] == first["endpoint_config_name"]


def test_the_same_rollback_once_more_changes_nothing(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    second = deployment.update(inputs("b"), first)
    wanted = rolled_back(inputs("b"), second)
    back = deployment.update(wanted, second)
    aws.calls.clear()

    again = deployment.update(wanted, back)

    assert again == back
    assert aws.called("update_endpoint", "create_endpoint_config") == []
    assert deployment.read(back) == back


def test_the_next_release_ends_a_rollback(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    second = deployment.update(inputs("b"), first)
    back = deployment.update(rolled_back(inputs("b"), second), second)

    third = deployment.update(rolled_back(inputs("c"), second), back)

    assert aws.endpoint["EndpointConfigName"] == third["endpoint_config_name"]
    assert third["endpoint_config_name"] not in {
        first["endpoint_config_name"],
        second["endpoint_config_name"],
    }


def test_two_versions_back_is_possible_as_long_as_it_is_kept(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    outputs = deployment.update(inputs("b"), first)
    outputs = deployment.update(inputs("c"), outputs)

    deployment.update(rolled_back(inputs("c"), outputs, step=2), outputs)

    assert aws.endpoint["EndpointConfigName"] == first["endpoint_config_name"]


def test_a_rollback_that_names_nothing_it_goes_back_from_counts_as_long_as_it_is_given(
    aws, deployment, inputs
):
    first = deployment.create(inputs("a"))
    second = deployment.update(inputs("b"), first)
    wanted = {**inputs("c"), "rollback": {"content": second["history"][0]["content"]}}

    back = deployment.update(wanted, second)
    again = deployment.update(wanted, back)

    assert aws.endpoint["EndpointConfigName"] == first["endpoint_config_name"]
    assert again == back
    assert back["history"][0]["content"]["models"]["primary"]["image"].endswith("b" * 64)
