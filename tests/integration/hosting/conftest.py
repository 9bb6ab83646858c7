"""An emulator with a bucket, a role and an image, and short ways to host a model on it."""

import io
import json
import tarfile
import threading
import time
import urllib.request
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import boto3
import numpy as np
import onnx
import psutil
import pytest
from botocore.config import Config
from onnx import TensorProto, helper

from modelway.emulator.process import RunningEmulator, start

TIME_SCALE = 240.0
"""AWS's two minutes of provisioning last half a second."""

BUCKET = "hosting-models"
TRUST = {
    "Version": "2012-10-17",
    "Statement": [
        {
            "Effect": "Allow",
            "Principal": {"Service": "sagemaker.amazonaws.com"},
            "Action": "sts:AssumeRole",
        }
    ],
}
MANIFEST = {
    "schemaVersion": 2,
    "mediaType": "application/vnd.oci.image.manifest.v1+json",
    "config": {
        "mediaType": "application/vnd.oci.image.config.v1+json",
        "digest": "sha256:" + "0" * 64,
        "size": 2,
    },
    "layers": [],
}


def onnx_bytes(factor: float = 1.0) -> bytes:
    """A model float32 (batch, 3) -> softmax(x w) float32 (batch, 2); factor changes the answers."""
    weights = [factor * each for each in (0.1, -0.2, 0.3, 0.4, -0.5, 0.6)]
    graph = helper.make_graph(
        [
            helper.make_node("MatMul", ["x", "w"], ["z"]),
            helper.make_node("Softmax", ["z"], ["y"], axis=1),
        ],
        "classifier",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 2])],
        [helper.make_tensor("w", TensorProto.FLOAT, [3, 2], weights)],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    onnx.checker.check_model(model)
    return model.SerializeToString()


def archive(content: bytes) -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("model.onnx")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@dataclass
class Account:
    """One emulator's account, ready for models."""

    emulator: RunningEmulator
    image: str = ""
    role: str = ""
    _clients: dict[str, Any] = field(default_factory=dict)

    def client(self, service: str) -> Any:
        if service not in self._clients:
            self._clients[service] = boto3.client(
                service,
                endpoint_url=self.emulator.url,
                region_name="us-east-1",
                aws_access_key_id="testing",
                aws_secret_access_key="testing",
                # A retry would hide an error that a user without retries sees.
                config=Config(retries={"total_max_attempts": 1}, max_pool_connections=32),
            )
        return self._clients[service]

    @property
    def sagemaker(self) -> Any:
        return self.client("sagemaker")

    def prepare(self) -> None:
        self.client("s3").create_bucket(Bucket=BUCKET)
        made = self.client("iam").create_role(
            RoleName="hosting", AssumeRolePolicyDocument=json.dumps(TRUST)
        )
        self.role = made["Role"]["Arn"]
        ecr = self.client("ecr")
        uri = ecr.create_repository(repositoryName="serving")["repository"]["repositoryUri"]
        put = ecr.put_image(
            repositoryName="serving", imageManifest=json.dumps(MANIFEST), imageTag="one"
        )
        self.image = f"{uri}@{put['image']['imageId']['imageDigest']}"

    def model(self, name: str, data: bytes) -> str:
        self.client("s3").put_object(Bucket=BUCKET, Key=f"{name}/model.tar.gz", Body=data)
        self.sagemaker.create_model(
            ModelName=name,
            ExecutionRoleArn=self.role,
            PrimaryContainer={
                "Image": self.image,
                "ModelDataUrl": f"s3://{BUCKET}/{name}/model.tar.gz",
            },
        )
        return name

    def config(self, name: str, *variants: tuple[str, str, float, int], **fields: Any) -> str:
        self.sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": variant,
                    "ModelName": model,
                    "InitialVariantWeight": weight,
                    "InitialInstanceCount": count,
                    "InstanceType": "ml.m5.large",
                }
                for variant, model, weight, count in variants
            ],
            **fields,
        )
        return name

    def endpoint(self, name: str, data: bytes, count: int = 1) -> str:
        """Model, configuration and endpoint of one name, in service."""
        model = self.model(name, data)
        self.config(name, ("primary", model, 1.0, count))
        self.sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        self.settled(name)
        return name

    def settled(self, name: str, seconds: float = 90.0) -> dict[str, Any]:
        """Wait until nothing is in progress any more; gives the description."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.sagemaker.describe_endpoint(EndpointName=name)
            if found["EndpointStatus"] in {"InService", "Failed"}:
                return found
            assert time.monotonic() < deadline, found
            time.sleep(0.05)

    def gone(self, name: str, seconds: float = 60.0) -> None:
        deadline = time.monotonic() + seconds
        while True:
            try:
                self.sagemaker.describe_endpoint(EndpointName=name)
            except self.sagemaker.exceptions.ClientError:
                return
            assert time.monotonic() < deadline
            time.sleep(0.05)

    def status(self, name: str) -> dict[str, Any]:
        return next(e for e in self.emulator.status()["endpoints"] if e["name"] == name)

    def events(self, name: str, *kinds: str) -> list[dict[str, Any]]:
        """The endpoint's events of these kinds, oldest first."""
        with urllib.request.urlopen(f"{self.emulator.url}/_modelway/events?since=0") as answer:
            found = json.load(answer)["events"]
        return [each for each in found if each["endpoint"] == name and each["kind"] in kinds]

    def awaited(self, name: str, condition: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        """Wait until the endpoint's entry in the emulator's status is as wanted; give it."""
        deadline = time.monotonic() + 60.0
        while not condition(found := self.status(name)):
            assert time.monotonic() < deadline, found
            time.sleep(0.02)
        return found

    def pids(self, name: str) -> set[int]:
        return {replica["pid"] for replica in self.status(name)["replicas"]}

    def predict(self, name: str, rows: np.ndarray, **fields: Any) -> np.ndarray:
        body = io.BytesIO()
        np.save(body, rows)
        answer = self.client("sagemaker-runtime").invoke_endpoint(
            EndpointName=name,
            Body=body.getvalue(),
            ContentType="application/x-npy",
            Accept="application/x-npy",
            **fields,
        )
        return np.load(io.BytesIO(answer["Body"].read()))


@dataclass
class Client:
    """Calls an endpoint all the time, from several threads, until it is told to stop."""

    call: Callable[[], Any]
    threads: int = 3
    answers: list[Any] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)

    def __enter__(self) -> Self:
        self._stop = threading.Event()
        self._running = [threading.Thread(target=self._run) for _ in range(self.threads)]
        for thread in self._running:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._running:
            thread.join()

    def _run(self) -> None:
        while not self._stop.is_set():
            try:
                self.answers.append(self.call())
            except Exception as error:  # noqa: BLE001 - whatever a user would see
                self.errors.append(error)
            time.sleep(0.005)


def started(state: Path, **options: Any) -> Account:
    return Account(start(port=0, state=state, **({"time_scale": TIME_SCALE} | options)))


@pytest.fixture(scope="session")
def account(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    made = started(tmp_path_factory.mktemp("hosting"))
    try:
        made.prepare()
        yield made
    finally:
        made.emulator.stop()


@pytest.fixture
def new_account(tmp_path: Path) -> Iterator[Callable[..., Account]]:
    """Starts emulators of the test's own; a second one takes over the first one's state."""
    made: list[Account] = []

    def make(**options: Any) -> Account:
        made.append(started(tmp_path / "state", **options))
        if len(made) == 1:
            made[0].prepare()
        else:
            made[-1].image, made[-1].role = made[0].image, made[0].role
        return made[-1]

    yield make
    for each in made:
        each.emulator.stop()


@pytest.fixture
def name() -> str:
    return f"t{uuid.uuid4().hex[:8]}"


@pytest.fixture
def good() -> bytes:
    return archive(onnx_bytes())


@pytest.fixture
def other() -> bytes:
    return archive(onnx_bytes(factor=3.0))


@pytest.fixture
def corrupt() -> bytes:
    return archive(b"this is no ONNX model")


@pytest.fixture
def rows() -> np.ndarray:
    return np.random.default_rng(7).normal(size=(5, 3)).astype(np.float32)


@pytest.fixture
def reference() -> Callable[[np.ndarray, float], np.ndarray]:
    import onnxruntime

    def answers(rows: np.ndarray, factor: float = 1.0) -> np.ndarray:
        session = onnxruntime.InferenceSession(
            onnx_bytes(factor), providers=["CPUExecutionProvider"]
        )
        return session.run(None, {"x": rows})[0]

    return answers


@pytest.fixture
def calling() -> type[Client]:
    return Client


@pytest.fixture
def ended() -> Callable[[set[int]], bool]:
    """Whether none of these processes is left; waits a little for the system to notice."""

    def none_left(pids: set[int]) -> bool:
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline:
            if not any(psutil.pid_exists(pid) for pid in pids):
                return True
            time.sleep(0.05)
        return False

    return none_left
