"""Runs that were stopped, names that are taken, services that are slow: the next run converges."""

import pytest
from botocore.exceptions import EndpointConnectionError

from modelway.errors import DeploymentError


def stop_at(aws, operation):
    """Make one call end the run, as SIGKILL would: nothing after it happens, no clean-up either."""
    aws.refusals[operation] = [KeyboardInterrupt()]


@pytest.mark.parametrize(
    "operation", ["create_endpoint_config", "create_endpoint", "list_endpoint_configs"]
)
def test_a_create_killed_at_any_call_is_finished_by_the_next(aws, deployment, inputs, operation):
    stop_at(aws, operation)
    with pytest.raises(KeyboardInterrupt):
        deployment.create(inputs())

    outputs = deployment.create(inputs())

    assert aws.endpoint["EndpointStatus"] == "InService"
    assert list(aws.configs) == [outputs["endpoint_config_name"]]
    assert list(aws.models) == outputs["model_names"]
    assert len(aws.called("create_endpoint")) == (2 if operation == "create_endpoint" else 1)


@pytest.mark.parametrize("operation", ["create_endpoint_config", "update_endpoint", "list_models"])
def test_an_update_killed_at_any_call_is_finished_by_the_next(aws, deployment, inputs, operation):
    first = deployment.create(inputs("a"))
    stop_at(aws, operation)
    with pytest.raises(KeyboardInterrupt):
        deployment.update(inputs("b"), first)

    second = deployment.update(inputs("b"), first)

    assert aws.endpoint["EndpointConfigName"] == second["endpoint_config_name"]
    assert set(aws.configs) == {first["endpoint_config_name"], second["endpoint_config_name"]}
    assert len(aws.called("create_endpoint")) == 1


def test_an_update_found_under_way_is_waited_for_and_not_started_again(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    aws.refusals["describe_endpoint"] = []
    stop_at(aws, "list_tags")
    with pytest.raises(KeyboardInterrupt):
        deployment.update(inputs("b"), first)
    second = deployment.update(inputs("b"), first)
    aws.endpoint["EndpointStatus"] = "SystemUpdating"
    aws.pending = (3, "ok", {"EndpointStatus": "InService"})

    deployment.update(inputs("b"), second)

    assert len(aws.called("update_endpoint")) == 1


def test_a_revision_left_by_a_killed_update_goes_with_the_next_success(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    stop_at(aws, "update_endpoint")
    with pytest.raises(KeyboardInterrupt):
        deployment.update(inputs("b"), first)
    assert len(aws.configs) == 2

    second = deployment.update(inputs("c"), first)

    assert set(aws.configs) == {first["endpoint_config_name"], second["endpoint_config_name"]}
    assert len(aws.models) == 2


def test_a_failed_create_leaves_nothing_because_the_engine_would_not_remember_it(
    aws, deployment, inputs
):
    aws.outcomes = ["fail"]

    with pytest.raises(DeploymentError, match="did not pass the ping health check"):
        deployment.create(inputs())

    assert aws.endpoint is None
    assert aws.configs == {}
    assert aws.models == {}


def test_a_failed_endpoint_of_an_earlier_run_is_deleted_and_made_again(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    aws.endpoint["EndpointStatus"] = "Failed"

    second = deployment.update(inputs("b"), first)

    assert aws.order("delete_endpoint", "create_endpoint", "update_endpoint") == [
        "create_endpoint",
        "delete_endpoint",
        "create_endpoint",
    ]
    assert second["endpoint_status"] == "InService"


def test_a_create_that_takes_too_long_is_left_running_and_says_so(aws, deployment, inputs):
    aws.outcomes = ["stuck"]

    with pytest.raises(DeploymentError) as failure:
        deployment.create(inputs(timeout_seconds=600))

    assert "still Creating after 600 s" in str(failure.value)
    assert aws.endpoint is not None
    assert len(aws.configs) == 1


def test_an_endpoint_of_another_stack_is_refused_and_left_alone(aws, deployment, inputs):
    deployment.create(inputs(owner="organization/shop/dev"))
    before = dict(aws.configs)

    with pytest.raises(DeploymentError, match="belongs to the stack organization/shop/dev"):
        deployment.create(inputs("b"))

    assert aws.configs == before
    assert aws.called("update_endpoint") == []


def test_an_endpoint_made_by_hand_is_refused(aws, deployment, inputs):
    first = deployment.create(inputs())
    aws.tags[first["endpoint_arn"]] = {}

    with pytest.raises(DeploymentError, match="was not made by modelway"):
        deployment.create(inputs())


def test_a_deleted_endpoint_is_created_again(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    aws.endpoint = None

    second = deployment.update(inputs("b"), first)

    assert aws.endpoint["EndpointConfigName"] == second["endpoint_config_name"]


def test_a_role_that_is_not_known_yet_is_waited_for(aws, deployment, inputs, refuse, clock):
    aws.refusals["create_model"] = [refuse("Could not assume role arn:aws:iam::1:role/x.")] * 3

    deployment.create(inputs())

    assert clock.now >= 15 + 20 + 20


def test_a_role_that_is_never_known_ends_with_a_clear_error(aws, deployment, inputs, refuse):
    aws.refusals["create_model"] = [refuse("Could not assume role arn:aws:iam::1:role/x.")] * 99

    with pytest.raises(DeploymentError, match="check the role's trust policy"):
        deployment.create(inputs())

    assert len(aws.called("create_model")) == 6


def test_a_configuration_that_is_not_visible_yet_is_waited_for(aws, deployment, inputs, refuse):
    aws.refusals["create_endpoint"] = [refuse('Could not find endpoint configuration "x".')] * 2

    assert deployment.create(inputs())["endpoint_status"] == "InService"


def test_throttling_is_tried_again_within_bounds(aws, deployment, inputs, refuse):
    aws.refusals["update_endpoint"] = [refuse("Rate exceeded", "ThrottlingException")] * 5
    first = deployment.create(inputs("a"))

    deployment.update(inputs("b"), first)

    assert len(aws.called("update_endpoint")) == 6


def test_any_other_refusal_is_not_tried_again(aws, deployment, inputs, refuse):
    aws.refusals["create_endpoint_config"] = [refuse("no such instance type")] * 9

    with pytest.raises(DeploymentError, match="no such instance type"):
        deployment.create(inputs())

    assert len(aws.called("create_endpoint_config")) == 1
    assert aws.models == {}


def test_an_answer_that_got_lost_does_not_make_a_second_model(aws, deployment, inputs):
    original = aws._create_model

    def heard_but_not_answered(**parameters):
        original(**parameters)
        aws._create_model = original
        raise EndpointConnectionError(endpoint_url="https://example.com")

    aws._create_model = heard_but_not_answered

    outputs = deployment.create(inputs())

    assert list(aws.models) == outputs["model_names"]


def test_an_update_of_somebody_else_in_between_is_waited_for(aws, deployment, inputs, refuse):
    first = deployment.create(inputs("a"))
    aws.refusals["update_endpoint"] = [refuse("Cannot update in-progress endpoint")]

    second = deployment.update(inputs("b"), first)

    assert aws.endpoint["EndpointConfigName"] == second["endpoint_config_name"]


def test_a_failed_create_tells_what_failed_and_not_what_was_cleared_away(
    aws, deployment, inputs, refuse
):
    aws.refusals["create_endpoint_config"] = [refuse("no such instance type")]

    with pytest.raises(DeploymentError, match=r"^creating the models and the configuration"):
        deployment.create(inputs())


def test_what_another_run_made_meanwhile_is_no_leftover(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    update, tags = aws._update_endpoint, next(iter(aws.tags.values()))

    def update_while_another_run_creates(**request):
        model = [{"VariantName": "primary", "ModelName": "fraud-dev-00000000000b"}]
        listed = [{"Key": key, "Value": value} for key, value in tags.items()]
        aws._create_model(ModelName="fraud-dev-00000000000b", Tags=listed)
        aws._create_endpoint_config("fraud-dev-00000000000c", listed, ProductionVariants=model)
        return update(**request)

    aws._update_endpoint = update_while_another_run_creates
    deployment.update(inputs("b"), first)

    assert "fraud-dev-00000000000b" in aws.models
    assert "fraud-dev-00000000000c" in aws.configs


def test_what_another_run_is_updating_to_is_no_leftover(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    tags = [{"Key": key, "Value": value} for key, value in next(iter(aws.tags.values())).items()]
    model = [{"VariantName": "primary", "ModelName": "fraud-dev-00000000000b"}]
    aws._create_model(ModelName="fraud-dev-00000000000b", Tags=tags)
    aws._create_endpoint_config("fraud-dev-00000000000c", tags, ProductionVariants=model)
    listed = aws._list_endpoint_configs

    def list_when_another_update_has_begun(**request):
        if aws.endpoint["EndpointConfigName"] != first["endpoint_config_name"]:
            aws.endpoint["PendingDeploymentSummary"] = {
                "EndpointConfigName": "fraud-dev-00000000000c"
            }
        return listed(**request)

    aws._list_endpoint_configs = list_when_another_update_has_begun
    deployment.update(inputs("b"), first)

    assert "fraud-dev-00000000000b" in aws.models
    assert "fraud-dev-00000000000c" in aws.configs


def test_alarms_that_a_stopped_rollout_left_go_when_the_version_serves_already(
    aws, services, deployment, inputs
):
    alarm = {
        "name": "fraud-dev-rollout-new-error-rate",
        "description": "",
        "comparison_operator": "GreaterThanThreshold",
        "evaluation_periods": 1,
        "datapoints_to_alarm": 1,
        "threshold": 1.0,
        "treat_missing_data": "notBreaching",
        "period_seconds": 60,
        "metrics": [],
    }
    first = deployment.create(inputs("a", rollback_alarms=[alarm]))
    watched = {"EndpointName": "fraud-dev", "EndpointConfigName": "fraud-dev-old"}
    services["cloudwatch"].alarms["fraud-dev-rollout-new-error-rate"] = {
        "Dimensions": [{"Name": name, "Value": value} for name, value in watched.items()]
    }

    deployment.update(inputs("a", rollback_alarms=[alarm]), first)

    assert services["cloudwatch"].alarms == {}


def test_a_failed_update_leaves_the_model_that_another_run_serves_now(aws, deployment, inputs):
    first = deployment.create(inputs("a"))
    aws.outcomes = ["rollback"]
    add_tags = aws._add_tags

    def another_run_ends(**request):
        (new,) = set(aws.models) - set(first["model_names"])
        variants = [{"VariantName": "primary", "ModelName": new}]
        aws._create_endpoint_config("fraud-dev-00000000000c", [], ProductionVariants=variants)
        aws.endpoint["EndpointConfigName"] = "fraud-dev-00000000000c"
        return add_tags(**request)

    aws._add_tags = another_run_ends

    with pytest.raises(DeploymentError, match="rolled the update back"):
        deployment.update(inputs("b"), first)

    assert len(aws.models) == 2
    assert set(aws.configs) == {first["endpoint_config_name"], "fraud-dev-00000000000c"}
