"""UpdateEndpoint and UpdateEndpointWeightsAndCapacities, with traffic on."""

import numpy as np
import pytest

pytestmark = pytest.mark.integration


def test_an_update_shows_no_error_to_a_client_that_calls_all_the_time(
    account, name, good, other, rows, reference, calling, ended
):
    account.endpoint(name, good)
    old = account.pids(name)
    account.config(f"{name}-b", ("primary", account.model(f"{name}-b", other), 1.0, 1))

    with calling(lambda: account.predict(name, rows).tobytes()) as client:
        account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-b")
        during = account.sagemaker.describe_endpoint(EndpointName=name)
        after = account.settled(name)
        client.call()

    assert client.errors == []
    assert len(client.answers) > 20
    before_bytes = reference(rows).tobytes()
    after_bytes = reference(rows, 3.0).tobytes()
    assert set(client.answers) == {before_bytes, after_bytes}
    assert during["EndpointStatus"] == "Updating"
    assert during["EndpointConfigName"] == name
    assert during["PendingDeploymentSummary"]["EndpointConfigName"] == f"{name}-b"
    assert after["EndpointConfigName"] == f"{name}-b"
    assert "PendingDeploymentSummary" not in after
    assert account.predict(name, rows).tobytes() == after_bytes
    assert ended(old)


def test_a_failed_update_leaves_the_old_configuration_in_service(
    account, name, good, corrupt, rows, reference, calling
):
    account.endpoint(name, good)
    account.config(f"{name}-b", ("primary", account.model(f"{name}-b", corrupt), 1.0, 1))

    with calling(lambda: account.predict(name, rows).tobytes()) as client:
        account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-b")
        found = account.settled(name)

    assert client.errors == []
    assert set(client.answers) == {reference(rows).tobytes()}
    assert found["EndpointStatus"] == "InService"
    assert found["EndpointConfigName"] == name
    assert found["FailureReason"].startswith("The primary container for production variant")
    assert len(account.pids(name)) == 1


def test_the_next_update_forgets_the_last_ones_failure(account, name, good, other):
    account.endpoint(name, good)
    account.config(f"{name}-b", ("primary", account.model(f"{name}-b", b"none"), 1.0, 1))
    account.config(f"{name}-c", ("primary", account.model(f"{name}-c", other), 1.0, 1))
    account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-b")
    failed = account.settled(name)

    account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=f"{name}-c")
    found = account.settled(name)

    assert "FailureReason" in failed
    assert "FailureReason" not in found
    assert found["EndpointConfigName"] == f"{name}-c"


def test_the_number_of_instances_follows_what_is_asked(account, name, good, rows, calling, ended):
    account.endpoint(name, good)
    first = account.pids(name)

    with calling(lambda: account.predict(name, rows)) as client:
        resize(account, name, 3)
        three = account.pids(name)
        resize(account, name, 1)

    assert client.errors == []
    assert len(three) == 3
    assert first < three
    assert account.pids(name) == first
    assert ended(three - first)


def test_an_update_resets_the_instance_count_unless_told_to_retain_it(account, name, good):
    account.endpoint(name, good)
    resize(account, name, 2)
    account.config(f"{name}-b", ("primary", name, 1.0, 1))

    account.sagemaker.update_endpoint(
        EndpointName=name, EndpointConfigName=f"{name}-b", RetainAllVariantProperties=True
    )
    retained = count(account.settled(name))
    account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=name)
    reset = count(account.settled(name))

    assert retained == 2
    assert reset == 1


def test_the_last_deployment_config_is_remembered_and_reused_only_when_asked(account, name, good):
    account.endpoint(name, good, count=2)
    policy = {
        "BlueGreenUpdatePolicy": {
            "TrafficRoutingConfiguration": {
                "Type": "CANARY",
                "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 50},
                "WaitIntervalInSeconds": 60,
            },
            "TerminationWaitInSeconds": 0,
            "MaximumExecutionTimeoutInSeconds": 600,
        }
    }

    account.sagemaker.update_endpoint(
        EndpointName=name, EndpointConfigName=name, DeploymentConfig=policy
    )
    given = account.settled(name)
    account.sagemaker.update_endpoint(
        EndpointName=name, EndpointConfigName=name, RetainDeploymentConfig=True
    )
    retained = account.settled(name)
    account.sagemaker.update_endpoint(EndpointName=name, EndpointConfigName=name)
    dropped = account.settled(name)

    assert given["LastDeploymentConfig"] == policy
    assert retained["LastDeploymentConfig"] == policy
    assert "LastDeploymentConfig" not in dropped


def test_weights_move_traffic_between_variants(account, name, good, other, rows, reference):
    models = account.model(f"{name}-a", good), account.model(f"{name}-b", other)
    account.config(name, ("a", models[0], 1.0, 1), ("b", models[1], 0.0, 1))
    account.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
    account.settled(name)
    before = {account.predict(name, rows).tobytes() for _ in range(8)}

    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name,
        DesiredWeightsAndCapacities=[
            {"VariantName": "a", "DesiredWeight": 0.0},
            {"VariantName": "b", "DesiredWeight": 1.0},
        ],
    )
    account.settled(name)
    after = {account.predict(name, rows).tobytes() for _ in range(8)}

    assert before == {reference(rows).tobytes()}
    assert after == {reference(rows, 3.0).tobytes()}


def resize(account, name, instances):
    account.sagemaker.update_endpoint_weights_and_capacities(
        EndpointName=name,
        DesiredWeightsAndCapacities=[{"VariantName": "primary", "DesiredInstanceCount": instances}],
    )
    found = account.settled(name)
    assert count(found) == instances


def count(found):
    variant = found["ProductionVariants"][0]
    assert variant["CurrentInstanceCount"] == variant["DesiredInstanceCount"]
    return variant["CurrentInstanceCount"]


def test_answers_are_right_while_several_instances_share_the_traffic(
    account, name, good, rows, reference, calling
):
    account.endpoint(name, good, count=2)

    with calling(lambda: account.predict(name, rows).tobytes(), threads=6) as client:
        while len(client.answers) < 100 and not client.errors:
            np.random.default_rng().normal(size=10)

    assert client.errors == []
    assert set(client.answers) == {reference(rows).tobytes()}
