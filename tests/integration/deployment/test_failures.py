"""What goes wrong is told, leaves nothing, and the next `pulumi up` repairs it."""

import time

import pytest

pytestmark = pytest.mark.integration

WRONG = {"environment": {"MODEL_SERVER_THREADS": "many"}}
"""The model server refuses to start with this."""


def endpoints(client, name):
    found = client("sagemaker").list_endpoints(NameContains=name)["Endpoints"]
    return [each["EndpointName"] for each in found]


def test_a_server_that_cannot_start_fails_the_up_and_the_next_one_repairs(
    deploy, predict, modelway_client
):
    deployment = deploy("broken", serving=WRONG)

    failed = deployment.up(check=False)

    assert failed.returncode != 0
    assert "ping health check" in failed.stdout + failed.stderr
    assert "own: MODEL_SERVER_THREADS is 'many'; it takes a number" in failed.stdout + failed.stderr
    assert "modelway status broken-local" in failed.stdout + failed.stderr
    assert endpoints(modelway_client, "broken") == []
    assert modelway_client("sagemaker").list_models(NameContains="broken")["Models"] == []
    logs = modelway_client("logs").filter_log_events(
        logGroupName="/aws/sagemaker/Endpoints/broken-local"
    )
    assert "MODEL_SERVER_THREADS" in " ".join(event["message"] for event in logs["events"])

    deployment.write(serving={})
    deployment.up()

    assert endpoints(modelway_client, "broken") == ["broken-local"]


def test_an_update_that_is_rolled_back_fails_the_up_and_the_old_version_serves(
    deploy, traffic, modelway_client
):
    deployment = deploy("rolled")
    deployment.up()
    before = deployment.live["endpoint_config_name"]
    client = traffic("rolled-local")

    deployment.write(serving=WRONG)
    failed = deployment.up(check=False)

    client.stop()
    text = failed.stdout + failed.stderr
    assert failed.returncode != 0
    assert "rolled the update back" in text
    assert f"Serving now: {before}" in text
    assert "own: MODEL_SERVER_THREADS is 'many'; it takes a number" in text
    assert client.errors == []
    configs = modelway_client("sagemaker").list_endpoint_configs(NameContains="rolled-local")
    assert [c["EndpointConfigName"] for c in configs["EndpointConfigs"]] == [before]

    deployment.write(serving={})
    assert deployment.changes().keys() == {"same"}


@pytest.mark.timeout(600)  # three runs of the engine, on whatever else the machine does
def test_an_engine_that_is_told_to_stop_is_repaired_by_the_next_up(
    deploy, slow_start, modelway_client
):
    deployment = deploy("stopped", serving={"environment": slow_start.environment})
    slow_start.hold()
    process = deployment.start_up()
    deadline = time.monotonic() + 120
    while not endpoints(modelway_client, "stopped") and time.monotonic() < deadline:
        time.sleep(0.1)
    created = endpoints(modelway_client, "stopped")

    process.terminate()
    heard = any("cancelling" in line for line in process.stdout)
    slow_start.release()
    process.communicate(timeout=240)
    deployment.up()

    assert created == ["stopped-local"]
    assert heard
    assert process.returncode != 0
    assert endpoints(modelway_client, "stopped") == ["stopped-local"]
    models = modelway_client("sagemaker").list_models(NameContains="stopped-local")["Models"]
    assert len(models) == 1
    assert deployment.changes().keys() == {"same"}


def test_a_wrong_spec_stops_the_program_before_anything_exists(deploy, modelway_client):
    deployment = deploy("wrong", scaling={"min_instances": 3, "max_instances": 2})

    failed = deployment.up(check=False)

    assert failed.returncode != 0
    assert "scaling.max_instances" in failed.stdout + failed.stderr
    made = [each["type"] for each in deployment.resources()]
    assert [kind for kind in made if "sagemaker" in kind or "Endpoint" in kind] == []


def test_a_missing_model_file_stops_the_program(deploy, tmp_path):
    deployment = deploy("absent", model={"path": str(tmp_path / "none.onnx")})

    failed = deployment.up(check=False)

    assert failed.returncode != 0
    assert "none.onnx does not exist" in failed.stdout + failed.stderr
