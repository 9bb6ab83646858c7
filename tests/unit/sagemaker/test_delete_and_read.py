"""Deleting leaves nothing; reading finds every hand edit."""

import pytest

from modelway.errors import DeploymentError


def test_a_delete_takes_the_endpoint_first_then_configurations_then_models(aws, deployment, inputs):
    outputs = deployment.update(inputs("b"), deployment.create(inputs("a")))

    deployment.delete(outputs)

    assert aws.order("delete_endpoint", "delete_endpoint_config", "delete_model") == [
        "delete_endpoint",
        "delete_endpoint_config",
        "delete_endpoint_config",
        "delete_model",
        "delete_model",
    ]
    assert (aws.endpoint, aws.configs, aws.models) == (None, {}, {})


def test_a_delete_waits_until_the_endpoint_is_gone(aws, deployment, inputs):
    outputs = deployment.create(inputs())

    deployment.delete(outputs)

    # FakeSageMaker refuses to delete a configuration while the endpoint is there.
    assert aws.endpoint is None


def test_a_delete_waits_for_an_update_under_way(aws, deployment, inputs):
    outputs = deployment.create(inputs())
    aws.endpoint["EndpointStatus"] = "SystemUpdating"
    aws.pending = (2, "ok", {"EndpointStatus": "InService"})

    deployment.delete(outputs)

    assert aws.endpoint is None


def test_what_is_gone_already_does_not_stop_a_delete(aws, deployment, inputs):
    outputs = deployment.create(inputs())
    aws.endpoint = None
    aws.models.clear()

    deployment.delete(outputs)

    assert aws.configs == {}


def test_a_delete_takes_what_a_killed_run_left(aws, deployment, inputs):
    outputs = deployment.create(inputs("a"))
    aws.refusals["update_endpoint"] = [KeyboardInterrupt()]
    with pytest.raises(KeyboardInterrupt):
        deployment.update(inputs("b"), outputs)

    deployment.delete(outputs)

    assert (aws.configs, aws.models) == ({}, {})


def test_a_delete_leaves_what_another_owner_made(aws, deployment, inputs):
    outputs = deployment.create(inputs())
    tags = [{"Key": "modelway:endpoint", "Value": "fraud-dev"}]
    aws.create_model(ModelName="fraud-dev-0123456789ab", Tags=tags)
    aws.create_model(ModelName="fraud-dev-eu-0123456789ab", Tags=tags)

    deployment.delete(outputs)

    assert set(aws.models) == {"fraud-dev-0123456789ab", "fraud-dev-eu-0123456789ab"}


def test_an_endpoint_that_another_stack_made_meanwhile_is_not_deleted(aws, deployment, inputs):
    outputs = deployment.create(inputs())
    aws.tags[outputs["endpoint_arn"]]["modelway:owner"] = "organization/shop/dev"

    with pytest.raises(DeploymentError, match="belongs to the stack organization/shop/dev"):
        deployment.delete(outputs)

    assert aws.endpoint is not None


def test_a_model_that_cannot_be_deleted_is_named(aws, deployment, inputs, refuse):
    outputs = deployment.create(inputs())
    aws.refusals["delete_model"] = [refuse("not authorized", "AccessDeniedException")]

    with pytest.raises(DeploymentError, match=outputs["model_names"][0]):
        deployment.delete(outputs)


def test_a_model_that_cannot_be_pruned_does_not_fail_an_update_that_succeeded(
    aws, deployment, inputs, refuse
):
    first = deployment.create(inputs("a", history_limit=0))
    aws.refusals["delete_model"] = [refuse("not authorized", "AccessDeniedException")]

    second = deployment.update(inputs("b", history_limit=0), first)
    third = deployment.update(inputs("c", history_limit=0), second)

    assert list(aws.models) == third["model_names"]


def test_a_read_without_hand_edits_gives_the_outputs_back(deployment, inputs):
    outputs = deployment.update(inputs("b"), deployment.create(inputs("a")))

    assert deployment.read(outputs) == outputs


def test_a_read_finds_that_the_endpoint_is_gone(aws, deployment, inputs):
    outputs = deployment.create(inputs())
    aws.endpoint = None

    assert deployment.read(outputs) is None


def test_a_read_finds_another_configuration_made_by_hand(aws, deployment, inputs):
    outputs = deployment.create(inputs())
    variants = aws.configs[outputs["endpoint_config_name"]]["ProductionVariants"]
    aws.create_endpoint_config(EndpointConfigName="by-hand", Tags=[], ProductionVariants=variants)
    aws.endpoint["EndpointConfigName"] = "by-hand"

    assert deployment.read(outputs)["endpoint_config_name"] == "by-hand"


def test_a_configuration_made_by_hand_is_replaced_and_neither_kept_nor_deleted(
    aws, deployment, inputs
):
    outputs = deployment.create(inputs())
    variants = aws.configs[outputs["endpoint_config_name"]]["ProductionVariants"]
    aws.create_endpoint_config(EndpointConfigName="by-hand", Tags=[], ProductionVariants=variants)
    aws.endpoint["EndpointConfigName"] = "by-hand"

    repaired = deployment.update(inputs(), deployment.read(outputs))

    assert aws.endpoint["EndpointConfigName"] == outputs["endpoint_config_name"]
    assert repaired["history"] == []
    assert "by-hand" in aws.configs


def test_a_read_finds_counts_tags_status_and_missing_models(aws, deployment, inputs):
    outputs = deployment.create(inputs())
    aws.endpoint["ProductionVariants"][0]["DesiredInstanceCount"] = 4
    aws.endpoint["EndpointStatus"] = "OutOfService"
    aws.tags[outputs["endpoint_arn"]]["team"] = "other"
    aws.models.clear()

    found = deployment.read(outputs)

    assert found["variants"][0]["initial_instance_count"] == 4
    assert found["endpoint_status"] == "OutOfService"
    assert found["tags"] == {"team": "other"}
    assert found["model_names"] == []


def test_a_read_does_not_mistake_autoscaling_for_a_hand_edit(aws, deployment, inputs):
    outputs = deployment.create(inputs(autoscaled=True))
    aws.endpoint["ProductionVariants"][0]["DesiredInstanceCount"] = 4

    assert deployment.read(outputs) == outputs


def test_a_read_keeps_what_served_before_a_hand_edit_as_a_roll_back_target(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    variants = aws.configs[first["endpoint_config_name"]]["ProductionVariants"]
    aws.create_endpoint_config(EndpointConfigName="by-hand", Tags=[], ProductionVariants=variants)
    aws.endpoint["EndpointConfigName"] = "by-hand"

    second = deployment.update(inputs("b"), deployment.read(first))

    names = [revision["endpoint_config_name"] for revision in second["history"]]
    assert names == [first["endpoint_config_name"]]
