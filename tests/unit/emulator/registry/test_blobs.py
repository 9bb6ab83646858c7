"""The store of blobs: uploads that may be interrupted, and bounds."""

import hashlib
from io import BytesIO

import pytest

from modelway.emulator.registry import blobs
from modelway.emulator.registry.blobs import (
    BlobStore,
    OutOfOrder,
    Repository,
    TooLarge,
    WrongDigest,
)

HERE = Repository("123456789012", "us-east-1", "models")
DIGEST = f"sha256:{hashlib.sha256(b'onetwo').hexdigest()}"


@pytest.fixture
def store(tmp_path):
    return BlobStore(tmp_path / "registry")


def test_an_upload_goes_on_after_a_part_that_broke_off(store):
    upload = store.begin(HERE)
    parts = iter([b"one"])

    def read(_size):
        try:
            return next(parts)
        except StopIteration:
            raise ConnectionResetError from None

    with pytest.raises(ConnectionResetError):
        upload.append(read)
    assert upload.append(BytesIO(b"two").read, start=3) == 6
    store.finish(upload, DIGEST)

    with store.open(HERE, DIGEST) as file:
        assert file.read() == b"onetwo"
    assert store.upload(HERE, upload.id) is None


def test_a_part_that_begins_elsewhere_is_refused_and_changes_nothing(store):
    upload = store.begin(HERE)
    upload.append(BytesIO(b"one").read)

    for start in (0, 4):
        with pytest.raises(OutOfOrder, match=f"begins at 3, this one at {start}"):
            upload.append(BytesIO(b"two").read, start)

    assert upload.append(BytesIO(b"two").read, 3) == 6
    store.finish(upload, DIGEST)


def test_an_upload_belongs_to_its_repository(store):
    upload = store.begin(HERE)

    assert store.upload(HERE._replace(name="other"), upload.id) is None
    assert store.upload(HERE, upload.id) is upload


def test_wrong_content_leaves_nothing_behind(store, tmp_path):
    upload = store.begin(HERE)
    upload.append(BytesIO(b"other").read)

    with pytest.raises(WrongDigest, match=f"not {DIGEST}"):
        store.finish(upload, DIGEST)

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def test_a_blob_that_is_too_large_is_refused(store, monkeypatch):
    monkeypatch.setattr(blobs, "LARGEST_BLOB_BYTES", 5)

    with pytest.raises(TooLarge, match="at most 5 bytes"):
        store.begin(HERE).append(BytesIO(b"onetwo").read)


def test_the_upload_that_is_idle_longest_gives_way(store, monkeypatch):
    monkeypatch.setattr(blobs, "MOST_UPLOADS", 2)
    first, second = store.begin(HERE), store.begin(HERE)
    first.append(BytesIO(b"one").read)

    third = store.begin(HERE)

    there = [store.upload(HERE, each.id) is not None for each in (first, second, third)]
    assert there == [True, False, True]


def test_what_another_process_left_is_removed_with_the_first_upload(store, tmp_path):
    store.begin(HERE).append(BytesIO(b"one").read)
    another = BlobStore(tmp_path / "registry")

    begun = another.begin(HERE)

    assert [path.name for path in (tmp_path / "registry/uploads").iterdir()] == [begun.id]


def test_a_store_that_nobody_used_has_no_folder(store, tmp_path):
    assert store.size_bytes(HERE, DIGEST) is None
    assert store.open(HERE, DIGEST) is None
    assert list(tmp_path.iterdir()) == []
