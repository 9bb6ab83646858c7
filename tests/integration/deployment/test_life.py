"""A model's life: up, predictions, updates without downtime, destroy. Real engine, real servers."""

import numpy as np
import onnxruntime
import pytest
from botocore.exceptions import ClientError
from sklearn.datasets import load_digits

pytestmark = pytest.mark.integration

ROWS = load_digits().data.astype(np.float32)


def reference(model, rows):
    """Give onnxruntime's own answer for the same batch."""
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    labels, probabilities = session.run(None, {"pixels": rows})
    return labels, probabilities


def left_over(client, name):
    """Name everything of a model that is still in the emulator."""
    sagemaker = client("sagemaker")
    found = [e["EndpointName"] for e in sagemaker.list_endpoints()["Endpoints"]]
    found += [m["ModelName"] for m in sagemaker.list_models()["Models"]]
    found += [c["EndpointConfigName"] for c in sagemaker.list_endpoint_configs()["EndpointConfigs"]]
    found += [r["RoleName"] for r in client("iam").list_roles()["Roles"]]
    found += [g["logGroupName"] for g in client("logs").describe_log_groups()["logGroups"]]
    alarms = client("cloudwatch").describe_alarms(AlarmTypes=["MetricAlarm", "CompositeAlarm"])
    found += [a["AlarmName"] for a in (*alarms["MetricAlarms"], *alarms["CompositeAlarms"])]
    found += [
        d["DashboardName"] for d in client("cloudwatch").list_dashboards()["DashboardEntries"]
    ]
    targets = client("application-autoscaling").describe_scalable_targets(
        ServiceNamespace="sagemaker"
    )["ScalableTargets"]
    found += [target["ResourceId"] for target in targets]
    return [each for each in found if name in each]


def test_one_spec_becomes_an_endpoint_that_answers_and_goes_without_a_trace(
    deploy, models, predict, modelway_client
):
    scaling = {
        "min_instances": 1,
        "max_instances": 2,
        "target_invocations_per_instance_per_minute": 100_000,
    }
    objectives = {"p99_latency_ms": 100, "availability_percent": 99.9}
    deployment = deploy("life", scaling=scaling, objectives=objectives)

    deployment.up()

    labels, probabilities = predict("life-local", ROWS[:50])
    expected_labels, expected = reference(models["a"], ROWS[:50])
    assert np.array_equal(labels, expected_labels)
    assert np.array_equal(probabilities, expected)
    one_by_one = [predict("life-local", ROWS[i : i + 1]) for i in range(20)]
    assert [int(label[0]) for label, _ in one_by_one] == expected_labels[:20].tolist()
    assert np.allclose([p[0] for _, p in one_by_one], expected[:20], atol=1e-6)

    live = deployment.live
    images = modelway_client("ecr").batch_get_image(
        repositoryName=deployment.outputs()["repository_url"].partition("/")[2],
        imageIds=[{"imageDigest": live["image_digest"]}],
    )["images"]
    assert [image["imageId"]["imageDigest"] for image in images] == [live["image_digest"]]
    assert live["invocation_url"].endswith("/endpoints/life-local/invocations")
    assert len(live["alarm_arns"]) == 7
    assert live["alarm_arns"][4].endswith(":alarm:life-local-burn-rate-1h")
    assert deployment.changes().keys() == {"same"}

    deployment.destroy()

    assert left_over(modelway_client, "life") == []
    assert deployment.resources() == []


def test_a_client_that_calls_all_the_time_sees_no_error_through_updates(
    deploy, models, predict, traffic, modelway_client
):
    deployment = deploy("steady")
    deployment.up()
    first = deployment.live["endpoint_config_name"]
    client = traffic("steady-local")

    deployment.write(scaling={"min_instances": 2})
    deployment.up()
    deployment.write(model={"path": str(models["b"]), "version": "2"})
    deployment.up()

    client.stop()
    assert client.errors == []
    assert client.answers > 50
    assert np.array_equal(predict("steady-local", ROWS[:9])[1], reference(models["b"], ROWS[:9])[1])
    described = modelway_client("sagemaker").describe_endpoint(EndpointName="steady-local")
    assert described["ProductionVariants"][0]["CurrentInstanceCount"] == 2
    live = deployment.live["endpoint_config_name"]
    assert described["EndpointConfigName"] == live

    deployment.write(model={"path": str(models["a"])}, scaling={"min_instances": 1})
    deployment.up()

    assert deployment.live["endpoint_config_name"] == first
    configs = modelway_client("sagemaker").list_endpoint_configs(NameContains="steady-local")
    assert len(configs["EndpointConfigs"]) == 3
    assert deployment.changes().keys() == {"same"}


def test_a_preview_shows_the_new_configurations_name_before_it_exists(deploy, models):
    deployment = deploy("look")
    deployment.up()
    deployment.write(model={"path": str(models["b"])})

    preview = deployment.run("preview", "--diff").stdout
    deployment.up()

    assert deployment.live["endpoint_config_name"] in preview


def test_input_rules_of_the_spec_are_kept_by_the_endpoint_and_a_change_of_them_is_deployed(
    deploy, predict, tmp_path
):
    rules = tmp_path / "digits.rules.json"
    rules.write_text('{"version": 1, "inputs": {"pixels": {"min": 0, "max": 16}}}')
    deployment = deploy("ruled")
    deployment.write(model=deployment.spec["model"] | {"input_rules": str(rules)})
    deployment.up()
    first = deployment.live["endpoint_config_name"]

    labels, _ = predict("ruled-local", ROWS[:3])
    with pytest.raises(ClientError, match="ModelError") as caught:
        predict("ruled-local", ROWS[:3] + np.float32(14))

    assert labels.tolist() == [0, 1, 2]
    assert caught.value.response["OriginalStatusCode"] == 400
    message = caught.value.response["OriginalMessage"]
    assert "row 0, column 2 is 19.0; it must be at least 0 and at most 16" in message

    rules.write_text('{"version": 1, "inputs": {"pixels": {"min": 0, "max": 30}}}')
    deployment.up()

    assert len(predict("ruled-local", ROWS[:3] + np.float32(14))[0]) == 3
    assert deployment.live["endpoint_config_name"] != first
