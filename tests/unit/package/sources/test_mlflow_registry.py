"""MLflow's registry as a source, with a client that answers as it is told.

MLflow's own client and server are in `tests/integration/package/test_mlflow_registry.py`.
"""

import importlib.util
import os
from types import SimpleNamespace

import mlflow
import pytest
from mlflow.exceptions import RestException

from modelway.errors import ModelRegistryError, PackageError
from modelway.package.sources.registries import source_at_hand


class Client:
    """Knows version 3 of `fraud`, whose fields a test may change."""

    def __init__(self):
        self.version = {
            "version": "3",
            "status": "READY",
            "status_message": "",
            "run_id": "0f1e2d3c4b5a",
            "source": "models:/m-1",
        }
        self.asked: dict[str, str] = {}
        self.fetched: dict[str, str] = {}

    def get_model_version(self, name, number):
        assert (name, number) == ("fraud", "3")
        self.asked = dict(os.environ)
        return SimpleNamespace(**self.version)

    def get_run(self, run_id):
        if run_id == "gone":
            raise RestException({"error_code": "RESOURCE_DOES_NOT_EXIST", "message": "no run"})
        if run_id == "unreachable":
            raise RuntimeError("https://ada:p@ss@store.invalid/0f1e is down.")
        return SimpleNamespace(data=SimpleNamespace(metrics={"auc": 0.75}))

    def download(self, *, artifact_uri, dst_path):
        self.fetched = dict(os.environ)
        return dst_path


@pytest.fixture
def client(monkeypatch):
    client = Client()
    monkeypatch.setenv("MLFLOW_TRACKING_URI", "http://mlflow.invalid")
    monkeypatch.setattr(mlflow, "MlflowClient", lambda: client)
    monkeypatch.setattr(mlflow.artifacts, "download_artifacts", client.download)
    return client


def fetched(uri="models:/fraud/3"):
    with source_at_hand(uri) as found:
        return found


def refusal(uri="models:/fraud/3"):
    with pytest.raises(ModelRegistryError) as refused:
        fetched(uri)
    return str(refused.value)


def test_questions_have_less_time_than_the_fetching_of_large_files(client):
    fetched()

    names = ("MAX_RETRIES", "TIMEOUT", "BACKOFF_FACTOR")
    asked = [client.asked[f"MLFLOW_HTTP_REQUEST_{name}"] for name in names]
    assert asked == ["2", "20", "1"]
    assert not any(f"MLFLOW_HTTP_REQUEST_{name}" in client.fetched for name in names)


def test_time_that_the_user_has_set_is_left_as_it_is(client, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_TIMEOUT", "300")

    fetched()

    assert client.asked["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "300"
    assert client.fetched["MLFLOW_HTTP_REQUEST_TIMEOUT"] == "300"


def test_mlflow_is_told_to_send_no_usage_data_whatever_the_user_has_set(client, monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")

    fetched()

    for variables in (client.asked, client.fetched):
        assert variables["MLFLOW_DISABLE_TELEMETRY"] == "true"
        assert variables["DO_NOT_TRACK"] == "true"


def test_the_environment_is_afterwards_what_it_was(client, monkeypatch):
    monkeypatch.setenv("MLFLOW_DISABLE_TELEMETRY", "false")
    before = dict(os.environ)

    with source_at_hand("models:/fraud/3", "http://another.invalid"):
        assert client.asked["MLFLOW_TRACKING_URI"] == "http://another.invalid"

    assert dict(os.environ) == before


def test_a_version_whose_registration_failed_is_refused_with_the_reason(client):
    client.version |= {"status": "FAILED_REGISTRATION", "status_message": "disk full"}

    assert "models:/fraud/3 is FAILED_REGISTRATION (disk full), and only READY" in refusal()


def test_what_the_client_says_went_wrong_is_told_without_the_credentials_in_it(client):
    client.version["run_id"] = "unreachable"

    assert refusal().startswith(
        "fetching models:/fraud/3 from MLflow at http://mlflow.invalid: RuntimeError: "
        "https://store.invalid/0f1e is down. See that "
    )


def test_a_run_that_was_deleted_for_good_is_told(client):
    client.version["run_id"] = "gone"

    found = fetched()

    assert found.metrics == {}
    assert found.notes == ("the run gone is not in MLflow any more, so its metrics are not stated",)


def test_a_version_that_no_run_made_has_neither_job_nor_metrics(client):
    client.version["run_id"] = ""

    found = fetched()

    assert found.training_job is None
    assert found.metrics == {}
    assert found.registered is not None
    assert found.registered.run_id is None


@pytest.mark.parametrize(
    ("source", "written"),
    [
        ("s3://bucket/1/model", "s3://bucket/1/model"),
        ("mlflow-artifacts:/1/models/m-1/artifacts", "mlflow-artifacts:/1/models/m-1/artifacts"),
        ("https://ada:secret@host:8443/model?sig=secret#x", "https://host:8443/model"),
        ("sftp://ada@host/model", "sftp://host/model"),
        ("wasbs://box@account.host/model?sv=secret", "wasbs://box@account.host/model"),
        ("abfss://box:secret@account.host/model", "abfss://account.host/model"),
        ("file:///mlruns/1/model", None),
        ("/mlruns/1/model", None),
        ("", None),
        (None, None),
    ],
)
def test_where_a_version_is_is_written_without_credentials_and_paths(source, written, client):
    client.version["source"] = source

    registered = fetched().registered

    assert registered is not None
    assert registered.source == written


@pytest.mark.parametrize(
    "uri",
    [
        "models:/",
        "models:/fraud",
        "models:/fraud/",
        "models:/fraud@",
        "models:/@champion",
        "models:/fraud/3/model.pkl",
        "models://databricks/fraud/3",
        "runs:/0f1e2d3c4b5a",
        "runs:/0f1e2d3c4b5a/",
    ],
)
def test_a_uri_that_names_no_model_is_refused_with_the_forms_that_do(uri, client):
    assert refusal(uri) == (
        f"{uri!r} names no model of MLflow: models:/NAME/VERSION, models:/NAME@ALIAS, "
        "models:/NAME/latest or runs:/RUN_ID/PATH"
    )


def test_without_mlflows_client_the_extra_is_named(client, monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda _name: None)

    assert refusal().endswith("which is not installed: pip install 'modelway[mlflow]'")


def test_without_a_server_the_variable_and_the_option_are_named(client, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("MLFLOW_TRACKING_URI")

    assert "set MLFLOW_TRACKING_URI, or say --tracking-uri https://" in refusal()
    assert list(tmp_path.iterdir()) == []


def test_what_is_wrong_with_a_fetched_model_is_told_by_its_uri(client):
    wrong = pytest.raises(PackageError, match=r"^the source models:/fraud/3/model\.pkl is odd$")

    with wrong, source_at_hand("models:/fraud/3") as found:
        raise PackageError(f"the source {found.path}/model.pkl is odd")

    assert not found.path.exists()


def test_a_path_is_taken_as_it_is_and_named_after_its_file():
    with source_at_hand("models/fraud_model.v2.onnx") as found:
        assert str(found.path) == "models/fraud_model.v2.onnx"
        assert (found.name, found.version, found.registered) == ("fraud-model", "1", None)


def test_a_tracking_uri_with_a_path_is_refused():
    refused = pytest.raises(PackageError, match="is for models:/ and runs:/ alone; leave it out")

    with refused, source_at_hand("fraud.onnx", "http://mlflow.invalid"):
        pass
