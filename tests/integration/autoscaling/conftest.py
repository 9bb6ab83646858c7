"""An emulator with a small model on it, and short ways to scale its endpoint."""

import io
import json
import tarfile
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import boto3
import psutil
import pytest
from onnx import TensorProto, helper

from modelway.emulator.process import RunningEmulator, start

TIME_SCALE = 120.0
"""A virtual minute lasts half a second."""

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


def model_archive() -> bytes:
    graph = helper.make_graph(
        [helper.make_node("Identity", ["x"], ["y"])],
        "identity",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, ["batch", 3])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, ["batch", 3])],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)])
    model.ir_version = 9
    content = model.SerializeToString()
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        member = tarfile.TarInfo("model.onnx")
        member.size = len(content)
        tar.addfile(member, io.BytesIO(content))
    return buffer.getvalue()


@dataclass
class Endpoint:
    """One endpoint with a variant `primary`, in service."""

    emulator: RunningEmulator
    client: Callable[[str], Any]
    name: str
    time_scale: float = TIME_SCALE

    @property
    def target(self) -> dict[str, str]:
        return {
            "ServiceNamespace": "sagemaker",
            "ResourceId": f"endpoint/{self.name}/variant/primary",
            "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
        }

    def described(self) -> dict[str, Any]:
        return self.client("sagemaker").describe_endpoint(EndpointName=self.name)

    def wait_for(self, instances: int, seconds: float = 60.0) -> None:
        """Wait until the variant has so many instances and nothing is in progress."""
        deadline = time.monotonic() + seconds
        while True:
            found = self.described()
            variant = found["ProductionVariants"][0]
            counts = (variant["CurrentInstanceCount"], variant["DesiredInstanceCount"])
            if found["EndpointStatus"] == "InService" and counts == (instances, instances):
                return
            assert time.monotonic() < deadline, found
            time.sleep(0.05)

    def processes(self) -> set[int]:
        """The replicas' processes that are alive."""
        endpoints = self.emulator.status()["endpoints"]
        mine = next(each for each in endpoints if each["name"] == self.name)
        pids = {replica["pid"] for replica in mine["replicas"]}
        return {pid for pid in pids if pid is not None and psutil.pid_exists(pid)}

    def activities(self) -> list[dict[str, Any]]:
        """The scaling activities, oldest first."""
        found = self.client("application-autoscaling").describe_scaling_activities(
            ServiceNamespace="sagemaker", ResourceId=self.target["ResourceId"]
        )
        return found["ScalingActivities"][::-1]

    def finished_activities(self) -> list[dict[str, Any]]:
        """The same, once the last one has ended, which is soon after the endpoint settled."""
        deadline = time.monotonic() + 20.0
        while any(each["StatusCode"] == "InProgress" for each in self.activities()):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        return self.activities()


@pytest.fixture(scope="module")
def emulator(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RunningEmulator]:
    """An emulator for the module; without replicas where the module says `REPLICAS = False`."""
    running = start(
        port=0,
        time_scale=TIME_SCALE,
        state=tmp_path_factory.mktemp("scaling"),
        replicas=getattr(request.module, "REPLICAS", True),
    )
    try:
        yield running
    finally:
        running.stop()


@pytest.fixture(scope="module")
def client(emulator: RunningEmulator) -> Callable[[str], Any]:
    made: dict[str, Any] = {}

    def of(service: str) -> Any:
        if service not in made:
            made[service] = boto3.client(
                service,
                endpoint_url=emulator.url,
                region_name="us-east-1",
                aws_access_key_id="testing",
                aws_secret_access_key="testing",
            )
        return made[service]

    return of


@pytest.fixture(scope="module")
def model(client: Callable[[str], Any]) -> str:
    client("s3").create_bucket(Bucket="scaling-models")
    client("s3").put_object(Bucket="scaling-models", Key="model.tar.gz", Body=model_archive())
    role = client("iam").create_role(RoleName="scaling", AssumeRolePolicyDocument=json.dumps(TRUST))
    ecr = client("ecr")
    uri = ecr.create_repository(repositoryName="serving")["repository"]["repositoryUri"]
    put = ecr.put_image(
        repositoryName="serving", imageManifest=json.dumps(MANIFEST), imageTag="one"
    )
    client("sagemaker").create_model(
        ModelName="model",
        ExecutionRoleArn=role["Role"]["Arn"],
        PrimaryContainer={
            "Image": f"{uri}@{put['image']['imageId']['imageDigest']}",
            "ModelDataUrl": "s3://scaling-models/model.tar.gz",
        },
    )
    return "model"


@pytest.fixture
def make_endpoint(
    emulator: RunningEmulator, client: Callable[[str], Any], model: str
) -> Iterator[Callable[..., Endpoint]]:
    made: list[str] = []
    sagemaker = client("sagemaker")

    def make(instance_type: str = "ml.m5.large", *, deleted_by_test: bool = False) -> Endpoint:
        name = f"t{uuid.uuid4().hex[:8]}"
        sagemaker.create_endpoint_config(
            EndpointConfigName=name,
            ProductionVariants=[
                {
                    "VariantName": "primary",
                    "ModelName": model,
                    "InitialInstanceCount": 1,
                    "InstanceType": instance_type,
                }
            ],
        )
        sagemaker.create_endpoint(EndpointName=name, EndpointConfigName=name)
        if not deleted_by_test:
            made.append(name)
        endpoint = Endpoint(emulator, client, name)
        endpoint.wait_for(1, seconds=240.0)
        return endpoint

    yield make
    for name in made:
        sagemaker.delete_endpoint(EndpointName=name)


@pytest.fixture
def endpoint(make_endpoint: Callable[..., Endpoint]) -> Endpoint:
    return make_endpoint()
