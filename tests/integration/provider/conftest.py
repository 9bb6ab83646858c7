"""An emulator without replicas, and stacks of small programs for the literal `pulumi`."""

import json

import boto3
import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from modelway.emulator.process import start
from modelway.emulator.provider import serve
from modelway.emulator.provider.wire import read_struct, write_struct
from modelway.testing import PulumiStack

MANIFEST = json.dumps(
    {
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": f"sha256:{'1' * 64}",
            "size": 2,
        },
        "layers": [],
    }
)


@pytest.fixture(scope="module")
def emulator(tmp_path_factory):
    running = start(
        port=0, time_scale=60.0, state=tmp_path_factory.mktemp("emulator"), replicas=False
    )
    yield running
    running.stop()


@pytest.fixture(scope="module")
def client(emulator):
    def make(service):
        return boto3.client(
            service,
            endpoint_url=emulator.url,
            region_name="us-east-1",
            aws_access_key_id="testing",
            aws_secret_access_key="testing",
        )

    return make


@pytest.fixture(scope="module")
def image(client):
    """The address of an image that is in the emulated registry."""
    ecr = client("ecr")
    uri = ecr.create_repository(repositoryName="serving")["repository"]["repositoryUri"]
    made = ecr.put_image(repositoryName="serving", imageManifest=MANIFEST, imageTag="one")
    return f"{uri}@{made['image']['imageId']['imageDigest']}"


@pytest.fixture
def stack_of(emulator, tmp_path):
    """Makes a stack of a program's text; it is destroyed at the end."""
    made = []

    def make(name, text, **config):
        project = tmp_path / name
        project.mkdir()
        (project / "Pulumi.yaml").write_text(f"name: {name}\nruntime: python\n")
        (project / "__main__.py").write_text(text)
        stack = PulumiStack(project, emulator, tmp_path / f"{name}-work", stack="dev")
        stack.select()
        for key, value in config.items():
            stack.run("config", "set", key, value)
        made.append(stack)
        return stack

    yield make
    for stack in made:
        stack.run("cancel", "--yes", check=False)
        stack.destroy(check=False)


class Resource:
    """One resource in the engine's hands."""

    def __init__(self, stub, type_, name="it"):
        self._stub = stub
        self._urn = f"urn:pulumi:dev::project::{type_}::{name}"
        self.id = ""
        self.inputs = {}
        self.state = {}

    def check(self, news):
        response = self._stub.Check(
            provider_pb2.CheckRequest(
                urn=self._urn,
                news=write_struct(news),
                olds=write_struct(self.inputs),
                randomSeed=b"seed",
            )
        )
        assert not response.failures, response.failures
        return read_struct(response.inputs).values

    def create(self, news):
        self.inputs = self.check(news)
        request = provider_pb2.CreateRequest(urn=self._urn, properties=write_struct(self.inputs))
        response = self._stub.Create(request)
        self.id, self.state = response.id, read_struct(response.properties).values

    def changes(self, news):
        request = provider_pb2.DiffRequest(
            id=self.id,
            urn=self._urn,
            olds=write_struct(self.state),
            news=write_struct(self.check(news)),
        )
        response = self._stub.Diff(request)
        assert list(response.replaces) == []
        return sorted(response.detailedDiff)

    def update(self, news):
        inputs = self.check(news)
        request = provider_pb2.UpdateRequest(
            id=self.id, urn=self._urn, olds=write_struct(self.state), news=write_struct(inputs)
        )
        self.state = read_struct(self._stub.Update(request).properties).values
        self.inputs = inputs

    def read(self):
        request = provider_pb2.ReadRequest(
            id=self.id,
            urn=self._urn,
            properties=write_struct(self.state),
            inputs=write_struct(self.inputs),
        )
        response = self._stub.Read(request)
        if response.id:
            self.state = read_struct(response.properties).values
        return response.id

    def delete(self):
        request = provider_pb2.DeleteRequest(
            id=self.id, urn=self._urn, properties=write_struct(self.state)
        )
        self._stub.Delete(request)


@pytest.fixture(scope="module")
def resource_of(emulator):
    """Makes resources of a provider on the emulator, without an engine."""
    server = serve("aws", emulator.url)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        stub = provider_pb2_grpc.ResourceProviderStub(channel)
        configuration = {"region": "us-east-1", "defaultTags": '{"tags": {"project": "p"}}'}
        stub.Configure(provider_pb2.ConfigureRequest(args=write_struct(configuration)))
        yield lambda type_: Resource(stub, type_)
    server.stop()
