"""Who may speak to the registry, which repositories there are, and what outlives a restart."""

import base64
import json

import pytest
import requests

from modelway.emulator.process import start

pytestmark = pytest.mark.integration


def ask(emulator, user, password):
    session = requests.Session()
    session.trust_env = False
    return session.get(f"{emulator.url}/v2/", auth=(user, password), timeout=30)


def test_the_token_that_ecr_gives_is_taken(emulator, client):
    (data,) = client("ecr").get_authorization_token()["authorizationData"]
    user, _, password = base64.b64decode(data["authorizationToken"]).decode().partition(":")

    answer = ask(emulator, user, password)

    assert (user, data["proxyEndpoint"]) == ("AWS", emulator.url)
    assert (answer.status_code, answer.json()) == (200, {})
    assert answer.headers["Docker-Distribution-Api-Version"] == "registry/2.0"


@pytest.mark.parametrize("change", [lambda p: p[:-6] + "AAAAA=", lambda p: "x", lambda p: "a.b"])
def test_another_token_is_refused(emulator, client, error, change):
    (data,) = client("ecr").get_authorization_token()["authorizationData"]
    password = base64.b64decode(data["authorizationToken"]).decode().partition(":")[2]

    answer = ask(emulator, "AWS", change(password))

    assert error(answer) == (401, "UNAUTHORIZED")
    realm = f'Basic realm="{emulator.url}/",service="ecr.amazonaws.com"'
    assert answer.headers["WWW-Authenticate"] == realm
    assert ask(emulator, "root", password).status_code == 401


def test_a_repository_must_have_been_made_before(registry, error):
    answer = registry("POST", "absent/blobs/uploads/")

    assert error(answer) == (404, "NAME_UNKNOWN")
    assert "The repository with name 'absent' does not exist" in answer.text
    assert error(registry("GET", "Absent/tags/list")) == (400, "NAME_INVALID")
    assert error(registry("GET", "absent/nothing")) == (404, "UNSUPPORTED")


def test_each_account_has_a_registry_of_its_own(emulator, client_of, registry_of, prod_keys):
    client_of(emulator, "ecr").create_repository(repositoryName="own")
    registry_of(emulator).image("own", b"layer", "v1")
    elsewhere = registry_of(emulator, **prod_keys)

    assert elsewhere("GET", "own/tags/list").status_code == 404
    client_of(emulator, "ecr", **prod_keys).create_repository(repositoryName="own")
    assert elsewhere("GET", "own/tags/list").json()["tags"] == []
    assert registry_of(emulator)("GET", "own/tags/list").json()["tags"] == ["v1"]


def test_a_deleted_repository_takes_its_blobs_with_it(registry, repository, client):
    digest = registry.blob(repository, b"layer")
    client("ecr").delete_repository(repositoryName=repository)
    client("ecr").create_repository(repositoryName=repository)

    assert registry("HEAD", f"{repository}/blobs/{digest}").status_code == 404


def test_images_blobs_and_logins_outlive_a_restart(tmp_path, client_of, registry_of):
    emulator = start(port=0, state=tmp_path)
    client_of(emulator, "ecr").create_repository(repositoryName="kept")
    registry = registry_of(emulator)
    digest = registry.image("kept", b"layer", "v1")
    index = registry("GET", "kept/manifests/v1").headers["Docker-Content-Digest"]
    emulator.stop()
    assert not [
        path for path in tmp_path.rglob("journal.jsonl") if b"layerPart" in path.read_bytes()
    ]

    again = start(port=emulator.port, state=tmp_path)
    try:
        assert registry("GET", f"kept/manifests/{digest}").content == registry.manifest(b"layer")
        blob = registry.manifest(b"layer")
        layer = registry("GET", f"kept/blobs/{_layer(blob)}")
        assert (index, layer.content) == (digest, b"layer")
    finally:
        again.stop()


def test_an_emulator_without_images_has_no_folder_for_them(tmp_path, client_of):
    emulator = start(port=0, state=tmp_path)
    client_of(emulator, "ecr").create_repository(repositoryName="empty")
    emulator.stop()

    assert not (tmp_path / "registry").exists()


def _layer(manifest):
    return json.loads(manifest)["layers"][0]["digest"]
