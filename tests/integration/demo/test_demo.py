"""`make demo` as a newcomer runs it, twice, in a clone; then what a newcomer would try next."""

import json
import re
import shutil
import socket
import subprocess
import sys
from pathlib import Path

import boto3
import numpy as np
import onnxruntime
import pytest

from modelway.demo.predictions import predict
from modelway.demo.training import held_out
from modelway.emulator.process import find
from modelway.testing import child_environment

pytestmark = [pytest.mark.integration, pytest.mark.timeout(600)]

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def clone(tmp_path_factory):
    """The project's own files under git, as a clone has them."""
    folder = tmp_path_factory.mktemp("demo") / "clone"
    folder.mkdir()
    for name in ("Pulumi.yaml", ".gitignore"):
        shutil.copy(ROOT / name, folder)
    ignored = shutil.ignore_patterns("__pycache__", "models")
    shutil.copytree(ROOT / "stacks", folder / "stacks", ignore=ignored)
    for command in (
        ["init", "-q"],
        ["add", "-A"],
        ["-c", "user.name=t", "-c", "user.email=t@localhost", "commit", "-qm", "clone"],
    ):
        subprocess.run(["git", *command], cwd=folder, check=True)
    return folder


@pytest.fixture(scope="module")
def port():
    with socket.socket() as listening:
        listening.bind(("127.0.0.1", 0))
        return listening.getsockname()[1]


@pytest.fixture(scope="module")
def demo(clone, port, tmp_path_factory):
    """What the first run printed; the emulator goes on running until the module's end."""
    state = tmp_path_factory.mktemp("state")
    environment = child_environment({"XDG_STATE_HOME": str(state)})

    def run():
        return subprocess.run(
            [sys.executable, "-m", "modelway.demo", "--port", str(port)],
            cwd=clone,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=500,
        )

    first = run()
    yield first, run
    running = find(port)
    if running is not None:
        running.stop()


@pytest.fixture
def emulator(demo, port):
    running = find(port)
    assert running is not None, demo[0].stderr
    return running


@pytest.fixture
def runtime(emulator):
    return boto3.client(
        "sagemaker-runtime",
        endpoint_url=emulator.url,
        region_name="us-east-1",
        aws_access_key_id="testing",
        aws_secret_access_key="testing",
    )


def test_it_prints_the_resources_the_endpoint_accuracy_latency_and_what_to_try(demo):
    first, _ = demo

    assert first.returncode == 0, first.stdout + first.stderr
    assert "pulumi-python:dynamic/modelway:Endpoint" in first.stdout
    assert "endpoint   digits-local" in first.stdout
    assert "accuracy   97.2% of 360 held-out rows" in first.stdout
    assert re.search(r"latency    p50 \d+\.\d ms, p99 \d+\.\d ms", first.stdout)
    assert "modelway emulator stop" in first.stdout


def test_it_ends_with_a_good_version_that_comes_and_a_bad_one_that_goes_back(demo, clone):
    first, _ = demo

    assert re.search(r"^healthy-canary +promoted +\d+ +0 *$", first.stdout, re.MULTILINE)
    assert re.search(r"^errors-in-green +rolled-back +\d+ +\d+ +\d+ s", first.stdout, re.MULTILINE)
    for name in ("healthy-canary", "errors-in-green"):
        assert (clone / ".modelway/rehearsals" / name / "plot.svg").is_file()


def test_a_second_run_reuses_the_emulator_and_changes_nothing(demo, emulator, port):
    _, run = demo

    second = run()

    assert second.returncode == 0, second.stdout + second.stderr
    assert find(port).pid == emulator.pid
    assert re.search(r"^ +\d+ unchanged$", second.stderr, re.MULTILINE)
    assert "accuracy   97.2% of 360 held-out rows" in second.stdout


def test_the_clone_stays_clean(demo, clone):
    status = subprocess.run(
        ["git", "status", "--porcelain"], cwd=clone, capture_output=True, text=True, check=True
    )

    assert status.stdout == ""


def test_predictions_equal_onnxruntimes_bit_for_bit_on_the_same_batch(demo, clone, runtime):
    rows = held_out().pixels
    session = onnxruntime.InferenceSession(clone / "stacks/models/digits.onnx")
    labels, probabilities = session.run(None, {"pixels": rows})

    answer = runtime.invoke_endpoint(
        EndpointName="digits-local",
        ContentType="application/json",
        Body=json.dumps({"instances": rows.tolist()}),
    )

    predictions = json.loads(answer["Body"].read())["predictions"]
    assert [p["label"] for p in predictions] == labels.tolist()
    found = np.array([p["probabilities"] for p in predictions], dtype=np.float32)
    assert found.tobytes() == probabilities.tobytes()


def test_predictions_row_by_row_have_equal_labels_and_differ_by_at_most_a_millionth(
    demo, clone, runtime
):
    rows = held_out()
    session = onnxruntime.InferenceSession(clone / "stacks/models/digits.onnx")
    labels, probabilities = session.run(None, {"pixels": rows.pixels})

    result = predict(runtime, "digits-local", rows)

    assert result.labels.tolist() == labels.tolist()
    assert np.abs(result.probabilities - probabilities).max() <= 1e-6
