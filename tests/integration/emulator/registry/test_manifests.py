"""Manifests, tags and referrers, over HTTP and through ECR's own API: one store."""

import json

import pytest

pytestmark = pytest.mark.integration

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"


def ids(ecr, name):
    images = ecr.describe_images(repositoryName=name)["imageDetails"]
    return {image["imageDigest"]: image.get("imageTags", []) for image in images}


def test_an_image_that_is_pushed_is_in_ecr(registry, repository, client):
    digest = registry.image(repository, b"layer", "v1")

    (image,) = client("ecr").describe_images(repositoryName=repository)["imageDetails"]
    assert (image["imageDigest"], image["imageTags"]) == (digest, ["v1"])
    assert image["imageSizeInBytes"] == 83
    assert image["imageManifestMediaType"] == MANIFEST
    wanted = [{"imageDigest": digest}]
    (found,) = client("ecr").batch_get_image(repositoryName=repository, imageIds=wanted)["images"]
    assert found["imageManifest"].encode() == registry.manifest(b"layer")


def test_an_image_that_ecr_s_api_put_is_pulled(registry, repository, client):
    content = registry.manifest(b"layer")
    put = client("ecr").put_image(
        repositoryName=repository, imageManifest=content.decode(), imageTag="v1"
    )
    digest = put["image"]["imageId"]["imageDigest"]

    for reference in ("v1", digest):
        pulled = registry("GET", f"{repository}/manifests/{reference}")
        assert pulled.content == content
        assert pulled.headers["Docker-Content-Digest"] == digest
        assert pulled.headers["Content-Type"] == MANIFEST
        told = registry("HEAD", f"{repository}/manifests/{reference}")
        assert (told.content, told.headers["Content-Length"]) == (b"", str(len(content)))


def test_a_manifest_may_come_in_a_chunked_body(registry, repository):
    registry.image(repository, b"layer", "v1")
    content = registry.manifest(b"layer")

    pushed = registry.put(repository, "v2", iter([content[:50], content[50:]]))

    assert pushed.status_code == 201
    assert registry("GET", f"{repository}/manifests/v2").content == content


def test_the_same_image_may_be_pushed_again(registry, repository):
    assert registry.image(repository, b"layer", "v1") == registry.image(repository, b"layer", "v1")
    registry.image(repository, b"layer")


def test_an_image_that_loses_its_tag_stays_by_digest(registry, repository, client):
    old = registry.image(repository, b"old", "latest")
    new = registry.image(repository, b"new", "latest")

    assert ids(client("ecr"), repository) == {old: [], new: ["latest"]}
    assert registry("GET", f"{repository}/manifests/{old}").content == registry.manifest(b"old")


def test_an_immutable_tag_is_not_moved(registry, client, error):
    client("ecr").create_repository(repositoryName="fixed", imageTagMutability="IMMUTABLE")
    registry.image("fixed", b"old", "v1")
    registry.blob("fixed", b"new")

    moved = registry.put("fixed", "v1", registry.manifest(b"new"))

    assert error(moved) == (400, "TAG_INVALID")
    assert "cannot be overwritten because the tag is immutable" in moved.text
    assert registry("GET", "fixed/manifests/v1").content == registry.manifest(b"old")


@pytest.mark.parametrize(
    ("reference", "content", "kind", "refusal"),
    [
        ("v1", b"{", MANIFEST, (400, "MANIFEST_INVALID")),
        ("v1", b'{"schemaVersion": 1}', MANIFEST, (400, "MANIFEST_INVALID")),
        ("v1", b'{"schemaVersion": 2, "layers": []}', MANIFEST, (400, "MANIFEST_INVALID")),
        ("v1", b'{"schemaVersion": 2}', "text/plain", (400, "MANIFEST_INVALID")),
        ("v1", b" " * (4 * 1024 * 1024 + 1), MANIFEST, (413, "SIZE_INVALID")),
        ("-v1", None, MANIFEST, (400, "TAG_INVALID")),
        (f"sha256:{'1' * 64}", None, MANIFEST, (400, "DIGEST_INVALID")),
        ("v1", None, INDEX, (400, "MANIFEST_INVALID")),
    ],
    ids=["no JSON", "schema 1", "no config", "type", "size", "tag", "digest", "another type"],
)
def test_what_is_no_manifest_is_refused(
    registry, emulator, client_of, error, reference, content, kind, refusal, request
):
    name = f"refused/{abs(hash(request.node.name))}"
    client_of(emulator, "ecr").create_repository(repositoryName=name)
    registry.image(name, b"layer", "there")

    answer = registry.put(name, reference, content or registry.manifest(b"layer"), kind)

    assert error(answer) == refusal
    assert registry("GET", f"{name}/tags/list").json()["tags"] == ["there"]


def test_an_image_without_its_layers_is_refused(registry, repository, error):
    answer = registry.put(repository, "v1", registry.manifest(b"layer"))

    assert error(answer) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert "Layers with digests '[sha256:" in answer.text


def test_an_index_needs_its_images(registry, repository, error):
    digest = registry.image(repository, b"layer")

    def index(*digests):
        listed = [{"mediaType": MANIFEST, "digest": each, "size": 1} for each in digests]
        return json.dumps({"schemaVersion": 2, "mediaType": INDEX, "manifests": listed}).encode()

    absent = registry.put(repository, "all", index(digest, f"sha256:{'1' * 64}"), INDEX)

    assert error(absent) == (404, "MANIFEST_BLOB_UNKNOWN")
    assert registry.put(repository, "all", index(digest), INDEX).status_code == 201
    pulled = registry("GET", f"{repository}/manifests/all")
    assert (pulled.content, pulled.headers["Content-Type"]) == (index(digest), INDEX)


def test_an_image_is_deleted_by_digest_and_a_tag_by_its_name(registry, repository, client, error):
    digest = registry.image(repository, b"layer", "one")
    registry.image(repository, b"layer", "two")

    assert registry("DELETE", f"{repository}/manifests/one").status_code == 202
    assert ids(client("ecr"), repository) == {digest: ["two"]}
    assert registry("DELETE", f"{repository}/manifests/{digest}").status_code == 202
    assert ids(client("ecr"), repository) == {}
    for reference in (digest, "two"):
        path = f"{repository}/manifests/{reference}"
        assert error(registry("GET", path)) == (404, "MANIFEST_UNKNOWN")
        assert error(registry("DELETE", path)) == (404, "MANIFEST_UNKNOWN")


def test_tags_come_sorted_and_in_pages(registry, repository):
    for tag in ("c", "a", "d", "b", "e"):
        registry.image(repository, b"layer", tag)
    path, pages = f"/v2/{repository}/tags/list?n=2", []
    while path:
        page = registry("GET", path)
        pages.append(page.json()["tags"])
        path = page.links.get("next", {}).get("url")

    assert pages == [["a", "b"], ["c", "d"], ["e"]]
    everything = {"name": repository, "tags": ["a", "b", "c", "d", "e"]}
    assert registry("GET", f"{repository}/tags/list").json() == everything


def test_what_belongs_to_an_image_is_listed_by_its_kind(registry, repository, client):
    image = registry.image(repository, b"layer", "v1")
    subject = {"mediaType": MANIFEST, "digest": image, "size": 1}
    kind, notes = "application/vnd.cyclonedx+json", {"note": "one"}
    sbom = registry.manifest(b"sbom", subject=subject, artifactType=kind, annotations=notes)
    for layer in (b"sbom", b"other"):
        registry.blob(repository, layer)
    pushed = registry.put(repository, "sbom", sbom)
    other = registry.image(repository, b"other", subject=subject)

    listed = registry("GET", f"{repository}/referrers/{image}")
    wanted = {"artifactType": kind}
    one = registry("GET", f"{repository}/referrers/{image}", params=wanted)

    assert pushed.headers["OCI-Subject"] == image
    assert listed.headers["Content-Type"] == INDEX
    found = {each["digest"]: each for each in listed.json()["manifests"]}
    assert set(found) == {pushed.headers["Docker-Content-Digest"], other}
    assert found[other]["artifactType"] == "application/vnd.oci.image.config.v1+json"
    assert one.headers["OCI-Filters-Applied"] == "artifactType"
    (told,) = one.json()["manifests"]
    assert (told["artifactType"], told["annotations"], told["size"]) == (kind, notes, len(sbom))
    assert registry("GET", f"{repository}/referrers/{other}").json()["manifests"] == []
    details = client("ecr").describe_images(
        repositoryName=repository, imageIds=[{"imageTag": "sbom"}]
    )["imageDetails"][0]
    assert (details["artifactMediaType"], details["subjectManifestDigest"]) == (kind, image)
