"""The engine, recorded: what a program declares, with options and dependencies.

What can be decided without deploying is tested here; what AWS makes of it is tested in
`tests/integration` with the real engine.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pulumi
import pytest
from pulumi.runtime.mocks import MockMonitor, Mocks, set_mocks

from modelway.plan import Artifact
from modelway.spec import ModelSpec

ENDPOINT = "pulumi-python:dynamic/modelway:Endpoint"
STAND_IN = "pulumi-python:dynamic/modelway:StandIn"
CODEBUILD_IMAGE = "pulumi-python:dynamic/modelway:CodeBuildImage"
DOCKER_IMAGE = "docker-build:index:Image"
ARN = "arn:aws:service:us-east-1:123456789012:"


@dataclass
class Declared:
    """One resource as the program declared it."""

    type: str
    name: str
    inputs: dict[str, Any]
    parent: str
    protect: bool
    retain_on_delete: bool
    depends_on: list[str]
    """Names of the resources that it depends on, directly or through an input."""


@dataclass
class Program:
    """Everything that a program declared, in the order of registration."""

    resources: list[Declared] = field(default_factory=list)

    def all(self, type_: str) -> list[Declared]:
        return [found for found in self.resources if found.type == type_]

    def one(self, type_: str) -> Declared:
        (found,) = self.all(type_)
        return found

    def named(self, name: str) -> Declared:
        (found,) = [found for found in self.resources if found.name == name]
        return found


class Engine(Mocks):
    """Answers as AWS would, with recognisable values."""

    def call(self, args: Any) -> Any:
        return {
            "aws:index/getCallerIdentity:getCallerIdentity": {"accountId": "123456789012"},
            "aws:index/getRegion:getRegion": {"region": "us-east-1", "name": "us-east-1"},
            "aws:ecr/getAuthorizationToken:getAuthorizationToken": {
                "userName": "AWS",
                "password": "the token",
            },
            "aws:index/getPartition:getPartition": {"partition": "aws"},
        }[args.token]

    def new_resource(self, args: Any) -> tuple[str, dict[str, Any]]:
        state = {"arn": f"{ARN}{args.name}", "name": args.name, **args.inputs}
        image = {
            "digest": "sha256:" + "0" * 64,
            "uri": f"{args.inputs.get('repository_url')}@sha256:{'0' * 64}",
        }
        extra = {
            "aws:s3/bucket:Bucket": {"bucket": args.name, "arn": f"arn:aws:s3:::{args.name}"},
            "aws:ecr/repository:Repository": {
                "repositoryUrl": f"123456789012.dkr.ecr.us-east-1.amazonaws.com/{args.name}"
            },
            "aws:kms/key:Key": {
                "keyId": "0-0-0",
                "arn": "arn:aws:kms:us-east-1:123456789012:key/0-0-0",
            },
            "aws:iam/role:Role": {"arn": f"arn:aws:iam::123456789012:role/{args.name}"},
            ENDPOINT: {
                "endpoint_arn": f"arn:aws:sagemaker:us-east-1:123456789012:endpoint/{args.name}",
                "endpoint_config_name": f"{args.name}-config",
                "model_names": [f"{args.name}-model"],
                "history": [],
            },
            STAND_IN: image,
            CODEBUILD_IMAGE: image,
            DOCKER_IMAGE: {"digest": image["digest"]},
        }
        return f"{args.name}-id", state | extra.get(args.typ, {})


class Recorder(MockMonitor):
    """Keeps what the engine's protocol says beside the inputs."""

    def __init__(self, program: Program) -> None:
        super().__init__(Engine())
        self._program = program

    def RegisterResource(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        answer = super().RegisterResource(request)
        if request.type != "pulumi:pulumi:Stack":
            state = pulumi.runtime.rpc.deserialize_properties(request.object)
            names = sorted({urn.rpartition("::")[2] for urn in request.dependencies})
            self._program.resources.append(
                Declared(
                    type=request.type,
                    name=request.name,
                    inputs=state,
                    parent=request.parent.rpartition("::")[2],
                    protect=request.protect,
                    retain_on_delete=request.retainOnDelete,
                    depends_on=names,
                )
            )
        return answer


@pytest.fixture
def declare() -> Callable[..., Program]:
    """Run a program and give what it declared."""

    def run(
        build: Callable[[], Any],
        stack: str = "local",
        config: Mapping[str, str] | None = None,
    ) -> Program:
        program = Program()
        pulumi.runtime.set_all_config(dict(config or {}))
        set_mocks(Engine(), project="modelway", stack=stack, monitor=Recorder(program))

        @pulumi.runtime.test
        def started() -> None:
            build()

        started()
        return program

    return run


@pytest.fixture
def model_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A file that stands for a model; reading tensors is `modelway.package`'s own business."""
    path = tmp_path / "model.onnx"
    path.write_bytes(b"a model")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    digest = "sha256:" + "1" * 64
    monkeypatch.setattr(
        "modelway.registry.reader.read_artifact",
        lambda model: (
            Artifact(digest=digest, size_bytes=7, path=path, uri=None)
            if not model.path.startswith("s3://")
            else Artifact(digest=digest, size_bytes=0, path=None, uri=model.path)
        ),
    )
    return path


@pytest.fixture
def spec(model_file: Path) -> Callable[..., ModelSpec]:
    """A spec named `fraud`; keyword arguments replace its parts."""

    def make(**parts: Any) -> ModelSpec:
        return ModelSpec.model_validate(
            {"name": "fraud", "model": {"path": str(model_file)}, **parts}
        )

    return make
