"""Models of MLflow's registry, packaged from MLflow's own server."""

import json
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import onnxruntime
import pytest
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression

from modelway.errors import ModelRegistryError, PackageError
from modelway.package.assemble import make_package
from modelway.package.request import PackageRequest
from modelway.package.sources.registries import source_at_hand
from modelway.testing import child_environment

pytestmark = [pytest.mark.integration, pytest.mark.xdist_group("mlflow")]

README = Path(__file__).parents[3] / "README.md"


@pytest.fixture
def fetch(mlflow_server, monkeypatch):
    """Fetch from the server, and give what is known of the model and the names of its files."""
    monkeypatch.setenv("MLFLOW_TRACKING_URI", mlflow_server["open"])

    def fetch(uri, tracking_uri=None):
        with source_at_hand(uri, tracking_uri) as found:
            return found, {path.name for path in found.path.iterdir()}

    return fetch


@pytest.fixture
def refusal(fetch):
    def refuse(uri, tracking_uri=None):
        with pytest.raises(ModelRegistryError) as refused:
            fetch(uri, tracking_uri)
        return str(refused.value)

    return refuse


@pytest.fixture
def modelway(mlflow_server, tmp_path):
    """Run the command in a folder of the test's own, with the server's URI in the environment."""

    def run(*arguments):
        return subprocess.run(
            [str(Path(sys.executable).parent / "modelway"), *arguments],
            cwd=tmp_path,
            env=child_environment({"MLFLOW_TRACKING_URI": mlflow_server["open"]}),
            capture_output=True,
            text=True,
            check=False,
            timeout=200,
        )

    return run


def test_an_alias_becomes_a_package_that_predicts_as_the_logged_model_does(
    mlflow_server, modelway, tmp_path
):
    done = modelway("package", "models:/fraud@champion", "--json")

    assert done.returncode == 0, done.stderr
    made = json.loads(done.stdout)
    assert made["package"] == "fraud-1"
    assert made["manifest"]["version"] == "1"
    assert made["manifest"]["metrics"] == {"accuracy": 0.9, "auc": 0.75}
    run = mlflow_server["runs"][0]
    lineage = made["manifest"]["lineage"]
    assert lineage["training_job"] == f"mlflow run {run}"
    source = lineage["registered"].pop("source")
    assert re.fullmatch("models:/m-[0-9a-f]{32}", source)
    assert lineage["registered"] == {
        "registry": "mlflow",
        "name": "fraud",
        "version": "1",
        "run_id": run,
    }
    assert made["parity"]["rows"] == 5
    assert "note: models:/fraud@champion is models:/fraud/1\n" in done.stderr
    assert "note: metrics of the run that are no finite numbers: loss\n" in done.stderr

    rows, species = load_iris(return_X_y=True)
    expected = LogisticRegression(max_iter=500).fit(rows, species)
    session = onnxruntime.InferenceSession(tmp_path / "fraud-1/model.onnx")
    labels, probabilities = session.run(None, {"input": rows.astype(np.float32)})
    assert labels.tolist() == expected.predict(rows).tolist()
    assert np.abs(probabilities - expected.predict_proba(rows)).max() < 1e-5


def test_the_same_version_by_another_uri_is_the_same_package_to_the_byte(modelway, tmp_path):
    options = ("--trust", "--archive")
    first = modelway("package", "models:/fraud/2", *options, "a.tar.gz", "--out", "a")
    second = modelway("package", "models:/fraud/latest", *options, "b.tar.gz", "--out", "b")

    assert (first.returncode, second.returncode) == (0, 0), first.stderr + second.stderr
    assert (tmp_path / "b.tar.gz").read_bytes() == (tmp_path / "a.tar.gz").read_bytes()


@pytest.mark.parametrize(
    ("uri", "why"),
    [
        (
            "models:/fraud@challenger",
            "the source models:/fraud/2/model.pkl is not packaged: it is a pickle",
        ),
        ("models:/notes/1", "the source models:/notes/1 is a folder: it cannot be packaged"),
    ],
    ids=["a pickle without trust", "no model"],
)
def test_what_cannot_be_packaged_is_refused_by_its_version(uri, why, mlflow_server, tmp_path):
    with pytest.raises(PackageError) as refused, source_at_hand(uri, mlflow_server["open"]) as it:
        make_package(PackageRequest(source=it.path, name=it.name), tmp_path / "made")

    assert str(refused.value).startswith(why)
    assert list(tmp_path.iterdir()) == []


def test_the_readmes_commands_package_what_the_registry_has(mlflow_server, tmp_path):
    text, flags = README.read_text(), re.MULTILINE | re.DOTALL
    (block,) = re.findall(r"^```sh mlflow\n(.*?)^```$", text, flags)
    variables = child_environment({})

    done = subprocess.run(
        ["bash", "-euo", "pipefail", "-c", re.sub("https://[a-z.]+", mlflow_server["open"], block)],
        cwd=tmp_path,
        env=variables | {"PATH": f"{Path(sys.executable).parent}:{variables['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
        timeout=200,
    )

    assert done.returncode == 0, done.stdout + done.stderr
    assert "mlflow: fraud 1" in done.stdout


def test_what_is_fetched_is_the_models_folder_and_goes_afterwards(fetch):
    found, names = fetch("models:/fraud/1")

    assert names >= {"MLmodel", "model.skops", "input_example.json"}
    assert (found.name, found.version, found.shown) == ("fraud", "1", "models:/fraud/1")
    assert not found.path.exists()


def test_latest_is_the_version_with_the_greatest_number(fetch):
    found, _ = fetch("models:/fraud/latest")

    assert found.registered is not None
    assert found.registered.version == "2"
    assert found.notes[0] == "models:/fraud/latest is models:/fraud/2"


def test_a_run_has_metrics_but_no_version(fetch, mlflow_server):
    run = mlflow_server["runs"][0]

    found, names = fetch(f"runs:/{run}/model")

    assert "MLmodel" in names
    assert (found.name, found.version, found.registered) == ("model", "1", None)
    assert found.training_job == f"mlflow run {run}"
    assert found.metrics == {"accuracy": 0.9, "auc": 0.75}


VERSIONS = "the versions of fraud are 2 (@challenger), 1 (@champion, in stage Staging)"


@pytest.mark.parametrize(
    ("uri", "what"),
    [
        ("models:/fraud/7", f"it is not there; {VERSIONS}. Name a version or an alias: models:/"),
        ("models:/fraud@best", f"it is not there; {VERSIONS}"),
        ("models:/fraud/Staging", f"stages are deprecated in MLflow, and not taken; {VERSIONS}"),
        ("models:/frod/1", "no model is named frod, and there are fraud, notes, nothing"),
        ("models:/frod@best", "no model is named frod, and there are fraud, notes, nothing"),
        ("models:/nothing/latest", "it is not there; the versions of nothing are none"),
    ],
)
def test_what_is_not_there_is_refused_with_what_is(uri, what, refusal):
    message = refusal(uri)

    assert message.startswith(f"fetching {uri}: ")
    assert what in message


def test_a_run_without_that_model_is_refused(refusal, mlflow_server):
    uri = f"runs:/{mlflow_server['runs'][0]}/another"

    assert re.match(
        rf"fetching {uri} from MLflow at http://127\.0\.0\.1:\d+: .*'another'", refusal(uri)
    )


def test_credentials_are_those_of_mlflows_variables(fetch, mlflow_server, monkeypatch):
    monkeypatch.setenv("MLFLOW_TRACKING_USERNAME", "ada")
    monkeypatch.setenv("MLFLOW_TRACKING_PASSWORD", "pass/word")

    found, names = fetch("models:/fraud/1", mlflow_server["closed"])

    assert found.version == "1"
    assert "MLmodel" in names


def test_a_server_that_wants_credentials_is_told_as_such(refusal, mlflow_server):
    message = refusal("models:/fraud/1", mlflow_server["closed"])

    assert "failed with error code 401" in message
    assert "MLFLOW_TRACKING_USERNAME and MLFLOW_TRACKING_PASSWORD" in message


def test_a_registry_of_its_own_is_the_one_that_is_asked(refusal, mlflow_server, monkeypatch):
    closed = mlflow_server["closed"]
    monkeypatch.setenv("MLFLOW_REGISTRY_URI", closed)

    message = refusal("models:/fraud/1")

    assert message.startswith(f"fetching models:/fraud/1 from MLflow at {closed}: ")
    assert "failed with error code 401" in message


@pytest.mark.parametrize("password", ["word", "pass/word", "p@ss", "p%40ss"])
def test_no_message_has_credentials(password, refusal, mlflow_server):
    closed = mlflow_server["closed"]

    message = refusal("models:/fraud/1", closed.replace("//", f"//ada:{password}@"))

    assert f"fetching models:/fraud/1 from MLflow at {closed}: " in message
    assert "ada" not in message
    assert password not in message.replace("MLFLOW_TRACKING_PASSWORD", "")


def test_a_server_that_is_not_there_is_given_up_soon(refusal):
    began = time.monotonic()

    message = refusal("models:/fraud/1", "http://127.0.0.1:9")

    assert "fetching models:/fraud/1 from MLflow at http://127.0.0.1:9: " in message
    assert "Connection refused" in message
    assert time.monotonic() - began < 20


def test_a_server_that_does_not_answer_is_asked_as_often_as_decided(refusal, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "1")
    with socket.create_server(("127.0.0.1", 0)) as silent:
        message = refusal("models:/fraud/1", f"http://127.0.0.1:{silent.getsockname()[1]}")
        silent.setblocking(False)
        asked = 0
        while True:
            try:
                silent.accept()[0].close()
            except BlockingIOError:
                break
            asked += 1

    assert asked == 3
    assert "timed out" in message.lower()


def test_mlflows_client_sends_no_usage_data(mlflow_server):
    program = (
        "from modelway.package.sources.registries import source_at_hand\n"
        "with source_at_hand('models:/fraud/1'): pass\n"
        "from mlflow.telemetry.client import get_telemetry_client\n"
        "print(get_telemetry_client())"
    )

    # No CI, no pytest: with their variables MLflow would be quiet by itself.
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=child_environment({"MLFLOW_TRACKING_URI": mlflow_server["open"]}),
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )

    assert done.stdout == "None\n"
