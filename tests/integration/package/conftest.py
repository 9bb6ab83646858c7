"""A classifier of flowers: saved with joblib, with rows for it, or in MLflow's registry."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import joblib
import numpy as np
import pytest
from sklearn import datasets
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from modelway.testing import child_environment


@pytest.fixture
def flowers(tmp_path: Path) -> tuple[Path, Path]:
    """The source and the samples."""
    rows, labels = datasets.load_iris(return_X_y=True)
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500)).fit(rows, labels)
    source, samples = tmp_path / "flowers.joblib", tmp_path / "flowers.csv"
    joblib.dump(model, source)
    np.savetxt(samples, rows, delimiter=",", fmt="%g")
    return source, samples


@pytest.fixture(scope="session")
def mlflow_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """MLflow's own server, what is in it, and its URIs: see `mlflow_server.py`."""
    folder = tmp_path_factory.mktemp("mlflow")
    variables = {
        "DO_NOT_TRACK": "true",
        "MLFLOW_DISABLE_TELEMETRY": "true",
        "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
        # What `mlflow server` tells the application.
        "_MLFLOW_SERVER_ARTIFACT_DESTINATION": str(folder / "artifacts"),
        "_MLFLOW_SERVER_ARTIFACT_ROOT": "mlflow-artifacts:/",
        "_MLFLOW_SERVER_FILE_STORE": f"sqlite:///{folder}/mlflow.db",
        "_MLFLOW_SERVER_REGISTRY_STORE": f"sqlite:///{folder}/mlflow.db",
        "_MLFLOW_SERVER_SERVE_ARTIFACTS": "true",
    }
    with (folder / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, str(Path(__file__).with_name("mlflow_server.py"))],
            cwd=folder,
            env=child_environment(variables),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
            text=True,
        )
        assert server.stdin is not None
        assert server.stdout is not None
        line = server.stdout.readline()
        assert line, (folder / "log").read_text()
        yield json.loads(line)
        server.stdin.close()
        server.stdout.close()
        server.wait(20)
