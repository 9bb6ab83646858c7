"""Challengers and shadows: real engine, real servers, real captured data."""

import json
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from sklearn.datasets import load_digits

pytestmark = pytest.mark.integration

ROWS = load_digits().data.astype(np.float32)


@pytest.fixture
def ask(modelway_client):
    """Send one row and give the variant that answered, and its probabilities."""
    runtime = modelway_client("sagemaker-runtime")

    def call(endpoint, row, **options):
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint,
            ContentType="application/json",
            Body=json.dumps({"instances": [row.tolist()]}),
            **options,
        )
        (found,) = json.loads(answer["Body"].read())["predictions"]
        return answer["InvokedProductionVariant"], found["label"], found["probabilities"]

    return call


def probabilities(model, rows):
    session = onnxruntime.InferenceSession(str(model), providers=["CPUExecutionProvider"])
    return session.run(None, {"pixels": rows})


def test_a_challenger_answers_its_share_exactly_and_is_promoted_by_an_ordinary_update(
    deploy, models, ask, modelway_client
):
    challenger = {"name": "b", "model": {"path": str(models["b"])}, "traffic_percent": 20}
    deployment = deploy("duel", challengers=[challenger])
    deployment.up()

    answers = [ask("duel-local", row) for row in ROWS[:50]]

    assert Counter(variant for variant, _, _ in answers) == {"primary": 40, "b": 10}
    expected = {"primary": probabilities(models["a"], ROWS[:50])[1]}
    expected["b"] = probabilities(models["b"], ROWS[:50])[1]
    for number, (variant, _, found) in enumerate(answers):
        assert np.allclose(found, expected[variant][number], atol=1e-6)
    alarms = modelway_client("cloudwatch").describe_alarms(AlarmNamePrefix="duel-local-")
    assert "duel-local-cpu.b" in [each["AlarmName"] for each in alarms["MetricAlarms"]]
    first = deployment.live["endpoint_config_name"]
    assert deployment.changes().keys() == {"same"}

    former = {"name": "b", "model": {"path": str(models["a"])}, "traffic_percent": 20}
    deployment.write(model={"path": str(models["b"])}, challengers=[former])
    deployment.up()

    assert deployment.live["endpoint_config_name"] != first
    answers = [ask("duel-local", row) for row in ROWS[:10]]
    assert Counter(variant for variant, _, _ in answers) == {"primary": 8, "b": 2}
    swapped = {"primary": expected["b"], "b": expected["primary"]}
    for number, (variant, _, found) in enumerate(answers):
        assert np.allclose(found, swapped[variant][number], atol=1e-6)


def compared(deployment):
    """Give what `modelway shadow ENDPOINT --json` prints."""
    command = [Path(sys.executable).with_name("modelway"), "shadow", deployment.endpoint, "--json"]
    done = subprocess.run(
        command, env=deployment.environment, capture_output=True, text=True, check=False
    )
    # Before anything is captured there is no object to read.
    return json.loads(done.stdout) if done.stdout else {"compared": 0, "said": done.stderr}


def test_a_shadow_answers_nobody_and_is_compared_from_captured_data(
    deploy, models, ask, modelway_client
):
    deployment = deploy("shady", shadow={"model": {"path": str(models["b"])}})
    deployment.up()

    answers = [
        ask("shady-local", row, InferenceId=f"request-{number}")
        for number, row in enumerate(ROWS[:40])
    ]

    assert {variant for variant, _, _ in answers} == {"primary"}
    labels = probabilities(models["a"], ROWS[:40])[0], probabilities(models["b"], ROWS[:40])[0]
    assert [label for _, label, _ in answers] == labels[0].tolist()
    described = modelway_client("sagemaker").describe_endpoint(EndpointName="shady-local")
    (shadow,) = described["ShadowProductionVariants"]
    assert (shadow["VariantName"], shadow["CurrentInstanceCount"]) == ("shadow", 1)
    assert described["DataCaptureConfig"]["CurrentSamplingPercentage"] == 100

    deadline = time.monotonic() + 60
    while (result := compared(deployment))["compared"] < 40:
        assert "Traceback" not in str(result), result
        assert time.monotonic() < deadline, result
        time.sleep(0.5)

    fields = {each["path"]: each for each in result["fields"]}
    assert fields["predictions.label"]["differing"] == int((labels[0] != labels[1]).sum()) > 0
    assert fields["predictions.probabilities"]["values"] == 400
    assert result["differing"] == 40
    assert set(result["not_compared"].values()) == {0}
    assert deployment.changes().keys() == {"same"}
