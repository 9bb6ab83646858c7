"""A provider on a free port, its client, and an AWS that nobody may call."""

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from modelway.emulator.provider import serve
from modelway.emulator.provider.wire import read_struct, write_struct


class Engine:
    """Talks to a provider as the engine does, in plain values."""

    def __init__(self, port):
        self._channel = grpc.insecure_channel(f"127.0.0.1:{port}")
        self.stub = provider_pb2_grpc.ResourceProviderStub(self._channel)

    def close(self):
        self._channel.close()

    def configure(self, **config):
        return self.stub.Configure(provider_pb2.ConfigureRequest(args=write_struct(config)))

    def check(self, type_, name, news, olds=None, secrets=(), seed=b"seed", **options):
        request = provider_pb2.CheckRequest(
            urn=urn(type_, name),
            news=write_struct(news, secrets),
            olds=write_struct(olds or {}),
            randomSeed=seed,
            **options,
        )
        return self.stub.Check(request)

    def checked(self, type_, name, news, olds=None, **options):
        response = self.check(type_, name, news, olds, **options)
        assert not response.failures, response.failures
        return read_struct(response.inputs).values

    def diff(self, type_, olds, news, ignored=()):
        request = provider_pb2.DiffRequest(
            id="id",
            urn=urn(type_, "it"),
            olds=write_struct(olds),
            news=write_struct(news),
            ignoreChanges=ignored,
        )
        return self.stub.Diff(request)

    def preview_create(self, type_, name, inputs, secrets=()):
        request = provider_pb2.CreateRequest(
            urn=urn(type_, name), properties=write_struct(inputs, secrets), preview=True
        )
        return read_struct(self.stub.Create(request).properties)

    def preview_update(self, type_, olds, news):
        request = provider_pb2.UpdateRequest(
            id="id",
            urn=urn(type_, "it"),
            olds=write_struct(olds),
            news=write_struct(news),
            preview=True,
        )
        return read_struct(self.stub.Update(request).properties).values

    def invoke(self, token, args):
        request = provider_pb2.InvokeRequest(tok=token, args=write_struct(args))
        return read_struct(getattr(self.stub.Invoke(request), "return")).values


def urn(type_, name):
    return f"urn:pulumi:dev::project::my:component:Thing${type_}::{name}"


@pytest.fixture
def engine_of():
    """Start the provider of a package and give its engine."""
    made = []

    def start(package, **options):
        # Nobody listens there: a check, a diff or a preview that called AWS would fail.
        server = serve(package, "http://127.0.0.1:9", **options)
        made.append((server, Engine(server.port)))
        return made[-1][1]

    yield start
    for server, engine in made:
        engine.close()
        server.stop()


@pytest.fixture
def engine(engine_of):
    return engine_of("aws")
