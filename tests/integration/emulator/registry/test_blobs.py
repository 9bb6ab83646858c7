"""Blobs: every way to push one, reading it back, and what is refused."""

import hashlib

import pytest

pytestmark = pytest.mark.integration

LAYER = bytes(range(256)) * 20_000
DIGEST = f"sha256:{hashlib.sha256(LAYER).hexdigest()}"


def begin(registry, name):
    begun = registry("POST", f"{name}/blobs/uploads/")
    assert begun.status_code == 202
    return begun.headers["Location"]


def read(registry, name):
    return registry("GET", f"{name}/blobs/{DIGEST}").content


def test_a_blob_is_pushed_with_one_request(registry, repository):
    pushed = registry("POST", f"{repository}/blobs/uploads/?digest={DIGEST}", data=LAYER)

    assert pushed.status_code == 201
    assert pushed.headers["Location"] == f"/v2/{repository}/blobs/{DIGEST}"
    assert read(registry, repository) == LAYER


def test_a_blob_is_pushed_with_post_and_put(registry, repository):
    place = begin(registry, repository)

    assert registry("PUT", f"{place}?digest={DIGEST}", data=LAYER).status_code == 201
    assert read(registry, repository) == LAYER


def test_a_blob_is_streamed_in_a_chunked_body_as_docker_does(registry, repository):
    place = begin(registry, repository)

    streamed = registry("PATCH", place, data=iter([LAYER[:70_000], LAYER[70_000:]]))

    assert (streamed.status_code, streamed.headers["Range"]) == (202, "0-5119999")
    assert registry("PUT", f"{place}?digest={DIGEST}").status_code == 201
    assert read(registry, repository) == LAYER


def test_a_blob_is_pushed_in_parts_that_must_be_in_order(registry, repository, error):
    place = begin(registry, repository)
    first = registry("PATCH", place, data=LAYER[:1000], headers={"Content-Range": "0-999"})
    assert (first.status_code, first.headers["Range"]) == (202, "0-999")

    gap = registry("PATCH", place, data=LAYER[2000:], headers={"Content-Range": "2000-5119999"})

    assert error(gap) == (416, "BLOB_UPLOAD_INVALID")
    assert gap.headers["Range"] == "0-999"
    told = registry("GET", place)
    assert (told.status_code, told.headers["Range"]) == (204, "0-999")
    rest = {"Content-Range": "1000-5119999"}
    assert registry("PUT", f"{place}?digest={DIGEST}", data=LAYER[1000:], headers=rest).ok
    assert read(registry, repository) == LAYER


def test_content_that_has_another_digest_is_not_kept(registry, repository, error):
    place = begin(registry, repository)

    assert error(registry("PUT", f"{place}?digest={DIGEST}", data=LAYER[1:])) == (
        400,
        "DIGEST_INVALID",
    )
    assert registry("HEAD", f"{repository}/blobs/{DIGEST}").status_code == 404
    assert error(registry("GET", place)) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_an_upload_is_given_up(registry, repository, error):
    place = begin(registry, repository)

    assert registry("DELETE", place).status_code == 204
    assert error(registry("PATCH", place, data=LAYER)) == (404, "BLOB_UPLOAD_UNKNOWN")


def test_a_blob_is_mounted_from_another_repository(registry, repository, client):
    client("ecr").create_repository(repositoryName="mount/source")
    registry.blob("mount/source", LAYER)
    mount = f"{repository}/blobs/uploads/?mount={DIGEST}&from="

    assert registry("POST", f"{mount}mount/source").status_code == 201
    assert read(registry, repository) == LAYER
    for absent in ("mount/nowhere", repository):
        elsewhere = f"mount/source/blobs/uploads/?mount=sha256:{'0' * 64}&from={absent}"
        assert registry("POST", elsewhere).status_code == 202


def test_a_range_of_a_blob_is_given(registry, repository, error):
    registry.blob(repository, LAYER)
    path = f"{repository}/blobs/{DIGEST}"

    def ask(wanted):
        return registry("GET", path, headers={"Range": wanted})

    middle, end = ask("bytes=10-12"), ask("bytes=-2")
    assert (middle.status_code, middle.content) == (206, bytes([10, 11, 12]))
    assert middle.headers["Content-Range"] == "bytes 10-12/5120000"
    assert (end.status_code, end.content) == (206, bytes([254, 255]))
    assert ask("bytes=5119998-").content == bytes([254, 255])
    assert error(ask("bytes=5120000-")) == (416, "SIZE_INVALID")


def test_a_blob_s_size_is_told_without_it(registry, repository):
    registry.blob(repository, LAYER)

    told = registry("HEAD", f"{repository}/blobs/{DIGEST}")

    assert (told.status_code, told.headers["Content-Length"], told.content) == (200, "5120000", b"")
    assert told.headers["Docker-Content-Digest"] == DIGEST


def test_a_blob_that_is_not_there_is_unknown(registry, repository, error):
    assert error(registry("GET", f"{repository}/blobs/{DIGEST}")) == (404, "BLOB_UNKNOWN")
    assert error(registry("GET", f"{repository}/blobs/sha256:12")) == (400, "DIGEST_INVALID")


def test_no_blob_is_deleted_by_itself(registry, repository, error):
    registry.blob(repository, LAYER)

    assert error(registry("DELETE", f"{repository}/blobs/{DIGEST}")) == (405, "UNSUPPORTED")


def test_a_layer_of_ecr_s_own_api_is_the_same_blob(registry, repository, client):
    ecr = client("ecr")
    upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    for first in range(0, len(LAYER), 3_000_000):
        part = LAYER[first : first + 3_000_000]
        ecr.upload_layer_part(
            repositoryName=repository,
            uploadId=upload,
            partFirstByte=first,
            partLastByte=first + len(part) - 1,
            layerPartBlob=part,
        )
    ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[DIGEST])

    assert read(registry, repository) == LAYER
    there = ecr.batch_check_layer_availability(repositoryName=repository, layerDigests=[DIGEST])
    assert [each["layerSize"] for each in there["layers"]] == [5_120_000]


def test_a_layer_that_is_not_what_its_digest_says_is_refused(repository, client):
    ecr = client("ecr")
    upload = ecr.initiate_layer_upload(repositoryName=repository)["uploadId"]
    ecr.upload_layer_part(
        repositoryName=repository,
        uploadId=upload,
        partFirstByte=0,
        partLastByte=0,
        layerPartBlob=b"x",
    )

    with pytest.raises(ecr.exceptions.InvalidLayerException):
        ecr.complete_layer_upload(repositoryName=repository, uploadId=upload, layerDigests=[DIGEST])
