"""The emulated registry, spoken to over HTTP as its clients do, without one of them."""

import hashlib
import json

import pytest
import requests

from modelway.emulator.process import start

MANIFEST = "application/vnd.oci.image.manifest.v1+json"
INDEX = "application/vnd.oci.image.index.v1+json"
CONFIG = b'{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}'


def digest_of(content):
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def descriptor(content, kind):
    return {"mediaType": kind, "digest": digest_of(content), "size": len(content)}


class Registry:
    """The registry of one account and region, with a token for it."""

    def __init__(self, emulator, ecr):
        (data,) = ecr.get_authorization_token()["authorizationData"]
        self.url = data["proxyEndpoint"]
        self._http = requests.Session()
        self._http.trust_env = False
        self._http.headers["Authorization"] = f"Basic {data['authorizationToken']}"

    def __call__(self, method, path, **options):
        path = path if path.startswith("/") else f"/v2/{path}"
        return self._http.request(method, f"{self.url}{path}", timeout=30, **options)

    def blob(self, name, content):
        """Push a blob at once; gives its digest."""
        digest = digest_of(content)
        done = self("POST", f"{name}/blobs/uploads/?digest={digest}", data=content)
        assert done.status_code == 201, done.text
        return digest

    def manifest(self, layer, **members):
        """Give the bytes of an image with one layer."""
        return json.dumps(
            {
                "schemaVersion": 2,
                "mediaType": MANIFEST,
                "config": descriptor(CONFIG, "application/vnd.oci.image.config.v1+json"),
                "layers": [descriptor(layer, "application/vnd.oci.image.layer.v1.tar")],
                **members,
            }
        ).encode()

    def put(self, name, reference, content, kind=MANIFEST):
        """Push a manifest."""
        headers = {"Content-Type": kind}
        return self("PUT", f"{name}/manifests/{reference}", data=content, headers=headers)

    def image(self, name, layer, reference=None, **members):
        """Push an image with one layer; gives its digest."""
        self.blob(name, CONFIG)
        self.blob(name, layer)
        content = self.manifest(layer, **members)
        done = self.put(name, reference or digest_of(content), content)
        assert done.status_code == 201, done.text
        return digest_of(content)


@pytest.fixture(scope="package")
def emulator(tmp_path_factory):
    """One for all tests of the registry: each has a repository of its own."""
    running = start(port=0, state=tmp_path_factory.mktemp("emulator"))
    yield running
    running.stop()


@pytest.fixture(scope="package")
def registry_of(client_of):
    """Make the registry of an emulator's client of ECR."""

    def make(emulator, **options):
        return Registry(emulator, client_of(emulator, "ecr", **options))

    return make


@pytest.fixture(scope="package")
def prod_keys(emulator, client_of):
    """The keys of a role in account 222222222222."""
    role = "arn:aws:iam::222222222222:role/copier"
    assumed = client_of(emulator, "sts").assume_role(RoleArn=role, RoleSessionName="copy")
    return {
        "aws_access_key_id": assumed["Credentials"]["AccessKeyId"],
        "aws_secret_access_key": assumed["Credentials"]["SecretAccessKey"],
        "aws_session_token": assumed["Credentials"]["SessionToken"],
    }


@pytest.fixture(scope="package")
def registry(emulator, registry_of):
    return registry_of(emulator)


@pytest.fixture
def repository(emulator, client_of, request):
    """A repository of this test alone."""
    name = f"tests/{request.node.name.split('[')[0].removeprefix('test_').replace('_', '-')}"
    client_of(emulator, "ecr").create_repository(repositoryName=name)
    return name


@pytest.fixture
def error():
    """Give status and code of a refusal, which must have the specification's form."""

    def read(answer):
        ((code, message),) = [(each["code"], each["message"]) for each in answer.json()["errors"]]
        assert message
        return answer.status_code, code

    return read
