"""`pulumi refresh` finds what was changed by hand, and the next `pulumi up` puts it back."""

import pytest
from typer.testing import CliRunner

from modelway.cli import app

pytestmark = pytest.mark.integration


def test_hand_edits_are_found_and_put_back(deploy, modelway_client, predict):
    deployment = deploy("drift")
    deployment.up()
    live = deployment.live
    sagemaker, cloudwatch = modelway_client("sagemaker"), modelway_client("cloudwatch")
    assert deployment.run("refresh", "--yes", "--skip-preview", "--expect-no-changes")
    sagemaker.add_tags(
        ResourceArn=live["endpoint_arn"], Tags=[{"Key": "modelway:model", "Value": "other"}]
    )
    cloudwatch.delete_alarms(AlarmNames=["drift-local-cpu"])
    sagemaker.update_endpoint_weights_and_capacities(
        EndpointName="drift-local",
        DesiredWeightsAndCapacities=[{"VariantName": "primary", "DesiredInstanceCount": 2}],
    )
    sagemaker.get_waiter("endpoint_in_service").wait(
        EndpointName="drift-local", WaiterConfig={"Delay": 1}
    )

    deployment.run("refresh", "--yes", "--skip-preview")
    changes = deployment.changes()
    deployment.up()

    assert changes["update"] == 1
    assert changes["create"] == 1
    described = sagemaker.describe_endpoint(EndpointName="drift-local")
    assert described["ProductionVariants"][0]["DesiredInstanceCount"] == 1
    tags = sagemaker.list_tags(ResourceArn=live["endpoint_arn"])["Tags"]
    assert {"Key": "modelway:model", "Value": "drift"} in tags
    assert deployment.changes().keys() == {"same"}


def test_an_endpoint_deleted_by_hand_is_made_again(deploy, modelway_client):
    deployment = deploy("deleted")
    deployment.up()
    before = deployment.live["endpoint_config_name"]
    sagemaker = modelway_client("sagemaker")
    sagemaker.delete_endpoint(EndpointName="deleted-local")
    sagemaker.get_waiter("endpoint_deleted").wait(
        EndpointName="deleted-local", WaiterConfig={"Delay": 1}
    )

    deployment.run("refresh", "--yes", "--skip-preview")
    deployment.up()

    described = sagemaker.describe_endpoint(EndpointName="deleted-local")
    assert described["EndpointStatus"] == "InService"
    assert described["EndpointConfigName"] == before


def test_the_status_command_shows_what_serves(deploy, modelway_emulator, monkeypatch):
    deployment = deploy("shown", objectives={"p99_latency_ms": 100})
    deployment.up()
    for key, value in modelway_emulator.environment().items():
        if key.startswith("AWS_"):
            monkeypatch.setenv(key, value)

    text = CliRunner().invoke(app, ["status", "shown", "--env", "local"])
    plain = CliRunner().invoke(app, ["status", "shown-local", "--json"])
    missing = CliRunner().invoke(app, ["status", "nobody-local"])

    assert text.exit_code == 0, text.output
    assert "InService" in text.stdout
    assert deployment.live["endpoint_config_name"] in plain.stdout
    assert "shown-local-p99-latency" in plain.stdout
    assert missing.exit_code != 0
    assert "there is none of this name" in str(missing.exception)
