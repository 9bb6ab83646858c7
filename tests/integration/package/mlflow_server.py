"""A tracking server of MLflow with a registered classifier of flowers.

The server is MLflow's own application, as the variables of the environment have it, and the models
are logged by MLflow's own flavor. It writes one line of JSON and ends with its input. `closed` is
the same server behind a proxy that wants the user `ada` with the password `pass/word`.

    fraud 1   @champion, in stage Staging, saved with skops
    fraud 2   @challenger, saved with cloudpickle
    notes 1   a folder without a model
    nothing   no version
"""

import base64
import json
import sys
import threading

import mlflow
import mlflow.sklearn
from mlflow.server import app
from sklearn.datasets import load_iris
from sklearn.linear_model import LogisticRegression
from werkzeug.serving import make_server

CREDENTIALS = "Basic " + base64.b64encode(b"ada:pass/word").decode()


def closed(environ, start_response):
    """Ask for credentials before the server is."""
    if environ.get("HTTP_AUTHORIZATION") != CREDENTIALS:
        start_response("401 UNAUTHORIZED", [("WWW-Authenticate", "Basic")])
        return [b"Who are you?"]
    return app(environ, start_response)


def serve(application) -> str:
    """Serve in a thread, and give the URI."""
    server = make_server("127.0.0.1", 0, application, threaded=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.port}"


def train() -> list[str]:
    """Register what the docstring says, and give the ids of the runs."""
    measured, species = load_iris(return_X_y=True, as_frame=True)
    trained = LogisticRegression(max_iter=500).fit(measured, species)
    client, runs = mlflow.MlflowClient(), []
    for form in ("skops", "cloudpickle"):
        with mlflow.start_run() as run:
            mlflow.log_metrics({"auc": 0.5, "accuracy": 0.9}, step=1)
            mlflow.log_metrics({"auc": 0.75, "loss": float("nan"), "system/cpu": 7.0}, step=2)
            mlflow.log_text("nothing", "notes/read.me")
            mlflow.sklearn.log_model(
                trained,
                name="model",
                serialization_format=form,
                input_example=measured[::30],
                pip_requirements=[],
                registered_model_name="fraud",
            )
        runs.append(run.info.run_id)
    client.set_registered_model_alias("fraud", "champion", "1")
    client.set_registered_model_alias("fraud", "challenger", "2")
    client.transition_model_version_stage("fraud", "1", "Staging")
    client.create_registered_model("notes")
    client.create_model_version("notes", f"{run.info.artifact_uri}/notes", runs[-1])
    client.create_registered_model("nothing")
    return runs


open_uri = serve(app)
asked = mlflow.MlflowClient(open_uri, open_uri)
asked.search_experiments()
asked.search_registered_models()
# With the first answers the server has set these for its whole process, to its database.
mlflow.set_tracking_uri(open_uri)
mlflow.set_registry_uri(open_uri)
served = {"runs": train(), "open": open_uri, "closed": serve(closed)}
sys.stdout.write(f"{json.dumps(served)}\n")
sys.stdout.flush()
sys.stdin.read()
