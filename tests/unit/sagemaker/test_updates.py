"""What an update does, keeps and removes. No AWS: `conftest.FakeSageMaker` refuses as AWS does."""

import pytest

from modelway.errors import DeploymentError


def config_names(outputs):
    return [revision["endpoint_config_name"] for revision in outputs["history"]]


def test_a_create_makes_model_configuration_and_endpoint_in_that_order(aws, deployment, inputs):
    outputs = deployment.create(inputs())

    assert aws.order("create_model", "create_endpoint_config", "create_endpoint") == [
        "create_model",
        "create_endpoint_config",
        "create_endpoint",
    ]
    assert outputs["endpoint_arn"].endswith(":endpoint/fraud-dev")
    assert outputs["endpoint_status"] == "InService"
    assert outputs["endpoint_config_name"] in aws.configs
    assert outputs["model_names"] == list(aws.models)
    assert outputs["history"] == []


def test_a_new_image_makes_a_new_model_and_keeps_the_old_one_as_a_roll_back_target(
    aws, deployment, inputs
):
    first = deployment.create(inputs("a"))

    second = deployment.update(inputs("b"), first)

    assert second["endpoint_config_name"] != first["endpoint_config_name"]
    assert aws.endpoint["EndpointConfigName"] == second["endpoint_config_name"]
    assert config_names(second) == [first["endpoint_config_name"]]
    assert second["history"][0]["model_names"] == first["model_names"]
    assert set(aws.models) == {*first["model_names"], *second["model_names"]}


def test_a_then_b_then_a_again_adopts_the_first_model_and_configuration(aws, deployment, inputs):
    a = deployment.create(inputs("a"))
    b = deployment.update(inputs("b"), a)
    again = deployment.update(inputs("a"), b)

    assert again["endpoint_config_name"] == a["endpoint_config_name"]
    assert again["model_names"] == a["model_names"]
    assert config_names(again) == [b["endpoint_config_name"]]
    assert len(aws.called("create_model")) == 2
    assert len(aws.called("create_endpoint_config")) == 2
    assert len(aws.called("create_endpoint")) == 1


def test_only_as_many_revisions_as_asked_for_are_kept(aws, deployment, inputs):
    outputs = deployment.create(inputs("a", history_limit=2))
    for image in "bcde":
        outputs = deployment.update(inputs(image, history_limit=2), outputs)

    assert len(outputs["history"]) == 2
    assert set(aws.configs) == {outputs["endpoint_config_name"], *config_names(outputs)}
    assert len(aws.models) == 3


def test_a_history_of_zero_keeps_only_what_serves(aws, deployment, inputs):
    first = deployment.create(inputs("a", history_limit=0))

    second = deployment.update(inputs("b", history_limit=0), first)

    assert second["history"] == []
    assert list(aws.configs) == [second["endpoint_config_name"]]


def test_a_silent_roll_back_fails_the_update_and_says_what_serves(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    aws.outcomes = ["rollback"]

    with pytest.raises(DeploymentError) as failure:
        deployment.update(inputs("b"), first)

    message = str(failure.value)
    assert "rolled the update back" in message
    assert f"Serving now: {first['endpoint_config_name']}" in message
    assert "did not pass the ping health check" in message
    assert "modelway status fraud-dev" in message


def test_a_roll_back_leaves_nothing_of_the_new_revision(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    aws.outcomes = ["rollback"]

    with pytest.raises(DeploymentError):
        deployment.update(inputs("b"), first)

    assert list(aws.configs) == [first["endpoint_config_name"]]
    assert list(aws.models) == first["model_names"]


def test_a_roll_back_does_not_delete_an_adopted_revision(aws, deployment, inputs):
    a = deployment.create(inputs("a"))
    b = deployment.update(inputs("b"), a)
    aws.outcomes = ["rollback"]

    with pytest.raises(DeploymentError):
        deployment.update(inputs("a"), b)

    assert set(aws.configs) == {a["endpoint_config_name"], b["endpoint_config_name"]}


def test_a_failed_roll_back_is_told_apart_and_deletes_nothing(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    aws.outcomes = ["mixed"]

    with pytest.raises(DeploymentError, match="UpdateRollbackFailed"):
        deployment.update(inputs("b"), first)

    assert len(aws.configs) == 2


def test_the_next_update_repairs_a_failed_roll_back(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    aws.outcomes = ["mixed"]
    with pytest.raises(DeploymentError):
        deployment.update(inputs("b"), first)

    second = deployment.update(inputs("b"), first)

    assert aws.endpoint["EndpointConfigName"] == second["endpoint_config_name"]
    assert config_names(second) == [first["endpoint_config_name"]]


def test_counts_of_an_autoscaled_endpoint_are_retained(aws, deployment, inputs):
    first = deployment.create(inputs("a", autoscaled=True))

    deployment.update(inputs("b", autoscaled=True), first)

    (update,) = aws.called("update_endpoint")
    assert update["RetainAllVariantProperties"] is True
    assert update["ExcludeRetainedVariantProperties"] == [{"VariantPropertyType": "DesiredWeight"}]


def test_a_count_changed_in_the_spec_is_not_retained(aws, deployment, inputs):
    first = deployment.create(inputs(count=1))

    deployment.update(inputs(count=2), first)

    (update,) = aws.called("update_endpoint")
    assert update["RetainAllVariantProperties"] is False
    assert aws.endpoint["ProductionVariants"][0]["DesiredInstanceCount"] == 2


def test_a_deployment_config_is_passed_on_with_the_update_only(aws, deployment, inputs):
    config = {"BlueGreenUpdatePolicy": {"TerminationWaitInSeconds": 60}}
    first = deployment.create(inputs("a", deployment_config=config))

    deployment.update(inputs("b", deployment_config=config), first)

    assert "DeploymentConfig" not in aws.called("create_endpoint")[0]
    assert aws.called("update_endpoint")[0]["DeploymentConfig"] == config


def test_an_update_that_changes_only_tags_moves_no_traffic(aws, deployment, inputs):
    first = deployment.create(inputs())

    second = deployment.update(inputs(tags={"team": "fraud", "cost": "7"}), first)

    assert aws.called("update_endpoint") == []
    assert second["endpoint_config_name"] == first["endpoint_config_name"]
    assert aws.tags[first["endpoint_arn"]]["team"] == "fraud"
    assert all(tags["cost"] == "7" for tags in aws.tags.values())


def test_a_removed_tag_goes(aws, deployment, inputs):
    first = deployment.create(inputs())

    deployment.update(inputs(tags={}), first)

    assert set(aws.tags[first["endpoint_arn"]]) == {"modelway:endpoint", "modelway:owner"}


def test_a_count_changed_by_hand_is_put_back_without_a_new_fleet(aws, deployment, inputs):
    first = deployment.create(inputs(count=1))
    aws.endpoint["ProductionVariants"][0]["DesiredInstanceCount"] = 5

    deployment.update(inputs(count=1), first)

    assert aws.called("update_endpoint") == []
    assert aws.called("update_endpoint_weights_and_capacities") == [
        {
            "EndpointName": "fraud-dev",
            "DesiredWeightsAndCapacities": [{"VariantName": "primary", "DesiredInstanceCount": 1}],
        }
    ]


def test_a_count_set_by_autoscaling_is_left_alone(aws, deployment, inputs):
    first = deployment.create(inputs(autoscaled=True))
    aws.endpoint["ProductionVariants"][0]["DesiredInstanceCount"] = 5

    deployment.update(inputs(autoscaled=True, tags={}), first)

    assert aws.called("update_endpoint_weights_and_capacities") == []
