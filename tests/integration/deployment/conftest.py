"""The repository's own program with specs of the test's own, under the real engine and emulator."""

import json
import subprocess
import threading
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from sklearn.datasets import load_digits
from sklearn.linear_model import LogisticRegression

from modelway.testing import PulumiStack

REPOSITORY = Path(__file__).parents[3]
ROWS = load_digits().data.astype(np.float32)


@pytest.fixture(scope="session")
def models(tmp_path_factory) -> dict[str, Path]:
    """Two classifiers of the same shape, `a` and `b`, that answer differently."""
    from skl2onnx import to_onnx
    from skl2onnx.common.data_types import FloatTensorType

    folder = tmp_path_factory.mktemp("models")
    digits = load_digits()
    made = {}
    for name, strength in (("a", 1e-3), ("b", 1e-6)):
        classifier = LogisticRegression(C=strength, max_iter=500).fit(digits.data, digits.target)
        model = to_onnx(
            classifier,
            initial_types=[("pixels", FloatTensorType([None, 64]))],
            options={"zipmap": False},
            target_opset=17,
        )
        made[name] = folder / f"{name}.onnx"
        made[name].write_bytes(model.SerializeToString(deterministic=True))
    return made


class Deployment(PulumiStack):
    """One model's stack. Its name is the test's own, so tests share an emulator."""

    def __init__(self, emulator: Any, work_dir: Path, name: str, model: Path) -> None:
        super().__init__(REPOSITORY, emulator, work_dir)
        self.name = name
        self.endpoint = f"{name}-local"
        project = self.directory / "Pulumi.yaml"
        project.write_text(project.read_text().replace("name: modelway", f"name: {name}"))
        for spec in (self.directory / "stacks" / "specs").glob("*.yaml"):
            spec.unlink()
        self.file = self.directory / "stacks" / "specs" / f"{name}.yaml"
        self.spec: dict[str, Any] = {
            "name": name,
            "model": {"path": str(model)},
            "rollout": {"timeout_seconds": 600},
        }
        self.write()

    def write(self, **parts: Any) -> None:
        """Change parts of the spec."""
        self.spec |= parts
        self.file.write_text(yaml.safe_dump(self.spec))

    def start_up(self) -> subprocess.Popen[str]:
        """Begin `pulumi up` in a process group of its own."""
        self.select()
        return subprocess.Popen(
            ["pulumi", "up", "--yes", "--skip-preview", "--non-interactive", "--color", "never"],
            cwd=self.directory,
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            start_new_session=True,
        )

    @property
    def live(self) -> dict[str, Any]:
        """The model's outputs."""
        return self.outputs()[self.name]


@pytest.fixture
def deploy(modelway_emulator, tmp_path, models):
    """Make a deployment of model `a`; destroyed after the test, whatever happened in it."""
    made = []

    def make(name: str, **parts: Any) -> Deployment:
        deployment = Deployment(modelway_emulator, tmp_path / name, name, models["a"])
        deployment.write(**parts)
        made.append(deployment)
        return deployment

    yield make
    for deployment in made:
        deployment.select()
        deployment.destroy()


@pytest.fixture
def predict(modelway_client):
    """Send rows in one request and give labels and probabilities."""
    runtime = modelway_client("sagemaker-runtime")

    def call(endpoint: str, rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        answer = runtime.invoke_endpoint(
            EndpointName=endpoint,
            ContentType="application/json",
            Body=json.dumps({"instances": rows.tolist()}),
        )
        found = json.loads(answer["Body"].read())["predictions"]
        labels = np.array([each["label"] for each in found], dtype=np.int64)
        return labels, np.array([each["probabilities"] for each in found], dtype=np.float32)

    return call


class Client(threading.Thread):
    """Calls an endpoint all the time and remembers what went wrong."""

    def __init__(self, predict: Any, endpoint: str) -> None:
        super().__init__(daemon=True)
        self.predict, self.endpoint = predict, endpoint
        self.errors: list[str] = []
        self.answers = 0
        self.done = threading.Event()

    def run(self) -> None:
        while not self.done.is_set():
            try:
                self.predict(self.endpoint, ROWS[:1])
                self.answers += 1
            except Exception as error:  # noqa: BLE001 - every error of a client counts
                self.errors.append(repr(error))
            time.sleep(0.02)

    def stop(self) -> None:
        self.done.set()
        self.join()


@pytest.fixture
def traffic(predict):
    """Start a client that calls all the time; stopped after the test."""
    clients = []

    def start(endpoint: str) -> Client:
        clients.append(Client(predict, endpoint))
        clients[-1].start()
        return clients[-1]

    yield start
    for client in clients:
        client.stop()


HANDLER = """
import os
import time
from pathlib import Path


def load(model_dir):
    while Path(os.environ["STARTS_WITHOUT"]).exists():
        time.sleep(0.05)


def postprocess(outputs, accept, context):
    return b"{}", "application/json"
"""


class SlowStart:
    """Model servers that start only when the test lets them, so that it can act before, however
    slow the machine is."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir()
        (folder / "slow_start.py").write_text(HANDLER)
        self._closed = folder / "closed"
        self.environment = {
            "MODEL_SERVER_CODE_DIR": str(folder),
            "MODEL_SERVER_HANDLER": "slow_start",
            "STARTS_WITHOUT": str(self._closed),
        }

    def hold(self) -> None:
        """Let no server start from now on."""
        self._closed.touch()

    def release(self) -> None:
        """Let those start that wait, and all later ones."""
        self._closed.unlink(missing_ok=True)


@pytest.fixture
def slow_start(tmp_path, deploy):
    """Servers that wait for the test; `deploy` is named so that they wait no more when it ends."""
    made = SlowStart(tmp_path / "slow-start")
    yield made
    made.release()
