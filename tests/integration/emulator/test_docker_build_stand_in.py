"""The provider `docker-build` where replicas are processes: a manifest stands in, and can go."""

import base64

import grpc
import pytest
from pulumi.runtime.proto import provider_pb2, provider_pb2_grpc

from modelway.emulator.provider import serve
from modelway.emulator.provider.wire import read_struct, write_struct

pytestmark = pytest.mark.integration

CONTENT = "a" * 64
URN = "urn:pulumi:dev::project::docker-build:index:Image::image"


@pytest.fixture
def provider(emulator, tmp_path):
    """Talks to the provider as the engine does; the program is in the test's folder."""
    (tmp_path / "Dockerfile").write_text("FROM scratch\n")
    server = serve("docker-build", emulator.url, directory=str(tmp_path))
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        yield provider_pb2_grpc.ResourceProviderStub(channel)
    server.stop()


@pytest.fixture
def repository(client):
    ecr = client("ecr")
    ecr.create_repository(repositoryName="models", imageTagMutability="IMMUTABLE")
    yield ecr
    ecr.delete_repository(repositoryName="models", force=True)


def image(account="123456789012", tag=f"cpu-{CONTENT}"):
    name = f"{account}.dkr.ecr.us-east-1.amazonaws.com/models"
    return {"push": True, "context": {"location": "."}, "tags": [f"{name}:{tag}"]}


def create(provider, inputs):
    answer = provider.Create(provider_pb2.CreateRequest(urn=URN, properties=write_struct(inputs)))
    return answer.id, answer.properties


def read(provider, id_, properties):
    return provider.Read(
        provider_pb2.ReadRequest(id=id_, urn=URN, properties=properties, inputs=properties)
    ).id


def test_an_image_is_there_until_it_is_deleted(provider, repository):
    id_, properties = create(provider, image())

    (found,) = repository.describe_images(repositoryName="models")["imageDetails"]
    assert (found["imageDigest"], found["imageTags"]) == (id_, [f"cpu-{CONTENT}"])
    assert read(provider, id_, properties) == id_

    provider.Delete(provider_pb2.DeleteRequest(id=id_, urn=URN, properties=properties))

    assert read(provider, id_, properties) == ""
    assert repository.describe_images(repositoryName="models")["imageDetails"] == []


def test_an_image_that_stands_in_already_is_taken(provider, repository):
    first, _ = create(provider, image())
    second, properties = create(provider, image())

    assert first == second
    assert read_struct(properties).values["digest"] == first


@pytest.mark.parametrize(
    ("inputs", "reason"),
    [
        (image(tag="1"), "'1' does not name its content as modelway's images do"),
        (image(account="999999999999"), "The repository with name 'models' does not exist"),
        (image() | {"context": {"location": "nowhere"}}, "'nowhere' is no folder"),
    ],
    ids=["tag", "repository", "context"],
)
def test_what_cannot_be_built_is_refused_with_the_reason(provider, repository, inputs, reason):
    with pytest.raises(grpc.RpcError) as refused:
        create(provider, inputs)

    assert reason in refused.value.details()


def test_the_registrys_login_is_what_ecr_gives(emulator):
    server = serve("aws", emulator.url)
    with grpc.insecure_channel(f"127.0.0.1:{server.port}") as channel:
        answer = provider_pb2_grpc.ResourceProviderStub(channel).Invoke(
            provider_pb2.InvokeRequest(
                tok="aws:ecr/getAuthorizationToken:getAuthorizationToken", args=write_struct({})
            )
        )
    server.stop()
    given = read_struct(getattr(answer, "return")).values

    token = base64.b64decode(given["authorizationToken"]).decode()
    assert (given["userName"], token) == ("AWS", f"AWS:{given['password']}")
    assert given["proxyEndpoint"] == emulator.url
    assert given["region"] == "us-east-1"
