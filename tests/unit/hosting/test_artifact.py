"""Model directories: extraction that lets nothing out, one folder for each content."""

import io
import stat
import tarfile
import threading

import pytest

from modelway.emulator.hosting.artifact import ModelDataFailed, ModelStore
from modelway.emulator.hosting.deployment import ModelData

URI = "s3://bucket/models/model.tar.gz"
NEVER = threading.Event()


def archive(*members, mode="w:gz"):
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode=mode) as tar:
        for name, content in members:
            member = tarfile.TarInfo(name)
            if isinstance(content, bytes):
                member.size = len(content)
                tar.addfile(member, io.BytesIO(content))
            else:
                member.type, member.linkname = content
                tar.addfile(member)
    return buffer.getvalue()


@pytest.fixture
def store(tmp_path):
    """Makes stores over a dictionary of S3 objects."""

    def make(objects):
        def fetch(bucket, key, prefix, stopping):
            assert bucket == "bucket"
            return sorted(
                (name, content)
                for name, content in objects.items()
                if (name.startswith(key) if prefix else name == key)
            )

        return ModelStore(tmp_path / "models", fetch)

    return make


def test_an_archives_files_are_extracted_read_only(store):
    made = store({"models/model.tar.gz": archive(("model.onnx", b"weights"), ("a/b", b"more"))})

    folder = made.directory(ModelData(URI), NEVER)

    assert (folder / "model.onnx").read_bytes() == b"weights"
    assert (folder / "a" / "b").read_bytes() == b"more"
    assert stat.S_IMODE((folder / "model.onnx").stat().st_mode) == 0o444
    assert stat.S_IMODE((folder / "a").stat().st_mode) == 0o555
    assert stat.S_IMODE(folder.stat().st_mode) == 0o555


def test_the_same_content_is_extracted_once_and_other_content_beside_it(store):
    objects = {"models/model.tar.gz": archive(("model.onnx", b"one"))}
    made = store(objects)
    first = made.directory(ModelData(URI), NEVER)
    again = made.directory(ModelData(URI), NEVER)

    objects["models/model.tar.gz"] = archive(("model.onnx", b"two"))
    second = made.directory(ModelData(URI), NEVER)

    assert again == first
    assert second != first
    assert (first / "model.onnx").read_bytes() == b"one"
    assert (second / "model.onnx").read_bytes() == b"two"


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("../outside", b"x"),
        ("link", (tarfile.SYMTYPE, "../../outside")),
        ("link", (tarfile.SYMTYPE, "/etc/passwd")),
        ("link", (tarfile.LNKTYPE, "../outside")),
        ("device", (tarfile.CHRTYPE, "")),
    ],
)
def test_an_archive_that_reaches_outside_is_refused(store, tmp_path, name, content):
    made = store({"models/model.tar.gz": archive(("model.onnx", b"x"), (name, content))})

    with pytest.raises(ModelDataFailed, match="Failed to extract model data archive"):
        made.directory(ModelData(URI), NEVER)

    assert list(tmp_path.iterdir()) == [tmp_path / "models"]
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no archive",
        archive(("model.onnx", b"x" * 5000))[:-40],
        archive(("a", b"b"), mode="w"),
    ],
    ids=["empty", "text", "cut off", "not compressed"],
)
def test_what_is_no_tar_gz_is_refused_in_awss_words(store, content):
    made = store({"models/model.tar.gz": content})

    with pytest.raises(ModelDataFailed) as caught:
        made.directory(ModelData(URI), NEVER)

    assert str(caught.value) == (
        'Failed to extract model data archive for container "container_1" from URL '
        '"s3://bucket/models/model.tar.gz". Please ensure that the object located at the URL is '
        "a valid tar.gz archive."
    )


def test_an_object_that_is_gone_is_refused_in_awss_words(store):
    with pytest.raises(ModelDataFailed, match="Failed to download model data for container"):
        store({}).directory(ModelData(URI), NEVER)


def test_a_prefix_gives_its_objects_as_they_are_and_none_from_outside(store):
    made = store(
        {
            "models/v1/model.onnx": b"weights",
            "models/v1/a/labels": b"labels",
            "models/v1/../../escaped": b"x",
            "models/v2/model.onnx": b"other",
        }
    )

    folder = made.directory(ModelData("s3://bucket/models/v1/", True, False), NEVER)

    found = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    assert found == ["a/labels", "model.onnx"]


def test_a_container_without_model_data_gets_an_empty_folder(store):
    folder = store({}).directory(None, NEVER)

    assert list(folder.iterdir()) == []


def test_clearing_removes_read_only_folders(store, tmp_path):
    made = store({"models/model.tar.gz": archive(("a/b", b"x"))})
    made.directory(ModelData(URI), NEVER)

    made.clear()

    assert list(tmp_path.iterdir()) == []
